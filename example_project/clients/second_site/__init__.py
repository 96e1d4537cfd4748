"""A second Django site, whose users log in with their accounts at the first one. django-allauth does all of it.

    python -m example_project.clients.second_site --provider http://127.0.0.1:8000

What makes it so stands in ``settings.py`` and ``urls.py``, and is what the client's integration page shows.
"""
