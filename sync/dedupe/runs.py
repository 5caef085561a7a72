"""Runs of matching: a plan is carried out portion by portion, under one operation that one undo takes back.

A portion holds the lock of the graph for some hundred pairs and ends with whole clusters, so a killed worker
leaves whole customers behind and goes on. What has changed since the plan is left alone and named.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers import graph as graphs
from customers import stats
from customers.picture import NEW, Edge, Graph, draw, homes
from foundation import operations, work
from foundation.clock import new_id, now
from foundation.database import GRAPH_LOCK, lock, staged
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _, ngettext
from sync.dedupe import telling
from sync.dedupe.guards import guards_of
from sync.dedupe.tables import MatchPair, MatchRun

KIND = "dedupe"  # of the operations
RULE = "model"  # of links and of pairs that wait
JOB = "sync.dedupe"
PORTION = 200  # pairs of one transaction, and the rest of the last one's cluster
NAMED = 100  # pairs left alone that an operation names

_NEXT = text("""
SELECT m.number, m.joins, m.left_id, m.right_id, m.evidence, a.customer_id AS one, b.customer_id AS other,
  a.id IS NULL OR b.id IS NULL OR a.gone_at IS NOT NULL OR b.gone_at IS NOT NULL AS gone,
  substring(a.record_hash FOR 8) <> m.left_hash OR substring(b.record_hash FOR 8) <> m.right_hash AS changed
FROM match_pairs m LEFT JOIN profiles a ON a.id = m.left_id LEFT JOIN profiles b ON b.id = m.right_id
WHERE m.run_id = :run AND m.state = 'planned' AND m.cluster <= (SELECT max(cluster) FROM (
  SELECT cluster FROM match_pairs WHERE run_id = :run AND state = 'planned' ORDER BY number LIMIT :limit) n)
ORDER BY m.number
""")
_WRITE = text("""
UPDATE match_pairs m SET state = w.state, reason = w.reason, duplicate_id = w.duplicate_id
FROM written w WHERE m.run_id = :run AND m.number = w.number
""")
_PROPOSE = text("""
INSERT INTO duplicates (id, left_id, right_id, rule, evidence, state, found_at)
VALUES (:id, :left, :right, :rule, CAST(:evidence AS jsonb), 'waiting', :at)
ON CONFLICT (left_id, right_id) DO NOTHING RETURNING id
""")
_NAMES = text(
    "SELECT p.id, coalesce(nullif(p.record ->> 'name', ''), nullif(p.record ->> 'company', ''), c.name,"
    " p.external_id), c.id FROM profiles p"
    " LEFT JOIN customers c ON c.id = p.customer_id WHERE p.id = ANY(:ids)"
)

_encode = msgspec.json.Encoder().encode

Became = tuple[str, str, UUID | None]  # of a pair: its state, why it was left alone, what waits because of it


def find(session: Session, run_id: UUID) -> MatchRun:
    """A run, locked; BadInput when there is none."""
    run = session.get(MatchRun, run_id, with_for_update=True)
    if run is None:
        raise BadInput(_("There is no run of matching %s.") % run_id, "run")
    return run


def planning(session: Session) -> MatchRun | None:
    """The run that is being planned."""
    return session.scalars(select(MatchRun).where(MatchRun.state == "planning").limit(1)).first()


def latest(session: Session, limit: int = 50) -> Sequence[MatchRun]:
    """Runs, the newest first. One query."""
    query = select(MatchRun).order_by(MatchRun.made_at.desc(), MatchRun.id).limit(limit)
    return session.scalars(query).all()


def examples(session: Session, run_id: UUID, *, joins: bool, limit: int = 8) -> Sequence[MatchPair]:
    """The doubtful end of what a run joins or asks about: the pairs with the least bits. One query."""
    query = select(MatchPair).where(MatchPair.run_id == run_id, MatchPair.joins == joins)
    return session.scalars(query.order_by(MatchPair.bits, MatchPair.number).limit(limit)).all()


def names(session: Session, pairs: Sequence[MatchPair]) -> dict[UUID, tuple[str, UUID | None]]:
    """What the profiles of pairs are called, and the cards they are on. One query."""
    ids = [profile for pair in pairs for profile in (pair.left_id, pair.right_id)]
    return {row[0]: (row[1], row[2]) for row in session.execute(_NAMES, {"ids": ids})}


def start(session: Session, run_id: UUID, actor: str, *, anyway: bool = False) -> Operation:
    """Carry out a plan in the background.

    BadInput when it isn't there to be carried out, does nothing, or takes more cards than is usual and
    nobody said `anyway`.
    """
    run = find(session, run_id)
    if run.state != "planned":
        raise BadInput(_("This plan is %s; plan again.") % run.state, "run")
    if not run.total:
        raise BadInput(_("There is nothing to join and nobody to ask about."), "run")
    if run.alarm and not anyway:
        raise BadInput(run.alarm, "run")
    if session.scalar(select(MatchRun.id).where(MatchRun.state == "running")):
        raise BadInput(_("Another run is going on; wait for it."), "run")
    number = run.counts["joins"]
    title = ngettext("Matching: %s pair of cards", "Matching: %s pairs of cards", number) % f"{number:,}"
    operation = operations.begin(session, KIND, title, actor, {"run": str(run.id), "model": run.model})
    operation.plan_hash, operation.result = run.hash, {"pairs": run.total, "decided": 0}
    run.operation_id, run.state, run.began_at, run.phase = operation.id, "running", now(), "Joining"
    session.flush()
    work.enqueue(session, JOB, {"run": str(run.id)}, key=f"{JOB}:{run.id}")
    return operation


def cancel(session: Session, run_id: UUID) -> MatchRun:
    """Stop a run before its next portion; what it did stays, and can be undone. BadInput when it is over."""
    run = find(session, run_id)
    if run.state not in ("planning", "planned", "running"):
        raise BadInput(_("This run is %s already.") % run.state, "run")
    run.finished_at = now()
    if run.operation_id:
        _close(session, run, operations.find(session, run.operation_id))
    run.state = "cancelled"
    session.flush()
    return run


def go_on(session: Session, run_id: UUID) -> bool:
    """Carry out the next portion; False when nothing is left to do and the run is closed."""
    lock(session, GRAPH_LOCK)
    run = find(session, run_id)
    if run.state != "running" or run.operation_id is None:
        return False
    operation = operations.find(session, run.operation_id)
    rows = session.execute(_NEXT, {"run": run.id, "limit": PORTION}).all()
    if not rows:
        _close(session, run, operation)
        return False
    portion = Portion(session, operation, rows)
    portion.carry_out()
    _note(session, run, operation, portion)
    return True


def _note(session: Session, run: MatchRun, operation: Operation, portion: "Portion") -> None:
    """Write what became of the pairs of a portion."""
    became = portion.became
    definition = "number integer, state text, reason text, duplicate_id uuid"
    with staged(session, "written", definition, [(number, *one) for number, one in became.items()]):
        session.execute(_WRITE, {"run": run.id})
    counts = Counter(state for state, *_rest in became.values())
    result, left = operation.result, operation.result.get("left_alone", [])
    run.done += len(became)
    operation.result = {
        **result,
        "decided": run.done,
        **{name: result.get(name, 0) + counts[name] for name in ("joined", "asked", "left") if counts[name]},
        **({"left_alone": (left + portion.named())[:NAMED]} if counts["left"] else {}),
    }
    session.flush()


def _close(session: Session, run: MatchRun, operation: Operation) -> None:
    run.state, run.phase, run.finished_at = "done", "", now()
    operations.finish(session, operation, operation.result)


class Portion:
    """Some planned pairs, looked at again, then joined as part of an operation or put before a person."""

    def __init__(self, session: Session, operation: Operation | None, rows: Sequence[Any]) -> None:
        self.session, self.operation, self.rows = session, operation, rows
        self.became: dict[int, Became] = {}
        self.graph = Graph()

    def carry_out(self) -> None:
        """Do it; `became` says what came of each."""
        sound = [row for row in self.rows if self._as_planned(row)]
        self.graph = graphs.load(self.session, seeds={card for row in sound for card in (row.one, row.other)})
        self._join(self._guarded([row for row in sound if row.joins]))
        self._ask([row for row in sound if not row.joins])

    def _as_planned(self, row: Any) -> bool:
        reason = "gone" if row.gone or not (row.one and row.other) else "changed" if row.changed else ""
        if not reason and row.one == row.other:
            reason = "same"
        if reason:
            self.became[row.number] = "left", reason, None
        return not reason

    def _guarded(self, rows: Sequence[Any]) -> list[Any]:
        """Pairs that nothing known by now keeps apart."""
        guards = guards_of(self.session, {card for row in rows for card in (row.one, row.other)})
        kept = []
        for row in rows:
            if reason := guards.join(row.one, row.other):
                self.became[row.number] = "left", reason, None
            else:
                kept.append(row)
        return kept

    def _join(self, rows: Sequence[Any]) -> None:
        """Tie the home cards of pairs of profiles and draw their cards once."""
        if not rows or self.operation is None:
            return
        home = homes(self.graph.edges)
        made: dict[int, Any] = {}
        for row in rows:
            keep, other = home[row.left_id].card, home[row.right_id].card
            edge = Edge(
                NEW + len(self.graph.edges), row.right_id, keep, RULE, self.operation.id, other,
                evidence={**row.evidence, "card": str(other), "with": str(row.left_id)},
                actor=self.operation.actor, new=True,
            )  # fmt: skip
            self.graph.edges.append(edge)
            made[edge.id] = row
        held = draw(self.graph)[1]
        self.graph.edges = [edge for edge in self.graph.edges if not (edge.new and edge.id in held)]
        settled = graphs.settle(self.session, self.graph)
        stats.refresh(self.session, settled.cards)
        for number, row in made.items():
            self.became[row.number] = ("left", "verdict", None) if number in held else ("joined", "", None)

    def _ask(self, rows: Sequence[Any]) -> None:
        """Put pairs of home cards on the list that waits for people."""
        home = homes(self.graph.edges)
        for row in rows:
            left, right = sorted((home[row.left_id].card, home[row.right_id].card))
            values = {
                "id": new_id(), "left": left, "right": right, "rule": RULE, "at": now(),
                "evidence": _encode(row.evidence).decode(),
            }  # fmt: skip
            found = self.session.execute(_PROPOSE, values).scalar()
            self.became[row.number] = ("asked", "", found) if found else ("left", "asked", None)

    def named(self) -> list[str]:
        """A sentence for each pair that was left alone."""
        left = [row for row in self.rows if self.became[row.number][0] == "left"][:NAMED]
        ids = [profile for row in left for profile in (row.left_id, row.right_id)]
        names: Mapping[UUID, str] = {row[0]: row[1] for row in self.session.execute(_NAMES, {"ids": ids})}
        nobody = _("somebody")
        return [
            f"{names.get(row.left_id, nobody)} / {names.get(row.right_id, nobody)}:"
            f" {telling.left_words(self.became[row.number][1])}"
            for row in left
        ]
