"""Matching on arrival: new and changed profiles are weighed against all others once they are on cards."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers.touched import ARRIVALS
from foundation import operations, work
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.jobs import Work, duty, job
from foundation.text import ngettext
from foundation.wake import wake_after_commit
from sync.dedupe import kept, looking, models, runs
from sync.dedupe.kept import ARRIVAL_LOCK, FORM, Kept
from sync.dedupe.kept_tables import MatchArrivals

KIND = "arrival"  # of the operations that join
JOB = "sync.dedupe.keep"
CARDS = 500  # of one turn
FILLED = 2_000  # cards of one portion of filling
MOST_WAITING = 10_000  # pairs found by likeness that wait for people: then nobody is asked about more

_BEGINNING = UUID(int=0)
_ROWS = 1_000
_TAKE = text(
    "DELETE FROM profiles_touched WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER o AS place,"
    " sum(cardinality(cards)) OVER o AS many FROM"
    " (SELECT id, cards FROM profiles_touched ORDER BY id LIMIT :rows) t WINDOW o AS (ORDER BY id)) q"
    " WHERE place = 1 OR many <= :limit) RETURNING cards, at"
)
_DROP = text(
    "DELETE FROM profiles_touched WHERE id IN (SELECT id FROM profiles_touched ORDER BY id LIMIT :rows)"
)
_WAIT = text(
    "SELECT EXISTS (SELECT FROM profiles_touched), set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('enable_seqscan', 'off', true)"
)
_ALONE = text("SELECT pg_try_advisory_xact_lock(:key)")
_EMPTY = text("TRUNCATE match_records, match_keys, match_words")
_FORGET = text("DELETE FROM profiles_touched")
_CARDS = text(
    "SELECT DISTINCT customer_id FROM profiles WHERE customer_id > :after ORDER BY customer_id LIMIT :limit"
)
_STAND = text("""
SELECT p.id, p.customer_id, p.gone_at IS NOT NULL, substring(p.record_hash FOR 8) FROM profiles p
WHERE p.id = ANY(:ids)
""")
_ASKED = text(
    "SELECT count(*) FROM (SELECT FROM duplicates WHERE state = 'waiting' AND rule = :rule LIMIT :most) w"
)


class _Row(NamedTuple):
    """A pair for `runs.Portion`: `one` and `other` are the cards by now."""

    number: int
    joins: bool
    left_id: UUID
    right_id: UUID
    evidence: dict[str, Any]
    one: UUID | None
    other: UUID | None
    gone: bool
    changed: bool


def state(session: Session) -> MatchArrivals | None:
    """Whether those who arrive are matched; None while nobody has asked for it. One query."""
    return session.get(MatchArrivals, 1, populate_existing=True)


def turn_on(session: Session) -> MatchArrivals:
    """Have everybody kept ready, in the background, and who arrives matched from then on."""
    lock(session, ARRIVAL_LOCK)
    found = state(session)
    if found is None or found.state == "off" or found.form != FORM:
        found = _fill_anew(session, found)
    return found


def begin(session: Session) -> None:
    """The same as somebody matches for the first time; who turned it off isn't asked again."""
    if state(session) is None:
        turn_on(session)


def turn_off(session: Session) -> None:
    """Match nobody who arrives, and keep nothing ready."""
    lock(session, ARRIVAL_LOCK)
    found = state(session)
    if found:
        session.execute(_EMPTY)
        found.state, found.records, found.joins = "off", 0, False
        session.flush()


def set_joins(session: Session, joins: bool) -> None:
    """Whether what is certain is joined without a person; only where arrivals are matched."""
    found = turn_on(session)
    found.joins = joins
    session.flush()


def _fill_anew(session: Session, found: MatchArrivals | None) -> MatchArrivals:
    session.execute(_EMPTY)
    session.execute(_FORGET)
    if found is None:
        found = MatchArrivals(state="filling", form=FORM, after=_BEGINNING)
        session.add(found)
    found.state, found.form, found.after, found.records, found.filled_at = (
        "filling",
        FORM,
        _BEGINNING,
        0,
        None,
    )
    session.flush()
    work.enqueue(session, JOB, key=JOB)
    return found


@job(JOB)
def fill(work: Work) -> None:
    """Keep everybody ready, portion by portion; a killed one goes on where it was."""
    work.portions(fill_some)


def fill_some(session: Session) -> bool:
    """Keep the records of some more cards; False when everybody is kept, and arrivals are matched."""
    lock(session, ARRIVAL_LOCK)
    found = state(session)
    if found is None or found.state != "filling":
        return False
    cards = session.scalars(_CARDS, {"after": found.after, "limit": FILLED}).all()
    if cards:
        kept.keep(session, cards)
        found.after = cards[-1]
    else:
        found.state, found.filled_at = "ready", now()
        wake_after_commit(session, ARRIVALS)
    session.flush()
    return bool(cards)


@duty(ARRIVALS, every=5)
def arrive(engine: Engine) -> bool:
    """Match some of those who arrived; True when there may be more."""
    with transaction(engine) as session:
        return turn(session)


def turn(session: Session) -> bool:
    """The same in the caller's transaction."""
    if not somebody_waits(session) or not session.scalar(_ALONE, {"key": ARRIVAL_LOCK}):
        return False
    found = state(session)
    if found is None or found.state == "off":
        session.execute(_DROP, {"rows": _ROWS})
        return True
    if found.state == "filling":
        return False
    if found.form != FORM:
        _fill_anew(session, found)
        return False
    taken = session.execute(_TAKE, {"rows": _ROWS, "limit": CARDS}).all()
    arrived = kept.keep(session, {card for row in taken for card in row.cards})
    late = {card for row in taken if found.filled_at and row.at < found.filled_at for card in row.cards}
    if late:  # they came while others were being kept, so nobody has looked at them
        arrived = list({one.profile: one for one in (*arrived, *kept.of_cards(session, late))}.values())
    match(session, arrived)
    return True


def somebody_waits(session: Session) -> bool:
    """Whether anybody arrived; what this transaction asks is planned once for a connection from here on.

    Planning costs more than doing it. An index is used whatever the size of a table is, so a plan from when
    it was small serves; elsewhere a session plans every time, as tables grow.
    """
    return bool(session.scalar(_WAIT))


def match(session: Session, arrived: Sequence[Kept]) -> None:
    """Weigh these against everybody; join or ask about what comes of it. The caller holds `ARRIVAL_LOCK`."""
    found = state(session)
    if found is None or not arrived:
        return
    model = models.current(session)
    looked = looking.look(session, model, arrived, found.records)
    if any(pair.bits >= model.review and pair.one.card != pair.other.card for pair in looked.pairs):
        neighbours: Any = import_module("sync.dedupe.neighbours")  # NumPy and DuckDB: not before a likeness
        _carry_out(session, neighbours.decide(session, model, looked, joins=found.joins), model.version)


def _carry_out(session: Session, pairs: Sequence[Any], version: str) -> None:
    """Join and ask, as a portion of a run does, under the lock of the graph."""
    if not pairs:
        return
    lock(session, GRAPH_LOCK)
    rows = _rows(session, pairs)
    if int(session.scalar(_ASKED, {"rule": runs.RULE, "most": MOST_WAITING}) or 0) == MOST_WAITING:
        rows = [row for row in rows if row.joins]
    number = sum(row.joins for row in rows)
    operation = None
    if number:
        title = ngettext("Matching on arrival: %s pair", "Matching on arrival: %s pairs", number) % number
        operation = operations.begin(session, KIND, title, "system", {"model": version})
    portion = runs.Portion(session, operation, rows)
    portion.carry_out()
    if operation:
        joined = sum(state == "joined" for state, *_rest in portion.became.values())
        if joined:
            operations.finish(session, operation, {"joined": joined, "left_alone": portion.named()})
        else:
            session.delete(operation)


def _rows(session: Session, pairs: Sequence[Any]) -> list[_Row]:
    """Pairs as they stand now; who has changed by now is matched again, as that was told of."""
    ids = {profile for pair in pairs for profile in (pair.left_id, pair.right_id)}
    here = {row[0]: row[1:] for row in session.execute(_STAND, {"ids": list(ids)})}
    found = []
    for pair in pairs:
        ends = [here.get(profile, (None, True, b"")) for profile in (pair.left_id, pair.right_id)]
        gone = any(end[1] for end in ends)
        changed = any(bytes(end[2]) != mark for end, mark in zip(ends, pair.marks, strict=True))
        found.append(
            _Row(
                pair.number, pair.joins, pair.left_id, pair.right_id, pair.evidence,
                ends[0][0], ends[1][0], gone, changed,
            )
        )  # fmt: skip
    return found
