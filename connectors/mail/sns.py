"""What Amazon's notifications point to: the certificate that signs them, and the address that confirms a
subscription. Only hosts of Amazon's notification service are called."""

import re
from urllib.parse import urlsplit

from connectors.http import Http
from foundation.errors import Permanent

_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?")


def fetch(url: str) -> bytes:
    """The bytes at an address of that service; Permanent where the address isn't one of it."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc):
        raise Permanent("This is no address of Amazon's notification service.")
    with Http(f"https://{parts.netloc}", deadline=10.0, max_bytes=100_000, attempts=2) as http:
        path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        return http.request("GET", path, allow=(200,)).body
