"""``manage.py oauth tour``: walk through each flow for real, and tell whether it works here.

``exchange.py`` sends requests and remembers them, ``visitors.py`` makes the temporary client and user,
``server.py`` serves the site to ourselves, ``walks.py`` knows each flow's way, ``command.py`` prints.
"""

from django_oauthflows.management.tour.command import add_arguments, handle

__all__ = ["add_arguments", "handle"]
