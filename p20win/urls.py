"""Addresses. Desks are included by name."""

from django.urls import URLPattern, URLResolver, include, path

from p20win import health

handler500 = "p20win.health.broken"

_DESKS = {
    "jobs/": "p20win.jobs",
    "deadlines/": "p20win.deadlines",
    "inbox/": "p20win.notifications",
    "files/": "p20win.custody",
    "requests/": "requests_app",
    "agreements/": "agreements",
    "matching/": "matching",
    "outputs/": "disclosure",
    "": "governance",
}

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("p20win.accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("ledger/", include("p20win.custody.ledger_urls")),
    path("health/", health.page, name="health"),
    path("health/live/", health.live, name="health-live"),
]
urlpatterns += [path(prefix, include(f"{desk}.urls")) for prefix, desk in _DESKS.items()]
