from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """The flows, explained by running them."""

    name = "example_project.explorer"
    label = "explorer"
