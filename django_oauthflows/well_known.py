"""The well-knowns alone, for the root of a host whose ``include`` of the rest stands under a path:
``path("", include("django_oauthflows.well_known"))``. There clients look first (RFC 8414 §3.1, RFC 9728 §3.1).
"""

from django_oauthflows.urls import well_knowns

app_name = "oauthflows_well_known"

urlpatterns = well_knowns
