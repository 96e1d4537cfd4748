"""What codes and tokens look like. Knows neither models nor django-oauth-toolkit."""
