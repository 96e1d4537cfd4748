"""Actions of staff: each shows what it hits, asks why, checks its permission and is on record."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import DataError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from django_oauthflows.admin.impact import Impact
from django_oauthflows.admin.keyset import KeysetList
from django_oauthflows.admin.permissions import demand, demand_to_act_on, may, objection
from django_oauthflows.database import atomic, planned_anew
from django_oauthflows.forms.action import ReasonForm
from django_oauthflows.views.pages import says_when_busy

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's class takes no parameter when it runs
    _ModelAdmin = admin.ModelAdmin

#: So many rows can be acted on by one request: each is done by itself, with its own record.
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Action:
    """Something that staff do to one or more rows. ``permission`` is a codename of this app.

    ``run(row, by=…, reason=…)`` is the verb of the row's own model; ``impact`` says what it would
    hit, ``None`` where the rows say so themselves.
    """

    name: str
    permission: str
    title: Any
    warning: Any
    done: Any
    run: Callable[..., object]
    impact: Callable[[Sequence[Any]], Impact] | None
    applies: Callable[[Any], bool] = lambda row: True
    describe: Callable[[Any], str] = str
    #: What the list of rows calls it; empty when it is for one row at a time.
    many: Any = ""
    deletes: bool = False
    #: Whether it stops or ends something: then it stands apart, and is red.
    harmful: bool = False
    #: Why it cannot be done to a row as that is now, whoever asks; such rows are left out.
    obstacle: Callable[[Any], str] = lambda row: ""
    #: Whether it asks more than the permission where the row is a client that the site vouches for.
    guarded: bool = False

    @property
    def list_name(self) -> str:
        """Its name among the actions of the list."""
        return self.name.replace("-", "_")

    def allowed_to(self, user: Any) -> bool:
        """Whether ``user`` may do it at all."""
        return may(user, self.permission)

    def objection(self, user: Any, row: Any) -> str:
        """Why ``user`` may not do it to ``row``; empty when they may."""
        return objection(user, row) if self.guarded else ""


def is_key(model: type[Model], text: str) -> bool:
    """Whether ``text`` can be the primary key of a row of ``model``."""
    field: Any = model._meta.pk
    while field.remote_field is not None:  # a child's key is that of its parent
        field = field.target_field
    try:
        field.run_validators(field.to_python(text))
    except ValidationError:
        return False
    return True


def _in_utf8(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuses a request in another encoding, which could bring text that can be neither stored nor shown."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.encoding is not None and codecs.lookup(request.encoding).name != "utf-8":
            raise BadRequest("Only UTF-8 is understood here.")
        return view(request, *args, **kwargs)

    return checked


class ActionAdmin(_ModelAdmin):
    """A list whose rows can be acted on, by those who may."""

    row_actions: tuple[Action, ...] = ()
    #: What the rows are, in a sentence for those who have never heard of it.
    about: Any = ""
    #: The columns of an index, the key last, by which a large table is listed, the newest first.
    keyset: tuple[str, ...] = ("pk",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetList

    def completed(self, rows: Iterable[Any]) -> Iterable[Any]:
        """The rows of one page, with what their columns need besides."""
        return rows

    def found_by(self, text: str) -> Q:
        """The condition of a search, which indexes answer: of a large table they find what begins so."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's own way looks for the words anywhere in each row."""
        text = search_term.strip().replace("\0", "")
        if not text or not self.get_search_fields(request):
            return queryset, False
        return queryset.filter(self.found_by(text)), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only by what the list offers to filter by. Django lets any column of the table's own be asked for in an
        address, letter by letter: epochs, digests of secrets and nonces as well, which no page shows.
        """
        name = lookup.partition("__")[0]
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return super().lookup_allowed(lookup, value, request)
        if field.many_to_one:  # by the key of whose rows they are, as links to the list do
            return lookup in (name, f"{name}__exact")
        filters = self.get_list_filter(request)
        columns = [entry[0] for entry in filters if isinstance(entry, (tuple, list))]
        return name in columns or any(lookup == getattr(entry, "parameter_name", "") for entry in filters)

    class Media:
        css = {"all": ("django_oauthflows/admin.css",)}
        js = ("django_oauthflows/admin.js",)

    def own_urls(self) -> list[URLPattern]:
        """Pages besides Django's."""
        return []

    def get_urls(self) -> list[URLPattern]:
        """Ours before Django's own, which take anything for a key."""
        urls = [*self.own_urls(), *super().get_urls()]
        for url in urls:
            url.callback = says_when_busy(_in_utf8(planned_anew(self.model)(url.callback)))
        return urls

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Those that may be done, less Django's own "delete selected", which asks for no reason.

        Since 6.1 Django also asks for those of a single object's page: ours has buttons of its own.
        """
        if action_location is not None and action_location.name != "CHANGE_LIST":
            return {}
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        for action in self.row_actions:
            if action.many and action.allowed_to(request.user):
                actions[action.list_name] = (partial(on_chosen, action), action.list_name, action.many)
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        for action in self.row_actions:
            if request.POST.get("action") == action.list_name:
                demand(request.user, action.permission)
        # Django looks these up as they are, and fails on what is no key.
        if not all(is_key(self.model, key) for key in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)):
            raise BadRequest("No row has such a key.")
        return super().changelist_view(request, extra_context)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Raises ``IncorrectLookupParameters``, which Django answers with the whole list, for every bad parameter.

        Django itself does so for what it notices before it asks the database.
        """
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters(error) from error

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        try:
            return super().get_object(request, object_id, from_field or None)  # an empty name is no field's
        except OverflowError:  # Django spares SQLite numbers that are too large, but not in a key to a parent
            return None

    def page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> TemplateResponse:
        """A page of our own within the admin's frame. ``template`` is its name among ours."""
        return page_within(self, request, template, title, **context)


def page_within(
    model_admin: _ModelAdmin, request: HttpRequest, template: str, title: Any, **context: Any
) -> TemplateResponse:
    """A page of ours within the frame of any model's admin, also one of the host's."""
    frame = {**model_admin.admin_site.each_context(request), "title": title, "opts": model_admin.opts}
    return TemplateResponse(request, f"admin/django_oauthflows/{template}", frame | context)


def on_chosen(
    action: Action, model_admin: _ModelAdmin, request: HttpRequest, rows: QuerySet[Any]
) -> HttpResponse:
    """What Django calls when the action was chosen for some rows of a list."""
    return action_page(model_admin, request, action, rows[: MOST_AT_ONCE + 1], back=request.get_full_path())


def action_page(
    model_admin: _ModelAdmin,
    request: HttpRequest,
    action: Action,
    rows: Sequence[Any] | QuerySet[Any],
    *,
    back: str,
) -> HttpResponse:
    """Ask first, with what it hits; on the confirming POST do it."""
    demand(request.user, action.permission)
    chosen = list(rows)
    if len(chosen) > MOST_AT_ONCE:
        told = _("Choose at most %(number)d at a time.") % {"number": MOST_AT_ONCE}
        model_admin.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(back)
    confirmed = "confirm" in request.POST
    hit, left_out = _sorted_out(request.user, action, chosen, confirmed=confirmed)
    form = ReasonForm(request.POST if confirmed else None)
    if confirmed and (hit or not left_out) and form.is_valid():
        _perform(model_admin, request, action, hit, form.cleaned_data["reason"])
        return HttpResponseRedirect(back)
    return page_within(
        model_admin,
        request,
        "action.html",
        action.title,
        action=action,
        rows=[(row.pk, action.describe(row)) for row in hit],
        left_out=[(action.describe(row), why_not) for row, why_not in left_out],
        # On the page of one row there is a way back to it.
        original=chosen[0] if _is_own_page(model_admin, request, chosen) else None,
        impact=action.impact(hit) if action.impact else None,
        form=form,
        back=back,
    )


def _is_own_page(model_admin: _ModelAdmin, request: HttpRequest, chosen: Sequence[Any]) -> bool:
    return "action" not in request.POST and isinstance(chosen[0], model_admin.model)


def _sorted_out(
    user: Any, action: Action, chosen: Sequence[Any], *, confirmed: bool
) -> tuple[list[Any], list[tuple[Any, str]]]:
    """The rows to act on, and those that are left out, each with the reason.

    The page that asks leaves out what ``user`` may not act on, so that sending one all the same is refused, and
    with it everything.
    """
    wanted = [row for row in chosen if action.applies(row)]
    forbidden = [(row, why_not) for row in wanted if (why_not := action.objection(user, row))]
    impossible = [(row, why_not) for row in wanted if (why_not := action.obstacle(row))]
    left_out = [*forbidden, *impossible]
    hit = [row for row in wanted if row not in {one for one, _why_not in left_out}]
    if forbidden and (confirmed or not hit):
        raise PermissionDenied(forbidden[0][1])
    return hit, left_out


def _perform(
    model_admin: _ModelAdmin, request: HttpRequest, action: Action, rows: Sequence[Any], reason: str
) -> None:
    """What is done to a row and its two records are there together or not at all."""
    for row in rows:
        with atomic(row):
            if action.guarded:
                demand_to_act_on(request.user, row)
            _log(request, row, f"{action.done}: {reason}", DELETION if action.deletes else CHANGE)
            action.run(row, by=request.user, reason=reason)
    told = f"{rows[0]}: {action.done}." if len(rows) == 1 else f"{action.done}: {len(rows)}."
    model_admin.message_user(request, told, messages.SUCCESS)


def _log(request: HttpRequest, row: Any, message: str, flag: int) -> None:
    """Put it into Django's admin log, whose own verb for deletions takes no message."""
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, [row], flag, message, single_object=True)
