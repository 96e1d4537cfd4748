"""The site's users in the admin, with a line that leads to the apps that each has connected."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from django_oauthflows.admin.user_apps import ConnectedAppsMixin

if admin.site.is_registered(User):
    admin.site.unregister(User)

    @admin.register(User)
    class NotesUserAdmin(ConnectedAppsMixin, UserAdmin):  # type: ignore[type-arg]
        """As it comes, and the connected apps."""
