"""What may keep cards apart whatever their records say: verified numbers, kinds, verdicts, sheer size."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import chains

_SIZES = text(
    "SELECT merged_into, count(*) FROM customers WHERE merged_into = ANY(:cards) GROUP BY merged_into"
)


def guards_of(session: Session, cards: Collection[UUID]) -> chains.Chains:
    """Each of these cards alone with what may keep it from others, and of how many cards it was made."""
    ids = list(cards)
    guards = chains.load(session, ids)
    for card, number in session.execute(_SIZES, {"cards": ids}):
        guards.at(card).cards += number
    return guards
