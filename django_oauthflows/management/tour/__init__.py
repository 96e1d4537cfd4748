"""``manage.py oauth tour``: walk through each flow for real, and tell whether it works here.

``messages.py`` sends requests and remembers them, ``temporary.py`` makes the client and user of a walk,
``server.py`` serves the site to ourselves, ``walk.py`` performs the steps of a flow by their names,
``interruption.py`` listens for Ctrl-C, ``command.py`` prints.
"""

from django_oauthflows.management.tour.command import add_arguments, handle

__all__ = ["add_arguments", "handle"]
