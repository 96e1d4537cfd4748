"""The least that a conventional design stores: a client with a digest, and one row per token."""

from django.conf import settings
from django.db import models


class FloorClient(models.Model):
    client_id = models.CharField(max_length=64, unique=True)
    secret_digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.client_id


class FloorToken(models.Model):
    """A code, access token or refresh token, by its digest."""

    digest = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8)
    client = models.ForeignKey(FloorClient, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    scope = models.TextField()
    expires_at = models.DateTimeField()
    spent = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
