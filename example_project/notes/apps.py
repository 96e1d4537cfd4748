"""The notes app."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "example_project.notes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from example_project import prepared
        from example_project.notes import cors

        cors.watch()
        prepared.watch()
