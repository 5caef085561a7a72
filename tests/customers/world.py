"""A small world for tests of the customer record: sources that speak, short ways to look at tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers import store
from customers.store import Outcome, Resolved
from customers.tables import Source
from foundation.clock import now
from foundation.records import AnyRecord


def shop(session: Session, name: str = "Shop", role: str = "shop") -> Source:
    """A source to speak for."""
    source = Source(name=name, kind="vendure", role=role)
    session.add(source)
    session.flush()
    return source


def say(session: Session, source: Source, *records: AnyRecord, landed: int = 1) -> Outcome:
    """Apply records, each as a landed version of its own."""
    items = [Resolved(landed + number, now(), (record,)) for number, record in enumerate(records)]
    return store.apply(session, source.id, items)


def rows(session: Session, query: str, **values: Any) -> Sequence[Row[Any]]:
    """All rows of a query."""
    return session.execute(text(query), values).all()


def row(session: Session, query: str, **values: Any) -> Row[Any]:
    """The one row of a query."""
    return session.execute(text(query), values).one()


def count(session: Session, what: str, **values: Any) -> int:
    """How many rows a table (and a condition) has."""
    return int(session.execute(text(f"SELECT count(*) FROM {what}"), values).scalar_one())
