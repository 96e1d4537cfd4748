"""The seam to django-oauth-toolkit: the classes that it finds by a settings name."""
