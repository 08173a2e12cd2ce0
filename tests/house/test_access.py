"""Every address says who may open it."""

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

# Pages of the sign-in library; they guard themselves, and show a person only their own account.
SIGN_IN = "allauth."
# Looks at the token itself, once the handler that seals an upload stands where the body is read.
LOOKS_AT_THE_TOKEN_LATER = {"files/slots/<uuid:pk>/upload/"}


def _addresses(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, object]]:
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield address, entry.callback
        else:
            yield from _addresses(entry, address)


def _addresses_of_ours() -> list[tuple[str, object]]:
    return [
        (address, view)
        for address, view in _addresses(get_resolver())
        if not getattr(view, "__module__", "").startswith(SIGN_IN)
    ]


@pytest.mark.obligation("O-12")
def test_every_address_has_an_access_mark():
    unmarked = [address for address, view in _addresses_of_ours() if not hasattr(view, "access")]
    assert _addresses_of_ours()
    assert not unmarked


def test_the_sign_in_library_serves_nothing_outside_its_folder():
    outside = [
        address
        for address, view in _addresses(get_resolver())
        if getattr(view, "__module__", "").startswith(SIGN_IN) and not address.startswith("accounts/")
    ]
    assert not outside


def test_addresses_for_machines_take_no_cookie():
    """An endpoint without the token against forged requests must be signed, or show a ticket."""
    unsigned = [
        address
        for address, view in _addresses_of_ours()
        if getattr(view, "csrf_exempt", False)
        and getattr(view, "access", "") not in ("signed_by_machine", "by_upload_ticket", "by_download_ticket")
        and address not in LOOKS_AT_THE_TOKEN_LATER
    ]
    assert not unsigned
