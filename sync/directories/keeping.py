"""Which directories are kept equal: switched on for a connection, with owners of fields and their limits."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, text
from sqlalchemy.orm import Session

from connectors.base import Stream
from customers.tables import Source
from foundation import clock
from foundation.errors import BadInput
from sync import connections
from sync.directories import fields
from sync.directories.making import CREATES
from sync.directories.merge import OWNERS
from sync.directories.tables import Conflict, Directory, DirectoryPlan, Link, PlannedPair, Push
from sync.tables import Connection

WHATS = {"counterparties": "person", "nomenclature": "product", "invoices": "invoice"}
_HOMES = {"nomenclature": "product", "invoices": "order"}  # what of a shop is ours


def of(session: Session, connection_id: UUID) -> list[Directory]:
    """The directories of a connection, those before others that need them; `BadInput` when it has none."""
    query = select(Directory).where(Directory.connection_id == connection_id)
    found = sorted(session.scalars(query), key=lambda one: list(WHATS).index(one.what))
    if not found:
        raise BadInput(
            "Nothing of this connection is kept equal yet: add a directory, or make a first plan.",
            "connection",
        )
    return found


def ensure(session: Session, connection_id: UUID) -> list[Directory]:
    """The directories of a connection; all that can be kept equal when none has been chosen yet."""
    chosen = session.scalar(select(Directory.id).where(Directory.connection_id == connection_id).limit(1))
    if chosen is None:
        shops = session.scalars(
            select(Source.id).join(Connection, Connection.id == Source.id).where(Source.role == "shop")
        ).all()
        home = shops[0] if len(shops) == 1 else None
        for what in ("counterparties", "nomenclature"):  # invoices only where somebody asks for them
            with contextlib.suppress(BadInput):
                chosen = add(session, connection_id, what, home if what == "nomenclature" else None).id
    if chosen is None:
        raise BadInput(
            "Counterparties can't be written there, so nothing is kept equal by itself; for goods or invoices"
            " add that directory and name the shop.",
            "connection",
        )
    return of(session, connection_id)


def add(session: Session, connection_id: UUID, what: str, home_id: UUID | None = None) -> Directory:
    """Keep a directory of a connection equal from now on; the same again answers the one there is.

    `BadInput` when neither side of it can be written, or nomenclature has no shop to be ours.
    """
    if what not in WHATS:
        raise BadInput(f"there is no directory {what}; one of {', '.join(WHATS)}", "what")
    query = select(Directory).where(Directory.connection_id == connection_id, Directory.what == what)
    known = session.scalar(query.with_for_update())
    if known is not None:
        return known
    there = _stream(session, connection_id, WHATS[what])
    home = None
    if what in _HOMES:
        if home_id is None or home_id == connection_id:
            raise BadInput(f"Name the shop whose {_HOMES[what]}s are ours.", "home")
        home = _stream(session, home_id, _HOMES[what])
    elif home_id is not None:
        raise BadInput("Counterparties are kept equal with the cards, not with a shop.", "home")
    if not there.writes and not (what == "nomenclature" and home and home.writes):
        raise BadInput(f"Nothing of {there.title} can be written on either side.", "connection")
    made = Directory(
        connection_id=connection_id, what=what, stream=there.name, home_id=home_id,
        home_stream=home.name if home else None, since=_today() if what == "invoices" else None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def change(
    session: Session, directory: Directory, *, owners: Mapping[str, str] | None = None,
    creates: str | None = None, most: int | None = None, automatic: bool | None = None,
    since: datetime | None = None, due_days: int | None = None,
) -> None:  # fmt: skip
    """Set who owns which field, whom to make there, and how much a run may change unasked.

    Of invoices: the orders since when, and the days that there are to pay (negative: as the ledger has it).
    """
    if owners is not None:
        if owners and directory.what == "invoices":
            raise BadInput("What an order and its invoice differ in is always asked about.", "owner")
        names = fields.OF[directory.what]
        for name, said in owners.items():
            if name not in names or (said and said not in OWNERS):
                wanted = f"{', '.join(names)} with one of {', '.join(OWNERS)}"
                raise BadInput(f"“{name}={said}” is no rule; {wanted}", "owner")
        merged = {**directory.owners, **owners}
        directory.owners = {name: said for name, said in merged.items() if said}
    if creates is not None:
        able = CREATES[directory.what]
        if creates not in able:
            raise BadInput(f"“{creates}” is none of {', '.join(able)}", "creates")
        directory.creates = creates
    if most is not None:
        if not 0 <= most <= 100:
            raise BadInput("It is a share in per cent, from 0 to 100.", "most")
        directory.most = most
    if automatic is not None:
        directory.automatic = automatic
    if directory.what == "invoices":
        directory.since = since or directory.since
        if due_days is not None:
            directory.due_days = due_days if due_days >= 0 else None
    session.flush()


def large(session: Session, connection_id: UUID, most: int) -> bool:
    """Whether a plan looks at more objects than so many, there and, where something is made there, here."""
    query = text(
        "SELECT count(*) FROM (SELECT 1 FROM profiles WHERE source_id = :id UNION ALL"
        " SELECT 1 FROM products WHERE source_id = :id UNION ALL SELECT 1 FROM invoices"
        " WHERE source_id = :id UNION ALL SELECT 1 FROM directories d JOIN products p ON"
        " p.source_id = d.home_id WHERE d.connection_id = :id AND d.creates <> 'none' UNION ALL"
        " SELECT 1 FROM directories d JOIN orders o ON o.source_id = d.home_id WHERE d.connection_id = :id"
        " AND d.what = 'invoices' UNION ALL SELECT 1 FROM directories d JOIN customers c ON c.live"
        " WHERE d.connection_id = :id AND d.what = 'counterparties' AND d.creates <> 'none'"
        " LIMIT :most) AS counted"
    )
    return int(session.scalar(query, {"id": connection_id, "most": most + 1}) or 0) > most


def drop(session: Session, connection_id: UUID) -> None:
    """A connection goes, and its directories with it; what was overwritten stays on record."""
    mine = or_(Directory.connection_id == connection_id, Directory.home_id == connection_id)
    ids = list(session.scalars(select(Directory.id).where(mine)))
    for table in (Conflict, PlannedPair, Push, Link):
        session.execute(delete(table).where(table.directory_id.in_(ids)))
    session.execute(delete(DirectoryPlan).where(DirectoryPlan.connection_id == connection_id))
    session.execute(delete(Directory).where(Directory.id.in_(ids)))


def _today() -> datetime:
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _stream(session: Session, connection_id: UUID, what: str) -> Stream:
    cls = connections.connector_class(session, connection_id)
    found = sorted((one for one in cls.streams if one.what == what), key=lambda one: not one.writes)
    if not found:
        raise BadInput(f"{cls.title} has no such directory.", "connection")
    return found[0]
