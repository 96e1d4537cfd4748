"""How much a client is used: tokens issued per day and flow, counted in memory and flushed now and then.

The hot path writes nothing for this. Each process sends its counts at most once a minute and at
its end; a crash loses at most a minute of counts.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ClientUsage(models.Model):
    """Tokens that a client got on one day by one flow."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="usage")
    day = models.DateField(_("day"))
    flow = models.CharField(_("flow"), max_length=30)
    tokens_issued = models.PositiveIntegerField(_("tokens issued"), default=0)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)

    class Meta:
        verbose_name = _("client usage")
        verbose_name_plural = _("client usage")
        constraints = [
            models.UniqueConstraint(fields=["client", "day", "flow"], name="oauthflows_usage_per_day"),
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.day} {self.flow}: {self.tokens_issued}"
