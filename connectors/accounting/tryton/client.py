"""Asking Tryton: signing in, and what its errors amount to.

By password it is JSON-RPC: errors come with HTTP 200, as `[name, details]`, a session ends after some idle
minutes, and each wrong password is answered slower than the one before, so a refused one is never repeated.
By an application's key it is REST (series 8 and later), with real HTTP errors.
"""

import base64
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import quote

import msgspec

from connectors.accounting.tryton.values import Node, encode, without_dots
from connectors.base import Overtaken
from connectors.http import Http
from connectors.replies import Reply, complaint
from foundation.errors import BadInput, Misconfigured, Temporary

_ERRORS = (400, 403, 404, 405, 409, 423)  # statuses that REST gives a meaning


class Client:
    """One user's view of one database."""

    def __init__(self, http: Http, database: str, user: str, password: str, key: str) -> None:
        self._http, self._database = http, quote(database, safe="")
        self._user, self._password, self.by_key = user, password, bool(key)
        self._path = f"{self._database}/rpc/"
        self._session: dict[str, str] = {"Authorization": f"Bearer {key}"} if key else {}
        self._context: Node | None = None
        self.server_time: datetime | None = None  # its own clock at its last answer

    @property
    def old(self) -> bool:
        """Whether it is of a series before 8."""
        return not self._path.endswith("/rpc/")

    @property
    def context(self) -> Node:
        """The user's company, language and so on, which go with every call; archived objects are seen."""
        if self._context is None:
            if self.by_key:
                reply = self._rest("POST", "res.user/get_preferences", {"context_only": True}, reads=True)
                said = reply.json()
            else:
                said = self._call("model.res.user.get_preferences", [True, {}], reads=True)
            if not isinstance(said, dict):
                raise Temporary(f"{self._http.host} sent preferences that are no object.")
            said.pop("locale", None)
            self._context = {**said, "active_test": False}
        return self._context

    def rows(self, model: str, domain: list[Any], fields: list[str], limit: int | None = None) -> list[Node]:
        """Objects of a model in the order of their ids."""
        order = [["id", "ASC"]]
        if self.by_key:
            query: dict[str, Any] = {"f": fields, "d": _packed(domain), "o": _packed(order)}
            found = self._rest(
                "GET", model, params=query | ({"s": limit} if limit else {}), reads=True
            ).json()
        else:
            params = [encode(domain), 0, limit, order, fields, self.context]
            found = self._call(f"model.{model}.search_read", params, reads=True)
        if not isinstance(found, list) or not all(isinstance(node, dict) for node in found):
            raise Temporary(f"{self._http.host} answers with a page that is no list of objects.")
        nodes: list[Node] = without_dots(found)
        return nodes

    def count(self, model: str, domain: list[Any]) -> int:
        """How many objects there are."""
        if self.by_key:
            body = {"domain": encode(domain)}
            return int(self._rest("POST", f"{model}/search_count", body, reads=True).json())
        return int(self._call(f"model.{model}.search_count", [encode(domain), self.context], reads=True))

    def create(self, model: str, values: Node) -> int:
        """Make one object, its parts in the same transaction; answers its id."""
        if self.by_key:
            return int(self._rest("POST", model, encode(values), {"f": ["id"]}).json()["id"])
        [made] = self._call(f"model.{model}.create", [[encode(values)], self.context])
        return int(made)

    def write(self, model: str, number: int, values: Node, stamps: Node | None = None) -> None:
        """Change one object. `stamps` ("model,id": `_timestamp`) are what mustn't have changed: Overtaken."""
        if self.by_key:
            self._rest("PUT", f"{model}/{number}", encode(values), {"f": ["id"]})
            return
        context = self.context | ({"_timestamp": stamps} if stamps else {})
        self._call(f"model.{model}.write", [[number], encode(values), context])

    # JSON-RPC

    def _call(self, method: str, params: list[Any], *, reads: bool = False) -> Any:
        if not self._session:
            self._sign_in()
        reply = self._post(method, params, reads)
        if reply.status == 401:
            self._sign_in()  # the session has ended
            reply = self._post(method, params, reads)
        if reply.status in (401, 403):
            raise Misconfigured(
                f"{self._http.host} doesn't let “{self._user}” call {method}: does the base lack a module, "
                "or the user a right?",
                "user",
            )
        said = reply.json()
        if not isinstance(said, dict) or not said.keys() & {"result", "error"}:
            raise Temporary(f"{self._http.host} sent an answer that is no JSON-RPC.")
        if "error" in said:
            self._refused(said["error"], method.removeprefix("model."), reads)
        return said["result"]

    def _post(
        self, method: str, params: list[Any], reads: bool, allow: tuple[int, ...] = (401, 403)
    ) -> Reply:
        body = {"id": 1, "method": method, "params": params}
        reply = self._http.post(
            self._path, body, headers=self._session, repeatable=reads, allow=(*allow, 405)
        )
        if reply.status == 405 and not self.old:
            self._path = f"{self._database}/"  # series before 8 are called there
            return self._post(method, params, reads, allow)
        self._note_time(reply)
        return reply

    def _sign_in(self) -> None:
        self._session = {}
        reply = self._post(
            "common.db.login", [self._user, {"password": self._password}, "en"], False, (401, 404, 429)
        )
        host = self._http.host
        if reply.status == 429:
            raise Temporary(f"{host} has seen too many wrong passwords for “{self._user}” and waits.", 300)
        if reply.status == 404:
            raise Misconfigured(f"{host} has no database of this name.", "database")
        if reply.status == 401:
            raise Misconfigured(f"{host} refuses the name or the password of “{self._user}”.", "password")
        said = reply.json()
        found = said.get("result") if isinstance(said, dict) else None
        if not isinstance(found, list) or len(found) < 2:
            raise Misconfigured(f"{host} wants more than a password to sign in.", "password")
        token = f"{self._user}:{found[0]}:{found[1]}"
        self._session = {"Authorization": f"Session {base64.b64encode(token.encode()).decode()}"}

    def _refused(self, error: Any, what: str, reads: bool) -> NoReturn:
        """What an error of JSON-RPC amounts to, in Tryton's own words."""
        name, detail = (
            (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else (str(error), "")
        )
        if name == "ConcurrencyException":
            raise Overtaken(str(detail))
        if name in ("UserError", "UserWarning"):
            parts = list(detail) if isinstance(detail, list) else [detail]
            words = _words(parts[1:] if name == "UserWarning" else parts)
            self._complain(words, warning=name == "UserWarning", reads=reads)
        if name == "LoginException":
            raise Misconfigured(f"{self._http.host} wants more than a password to sign in.", "password")
        model = what.rpartition(".")[0]
        if name == repr(model):
            raise Misconfigured(f"The base lacks the module of “{model}”: activate it in Tryton.", "database")
        raise Temporary(f"{self._http.host} stumbled over {what}: “{_words([name])}”.")

    def _complain(self, words: str, *, warning: bool, reads: bool) -> NoReturn:
        host = self._http.host
        if warning:
            raise BadInput(f"{host} wants a person's word first, in Tryton itself: “{words}”.")
        if reads:
            raise Misconfigured(f"{host} refuses: “{words}”. Does the user lack a right?", "user")
        raise BadInput(f"{host} refuses: “{words}”.")

    # REST

    def _rest(
        self, method: str, path: str, body: Any = None, params: dict[str, Any] | None = None, *,
        reads: bool = False,
    ) -> Reply:  # fmt: skip
        headers = dict(self._session)
        if not path.startswith("res.user/"):
            headers["X-Tryton-Context"] = _packed(self.context)
        reply = self._http.request(
            method, f"{self._database}/rest/model/{path}", params=params, json=body, headers=headers,
            repeatable=reads, allow=_ERRORS,
        )  # fmt: skip
        self._note_time(reply)
        if reply.status in _ERRORS:
            words = complaint(reply).strip("“”. ")
            if reply.status == 423:
                raise Overtaken(words)
            if reply.status == 404:
                raise Misconfigured(
                    f"{self._http.host} has no such database, or no REST: series 8 has.", "database"
                )
            self._complain(words, warning=reply.status == 409, reads=reads or reply.status in (403, 405))
        return reply

    def _note_time(self, reply: Reply) -> None:
        try:
            self.server_time = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            self.server_time = None


def _packed(value: Any) -> str:
    """JSON in the alphabet of addresses and headers, as REST wants it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(encode(value))).decode()


def _words(parts: list[Any]) -> str:
    """A message and its description on one line, cut short."""
    return " ".join(" ".join(part for part in parts if isinstance(part, str)).split())[:300]
