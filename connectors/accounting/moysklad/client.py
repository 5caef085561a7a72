"""Calls to MoySklad: its headers, its limits, and what its errors amount to."""

from collections.abc import Mapping
from typing import Any

from connectors.accounting.moysklad.values import part, parts
from connectors.http import Http
from connectors.replies import Reply
from connectors.values import text
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary

ADDRESS = "https://api.moysklad.ru/api/remap/1.2/"
JSON = "application/json;charset=utf-8"  # the only value it takes, in both directions
_REFUSALS = frozenset(range(400, 500)) - {408, 425, 429}


class MoyskladHttp(Http):
    """An Http that reads how long MoySklad asks to wait: in milliseconds, under a name of its own."""

    def asked_wait(self, reply: Reply) -> float | None:
        """Seconds until the limit of requests is reset."""
        said = reply.headers.get("x-lognex-retry-after", "").strip()
        return int(said) / 1000 or None if said.isdecimal() and len(said) < 9 else super().asked_wait(reply)


class Client:
    """JSON in, JSON out. `credential` is the setting to name when the sign-in is refused."""

    def __init__(self, http: Http, credential: str) -> None:
        self._http, self._credential = http, credential

    def get(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Any:
        """What stands at a path; Permanent when there is nothing."""
        found = self._call("GET", path, params, None, headers)
        if found is None:
            raise Permanent(f"MoySklad knows no {path}.")
        return found

    def rows(
        self, path: str, headers: Mapping[str, str] | None = None, **params: Any
    ) -> tuple[list[Any], int | None]:
        """A page of a list, and how many rows the list has."""
        said = self.get(path, headers, **params)
        found = said.get("rows") if isinstance(said, dict) else None
        if not isinstance(found, list):
            raise Temporary(f"MoySklad answers {path} with something that is no list.")
        size = part(said, "meta").get("size")
        return found, size if isinstance(size, int) and not isinstance(size, bool) else None

    def write(self, method: str, path: str, body: Any) -> Any:
        """Write an object; BadInput says why it isn't taken, None that it is not there.

        Safe to repeat: what is made carries a `syncId`, what is changed is said in absolute values.
        """
        return self._call(method, path, None, body, {"Content-Type": JSON})

    def delete(self, path: str) -> None:
        """Take an object away; one that isn't there is no matter."""
        self._http.delete(path, allow=(404,))

    def _call(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any,
        headers: Mapping[str, str] | None,
    ) -> Any:  # fmt: skip
        reply = self._http.request(
            method, path, params=params, json=body, headers=headers, repeatable=True, allow=_REFUSALS
        )
        if reply.status < 400:
            return reply.json()
        words, at = _complaint(reply)
        what = path.partition("?")[0].removeprefix("entity/").partition("/")[0]
        if reply.status == 401:
            name = self._credential
            raise Misconfigured(f"MoySklad refuses the sign-in. {words}Check the setting “{name}”.", name)
        if reply.status == 403:
            does = "read" if method == "GET" else "change"
            raise Misconfigured(
                f"MoySklad lets this user not {does} “{what}”. {words}Give the user the right to it there "
                "(Settings → Employees → Role), or sign in as another one.",
                self._credential,
            )
        if reply.status == 404:
            return None
        if body is not None:
            raise BadInput(f"MoySklad refuses it ({reply.status}). {words}".strip(), at)
        raise Permanent(f"MoySklad answers {reply.status} to “{what}”. {words}".strip())


def _complaint(reply: Reply) -> tuple[str, str]:
    """MoySklad's own words, and the field they are about."""
    try:
        said = reply.json()
    except (Temporary, Permanent):
        return "", ""
    errors = parts(said, "errors") if isinstance(said, dict) else []
    words = " ".join(filter(None, (text(error.get("error"))[:300] for error in errors[:3])))
    at = next((text(error.get("parameter")) for error in errors if error.get("parameter")), "")
    return (f"“{words}” " if words else ""), at
