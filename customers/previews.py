"""What other field policies would change: some real cards before and after, and how many in all.

A large installation is judged by a sample of its cards, the same each time, so the answer comes at once and
an order can be compared with another.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import golden, policy
from customers.golden import Claim
from customers.graph import KEPT
from foundation.records import Person

SAMPLE = 3000  # cards looked at
SHOWN = 4  # of each field

# cards of a single source say the same under any policy
_CLAIMS = text(f"""
WITH several AS (SELECT customer_id FROM profiles WHERE customer_id = ANY(:ids)
  GROUP BY 1 HAVING count(DISTINCT source_id) > 1)
SELECT p.customer_id, p.id, p.source_id, s.role, p.changed_at, CAST(p.record AS text), p.set_aside,
  p.gone_at IS NOT NULL, p.gone_at IS NOT NULL AND {KEPT}
FROM several JOIN profiles p USING (customer_id) JOIN sources s ON s.id = p.source_id
ORDER BY p.customer_id, p.id
""")
_FEW = text("SELECT id FROM customers WHERE live ORDER BY id LIMIT :limit")
_SAMPLED = text("SELECT id, live FROM customers TABLESAMPLE SYSTEM (:percent) REPEATABLE (1) LIMIT :limit")
_ROWS = text("SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST('customers' AS regclass)")
_COUNT = text("SELECT count(*) FROM customers")


class Change(NamedTuple):
    """A field of a card that would be another."""

    card: UUID
    name: str
    field: str
    before: Any
    before_from: UUID | None  # the source
    after: Any
    after_from: UUID | None


class Preview(NamedTuple):
    """What would change; `cards` and `counts` are estimates unless all cards were looked at."""

    counts: dict[str, int]  # field -> cards that change
    samples: list[Change]
    looked: int
    cards: int

    @property
    def exact(self) -> bool:
        """Whether all cards were looked at."""
        return self.looked == self.cards


def preview(session: Session, orders: Mapping[str, Sequence[str]]) -> Preview:
    """What these orders would change against those in force. At most seven queries."""
    policy.check(session, orders)
    now = policy.in_force(session)
    changed = {field: order for field, order in orders.items() if list(order) != now[field]}
    ids, cards = _sample(session)
    counts, samples = dict.fromkeys(changed, 0), []
    for card, claims in _claims(session, ids).items():
        for field, order in changed.items():
            before, said = golden.winner(claims, field, now[field])
            after, says = golden.winner(claims, field, order)
            if before == after:
                continue
            counts[field] += 1
            if counts[field] <= SHOWN:
                name, _ = golden.winner(claims, "name", now["name"])
                change = Change(card, name or "", field, before, _source(said), after, _source(says))
                samples.append(change)
    share = cards / len(ids) if ids else 1
    estimated = {field: round(count * share) for field, count in counts.items()}
    return Preview(estimated, samples, len(ids), cards)


def _sample(session: Session) -> tuple[list[UUID], int]:
    """All living cards when they are few, else some from all over; and how many there are."""
    ids = list(session.execute(_FEW, {"limit": SAMPLE + 1}).scalars())
    if len(ids) <= SAMPLE:
        return ids, len(ids)
    total = session.execute(_ROWS).scalar_one()
    if total <= SAMPLE:  # the server has not looked at the table yet
        total = session.execute(_COUNT).scalar_one()
    values = {"percent": min(100.0, 100 * SAMPLE / total), "limit": 2 * SAMPLE}
    rows = session.execute(_SAMPLED, values).all()
    if len(rows) == 2 * SAMPLE:  # many have come since it looked
        total = session.execute(_COUNT).scalar_one()
    found = [row.id for row in rows if row.live]
    if not found:  # few and full pages, and none was hit
        return ids[:SAMPLE], total
    return found, round(total * len(found) / len(rows))


def _claims(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Claim]]:
    """Card of several sources -> what its profiles say: those their sources still have, else those kept."""
    here: dict[UUID, list[Claim]] = {}
    kept: dict[UUID, list[Claim]] = {}
    decode = msgspec.json.Decoder(Person).decode
    for card, profile, source, role, at, record, aside, gone, orders_remain in session.execute(
        _CLAIMS, {"ids": ids}
    ):
        if not gone or orders_remain:
            claim = Claim(profile, source, role, at, decode(record), aside or {})
            (kept if gone else here).setdefault(card, []).append(claim)
    return {**kept, **here}


def _source(claim: Claim | None) -> UUID | None:
    return claim.source_id if claim else None
