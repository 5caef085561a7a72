"""One request to the API: its token, its transaction, its checked parameters; and keyset cursors."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session
from starlette.requests import Request

from console.tables import ApiToken
from foundation.errors import BadInput

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")  # each includes those before it
LARGEST_PAGE, USUAL_PAGE = 200, 50
Row = TypeVar("Row")


class NotFound(Exception):
    """There is no such thing, or none this token may see: the same answer."""


class Param(NamedTuple):
    """A query parameter of an endpoint, as the description and the check use it."""

    name: str
    kind: Literal["text", "id", "time", "number", "choice"]
    help: str
    choices: tuple[str, ...] = ()


LIMIT = Param("limit", "number", f"How many at most: 1 to {LARGEST_PAGE}, usually {USUAL_PAGE}.")
CURSOR = Param("cursor", "text", "The `next` of the page before.")
PAGING = (LIMIT, CURSOR)


@dataclass
class Ask:
    """What a handler is given."""

    request: Request
    db: Session
    token: ApiToken
    body: Any
    query: dict[str, Any]

    @property
    def actor(self) -> str:
        """Who does this, for the operation's record."""
        return f"token {self.token.name}"

    def id(self, name: str = "id") -> UUID:
        """An id in the path; one that can't be an id is simply not found."""
        try:
            return UUID(self.request.path_params[name])
        except ValueError:
            raise NotFound from None

    def row(self, table: type[Row]) -> Row:
        """The row of a table that the path names."""
        found = self.db.get(table, self.id())
        if found is None:
            raise NotFound
        return found

    @property
    def limit(self) -> int:
        """How long a page may be."""
        return int(self.query.get("limit") or USUAL_PAGE)

    def cursor(self, *kinds: Callable[[str], Any]) -> list[Any] | None:
        """The parts of the page's cursor, each read by its kind; None on the first page."""
        text = self.query.get("cursor")
        return unpack(text, kinds) if text else None

    def read_body(self, shape: type[Any]) -> Any:
        """The body as a struct; BadInput with the place of what is wrong."""
        try:
            return msgspec.convert(self.body, shape)
        except msgspec.ValidationError as error:
            said, _, place = str(error).partition(" - at `$")
            raise BadInput(said, "/" + place.rstrip("`").strip(".").replace(".", "/")) from None


class Later(NamedTuple):
    """What goes on in the background: its state now, and where to look for the end."""

    value: Any
    address: str  # below /api/v1


class Endpoint(NamedTuple):
    """One entry of the API: `openapi.json`, `docs/api.md` and the routes are all made from these."""

    method: Literal["GET", "POST"]
    path: str
    handler: Callable[[Ask], Any]
    scope: Scope
    answers: Any
    params: tuple[Param, ...] = ()
    body: type[Any] | None = None
    status: int = 200
    later: bool = False  # or 202, when it goes on in the background

    @property
    def summary(self) -> str:
        """The first sentence of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().split("\n", 1)[0]


def allowed(token: ApiToken, scope: Scope) -> bool:
    """Whether a token's scopes reach that far."""
    return any(held in SCOPES and SCOPES.index(held) >= SCOPES.index(scope) for held in token.scopes)


def check_query(params: Sequence[Param], given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query's values by type; BadInput for what is unknown, doubled or of another type."""
    known = {param.name: param for param in params}
    values: dict[str, Any] = {}
    for name, text in given:
        at = f"/query/{name[:60]}"
        if name not in known:
            raise BadInput(f"there is no such parameter; known: {', '.join(known) or 'none'}", at)
        if name in values:
            raise BadInput("given twice", at)
        if "\x00" in text or len(text) > 1000:
            raise BadInput("not usable text", at)
        values[name] = check_value(known[name], text, at)
    return values


def check_value(param: Param, text: str, at: str) -> Any:
    """One value by its type."""
    if param.kind == "choice" and text not in param.choices:
        raise BadInput(f"must be one of: {', '.join(param.choices)}", at)
    if param.kind == "number":
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LARGEST_PAGE and len(text) < 6):
            raise BadInput(f"must be a whole number from 1 to {LARGEST_PAGE}", at)
        return int(text)
    if param.kind == "id":
        try:
            return UUID(text)
        except ValueError:
            raise BadInput("must be an id as this API answers them", at) from None
    if param.kind == "time":
        return check_time(text, at)
    return text


def check_time(text: str, at: str) -> datetime:
    """An instant with its offset; BadInput without one."""
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise BadInput("must be a time such as 2026-01-31T12:00:00Z", at)
    return instant.astimezone(UTC)


def pack(*parts: Any) -> str:
    """An opaque cursor of the last row's sort keys."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def unpack(text: str, kinds: Sequence[Callable[[str], Any]]) -> list[Any]:
    """The sort keys in a cursor; BadInput for anything we did not make."""
    try:
        parts = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError(text)
        return [None if part is None else kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, msgspec.DecodeError):
        raise BadInput("is none of ours; take it from `next`", "/query/cursor") from None
