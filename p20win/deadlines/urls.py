"""Addresses of deadlines."""

from django.urls import path

from p20win.deadlines import views

app_name = "deadlines"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("closed-days/", views.closed_days, name="closed_days"),
    path("closed-days/enter/", views.enter_closed_day, name="enter_closed_day"),
    path("closed-days/<uuid:pk>/withdraw/", views.withdraw_closed_day, name="withdraw_closed_day"),
    path("calendar/make/", views.make_feed, name="make_feed"),
    path("calendar/revoke/", views.revoke_feed, name="revoke_feed"),
    path("calendar/<str:secret>.ics", views.feed, name="feed"),
    path("<uuid:pk>/", views.detail, name="detail"),
]
