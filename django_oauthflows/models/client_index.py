"""What of a client is looked up by its exact value: browser origins, API identifiers, and how its name looks.

What anybody may ask without a login must cost the same on a site of ten clients and of a hundred
thousand. The client's own columns, which staff edit, stay the truth; these small tables follow them
whenever a client is saved, by this package's model, by the toolkit's, or from a fixture.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.db.models.signals import post_save
from oauth2_provider.settings import APPLICATION_MODEL

from django_oauthflows.confusables import host_skeleton, skeleton
from django_oauthflows.database import Exactly, WriterManager, atomic
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.models.statement import Columns, Given, ReadAll

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

MAX_ORIGIN_LENGTH = 300
#: A longer identifier of an API cannot be asked for.
MAX_RESOURCE_LENGTH = 255
_MAX_SHOWN = 255
#: The columns that the tables follow.
_SOURCES = frozenset({"name", "redirect_uris", "allowed_origins", "trust", "resources", "is_resource_server"})

Row = TypeVar("Row", bound="_Following")


def comparable(resource: str) -> str:
    """One spelling for the identifier of an API with and without its last slash (RFC 8707 §2)."""
    return resource.rstrip("/")


class _Following(models.Model):
    """A row about one client, made of what its columns say."""

    class Meta:
        abstract = True

    #: The fields that make one row differ from another of the same client.
    contents: tuple[str, ...]
    client_id: Any
    objects: Any

    def content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.contents)

    @classmethod
    def wanted(cls: type[Row], client: Client) -> list[Row]:
        """The rows that ``client`` should have, not saved. ``client`` may be a historical model."""
        raise NotImplementedError

    @classmethod
    def follow(cls, client: Client, *, using: str, new: bool) -> None:
        """Make the rows of ``client`` what they should be. Three statements at most, one for a new client."""
        wanted = {row.content(): row for row in cls.wanted(client)}
        rows = cls.objects.using(using)
        if not new:
            there = {row.content(): row.pk for row in rows.filter(client_id=client.pk)}
            gone = [pk for content, pk in there.items() if content not in wanted]
            if gone:
                rows.filter(pk__in=gone).delete()
            wanted = {content: row for content, row in wanted.items() if content not in there}
        if wanted:
            rows.bulk_create(wanted.values(), ignore_conflicts=True)


class ClientOriginManager(WriterManager["ClientOrigin"]):
    def allows(self, origin: str) -> bool:
        """Whether any client that is not suspended has registered ``origin``. One indexed statement at most."""
        # What no client can have registered, such as "null", is not asked about.
        if "://" not in origin or len(origin) > MAX_ORIGIN_LENGTH or "\x00" in origin:
            return False
        return self.filter(Exactly(F("origin"), origin), client__suspended_at=None).exists()


class ClientOrigin(_Following):
    """An origin whose pages may read our answers (CORS), from the client's ``allowed_origins``."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="origins", db_index=False)
    origin = models.CharField(max_length=MAX_ORIGIN_LENGTH)

    objects = ClientOriginManager()
    contents = ("origin",)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["client", "origin"], name="oauthflows_origin_once")]
        indexes = [models.Index(fields=["origin"], name="oauthflows_origin")]

    def __str__(self) -> str:
        return self.origin

    @classmethod
    def wanted(cls, client: Client) -> list[ClientOrigin]:
        origins = dict.fromkeys(client.allowed_origins.split())
        return [cls(client_id=client.pk, origin=each) for each in origins if len(each) <= MAX_ORIGIN_LENGTH]


class ClientResourceManager(WriterManager["ClientResource"]):
    def known(self, identifiers: Iterable[str]) -> set[str]:
        """Those of ``identifiers`` that staff registered an API for. One indexed statement."""
        asked = {identifier: comparable(identifier) for identifier in identifiers}
        rows = self.filter(identifier__in=set(asked.values()), client__suspended_at=None)
        # Not `distinct`: a database may take two cases for the same, and keep the other.
        found = set(rows.values_list("identifier", flat=True))
        return {identifier for identifier, spelled in asked.items() if spelled in found}


class ClientResource(_Following):
    """The identifier of an API that is registered as a client, from its ``resources`` (RFC 8707)."""

    client = models.ForeignKey(
        "Client", on_delete=models.CASCADE, related_name="resource_identifiers", db_index=False
    )
    identifier = models.CharField(max_length=MAX_RESOURCE_LENGTH)

    objects = ClientResourceManager()
    contents = ("identifier",)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["client", "identifier"], name="oauthflows_resource_once")
        ]
        indexes = [models.Index(fields=["identifier"], name="oauthflows_resource")]

    def __str__(self) -> str:
        return self.identifier

    @classmethod
    def wanted(cls, client: Client) -> list[ClientResource]:
        named = client.resources.split() if client.is_resource_server else ()
        return [
            cls(client_id=client.pk, identifier=each)
            for each in dict.fromkeys(map(comparable, named))
            if len(each) <= MAX_RESOURCE_LENGTH
        ]


class ClientSkeletonManager(WriterManager["ClientSkeleton"]):
    def beginning(self, text: str, kinds: Iterable[ClientSkeleton.Kind]) -> models.QuerySet[Any, int]:
        """Keys of the clients with a name or host of these ``kinds`` that begins with ``text``, in any case."""
        rows = self.filter(folded__startswith=folded(text), kind__in=[kind.value for kind in kinds])
        return rows.values_list("client_id", flat=True)

    def like(self, skeletons: Iterable[str], *, known_to: Any) -> list[ClientSkeleton]:
        """Rows that look like one of ``skeletons``, of clients that the site vouches for or has reviewed,
        and of those that the user ``known_to`` has connected. One statement, which an index answers.
        """
        wanted = sorted(set(filter(None, skeletons)))
        if not wanted:
            return []
        # As many places as the next power of two, so that few statements answer for any number.
        places = 1 << (len(wanted) - 1).bit_length()
        filled = wanted + wanted[:1] * (places - len(wanted))
        given = {f"skeleton_{place}": each for place, each in enumerate(filled)}
        like = _like(places)
        # Nobody has a key of `None`.
        rows = like.rows(user_id=getattr(known_to, "pk", None), **given)
        found = [like.instances(row)[0] for row in rows]
        # Asked again here: some databases take more letters for the same than we do.
        return [row for row in found if row.skeleton in wanted]


@cache
def _like(places: int) -> ReadAll:
    """The statement that looks for so many skeletons."""
    return ReadAll(lambda: ClientSkeleton, lambda: _that_look_like(places))


def _that_look_like(places: int) -> tuple[models.QuerySet[Any, Any], tuple[Columns, ...]]:
    # Two halves, not one condition: any number of strangers may bear the same name. An index passes
    # over them in the first half. The second starts from the user's own apps, which are few; joined
    # with nothing, the skeleton is no column of an index that could lead astray.
    wanted = [Given(f"skeleton_{place}", ClientSkeleton, "skeleton") for place in range(places)]
    vouched = ClientSkeleton.objects.filter(skeleton__in=wanted, vouched=1)
    user_id = Given("user_id", apps.get_model("django_oauthflows", "Consent"), "user")
    connected = ClientSkeleton.objects.filter(client__consents__user=user_id).alias(
        bare=Concat("skeleton", Value(""), output_field=models.TextField())
    )
    shown = Columns.of(ClientSkeleton, ("id", "client_id", "kind", "shown", "skeleton"))
    return vouched.union(connected.filter(bare__in=wanted)), (shown,)


class ClientSkeleton(_Following):
    """What a client's name, or the host of one of its redirect URIs, looks like at a glance.

    The skeletons are of the rules in ``confusables.py``: whoever changes those rules writes a migration
    that calls ``index_clients`` again.
    """

    class Kind(models.TextChoices):
        NAME = "name"
        HOST = "host"

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="skeletons", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    shown = models.CharField(max_length=_MAX_SHOWN)
    skeleton = models.CharField(max_length=_MAX_SHOWN)
    #: What is ``shown``, in small letters: searches by its beginning.
    folded = models.CharField(max_length=_MAX_SHOWN, default="")
    #: 1 if the client belongs to the site or was reviewed (see ``Client.trust``), else 0. A number, because
    #: SQLite uses no index for a condition that is a column alone.
    vouched = models.PositiveSmallIntegerField(default=0)

    objects = ClientSkeletonManager()
    contents = ("kind", "shown", "skeleton", "vouched", "folded")

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(
                fields=["client", "skeleton", "kind", "shown"], name="oauthflows_skeleton_once"
            )
        ]
        indexes = [
            models.Index(fields=["skeleton", "vouched"], name="oauthflows_skeleton"),
            # PostgreSQL searches by the beginning with such an index only; the others do not know the word.
            models.Index(fields=["folded"], name="oauthflows_folded", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.shown

    @classmethod
    def wanted(cls, client: Client) -> list[ClientSkeleton]:
        vouched = int(client.trust != "not_reviewed")
        hosts = dict.fromkeys(host_of(uri) for uri in client.redirect_uris.split())
        texts = [(cls.Kind.NAME, client.name, name_skeleton(client.name))]
        texts += [(cls.Kind.HOST, host, shown_skeleton(host)) for host in hosts]
        return [
            cls(
                client_id=client.pk,
                kind=kind.value,
                shown=text[:_MAX_SHOWN],
                skeleton=alike,
                vouched=vouched,
                folded=folded(text),
            )
            for kind, text, alike in texts
            if text
        ]


def folded(text: str) -> str:
    """A name or host as it is searched for."""
    return text.lower()[:_MAX_SHOWN]


def name_skeleton(name: str) -> str:
    """The skeleton of a name, as it is stored and asked for."""
    return skeleton(name)[:_MAX_SHOWN]


def shown_skeleton(host: str) -> str:
    """The skeleton of a host, as it is stored and asked for."""
    return host_skeleton(host)[:_MAX_SHOWN]


INDEXES: tuple[type[_Following], ...] = (ClientOrigin, ClientResource, ClientSkeleton)


def index_clients(clients: Any, registry: Any, *, step: int = 1000) -> None:
    """Write the rows of the ``clients`` of a queryset: some at a time, however many there are.

    ``registry`` has the models: Django's, or as they were at the time of a migration.
    """
    last = 0
    while some := list(clients.filter(pk__gt=last).order_by("pk")[:step]):
        for index in INDEXES:
            model = registry.get_model("django_oauthflows", index.__name__)
            there = {field.attname for field in model._meta.concrete_fields}
            fields = [name for name in ("client_id", *index.contents) if name in there]
            rows = [row for client in some for row in index.wanted(client)]
            model._base_manager.using(clients.db).bulk_create(
                [model(**{name: getattr(row, name) for name in fields}) for row in rows],
                ignore_conflicts=True,
            )
        if len(some) < step:
            break
        last = some[-1].pk


def _follow(
    *, instance: Any, created: bool, raw: bool, using: str, update_fields: Any = None, **_: Any
) -> None:
    """A client was saved, by whichever model."""
    if update_fields is not None and _SOURCES.isdisjoint(update_fields):
        return
    model = apps.get_model("django_oauthflows", "Client")
    new = created and not raw and isinstance(instance, model)
    with atomic(model):
        # As the database has it: an instance may be of the toolkit's model, or hold a part of the fields;
        # and of two who save at once, both leave what the second wrote.
        client = (
            instance if new else model.objects.using(using).select_for_update().filter(pk=instance.pk).first()
        )
        if client is None:
            return  # an application that is no client yet, or half a fixture
        for index in INDEXES:
            index.follow(client, using=using, new=new)


def watch() -> None:
    """Called when the app is ready."""
    for model in (apps.get_model("django_oauthflows", "Client"), apps.get_model(APPLICATION_MODEL)):
        post_save.connect(_follow, sender=model, dispatch_uid=f"oauthflows.index.{model._meta.label}")
