"""An application model of the site's own, swapped in for the toolkit's."""

from django.db import models
from oauth2_provider.models import AbstractApplication


class Team(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class App(AbstractApplication):
    department = models.CharField(max_length=50)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta(AbstractApplication.Meta):
        pass

    def __str__(self) -> str:
        return self.name
