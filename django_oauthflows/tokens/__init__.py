"""What codes and tokens look like, sealed and signed. Knows neither models nor django-oauth-toolkit."""
