"""Sending what waits in the outbox, never within a user's request.

``kind``: what a kind of message is. ``registry``: the list of kinds. ``delivery``: sends what is due.
``errors``: why something could not be sent, in words. ``workers``: who delivers and when (Django's tasks, a
thread, or the host's own call of ``manage.py oauth deliver``); ``tasks`` is what Django's tasks call.
"""
