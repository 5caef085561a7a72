"""What matching says of two cards as they are now, whatever they were found by and whatever was said then."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from customers.matching import clustering
from sync.dedupe import arrivals, kept, models, telling
from sync.dedupe.looking import Look

MOST = 12  # records of a card that are weighed


def opinion(session: Session, left: UUID, right: UUID) -> dict[str, Any] | None:
    """The evidence of their surest two records, as a run tells it.

    None where it can't be told in a moment: nobody is kept ready (`arrivals.turn_on`), one of the cards says
    nothing, or one is a person and the other a company.
    """
    state = arrivals.state(session)
    if state is None or state.state != "ready" or state.form != kept.FORM:
        return None
    records = kept.of_cards(session, (left, right))
    sides = [[one.prepared for one in records if one.card == card][:MOST] for card in (left, right)]
    model = models.current(session)
    look = Look(session, model, state.records)
    look.words.load(kept.named((*sides[0], *sides[1])))
    pairs = [(one, other) for one in sides[0] for other in sides[1] if one.kind == other.kind]
    if not pairs:
        return None
    bits, at = max((model.weigh(*pair, look.counts), -at) for at, pair in enumerate(pairs))
    one, other = pairs[-at]
    held = clustering.refusal(one, other) if bits >= model.automatic else ""
    return telling.evidence(model, one, other, look.counts, held)
