"""Addresses of the disclosure desk."""

from django.urls import path

from disclosure import views

app_name = "disclosure"
urlpatterns = [
    path("", views.index, name="index"),
    path("for/<uuid:project_pk>/", views.submit, name="submit"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/tables/", views.look, name="look"),
    path("<uuid:pk>/send/", views.send, name="send"),
    path("<uuid:pk>/check/", views.check_again, name="check-again"),
    path("<uuid:pk>/file/", views.new_file, name="new-file"),
    path("<uuid:pk>/clear/", views.clear, name="clear"),
    path("<uuid:pk>/return/", views.give_back, name="return"),
    path("<uuid:pk>/release/", views.release, name="release"),
    path("<uuid:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("<uuid:pk>/package/", views.fetch, name="package"),
    path("<uuid:pk>/copy/", views.file_copy, name="copy"),
]
