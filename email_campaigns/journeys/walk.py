"""Going on: runs that are due take their steps until each waits or is over, all in one transaction.

Everybody who stands at one step of a version is asked about in one statement. A transaction that is killed
leaves nothing behind: moves, log, tasks and rows of the ledger come together or not at all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from email_campaigns.journeys import calls, leave, steps, store
from email_campaigns.journeys.course import Course
from email_campaigns.journeys.program import Program
from email_campaigns.journeys.steps.base import Run, Turn
from email_campaigns.journeys.tables import JourneyCall
from foundation import log, problems
from foundation.clock import now
from foundation.errors import BadInput, KartotekaError

TOGETHER = 500
TRIES = 8  # of a run that fails, farther and farther apart
_ROWS = """
SELECT r.id, r.journey_id, r.version, r.trigger_key, r.profile_id, c.id AS card, c.country, c.city,
  r.entered_at, r.context, r.at_step, r.waiting, r.due_at, r.letters, r.attempts
FROM journey_runs r LEFT JOIN profiles p ON p.id = r.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live
WHERE r.journey_id = :journey AND r.state = 'going' AND {which}
"""
_DUE = text(_ROWS.format(which="r.due_at <= :now ORDER BY r.due_at, r.id LIMIT :limit"))
_ALL = text(_ROWS.format(which="r.id > :after ORDER BY r.id LIMIT :limit"))
_MOVE = text("""
UPDATE journey_runs r SET at_step = w.at_step, waiting = w.waiting, due_at = w.due_at, state = w.state,
  reason = w.reason, ended_at = w.ended_at, attempts = 0,
  letters = ARRAY(SELECT jsonb_array_elements_text(w.letters))
FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS text[]), CAST(:waits AS bool[]),
  CAST(:dues AS timestamptz[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
  CAST(:ends AS timestamptz[]), CAST(:letters AS jsonb[]))
  AS w (id, at_step, waiting, due_at, state, reason, ended_at, letters)
WHERE r.id = w.id AND r.state = 'going'""")
_LOG = text("""
INSERT INTO journey_acts (run_id, step, what, detail, at)
SELECT w.run, w.step, w.what, w.detail, w.at FROM unnest(CAST(:runs AS uuid[]), CAST(:steps AS text[]),
  CAST(:whats AS text[]), CAST(:details AS jsonb[]), CAST(:ats AS timestamptz[]))
  WITH ORDINALITY AS w (run, step, what, detail, at, n) ORDER BY w.n ON CONFLICT DO NOTHING""")
_FAILED = text(
    "UPDATE journey_runs SET attempts = attempts + 1, due_at = :later,"
    " state = CASE WHEN attempts + 1 >= :tries THEN 'dead' ELSE state END,"
    " reason = CASE WHEN attempts + 1 >= :tries THEN 'failed' ELSE reason END,"
    " ended_at = CASE WHEN attempts + 1 >= :tries THEN CAST(:now AS timestamptz) END WHERE id = :id"
    " RETURNING state"
)


def due(session: Session, course: Course) -> int:
    """Let the runs that are due go on; how many were. As many as `TOGETHER`: there may be more."""
    values = {"journey": course.journey_id, "now": now(), "limit": TOGETHER}
    rows = session.execute(_DUE, values).all()
    _each(session, course, rows, sweep=False)
    return len(rows)


def sweep(session: Session, course: Course, after: UUID) -> UUID | None:
    """Look whether a portion of all who are in it need not go on; where the next portion begins."""
    values = {"journey": course.journey_id, "after": after, "limit": TOGETHER}
    rows = session.execute(_ALL, values).all()
    _each(session, course, rows, sweep=True)
    return rows[-1].id if len(rows) == TOGETHER else None


def _each(session: Session, course: Course, rows: Sequence[Row[Any]], *, sweep: bool) -> None:
    """Version by version; when a portion breaks, one by one, so that a bad one stops no other."""
    by_version = sorted(rows, key=lambda row: row.version)
    for version, some in groupby(by_version, key=lambda row: row.version):
        portion, program = list(some), course.program_of(version)
        try:
            with session.begin_nested():
                _take(session, course, program, portion, sweep=sweep)
        except (KartotekaError, DBAPIError, ValueError, KeyError) as error:
            _really(error)
            for row in portion:
                _alone(session, course, program, row, sweep=sweep)
        else:
            if not sweep and any(row.attempts for row in portion):
                problems.settle(session, f"journey:{course.journey_id}")


def _alone(session: Session, course: Course, program: Program, row: Row[Any], *, sweep: bool) -> None:
    try:
        with session.begin_nested():
            _take(session, course, program, [row], sweep=sweep)
    except (KartotekaError, DBAPIError, ValueError, KeyError) as error:
        _really(error)
        if not isinstance(error, KartotekaError):
            log.get(__name__).exception("run_broke", run=str(row.id))
        at = now()
        later = at + timedelta(minutes=min(60, 2**row.attempts))
        values = {"id": row.id, "later": later, "tries": TRIES, "now": at}
        state = session.scalar(_FAILED, values)
        why = error.message if isinstance(error, BadInput) else f"{type(error).__name__}"
        _write_log(session, [(row.id, row.at_step, f"failed {row.attempts + 1}", {"why": why}, at)])
        if state == "dead":
            _write_log(session, [(row.id, "", "ended", {"state": "dead", "reason": "failed"}, at)])
        problems.report(
            session, area="mail", subject=f"journey {course.name}", key=f"journey:{course.journey_id}",
            message=f"Somebody can't go on at the step “{row.at_step or 'first'}”: {why} It is tried again"
            f" {TRIES} times within hours.",
        )  # fmt: skip


def _really(error: Exception) -> None:
    """What concerns the server, not the run, is no fault of the run."""
    if isinstance(error, OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        raise error


def _take(
    session: Session, course: Course, program: Program, rows: Sequence[Row[Any]], *, sweep: bool
) -> None:
    """The steps that these runs of one version can take now."""
    runs = [Run(*tuple(row)) for row in rows]
    if course.sandbox:  # instants are taken together there; nobody is late
        for run in runs:
            run.late = timedelta.max
    turn = Turn(session, program, now(), sandbox=course.sandbox)
    leave.check(turn, runs)
    going = [run for run in runs if run.state == "going"]
    if sweep:
        moved = _awaited(turn, going)
        changed = [run for run in runs if run.state != "going" or run in moved]
    else:
        moved, changed = going, runs
    _go(turn, moved)
    _write(session, turn, changed)


def _awaited(turn: Turn, runs: Iterable[Run]) -> list[Run]:
    """Of runs that wait for something, those for which it has become true: they are due now."""
    found: list[Run] = []
    for step_id, group in _together([run for run in runs if run.waiting and run.due_at > turn.at]):
        step = turn.program.steps.get(step_id[0])
        if step is not None and step.type == "wait_for":
            true = steps.waits.true(turn, step, group)
            found += [run for run in group if run.card in true]
    for run in found:
        run.due_at = turn.at
    return found


def _together(runs: Iterable[Run]) -> Iterable[tuple[tuple[str, bool], list[Run]]]:
    found: dict[tuple[str, bool], list[Run]] = {}
    for run in runs:
        found.setdefault((run.at_step, run.waiting), []).append(run)
    return found.items()


def _go(turn: Turn, runs: Sequence[Run]) -> None:
    """Step by step, everybody who stands at one step together; every way ends, so this does."""
    ready = list(runs)
    while ready:
        for (step_id, waiting), group in _together(ready):
            if not step_id:
                for run in group:
                    turn.go(run, turn.program.first)
                continue
            step = turn.program.steps[step_id]
            kind = steps.of(step.type)
            if not waiting:
                kind.arrive(turn, step, group)
            elif kind.resume is not None:
                kind.resume(turn, step, group)
            else:
                for run in group:
                    turn.go(run, step.then)
        ready = [run for run in ready if run.state == "going" and run.due_at <= turn.at]


def _write(session: Session, turn: Turn, runs: Sequence[Run]) -> None:
    gone = [run.id for run in runs if run.state in ("left", "goal")]
    if gone and not turn.sandbox and any(one.type == "webhook" for one in turn.program.steps.values()):
        calls.cancel(session, JourneyCall.run_id.in_(gone))
    if runs:
        values = {
            "ids": [run.id for run in runs], "steps": [run.at_step for run in runs],
            "waits": [run.waiting for run in runs], "dues": [run.due_at for run in runs],
            "states": [run.state for run in runs], "reasons": [run.reason for run in runs],
            "ends": [run.ended_at for run in runs],
            "letters": [msgspec.json.encode(run.letters).decode() for run in runs],
        }  # fmt: skip
        session.execute(_MOVE, values)
    left = [one for run in runs if run.state in ("left", "goal") for one in run.letters]
    store.cancel(session, left, "left_journey")
    _write_log(session, turn.acts)


def _write_log(session: Session, acts: Sequence[tuple[UUID, str, str, dict[str, Any], datetime]]) -> None:
    if acts:
        columns = [list(column) for column in zip(*acts, strict=True)]
        columns[3] = [msgspec.json.encode(detail).decode() for detail in columns[3]]
        names = ("runs", "steps", "whats", "details", "ats")
        session.execute(_LOG, dict(zip(names, columns, strict=True)))
