"""factory-boy factories: users, and clients registered by the same verb that staff use."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth import get_user_model

from django_oauthflows.models import Client

PASSWORD = "demo-password"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password(PASSWORD)


class ClientFactory(factory.Factory):
    """Makes ``(client, secret)``; secret is ``None`` for public clients."""

    class Meta:
        model = Client

    class Params:
        public = factory.Trait(use_case="spa")
        machine = factory.Trait(use_case="service", redirect_uris=())
        fragment = factory.Trait(use_case="legacy-spa")

    name = factory.Sequence(lambda n: f"Client {n}")
    use_case = "web"
    redirect_uris = ("https://client.example/callback",)
    scopes = ("profile", "notes:read", "notes:write", "stats:read")

    @classmethod
    def _create(cls, model_class: type[Client], *args: Any, **kwargs: Any) -> tuple[Client, str | None]:
        return model_class.objects.register(**kwargs)
