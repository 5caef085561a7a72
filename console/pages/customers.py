"""The customers: search, filters, keyset pages, and the export of exactly what is shown."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import Reader, safe_cell
from console.templating import link
from console.web import Call
from customers import listing, search
from customers.listing import Filters, Sort
from customers.tables import Customer, Source
from foundation.text import _

PAGE = 50
COLUMNS = ("id", "name", "kind", "email", "phone", "country", "city", "tags", "orders", "spent", "currency",
           "last_seen_at", "created_at")  # fmt: skip
_DAYS = {"7": 7, "30": 30, "90": 90, "365": 365}


@dataclass(frozen=True)
class Choice:
    """A filter one picks from a list: its query parameter and the options."""

    name: str
    label: str
    options: list[tuple[str, str]]

    def words(self, value: str) -> str:
        """How the chip calls a value."""
        return f"{self.label}: {dict(self.options).get(value, value)}"


@dataclass(frozen=True)
class Chip:
    """A filter in force and the address of the list without it."""

    words: str
    without: str


def show(call: Call) -> Response:
    """A page of the list, or of what a search found."""
    asked = _asked(call)
    sort = cast(Sort, asked["sort"]) if asked.get("sort") in listing.SORTS else "newest"
    after = call.query("after") or None
    q = asked.get("q", "")
    filters = filters_of(asked)
    if q:
        page, count = search.find(call.db, q, limit=PAGE, after=after), None
    else:
        page = listing.page(call.db, filters, sort, after, PAGE)
        count = listing.count(call.db, filters) if page.rows else None
    start = _start(call.query("from")) if after else 1
    end = start + len(page.rows) - 1
    choices = _choices(call.db)
    return call.page(
        "customers.html",
        rows=page.rows,
        consents=_consents(call.db, [row.id for row in page.rows]),
        q=q,
        asked=asked,
        chips=_chips(asked, choices),
        choices=choices,
        fields=[choice.name for choice in choices] + ["city"],
        sort=sort,
        sorts=_sorts(),
        shown=_shown(call.reader, start, end, count),
        older=link("/customers", **asked, after=page.after, **{"from": end + 1}) if page.after else "",
        newer=link("/customers", **asked) if after else "",
    )


def export(call: Call) -> Response:
    """The whole filtered list as CSV, streamed page by page; cells are safe to open in a spreadsheet."""
    asked = _asked(call)
    return StreamingResponse(
        _csv(call.engine, asked),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="customers.csv"'},
    )


def _csv(engine: Engine, asked: dict[str, str]) -> Iterator[str]:
    """Lines of the export, each page in a short transaction of its own."""
    yield "\ufeff" + _line(COLUMNS)
    after: str | None = None
    sort = cast(Sort, asked["sort"]) if asked.get("sort") in listing.SORTS else "newest"
    while True:
        with Session(engine) as db:
            if asked.get("q"):
                page = search.find(db, asked["q"], limit=500, after=after)
            else:
                page = listing.page(db, filters_of(asked), sort, after, 500)
        yield "".join(_line([_cell(getattr(row, name)) for name in COLUMNS]) for row in page.rows)
        after = page.after
        if after is None:
            return


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def _asked(call: Call) -> dict[str, str]:
    """The part of the address that says what to show; unknown names are dropped, values cut."""
    known = ("q", "city", "country", "kind", "source", "consent", "bought", "seen", "tag", "sort")
    found = {name: call.query(name, 120) for name in known}
    if found["q"]:
        return {"q": found["q"]}  # a search is over everybody
    return {name: value for name, value in found.items() if value}


def filters_of(asked: dict[str, str]) -> Filters:
    """The filters of an address; values nobody offers narrow nothing."""
    return Filters(
        city=asked.get("city"),
        country=asked.get("country"),
        tag=asked.get("tag"),
        kind=asked["kind"] if asked.get("kind") in ("person", "company") else None,
        source=_id(asked.get("source", "")),
        email_consent=asked["consent"] if asked.get("consent") in ("given", "withdrawn", "none") else None,
        has_orders={"yes": True, "no": False}.get(asked.get("bought", "")),
        seen_within=_DAYS.get(asked.get("seen", "")),
    )


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _choices(db: Session) -> list[Choice]:
    every = ("", _("all"))
    sources = db.execute(
        select(Source.id, Source.name).where(Source.removed_at.is_(None)).order_by(Source.name)
    )
    return [
        Choice("source", _("Known from"), [every, *((str(row.id), row.name) for row in sources)]),
        Choice("bought", _("Bought"), [every, ("yes", _("at least once")), ("no", _("never"))]),
        Choice(
            "seen",
            _("Seen"),
            [
                every,
                ("7", _("in 7 days")),
                ("30", _("in 30 days")),
                ("90", _("in 90 days")),
                ("365", _("in a year")),
            ],
        ),
        Choice(
            "consent",
            _("E-mail consent"),
            [every, ("given", _("given")), ("withdrawn", _("withdrawn")), ("none", _("not asked"))],
        ),
        Choice("kind", _("Kind"), [every, ("person", _("person")), ("company", _("company"))]),
    ]


def _sorts() -> list[tuple[str, str]]:
    return [
        ("newest", _("Newest first")),
        ("last_seen", _("Last seen first")),
        ("spent", _("Bought most first")),
        ("orders", _("Most orders first")),
    ]


def _chips(asked: dict[str, str], choices: list[Choice]) -> list[Chip]:
    """What is in force, each with the way to take it away."""
    labels = {"q": _("Search"), "city": _("City"), "country": _("Country"), "tag": _("Tag")}
    offered = {choice.name: choice for choice in choices}
    chips = []
    for name, value in asked.items():
        if name == "sort":
            continue
        rest = {key: kept for key, kept in asked.items() if key != name}
        words = offered[name].words(value) if name in offered else f"{labels[name]}: {value}"
        chips.append(Chip(words, link("/customers", **rest)))
    return chips


def _consents(db: Session, ids: list[UUID]) -> dict[UUID, str | None]:
    """Whether we may write to those on the page."""
    if not ids:
        return {}
    rows = db.execute(select(Customer.id, Customer.email_consent).where(Customer.id.in_(ids)))
    return {row.id: row.email_consent for row in rows}


def _start(said: str) -> int:
    """The number of the first row as the page before said it; only for show."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 1


def _shown(reader: Reader, start: int, end: int, count: listing.Count | None) -> str:
    span = f"{reader.number(start)}–{reader.number(end)}"
    if count is None:
        return span
    if count.exact:
        return _("%(span)s of %(all)s") % {"span": span, "all": reader.number(count.number)}
    return _("%(span)s of about %(all)s") % {"span": span, "all": reader.number(count.number)}
