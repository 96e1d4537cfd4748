"""People who log in with their e-mail address and have a UUID for a key."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.hosts.people"
    label = "people"
