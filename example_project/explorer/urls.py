from django.urls import path

from example_project.explorer import views

app_name = "explorer"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("choose/", views.choose, name="choose"),
    path("<slug:name>/", views.explore, name="explore"),
    path("<slug:name>/next/", views.next_step, name="next"),
    path("<slug:name>/restart/", views.restart, name="restart"),
    path("<slug:name>/back/", views.back, name="back"),
    path("<slug:name>/after/<slug:action>/", views.after, name="after"),
    path("<slug:name>/what-if/<slug:attack>/", views.what_if, name="what-if"),
]
