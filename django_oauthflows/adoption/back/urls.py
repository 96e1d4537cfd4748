"""For a site that goes back to the toolkit (see ``toolkit/back.py``), above the toolkit's own ``include`` and under its
prefix: introspection that knows our tokens and the toolkit's.
"""

from django.urls import path

from django_oauthflows.views.token import IntrospectionView

urlpatterns = [path("introspect/", IntrospectionView.as_view())]
