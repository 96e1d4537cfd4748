"""An OAuth 2.0 provider for a Django site that already has users.

``provider_settings`` is what a host's settings file needs; importing it loads no model.
"""

from django_oauthflows.toolkit.settings import provider_settings

__version__ = "0.2.0"

__all__ = ["__version__", "provider_settings"]
