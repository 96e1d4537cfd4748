"""The way back to django-oauth-toolkit: what is at our addresses meanwhile (its validator is ``toolkit/back.py``)."""
