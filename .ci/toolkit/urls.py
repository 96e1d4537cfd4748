"""The toolkit's own views: those are what its tests visit."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("o/", include("oauth2_provider.urls")), path("admin/", admin.site.urls)]
