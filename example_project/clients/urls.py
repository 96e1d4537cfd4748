"""Routes of the clients."""

from django.urls import path

from example_project.clients import views, web

app_name = "clients"

urlpatterns = [
    path("web/", web.index, name="web"),
    path("web/log-in/", web.log_in, name="web-log-in"),
    path("web/callback/", web.callback, name="web-callback"),
    path("web/add-note/", web.add_note, name="web-add-note"),
    path("web/refresh/", web.refresh, name="web-refresh"),
    path("web/log-out/", web.log_out, name="web-log-out"),
    path("web/log-out-everywhere/", web.log_out_everywhere, name="web-log-out-everywhere"),
    path("spa/", views.spa, name="spa"),
    path("native/", views.native, name="native"),
    path("service/", views.run_service, name="service"),
    path("job/", views.run_job, name="job"),
    path("second-site/", views.second_site, name="second-site"),
    path("tv/", views.tv, name="tv"),
    path("legacy-spa/", views.legacy_spa, name="legacy-spa"),
]
