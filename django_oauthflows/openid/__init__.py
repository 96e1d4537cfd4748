"""OpenID Connect: logging in to other programs with this site's accounts, and logging out."""
