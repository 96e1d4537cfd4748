"""An application model of the site's own, swapped in for the toolkit's."""

from django.db import models
from oauth2_provider.models import AbstractApplication


class App(AbstractApplication):
    department = models.CharField(max_length=50, blank=True)

    class Meta(AbstractApplication.Meta):
        pass

    def __str__(self) -> str:
        return self.name
