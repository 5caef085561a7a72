"""What joining many pairs one after another would come to, with guards against chains."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import birthdays
from customers.picture import Sets

LARGEST = 10  # cards that pairs may make one without a person looking at each
REASONS = ("tax", "kind", "verdict", "birthday", "large")


@dataclass(slots=True)
class Chain:
    """Cards that would be one."""

    cards: int = 1
    kinds: set[str] = field(default_factory=set)
    taxes: dict[str, set[str]] = field(default_factory=dict)  # kind of number -> verified numbers
    births: set[str] = field(default_factory=set)  # as `birthdays.digits` writes them
    apart: set[UUID] = field(default_factory=set)  # cards that somebody said are somebody else


class Chains:
    """A union-find over cards whose unions pass the guards first."""

    def __init__(self) -> None:
        self._sets = Sets()
        self._of: dict[UUID, Chain] = {}

    def at(self, card: UUID) -> Chain:
        """The chain a card is part of."""
        return self._of.setdefault(self._sets.root(card), Chain())

    def count(self) -> int:
        """How many cards are left."""
        return len(self._of)

    def join(self, left: UUID, right: UUID) -> str:
        """Make one of two, or answer which of REASONS forbids it."""
        a, b = self._sets.root(left), self._sets.root(right)
        one, other = self.at(a), self.at(b)
        if a == b:
            return ""
        refusal = self._refusal(one, other)
        if not refusal:
            self._sets.unite(a, b)
            del self._of[b]
            one.cards += other.cards
            one.kinds |= other.kinds
            one.births |= other.births
            one.apart |= other.apart
            for kind, numbers in other.taxes.items():
                one.taxes.setdefault(kind, set()).update(numbers)
        return refusal

    def _refusal(self, one: Chain, other: Chain) -> str:
        if any(
            kind in other.taxes and numbers.isdisjoint(other.taxes[kind])
            for kind, numbers in one.taxes.items()
        ):
            return "tax"
        if len(one.kinds | other.kinds) > 1:
            return "kind"
        if any(self.at(card) is other for card in one.apart) or any(
            self.at(card) is one for card in other.apart
        ):
            return "verdict"
        if birthdays.apart(one.births, other.births):
            return "birthday"
        return "large" if one.cards + other.cards > LARGEST else ""


def load(session: Session, cards: Collection[UUID]) -> Chains:
    """Each of these cards alone, with what may keep it from others. Three queries."""
    chains, values = Chains(), {"cards": list(cards)}
    query = (
        "SELECT c.id, c.kind, ARRAY(SELECT DISTINCT p.record ->> 'birthday' FROM profiles p"
        " WHERE p.customer_id = c.id AND p.gone_at IS NULL AND c.kind = 'person')"
        " FROM customers c WHERE c.id = ANY(:cards)"
    )
    for card, kind, days in session.execute(text(query), values):
        chains.at(card).kinds.add(kind)
        chains.at(card).births.update(
            filter(None, (birthdays.digits(date.fromisoformat(day)) for day in days if day))
        )
    query = (
        "SELECT DISTINCT p.customer_id, k.value FROM profiles p JOIN profile_keys k ON k.profile_id = p.id"
        " WHERE p.customer_id = ANY(:cards) AND p.gone_at IS NULL AND k.kind = 'tax' AND k.strong"
    )
    for card, value in session.execute(text(query), values):
        kind, _, number = value.partition(":")
        chains.at(card).taxes.setdefault(kind, set()).add(number)
    query = (
        "WITH home AS (SELECT id, coalesce(merged_into, id) AS card FROM customers"
        " WHERE id = ANY(:cards) OR merged_into = ANY(:cards))"
        " SELECT a.card, b.card FROM verdicts v JOIN home a ON a.id = v.left_id"
        " JOIN home b ON b.id = v.right_id WHERE v.until IS NULL"
    )
    for left, right in session.execute(text(query), values):
        chains.at(left).apart.add(right)
    return chains
