"""What became of a refresh token from the site's time with stock django-oauth-toolkit."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows.database import WriterManager


class AdoptedToken(models.Model):
    """A refresh token of the toolkit's that was used here, by its digest, and the authorization that it became.

    Its answer may have been lost: the client can then ask again. Used once more later, it ends the
    authorization. The purge clears it away after a month.
    """

    # No cascade and no constraint: authorizations are deleted by table, not by row.
    authorization = models.ForeignKey(
        "Authorization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        editable=False,
    )
    used_at = models.DateTimeField(default=timezone.now, editable=False)
    #: SHA-256 in hex, as the toolkit keeps it.
    checksum = models.CharField(max_length=64, unique=True, editable=False)

    objects = WriterManager["AdoptedToken"]()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("adopted token")
        verbose_name_plural = _("adopted tokens")

    def __str__(self) -> str:
        return f"adopted token of {self.authorization_id}"
