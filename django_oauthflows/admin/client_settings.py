"""The settings of a client: what is shown of them, and what may be set by whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.client_registration import chosen_case, warn_of_likeness, warn_of_twins
from django_oauthflows.admin.permissions import (
    SET_SERVICE_USER,
    TRUST_CLIENT,
    demand_to_act_on,
    has_rights_of,
    may,
    may_act_on,
    objection,
)
from django_oauthflows.flows import registry
from django_oauthflows.forms.new_client import fields_for
from django_oauthflows.logos import can_be_kept
from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import own_columns
from django_oauthflows.models.client_validation import problems_with
from django_oauthflows.scopes import offers_openid

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Client]
else:  # Django's class takes no parameter when it runs
    _ModelAdmin = admin.ModelAdmin

#: What each of these lends a client needs a permission of its own.
_LENDING = {"trust": TRUST_CLIENT, "service_user": SET_SERVICE_USER}
_SEEN_BY_USERS = (
    "name",
    "description",
    "publisher",
    "client_uri",
    "logo",
    "logo_uri",
    "policy_uri",
    "tos_uri",
)
#: What may be changed of a client that the site vouches for by those who could not have vouched: all else is shown.
_HARMLESS = frozenset({*_SEEN_BY_USERS, "owner", "contacts"})


@dataclass(frozen=True, slots=True)
class _Section:
    """Fields of one subject under a title that can be folded away, with a line that says what they are for."""

    title: Any
    help: Any
    names: tuple[str, ...]

    def fieldset(self, left_out: Collection[str], names: Iterable[str] | None = None) -> Any:
        """As Django's admin wants it, without what is left out; ``None`` where nothing remains."""
        wanted = self.names if names is None else [name for name in self.names if name in set(names)]
        fields = [name for name in wanted if name not in left_out]
        # Within the head, where it is read while the section is folded.
        title = format_html('{} <span class="oaf-about-section">{}</span>', self.title, self.help)
        return (title, {"fields": fields, "classes": ["collapse"]}) if fields else None


#: Unfolded, at the top: what every client needs.
_ESSENTIAL = ("name", "redirect_uris", "allowed_scopes", "owner", "trust")
#: There only where users can log in to other programs with this site.
_LOGIN = _Section(
    _("Log in with this site"),
    _("For apps whose users log in with their account of this site (OpenID Connect)."),
    (
        "id_token_algorithm",
        "userinfo_algorithm",
        "subject_kind",
        "post_logout_redirect_uris",
        "logout_notice_uri",
        "logout_notice_needs_session",
    ),
)
_SECTIONS: tuple[_Section, ...] = (
    _Section(
        _("What users see"),
        _("How the app presents itself on the consent page and among the connected apps."),
        tuple(name for name in _SEEN_BY_USERS if name not in _ESSENTIAL),
    ),
    _Section(
        _("How it gets tokens"),
        _("Chosen with the use case; a change here lets the app log in differently."),
        ("flows", "default_scopes", "narrows_scopes", "implicit_until", "implicit_reason", "pkce_exemption"),
    ),
    _Section(
        _("Browser and exceptions"),
        _("For apps that run in a browser, and for addresses that are allowed only with a reason."),
        ("allowed_origins", "accepted_risk"),
    ),
    _Section(
        _("Tokens and limits"),
        _(
            "A token is what an app shows to be let in: what kind it gets, how long it is valid, and how often it may "
            "call the API."
        ),
        (
            "access_token_format",
            "access_token_lifetime",
            "refresh_token_idle_lifetime",
            "refresh_token_absolute_lifetime",
            "throttle_rate",
        ),
    ),
    _Section(
        _("Who may use it, and who answers for it"),
        _("Whom to write to, which users it is for, and the account that it acts as by itself."),
        ("contacts", "user_groups", "service_user"),
    ),
    _Section(
        _("Its own API"),
        _("For an API that checks the tokens which others send it."),
        ("is_resource_server", "resources"),
    ),
    _LOGIN,
    _Section(_("This site's own"), _("What this site keeps of its clients besides."), own_columns()),
)
#: Folded when a client is registered, where there is less to fill in.
_NEW = (
    _Section(
        _("What users see"),
        _("How the app presents itself on the consent page and among the connected apps."),
        ("description", "client_uri", "logo"),
    ),
    _Section(
        _("More"),
        _("Exceptions, who looks after it, and what the site says of it. All of it can be changed later."),
        ("allowed_origins", "accepted_risk", "owner", "service_user", "trust"),
    ),
)


class ClientSettings(_ModelAdmin):
    """The part of ``ClientAdmin`` that changes a client."""

    raw_id_fields = ("owner", "service_user")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        case = None if obj else chosen_case(request)
        if case is not None:
            wanted = fields_for(case)
            hidden = {"client_id", *_not_lendable(request.user)}
            folded = {name for section in _NEW for name in section.names}
            first = [name for name in wanted if name not in folded | hidden]
            sections = [section.fieldset(hidden, wanted) for section in _NEW]
        else:
            pointless = _pointless_for(obj)
            first = [name for name in _ESSENTIAL if name not in pointless]
            sections = [section.fieldset(pointless) for section in _SECTIONS]
        return [(None, {"fields": first}), *filter(None, sections)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        guarded = set() if may_act_on(request.user, obj) else _every_setting() - _HARMLESS
        return tuple(sorted(guarded | _not_lendable(request.user)))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == "service_user":
            field.validators = [*field.validators, partial(_check_service_user, request.user)]
        return field

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            obj = self.get_object(request, unquote(object_id)) if object_id else None
            locked = self.get_readonly_fields(request, obj) if obj else _not_lendable(request.user)
            # These fields are not on their form: sending one is an attempt. A date and a time are two inputs.
            if any(f"{name}{part}" in request.POST for name in locked for part in ("", "_0", "_1")):
                raise PermissionDenied(objection(request.user, obj) if obj else "")
        return super().changeform_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if not change:  # it was registered by its form
            return
        if not _HARMLESS.issuperset(form.changed_data):
            demand_to_act_on(request.user, obj)
        obj.change(form.changed_data, by=request.user)
        if "name" in form.changed_data:
            warn_of_likeness(request, obj)
        if "redirect_uris" in form.changed_data:
            warn_of_twins(request, obj)
        for problem in chain.from_iterable(problems_with(obj).values()):
            self.message_user(
                request,
                gettext("It has this from before, and could not be registered with it today: %(problem)s")
                % {"problem": problem},
                messages.WARNING,
            )


def _every_setting() -> set[str]:
    return {*_ESSENTIAL, *(name for section in _SECTIONS for name in section.names)}


def _not_lendable(user: Any) -> set[str]:
    """The fields for which ``user`` lacks the permission of their own."""
    return {name for name, permission in _LENDING.items() if not may(user, permission)}


def _check_service_user(actor: Any, account: Any) -> None:
    """Raise ``ValidationError`` unless ``actor`` may let a client act as ``account``."""
    if not has_rights_of(actor, account):
        raise ValidationError(
            gettext(
                "This account has rights that you do not have. Only somebody who has them all can choose it."
            )
        )


def _pointless_for(client: Client | None) -> frozenset[str]:
    """What has no meaning for a client of this type."""
    if client is None:
        return frozenset()
    possible = [flow for flow in registry.offered_flows() if client.client_type in flow.client_types]
    wanted = {
        "logo": can_be_kept(),
        "pkce_exemption": client.has_secret,
        "implicit_until": any(flow.needs_end_date for flow in possible),
        "implicit_reason": any(flow.needs_end_date for flow in possible),
        "service_user": any(not flow.has_user for flow in possible),
        **dict.fromkeys(_LOGIN.names, offers_openid()),
    }
    return frozenset(name for name, shown in wanted.items() if not shown)
