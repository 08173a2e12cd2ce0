"""Addresses of the inbox."""

from django.urls import path

from p20win.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("read/", views.read_all, name="read_all"),
    path("mail/", views.mail, name="mail"),
    path("<uuid:pk>/", views.message, name="message"),
]
