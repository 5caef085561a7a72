"""Calls to Odoo's JSON-2 API: named arguments in, the bare value out, and what its errors amount to."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.accounting.odoo.values import id_of
from connectors.http import Http
from connectors.replies import Reply
from connectors.values import text
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary

PAGE = 100
LONG_PAGE = 500
_REFUSALS = frozenset(range(400, 500)) - {408, 425, 429}
_NO_SUCH = re.compile(
    r"\b(?:model|method) '.*' does not exist", re.I
)  # in English whatever the user's language
Domain = Sequence[Any]
Row = dict[str, Any]


class Missing(Permanent):
    """What was to be written is not there (any more)."""


class Client:
    """One database, through one user's key; `company` is one of its companies, 0: all that the user sees."""

    def __init__(self, http: Http, company: int) -> None:
        self._http = http
        self._company = {"allowed_company_ids": [company]} if company else {}
        self._fields: dict[str, frozenset[str]] = {}

    def call(self, model: str, method: str, *, writes: bool = False, **arguments: Any) -> Any:
        """One method of a model; a write is never repeated by itself."""
        context = {**self._company, **arguments.pop("context", {})}
        reply = self._http.post(
            f"{model}/{method}", {**arguments, "context": context}, repeatable=not writes, allow=_REFUSALS
        )
        return reply.json() if reply.status < 400 else self._refused(reply, model, writes)

    def fields(self, model: str, wanted: Sequence[str]) -> list[str]:
        """Those of the fields that this database has: asking for another is an error."""
        if model not in self._fields:
            said = self.call(model, "fields_get", attributes=["type"])
            if not isinstance(said, dict):
                raise Temporary(f"Odoo answers with fields of {model} that are none.")
            self._fields[model] = frozenset(said)
        return [name for name in wanted if name in self._fields[model]]

    def rows(
        self, model: str, domain: Domain, fields: Sequence[str], *, order: str = "id asc", offset: int = 0,
        limit: int = PAGE, archived: bool = False, context: dict[str, Any] | None = None,
    ) -> list[Any]:  # fmt: skip
        """A page of rows; those archived only when asked for."""
        said = self.call(
            model, "search_read", domain=list(domain), fields=list(fields), order=order, offset=offset,
            limit=limit, context={**(context or {}), **({"active_test": False} if archived else {})},
        )  # fmt: skip
        if not isinstance(said, list):
            raise Temporary(f"Odoo answers with rows of {model} that are no list.")
        return said

    def every(
        self, model: str, domain: Domain, fields: Sequence[str], *, archived: bool = False,
        context: dict[str, Any] | None = None,
    ) -> Iterator[list[Row]]:  # fmt: skip
        """All rows in the order of ids, page by page: each begins behind the last id of the one before."""
        last = 0
        while True:
            behind = [*domain, ["id", ">", last]]
            found = self.rows(model, behind, fields, limit=LONG_PAGE, archived=archived, context=context)
            rows = [row for row in found if isinstance(row, dict) and id_of(row.get("id")) > last]
            yield rows
            if len(found) < LONG_PAGE or not rows:
                return
            last = max(id_of(row["id"]) for row in rows)

    def count(self, model: str, domain: Domain) -> int:
        """How many rows there are."""
        found = self.call(model, "search_count", domain=list(domain))
        return found if isinstance(found, int) else 0

    def create(self, model: str, values: Row, context: dict[str, Any] | None = None) -> int:
        """Make an object; its id."""
        made = self.call(model, "create", writes=True, vals_list=[values], context=context or {})
        found = id_of(made)
        if not found:
            raise Temporary(f"Odoo made a {model} and didn't say its id.")
        return found

    def _refused(self, reply: Reply, model: str, writes: bool) -> Any:
        words, at = _complaint(reply), self._http.base_url
        if reply.status == 401:
            raise Misconfigured(f"Odoo refuses the key. {words}Check the setting “api_key”.", "api_key")
        if reply.status == 403:
            does = "change" if writes else "read"
            raise Misconfigured(
                f"Odoo lets the key's user not {does} “{model}”. {words}Give the user "
                "the rights to it (Settings → Users), or take another user's key.",
                "api_key",
            )  # fmt: skip
        if reply.status == 404 and reply.is_page:
            raise Misconfigured(
                f"There is no JSON-2 API at {at}: Odoo 19 or newer is needed, and where a host has several "
                "databases, the setting “database”.",
                "address",
            )
        if reply.status == 404 and writes and not _NO_SUCH.search(words):
            raise Missing(f"Odoo no longer has it. {words}".strip())
        if reply.status == 404:
            raise Misconfigured(
                f"This Odoo has no “{model}”. {words}Install the app Invoicing there.", "address"
            )
        if writes:
            raise BadInput(f"Odoo refuses it ({reply.status}). {words}".strip())
        raise Permanent(f"Odoo answers {reply.status} to “{model}”. {words}".strip())


def _complaint(reply: Reply) -> str:
    """Odoo's own words: a bare string, or an object with a message."""
    try:
        said = reply.json()
    except (Temporary, Permanent):
        return ""
    words = text(said.get("message") if isinstance(said, dict) else said)[:300]
    return f"“{words}” " if words else ""
