"""AWS Signature Version 4 of one call: three hashes and a chain of four keys, so no SDK for it."""

import hmac
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from foundation import clock

ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """Whose call it is, and where to."""

    access_key: str
    secret_key: str
    region: str
    service: str


def headers(
    keys: Keys, method: str, url: str, body: bytes, content_type: str = "application/json"
) -> dict[str, str]:
    """The headers that a call to an address without a query needs to be taken as ours at this moment."""
    parts, at = urlsplit(url), clock.now().strftime("%Y%m%dT%H%M%SZ")
    signed = {"content-type": content_type, "host": parts.netloc, "x-amz-date": at}
    authorization = sign(keys, method, parts.path, parts.query, signed, body)
    return {"Content-Type": content_type, "X-Amz-Date": at, "Authorization": authorization}


def sign(keys: Keys, method: str, path: str, query: str, signed: dict[str, str], body: bytes) -> str:
    """The Authorization header; `signed` has lower-case names and holds x-amz-date."""
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    path = quote(path or "/", safe="/-_.~%")
    request = "\n".join([method, path, query, lines, names, sha256(body).hexdigest()])
    at = signed["x-amz-date"]
    scope = f"{at[:8]}/{keys.region}/{keys.service}/aws4_request"
    text = "\n".join([ALGORITHM, at, scope, sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), sha256).hexdigest()
    return f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
