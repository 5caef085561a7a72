"""What becomes of the pairs of those who arrived: decided as a run decides, among the cards they concern."""

from typing import NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from customers.matching.model import Model
from sync.dedupe import kept, reading, telling
from sync.dedupe.batch import Batch
from sync.dedupe.deciding import Deciding, Link
from sync.dedupe.looking import Looked
from sync.dedupe.people import People


class Arrived(NamedTuple):
    """A pair to be joined or asked about, as `runs.Portion` takes them."""

    number: int
    joins: bool
    left_id: UUID
    right_id: UUID
    marks: tuple[bytes, bytes]
    evidence: dict[str, object]


def decide(session: Session, model: Model, looked: Looked, *, joins: bool) -> list[Arrived]:
    """The pairs that are joined without a person, where `joins`, and those a person is asked about."""
    pairs = [pair for pair in looked.pairs if pair.bits >= model.review and pair.one.card != pair.other.card]
    if not pairs:
        return []
    people, numbers = _people(session, model, looked)
    if any(pair.bits >= model.automatic for pair in pairs):
        people.shared = reading.shared(session)
    ends = [
        [numbers[one.profile] for one in side] for side in zip(*(pair[:2] for pair in pairs), strict=True)
    ]
    one, other = (np.array(side, np.int32) for side in ends)
    bits = np.array([pair.bits for pair in pairs], np.float32)
    deciding = Deciding(people, (one, other, bits))
    decided = deciding.decide(session, joining=joins)
    links = [(True, link) for links in decided.joins for link in links]
    links += [(False, link) for link in decided.asks]
    return [_arrived(deciding, number, *link) for number, link in enumerate(links)]


def _people(session: Session, model: Model, looked: Looked) -> tuple[People, dict[UUID, int]]:
    """All records of the cards of pairs, and their numbers, to be weighed by the counts of everybody."""
    cards = {one.card for pair in looked.pairs if pair.bits >= model.review for one in pair[:2]}
    people, numbers, card = People(Batch(model)), {}, None
    for one in kept.of_cards(session, cards):
        numbers[one.profile] = people.put(
            one.prepared, one.profile, one.card, one.mark, claimed=one.claimed, first=one.card != card
        )
        card = one.card
    people.batch.counts = looked.counts
    return people, numbers


def _arrived(deciding: Deciding, number: int, joins: bool, link: Link) -> Arrived:
    people, batch = deciding.people, deciding.batch
    one, other = batch.records[link.one], batch.records[link.other]
    return Arrived(
        number,
        joins,
        people.profile(link.one),
        people.profile(link.other),
        (people.mark(link.one), people.mark(link.other)),
        telling.evidence(batch.model, one, other, batch.counts, link.held),
    )
