"""What the sign-in library offers and this portal does not; included before the library's addresses."""

from django.urls import path

from p20win.accounts.sign_in import closed

CLOSED = (
    "signup/",
    "email/",
    "confirm-email/",
    "confirm-email/<path:key>/",
    "password/set/",
    "login/code/confirm/",
)
urlpatterns = [path(address, closed) for address in CLOSED]
