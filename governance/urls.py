"""Addresses above the desks."""

from django.urls import path

from governance import views

urlpatterns = [
    path("", views.home, name="home"),
    path("projects/<uuid:pk>/", views.project, name="project"),
    path("projects/<uuid:pk>/close/", views.close, name="project-close"),
    path("demo/", views.demo, name="demo"),
    path("demo/sign-in/<uuid:pk>/", views.demo_sign_in, name="demo-sign-in"),
    path("demo/clock/", views.demo_clock, name="demo-clock"),
]
