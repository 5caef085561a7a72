"""A model of an installation's own: learnt from its pairs and held against the shipped one."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching import compare
from customers.matching.model import Model, Weights, shipped
from customers.matching.prepared import prepare
from foundation.records import Person, PersonKind
from sync.dedupe import learning, sanity
from sync.dedupe.batch import Batch, Progress, Sample
from sync.dedupe.learning import SURE, Learnt, Pairs
from sync.dedupe.reading import ORDERS, READABLE, ordered, speaks, with_goods
from sync.dedupe.sanity import FEWEST_PAIRS, Measure, Reviewed

MOST = 2_000_000  # pairs that are learnt from
DECISIONS = 20_000  # of people that are looked at, the newest
KEPT = 5_000  # of them whose weights a version keeps
Figures = dict[str, Any]
KINDS: tuple[PersonKind, ...] = ("person", "company")
_EVERY = 20_000  # records or pairs between two reports

_HOME = "NOT EXISTS (SELECT FROM profile_links e WHERE e.profile_id = {0}.profile_id AND e.id < {0}.id)"
_PEOPLE = text(f"""
SELECT p.id, h.customer_id, p.record::text, {ORDERS} FROM profiles p
JOIN profile_links h ON h.profile_id = p.id AND {_HOME.format("h")} WHERE {READABLE} ORDER BY p.id
""")
_NUMBER = text(f"SELECT count(*) FROM profiles p WHERE {READABLE}")
# decisions, and of both cards the profiles whose home they are
_DECIDED = text(f"""
WITH said AS (SELECT id, left_id, right_id, state FROM duplicates WHERE state IN ('joined', 'different')
  ORDER BY decided_at DESC, id LIMIT :limit)
SELECT s.id, s.state = 'joined', a.profile_id, b.profile_id FROM said s
JOIN profile_links a ON a.customer_id = s.left_id AND {_HOME.format("a")}
JOIN profile_links b ON b.customer_id = s.right_id AND {_HOME.format("b")}
ORDER BY s.id, a.profile_id, b.profile_id
""")


class Decision(NamedTuple):
    """What a person said of two cards, as pairs of records; those held out teach nothing, they examine."""

    same: bool
    held: bool
    pairs: list[tuple[int, int]]


class Lesson(NamedTuple):
    """All that is learnt from: records, the card each came to by exact keys (-1: unknown), decisions."""

    batch: Batch
    homes: Sequence[int]
    decisions: Sequence[Decision] = ()


class Trained(NamedTuple):
    """A model, what it came of, what thresholds are seen on, why it may not be used ("" when it may)."""

    model: Model
    detail: Figures
    figures: Figures
    refusal: str


def gather(session: Session, progress: Progress = lambda *_: None) -> Lesson:
    """All profiles with a card, and what people have decided."""
    decided = session.execute(_DECIDED, {"limit": DECISIONS}).all()
    wanted = {profile for row in decided for profile in row[2:]}
    total = int(session.scalar(_NUMBER) or 0)
    batch, decode = Batch(shipped()), msgspec.json.Decoder(Person).decode
    numbers: dict[UUID, int] = {}
    cards: dict[UUID, int] = {}
    homes: list[int] = []
    for profile, card, record, goods in session.execute(_PEOPLE, execution_options={"yield_per": 2_000}):
        prepared = with_goods(prepare(decode(record)), ordered(goods))
        if not speaks(prepared):
            continue
        index = batch.take(prepared)
        homes.append(cards.setdefault(card, len(cards)))
        if profile in wanted:
            numbers[profile] = index
        if len(homes) % _EVERY == 0:
            progress("Reading", len(homes), total)
    return Lesson(batch, homes, list(_decisions(decided, numbers)))


def _decisions(rows: Sequence[Any], numbers: Mapping[UUID, int]) -> Iterator[Decision]:
    found: dict[UUID, Decision] = {}
    for pair, same, left, right in rows:
        decision = found.setdefault(pair, Decision(same, zlib.crc32(pair.bytes) % 5 == 0, []))
        if left in numbers and right in numbers:
            decision.pairs.append((numbers[left], numbers[right]))
    return (decision for decision in found.values() if decision.pairs)


def train(lesson: Lesson, like: Model, progress: Progress = lambda *_: None, *, spark: str = "") -> Trained:
    """A model of one's own with the thresholds of `like`; `spark` is the address of a master to learn at."""
    sample = lesson.batch.sample(MOST)
    decided = [(_strongest(lesson.batch, decision), decision) for decision in lesson.decisions]
    pairs = _pairs(lesson, sample, {pair: one.same for pair, one in decided if not one.held}, progress)
    progress("Learning", 0, 1)
    learnt = {kind: learning.learn(some, spark) for kind, (some, _homes) in pairs.items()}
    model = _model(learnt, like)
    reviewed = list(_reviewed(lesson.batch, model, decided))
    found = sanity.measure(model, pairs, reviewed)
    detail, figures = _detail(lesson, sample, learnt, found), _figures(sample, found)
    return Trained(model, detail, figures, sanity.refusal(model, learnt, found))


def learn(lesson: Lesson) -> dict[PersonKind, Learnt]:
    """What undecided pairs alone teach, by kind."""
    pairs = _pairs(lesson, lesson.batch.sample(MOST), {}, lambda *_: None)
    return {kind: learning.learn(some) for kind, (some, _homes) in pairs.items()}


def _strongest(batch: Batch, decision: Decision) -> tuple[int, int]:
    """The pair of records of two cards that most speaks for one customer."""

    def weight(pair: tuple[int, int]) -> float:
        return shipped().weigh(batch.records[pair[0]], batch.records[pair[1]], batch.counts)

    one, other = max(decision.pairs, key=weight)
    return min(one, other), max(one, other)


def _pairs(
    lesson: Lesson, sample: Sample, taught: Mapping[tuple[int, int], bool], progress: Progress
) -> dict[PersonKind, tuple[Pairs, list[bool]]]:
    """The pairs to learn from, those that people decided among them, and which of them exact keys joined."""
    batch, total = lesson.batch, min(sample.total, MOST) + len(taught)
    found: dict[PersonKind, tuple[Pairs, list[bool]]] = {kind: (Pairs(kind, total), []) for kind in KINDS}
    for done, pair in enumerate(chain((one for one in sample.pairs if one not in taught), taught)):
        if done % _EVERY == 0:
            progress("Comparing", done, total)
        one, other = (batch.records[number] for number in pair)
        if one.kind == other.kind:
            vector = compare.vector(one, other, batch.counts)
            said = taught.get(pair)
            pairs, homes = found[one.kind]
            bits = shipped().weights(one.kind).weigh(vector) if said is None else SURE if said else -SURE
            pairs.add(vector, bits)
            homes.append(lesson.homes[pair[0]] == lesson.homes[pair[1]] >= 0)
    return found


def _model(learnt: Mapping[PersonKind, Learnt], like: Model) -> Model:
    return msgspec.structs.replace(
        like, person=_weights("person", learnt["person"]), company=_weights("company", learnt["company"])
    )


def _weights(kind: PersonKind, learnt: Learnt) -> Weights:
    """A kind of which there are few pairs keeps the shipped weights."""
    weights = shipped().weights(kind)
    if learnt.pairs < FEWEST_PAIRS:
        return weights
    return learning.moved(weights, learnt, learning.reference().learnt(kind))


def _reviewed(
    batch: Batch, model: Model, decided: Sequence[tuple[tuple[int, int], Decision]]
) -> Iterator[Reviewed]:
    for (one, other), decision in decided:
        a, b = batch.records[one], batch.records[other]
        weights = [round(by.weigh(a, b, batch.counts), 2) for by in (model, shipped())]
        yield Reviewed(weights[0], weights[1], decision.same, decision.held)


def _detail(lesson: Lesson, sample: Sample, learnt: Mapping[PersonKind, Learnt], found: Measure) -> Figures:
    """What a version says of its training."""
    return {
        "records": len(lesson.homes),
        "pairs": sample.total,
        "share": {kind: round(one.same, 4) for kind, one in learnt.items()},
        "moved": [kind for kind, one in learnt.items() if one.pairs >= FEWEST_PAIRS],
        "decisions": len(found.reviewed),
        "held": sum(one.held for one in found.reviewed),
        "homes": {"all": found.homes, "own": found.own_homes, "shipped": found.shipped_homes},
    }


def _figures(sample: Sample, found: Measure) -> Figures:
    """What thresholds are seen on: how many pairs weigh what, and the weights of decided ones. No records."""
    return {
        "every": sample.every,
        "own": found.own,
        "shipped": found.shipped,
        "reviewed": [(one.own, one.shipped, int(one.same)) for one in found.reviewed[:KEPT]],
        "side": "own",
    }
