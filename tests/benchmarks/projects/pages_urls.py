"""As ours, with the admin."""

from django.contrib import admin
from django.urls import path

from tests.benchmarks.projects import ours_urls

urlpatterns = [*ours_urls.urlpatterns, path("admin/", admin.site.urls)]
