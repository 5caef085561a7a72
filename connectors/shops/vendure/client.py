"""Asking Vendure's Admin API: signing in, and what its errors amount to.

The API answers HTTP 200 to nearly everything: errors stand in the body, a refused sign-in even in its data.
"""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib import resources
from typing import Any

from connectors.http import Http
from connectors.replies import Reply
from foundation.errors import Misconfigured, Permanent, Temporary

_PARTS = {
    name: text
    for text, name in re.findall(
        r"^((?:query|mutation|fragment) (\w+).*?^})$",
        resources.files(__package__).joinpath("vendure.graphql").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
}


@cache
def document(name: str) -> str:
    """One operation with the fragments it uses, and nothing else.

    Vendure remembers which tables a query needs by the query's text without the operation's name: two
    operations on the same list in one document get each other's tables, and fail.
    """
    text = _PARTS[name]
    used = [document(fragment) for fragment in re.findall(r"\.\.\. ?([A-Z]\w+)", text) if fragment in _PARTS]
    return "\n".join(dict.fromkeys([text, *used]))


class ShopTrouble(Temporary):
    """The shop stumbled over a question it understood: over one row of it, perhaps."""


class Client:
    """One session with the API, by a key that the `Http` carries or as an administrator."""

    def __init__(self, http: Http, path: str, username: str, password: str, *, by_key: bool) -> None:
        self._http, self._path = http, path
        self._username, self._password, self._by_key = username, password, by_key
        self._signed_in = False
        self.shop_time: datetime | None = None  # the server's own clock at its last answer

    def ask(self, operation: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of one operation; signs in when there is no key, and once more when the session ended."""
        if not self._by_key and not self._signed_in:
            self._sign_in()
        said = self._post(operation, variables or {})
        if not self._by_key and _code(said) == "FORBIDDEN":
            self._sign_in()
            said = self._post(operation, variables or {})
        if "errors" in said:
            raise self._error(said)
        return dict(said["data"])

    def _post(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = {"query": document(operation), "operationName": operation, "variables": variables}
        reply = self._http.post(self._path, body, repeatable=True)
        self.shop_time = _date(reply)
        said = reply.json()
        if not isinstance(said, dict) or not (said.get("data") or said.get("errors")):
            raise Temporary(f"{self._http.host} sent an answer that is no GraphQL.")
        if said.get("data") and (token := reply.headers.get("vendure-auth-token")) and not self._by_key:
            self._http.headers["Authorization"] = f"Bearer {token}"
        return said

    def _sign_in(self) -> None:
        self._http.headers.pop("Authorization", None)
        said = self._post("SignIn", {"username": self._username, "password": self._password})
        if "errors" in said:
            raise self._error(said)
        if said["data"]["login"].get("errorCode"):
            raise Misconfigured(
                f"{self._http.host} refuses the sign-in: {said['data']['login']['message']}.", "password"
            )
        self._signed_in = True

    def _error(self, said: dict[str, Any]) -> Exception:
        """What a GraphQL error amounts to, in the shop's own words."""
        code, host = _code(said), self._http.host
        words = str(_first(said).get("message", ""))[:200]
        if code in ("FORBIDDEN", "UNAUTHENTICATED"):
            name = "api_key" if self._by_key else "password"
            return Misconfigured(
                f"{host} refuses: “{words}”. The key or the administrator's role needs the rights to read "
                "customers, orders, the catalog and settings.",
                name,
            )
        if code == "CHANNEL_NOT_FOUND":
            return Misconfigured(f"{host}: “{words}”.", "channel")
        if code == "INTERNAL_SERVER_ERROR":
            return ShopTrouble(f"{host} is in trouble: “{words}”.")
        return Permanent(f"{host} refuses the question ({code}): “{words}”.")


def _first(said: dict[str, Any]) -> dict[str, Any]:
    """The first error, whatever shape the shop gave its errors."""
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


def _code(said: dict[str, Any]) -> str:
    extensions = _first(said).get("extensions")
    return str(extensions.get("code", "unknown")) if isinstance(extensions, dict) else "unknown"


def _date(reply: Reply) -> datetime | None:
    try:
        return parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        return None
