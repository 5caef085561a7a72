"""Conditions of journeys, in the language of segments: read when saved, asked of many cards at once."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.segments import language, membership
from customers.segments import store as segments
from customers.segments.sql import Query
from customers.segments.tables import Segment
from customers.segments.tree import Node
from email_campaigns.journeys.reading import refuse
from foundation.errors import BadInput
from foundation.text import _


def read(session: Session, said: Any, at: str) -> str:
    """A condition as text; `BadInput` when it can't be understood or asks for a list there isn't."""
    if not isinstance(said, str):
        refuse(_("Write a condition, as in a segment."), at)
    try:
        segments.known_lists(session, language.parse(said))
    except BadInput as error:
        raise BadInput(f"{error.message} ({error.at})" if error.at else error.message, at) from None
    return str(said).strip()


@lru_cache(maxsize=512)
def parsed(condition: str) -> Node:
    """The tree of a condition that was read before."""
    return language.parse(condition)


def holding(session: Session, condition: str, cards: Collection[UUID], at: datetime) -> dict[UUID, str]:
    """The cards for which it is true, with what each part of it was (t, f or ? for unknown). One query."""
    return _inside(session, parsed(condition), cards, at)


def _inside(session: Session, node: Node, cards: Collection[UUID], at: datetime) -> dict[UUID, str]:
    if not cards:
        return {}
    query = Query(at, single=True)
    statement = f"SELECT id, truth FROM ({membership.judged(query, node)}) j WHERE inside"
    rows = session.execute(text(statement), {**query.params, "ids": sorted(cards)})
    return {row.id: row.truth for row in rows}


def members(session: Session, ids: Collection[UUID], cards: Collection[UUID], at: datetime) -> set[UUID]:
    """Which of the cards are in any of these segments now, by their conditions in force.

    `BadInput` when a segment is gone or archived: a mistake lets nobody in.
    """
    found: set[UUID] = set()
    for one in ids:
        segment = session.get(Segment, one)
        if segment is None or segment.archived_at is not None:
            raise BadInput(_("A segment of its audience is gone."), "audience")
        found |= _inside(session, segments.current(session, segment), set(cards) - found, at).keys()
    return found
