"""What django-oauth-toolkit finds by a settings name, for its own classes and the host's code on them."""
