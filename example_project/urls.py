"""Routes of the example project."""

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import views as auth
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from django_oauthflows.views.metrics import MetricsView
from example_project import unavailable
from example_project.notes import api, views

handler500 = unavailable.handler500

urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("", views.home, name="home"),
    # Browsers ask for it on pages that name no icon.
    path("favicon.ico", RedirectView.as_view(url=static("notes/icon.svg"))),
    path("notes/", views.notes, name="notes"),
    path("notes/<int:pk>/delete/", views.delete_note, name="delete-note"),
    path("clients/", include("example_project.clients.urls")),
    path("flows/", include("example_project.explorer.urls")),
    path("docs/", include("example_project.documentation.site")),
    path("accounts/login/", views.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("accounts/password_change/", auth.PasswordChangeView.as_view(), name="password_change"),
    path(
        "accounts/password_change/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"
    ),
    # Logos of apps, small PNG files that were written anew; a larger site has its web server serve them.
    path("media/<path:path>", views.media),
    path("watch/doctor/", staff_member_required(views.doctor), name="doctor"),
    path("watch/metrics/", staff_member_required(MetricsView.as_view()), name="watch-metrics"),
    path("admin/", admin.site.urls),
    path("api/", include("example_project.schema")),
    path("api/me/", api.Me.as_view(), name="api-me"),
    path("api/notes/", api.Notes.as_view(), name="api-notes"),
    path("api/stats/", api.Stats.as_view(), name="api-stats"),
    path("api/report/", api.Report.as_view(), name="api-report"),
]
