"""The host of the API's tests, and a view that goes on with the toolkit's own class."""

from django.urls import path

from tests.api.urls import urlpatterns as others
from tests.toolkit.host_urls import own
from tests.views.test_error_reports import ToolkitView

urlpatterns = [*others, path("toolkit/", ToolkitView.as_view()), *own]
