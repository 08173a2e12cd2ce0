"""A person at a browser: what it sends to a portal of its own, over a real connection."""

import base64
import logging
import re
from collections.abc import Iterable

import httpx

from tests.faults.portal import Portal

logging.getLogger("httpx").setLevel(logging.WARNING)  # else the tests' own log knows every address asked for
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
FORGERY_GUARD = "a" * 32


class Visitor(httpx.Client):
    """Somebody who is signed in, by the key of their session; or a stranger."""

    def __init__(self, portal: Portal, session: str = "") -> None:
        """Have the cookies and the token that a browser has."""
        self.session = session
        cookies = {"csrftoken": FORGERY_GUARD} | ({"sessionid": session} if session else {})
        super().__init__(
            base_url=f"http://{portal.listen}",
            cookies=cookies,
            headers={"X-CSRFToken": FORGERY_GUARD},
            timeout=120,
            limits=httpx.Limits(max_keepalive_connections=0),  # the server ends quiet ones while we use them
        )

    def begin(self, slot: dict, length: int, *, name: str | bytes = "") -> str:
        """Begin an upload that can be resumed; return where it goes on."""
        answer = self.try_to_begin(slot, length, name=name)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def try_to_begin(self, slot: dict, length: int, *, name: str | bytes = "") -> httpx.Response:
        """Ask for an upload."""
        given = name or slot["name"]
        told = base64.b64encode(given.encode() if isinstance(given, str) else given).decode()
        headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": f"filename {told}"}
        return self.post(f"/files/slots/{slot['pk']}/uploads/", headers=headers)

    def send_part(
        self, where: str, content: bytes | Iterable[bytes], offset: int, *, length: int = 0
    ) -> None:
        """Send a part; of one that comes bit by bit the length must be said."""
        size = length or len(content)
        headers = PART | {"Upload-Offset": str(offset), "Content-Length": str(size)}
        answer = self.patch(where, content=content, headers=headers)
        assert answer.status_code == 204, answer.text

    def offset(self, where: str) -> int:
        """Ask how much is there."""
        return int(self.head(where, headers=TUS).headers["Upload-Offset"])

    def submit(self, slot: dict, content: bytes, *, name: str = "") -> httpx.Response:
        """Send a file by the form, as a browser without scripts does."""
        files = {"file": (name or slot["name"], content, "text/plain")}
        return self.post(f"/files/slots/{slot['pk']}/upload/", files=files)

    def words(self, path: str) -> str:
        """Return what a page says, without its tags."""
        return re.sub(r"<[^>]*>|\s+", " ", self.get(path, follow_redirects=True).text)
