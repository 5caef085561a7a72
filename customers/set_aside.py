"""Values of profiles that another source's have replaced: they count last until the profile says another.

When the accounting system moves a customer to another city, the shop goes on saying the old one, and would
win again with its next change of a phone number. A value set aside doesn't: the shop has to say a new one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import graph
from customers.graph import Settled
from foundation.database import staged

Entry = tuple[UUID, str, str | None]  # profile, golden field, the value; None: nothing is set aside any more

_WRITE = """
UPDATE profiles p SET set_aside = nullif(jsonb_strip_nulls(coalesce(p.set_aside, '{}') || c.said), '{}')
FROM (SELECT profile_id, jsonb_object_agg(field, value) AS said FROM asides GROUP BY profile_id) AS c
WHERE c.profile_id = p.id RETURNING p.customer_id
"""


def write(session: Session, entries: Sequence[Entry]) -> Settled:
    """Set values aside, or take that back; cards are computed anew. The caller holds `GRAPH_LOCK`."""
    if not entries:
        return Settled()
    latest: Mapping[tuple[UUID, str], Any] = {(one, field): value for one, field, value in entries}
    rows = [(one, field, value) for (one, field), value in latest.items()]
    with staged(session, "asides", "profile_id uuid, field text, value text", rows):
        cards = {card for card in session.scalars(text(_WRITE)) if card is not None}
    return graph.recompute(session, cards) if cards else Settled()
