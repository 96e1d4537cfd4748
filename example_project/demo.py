"""What the demo needs in its database: people with notes, and the registrations of the clients."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Permission
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django.utils.translation import gettext_noop as _

from django_oauthflows.models import Client, ClientSecret, Event
from django_oauthflows.models.client_secret import digest_of
from example_project.clients.credentials import client_secret
from example_project.clients.directory import API_DOCS, CLIENTS, LEGACY_SPA, DemoClient
from example_project.notes.models import Note

CLIENTS_ORIGIN = "http://localhost:8000"
PASSWORD = "demo-password"  # noqa: S105 - everybody may know it


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in to the demo."""

    username: str
    who: str
    notes: tuple[str, ...] = ()
    is_staff: bool = False


PEOPLE = (
    Person(
        "alice",
        _("keeps notes"),
        ("Water the plants on Friday.", "Ask Bob for the recipe.", "Library books!"),
    ),
    Person("bob", _("keeps notes too"), ("Recipe: flour, eggs, milk, patience.",)),
    Person("admin", _("is staff and may use the admin pages"), is_staff=True),
)


@transaction.atomic
def seed(clients_origin: str = CLIENTS_ORIGIN) -> None:
    """Make what is missing and leave the rest as it is, so that seeding again changes nothing.

    ``clients_origin`` is where the browser clients are served; it is added to their registrations.
    """
    for person in PEOPLE:
        _add_person(person)
    for client in CLIENTS:
        _register(client, clients_origin)
    for host in ("localhost", "127.0.0.1"):  # the page works under both names of this machine
        _register(API_DOCS, clients_origin.replace("localhost", host))
    if not Event.objects.filter(kind=Event.Kind.PURGED).exists():
        _look_kept()


def _look_kept() -> None:
    """Something for staff to see in their overview, as on a site that is looked after: one app was reported."""
    bob = get_user_model()._default_manager.get(username="bob")
    Event.objects.record(
        Event.Kind.CLIENT_REPORTED,
        client=Client.objects.get(client_id=LEGACY_SPA.client_id),
        user=bob,
        by=bob,
        about="unasked",
        words="A link in a mail brought me to its login.",
    )
    call_command("oauth", "purge", verbosity=0)


def _add_person(person: Person) -> None:
    users = get_user_model()._default_manager
    if users.filter(username=person.username).exists():
        return
    user = get_user_model()(
        username=person.username,
        first_name=person.username.title(),
        email=f"{person.username}@example.org",
        is_staff=person.is_staff,
        is_superuser=person.is_staff,
    )
    user.set_password(PASSWORD)
    user.save()
    for text in reversed(person.notes):
        Note.objects.create(author=user, text=text)


def _register(demo: DemoClient, origin: str) -> None:
    client = Client.objects.filter(client_id=demo.client_id).first()
    if client is None:
        Client.objects.register(
            client_id=demo.client_id,
            name=demo.name,
            use_case=demo.use_case,
            description=demo.description,
            scopes=demo.scopes,
            redirect_uris=demo.redirect_uris(origin),
            post_logout_redirect_uris=" ".join(demo.logout_uris(origin)),
            allowed_origins=origin if demo.calls_from_browser else "",
            client_secret=client_secret(demo.client_id),
            service_user=_service_user(demo) if demo.service_user else None,
            publisher=demo.publisher,
            trust=Client.Trust.REVIEWED if demo.reviewed else Client.Trust.NOT_REVIEWED,
            logo=_logo(demo),
        )
        return
    _add_origin(client, demo, origin)
    name = client.logo.name
    if name and not client.logo.storage.exists(name):  # kept on another machine, or deleted
        client.logo = _logo(demo)
        client.save(update_fields=["logo"])
    # The key that secrets are derived from may have changed since the last time.
    secret = client_secret(demo.client_id)
    if client.has_secret and not client.live_secrets().filter(digest=digest_of(secret)).exists():
        ClientSecret.objects.adopt(client, secret)


def _logo(demo: DemoClient) -> ContentFile[bytes] | str:
    return ContentFile(demo.logo, name="logo.png") if demo.logo else ""


def _add_origin(client: Client, demo: DemoClient, origin: str) -> None:
    """The demo may have been served on another port before."""
    joined = {
        "redirect_uris": _joined(client.redirect_uris, demo.redirect_uris(origin)),
        "post_logout_redirect_uris": _joined(client.post_logout_redirect_uris, demo.logout_uris(origin)),
        "allowed_origins": _joined(client.allowed_origins, (origin,) if demo.calls_from_browser else ()),
    }
    if any(getattr(client, name) != value for name, value in joined.items()):
        for name, value in joined.items():
            setattr(client, name, value)
        client.save(update_fields=list(joined))


def _joined(known: str, more: tuple[str, ...]) -> str:
    return " ".join(dict.fromkeys([*known.split(), *more]))


def _service_user(demo: DemoClient) -> AbstractUser:
    """An account that nobody can log in to, with the one permission that the job needs."""
    user, created = get_user_model()._default_manager.get_or_create(
        username=demo.service_user, defaults={"first_name": demo.name}
    )
    if created:
        user.set_unusable_password()
        user.save()
        user.user_permissions.add(
            Permission.objects.get(codename="view_note", content_type__app_label="notes")
        )
    return user
