"""Django admin for staff who have never read an RFC. Replaces the toolkit's own pages.

The toolkit registers raw model forms, live tokens included; ours take their place, and nothing about
a live token can be edited.
"""

# First: the toolkit's registrations must be there before they can be taken back.
import oauth2_provider.admin  # noqa: F401
from django.contrib import admin
from oauth2_provider import models as toolkit

from django_oauthflows.admin.authorization import AuthorizationAdmin
from django_oauthflows.admin.client import ClientAdmin
from django_oauthflows.admin.consent import ConsentAdmin
from django_oauthflows.admin.event import EventAdmin
from django_oauthflows.admin.outbox import OutboxAdmin
from django_oauthflows.admin.signing_key import SigningKeyAdmin

for _model in (
    toolkit.get_application_model(),
    toolkit.get_access_token_model(),
    toolkit.get_refresh_token_model(),
    toolkit.get_grant_model(),
    toolkit.get_id_token_model(),
):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

__all__ = [
    "AuthorizationAdmin",
    "ClientAdmin",
    "ConsentAdmin",
    "EventAdmin",
    "OutboxAdmin",
    "SigningKeyAdmin",
]
