"""What a site has from its time with django-oauth-toolkit alone: its applications, tokens and consents.

The models know nothing of it; they tell it by ``signals.access_ended`` when something ends.
"""
