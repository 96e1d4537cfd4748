"""``manage.py oauth doctor``: look at the running set-up, and say what is wrong and which line to change.

``finding.py`` is what is said; ``settings.py``, ``served.py``, ``services.py``, ``data.py`` and ``clients.py`` look;
``command.py`` prints. Nothing is changed, and nothing secret is read out.
"""

from django_oauthflows.management.doctor.command import add_arguments, handle

__all__ = ["add_arguments", "handle"]
