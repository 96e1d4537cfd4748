"""The app, so that its command is found."""

from django.apps import AppConfig


class DocumentationConfig(AppConfig):
    """What README and documentation say of the code, written from the code."""

    name = "example_project.documentation"
    label = "documentation"
