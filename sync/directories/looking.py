"""A directory to look at: both sides of each pair beside each other, filtered, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.directories import bills, invoicing, pairs, reading
from sync.directories.bills import Why
from sync.directories.fields import alike
from sync.directories.pairs import Pair, Setting
from sync.directories.tables import Directory

SHOWS = ("all", "differs", "waiting", "only_there", "only_here")
SCAN = 2_000  # pairs looked through for those that differ before the page ends all the same
_THERE = {
    "counterparties": "profiles p LEFT JOIN links l ON l.directory_id = :directory"
    " AND l.external_id = p.external_id WHERE p.source_id = :source AND p.kind <> 'guest'"
    " AND p.landed_id IS NOT NULL",
    "nomenclature": "products p LEFT JOIN links l ON l.directory_id = :directory"
    " AND l.external_id = p.external_id WHERE p.source_id = :source",
    "invoices": "invoices p LEFT JOIN links l ON l.directory_id = :directory"
    " AND l.external_id = p.external_id WHERE p.source_id = :source",
}
_CONFLICT = "EXISTS (SELECT FROM conflicts c WHERE c.link_id = l.id AND c.state = 'waiting')"
_WHERE = {
    "all": "true",
    "differs": "l.state = 'linked'",
    "waiting": f"(l.state = 'waiting' OR {_CONFLICT})",
    "only_there": "l.id IS NULL",
}
_HERE = {
    "counterparties": "SELECT c.id, c.name, CAST(c.id AS text) AS key FROM customers c WHERE c.live"
    " AND c.identified AND c.id > :after AND NOT EXISTS (SELECT FROM profiles p WHERE p.customer_id = c.id"
    " AND p.source_id = :source AND p.kind <> 'guest' AND p.gone_at IS NULL) ORDER BY c.id LIMIT :limit",
    "nomenclature": "SELECT p.id, p.name, CAST(p.id AS text) AS key FROM products p WHERE p.source_id = :home"
    " AND p.gone_at IS NULL AND p.id > :after AND NOT EXISTS (SELECT FROM links l"
    " WHERE l.directory_id = :directory AND l.local_id = p.id AND l.state <> 'refused')"
    " ORDER BY p.id LIMIT :limit",
}


@dataclass(frozen=True)
class Side:
    """One field on both sides; `waits` when a person has to decide it."""

    field: str
    ours: str
    theirs: str
    waits: bool

    @property
    def differs(self) -> bool:
        """Whether both say something and not the same."""
        return alike(self.field, self.ours, self.theirs) != self.theirs and bool(self.ours)


@dataclass(frozen=True)
class Seen:
    """A pair, or what has none, as a row of the page."""

    title: str
    external_id: str
    local_id: UUID | None
    state: str  # linked made waiting refused · only_there only_here several gone busy
    reason: str
    sides: list[Side]
    waits: Sequence[Why] = ()  # why an order has no invoice there yet


def look(
    session: Session, directory: Directory, show: str, after: str = "", limit: int = 50
) -> tuple[list[Seen], str]:  # fmt: skip
    """Rows of a page and where the next one begins (empty: nowhere)."""
    if show == "only_here":
        return _only_here(session, directory, after, limit)
    here = pairs.setting(session, directory)
    wanted: list[Seen] = []
    scanned = 0
    while True:
        ids = _ids(session, directory, show, after, limit)
        found = {pair.external_id: pair for page in reading.read(session, here, ids) for pair in page}
        for one in ids:
            seen = _seen(here, found[one]) if one in found else None
            after, scanned = one, scanned + 1
            if seen is not None and (show != "differs" or any(side.differs for side in seen.sides)):
                wanted.append(seen)
                if len(wanted) == limit:
                    return wanted, after
        if len(ids) < limit:
            return wanted, ""
        if scanned >= SCAN:
            return wanted, after


def counts(session: Session, directory: Directory) -> Mapping[str, int]:
    """How many pairs there are, how many of them wait, and how many fields do."""
    query = text(
        "SELECT count(*) FILTER (WHERE state IN ('linked', 'made')) AS pairs,"
        " count(*) FILTER (WHERE state = 'waiting') AS waiting, (SELECT count(*) FROM conflicts c"
        " WHERE c.directory_id = :id AND c.state = 'waiting') AS conflicts"
        " FROM links WHERE directory_id = :id"
    )
    return dict(session.execute(query, {"id": directory.id}).one()._mapping)


def _ids(session: Session, directory: Directory, show: str, after: str, limit: int) -> list[str]:
    query = (
        f"SELECT p.external_id FROM {_THERE[directory.what]} AND {_WHERE[show]} AND p.external_id > :after"
        " ORDER BY p.external_id LIMIT :limit"
    )
    values = {"directory": directory.id, "source": directory.connection_id, "after": after, "limit": limit}
    return list(session.scalars(text(query), values))


def _only_here(session: Session, directory: Directory, after: str, limit: int) -> tuple[list[Seen], str]:
    if directory.what == "invoices":
        return _unbilled(session, directory, UUID(after) if after else UUID(int=0), limit)
    values: dict[str, Any] = {
        "directory": directory.id, "source": directory.connection_id, "home": directory.home_id,
        "after": UUID(after) if after else UUID(int=0), "limit": limit + 1,
    }  # fmt: skip
    rows = session.execute(text(_HERE[directory.what]), values).all()
    seen = [Seen(row.name, "", row.id, "only_here", "", []) for row in rows[:limit]]
    return seen, rows[limit - 1].key if len(rows) > limit else ""


def _unbilled(session: Session, directory: Directory, after: UUID, limit: int) -> tuple[list[Seen], str]:
    """Orders without an invoice, each with what it waits for."""
    rows = invoicing.orders(session, directory, after, limit + 1)
    drawn = bills.drawn(session, directory, [row.id for row in rows[:limit]], ())
    seen = []
    for row in rows[:limit]:
        bill = drawn[row.id]
        sides = [Side("total", bill.fields["total"], "", False)]
        seen.append(Seen(bill.title, "", row.id, "only_here", "", sides, invoicing.why(row, bill)))
    return seen, str(rows[limit - 1].id) if len(rows) > limit else ""


def _seen(here: Setting, pair: Pair) -> Seen:
    link = pair.link
    state = link.link_state if link is not None else "only_there"
    if pair.gone_there is not None or pair.gone_here is not None:
        state = "gone"
    elif pair.several:
        state = "several"
    elif pair.busy:
        state = "busy"
    waiting = (link.conflicts if link is not None else None) or {}
    sides = []
    for name in here.compared:
        ours, theirs = pair.ours.get(name), pair.theirs.get(name)
        if ours or theirs:
            sides.append(
                Side(name, ours.value if ours else "", theirs.value if theirs else "", name in waiting)
            )
    reason = pair.matched.by if pair.matched is not None and link is None else ""
    ours_id = link.local_id if link is not None and state == "waiting" else pair.local_id  # of a doubt: which
    return Seen(pair.title, pair.external_id, ours_id, state, reason, sides)
