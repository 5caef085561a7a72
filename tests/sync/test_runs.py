"""Runs: progress, estimates, paging, and none that is in progress for ever."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation import jobs, problems
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.tables import Problem
from sync import problems as sync_problems
from sync import runs
from sync.landing import Landed
from sync.tables import Run


@pytest.fixture
def begun(engine, connection):
    def begin(**fields):
        with transaction(engine) as session:
            return runs.begin(session, connection.id, "pull", **fields).id

    return begin


def test_rate_and_time_left(clock, engine, begun):
    run_id = begun(total=100)
    clock.advance(timedelta(seconds=10))
    with transaction(engine) as session:
        run = runs.hold(session, run_id)
        assert runs.rate(run) is None and runs.seconds_left(run) is None
        runs.count(run, Landed(20, 20))
        assert (runs.rate(run), runs.seconds_left(run)) == (2.0, 40.0)
        runs.finish(session, run_id)
        assert runs.seconds_left(run) is None


def test_counts_add_up(engine, begun):
    run_id = begun()
    with transaction(engine) as session:
        run = runs.hold(session, run_id)
        runs.count(run, Landed(read=10, new=3, changed=2, same=4, bad=1), bad=2)
        assert (run.read, run.new, run.changed, run.same, run.problems) == (12, 3, 2, 4, 3)
        assert run.read == run.new + run.changed + run.same + run.problems


def test_ended_runs_can_not_be_cancelled(engine, begun):
    run_id = begun()
    with transaction(engine) as session:
        runs.finish(session, run_id)
        with pytest.raises(BadInput, match="ended already"):
            runs.cancel(session, run_id)


def test_cancelled_runs_stay_cancelled(engine, begun):
    run_id = begun()
    with transaction(engine) as session:
        runs.cancel(session, run_id)
        with pytest.raises(runs.Cancelled):
            runs.hold(session, run_id)
        assert runs.finish(session, run_id).state == "cancelled"


def test_runs_page_by_keyset(clock, engine, connection, begun):
    made = []
    for _ in range(7):
        made.append(begun())
        clock.advance(timedelta(seconds=1))
    with transaction(engine) as session:
        first = [run.id for run in runs.page(session, connection.id, limit=4)]
        rest = [run.id for run in runs.page(session, connection.id, before=first[-1], limit=4)]
    assert first + rest == made[::-1]


@pytest.mark.parametrize("state", ["done", "dead", "missing"])
def test_abandoned_runs_are_closed(engine, begun, count, state):
    with transaction(engine) as session:
        job_id = jobs.enqueue(session, "sync.nothing")
    run_id = begun(job_id=job_id)
    with engine.begin() as db:
        if state == "missing":
            db.execute(text("DELETE FROM jobs"))
        else:
            db.execute(text("UPDATE jobs SET state = :state, last_error = 'no luck'"), {"state": state})
        db.execute(
            text("INSERT INTO sightings (run_id, stream, external_id) VALUES (:id, 's', 'x')"), {"id": run_id}
        )
    with transaction(engine) as session:
        assert runs.close_abandoned(session) == 1
        run = session.get_one(Run, run_id)
        assert run.state == "failed"
        assert run.error == ("The work was given up." if state == "missing" else "no luck")
    assert count("sightings") == 0


def test_runs_with_a_living_job_go_on(engine, begun):
    with transaction(engine) as session:
        job_id = jobs.enqueue(session, "sync.nothing")
    begun(job_id=job_id)
    with transaction(engine) as session:
        assert runs.close_abandoned(session) == 0


def test_ignored_problems_are_not_open(engine, connection):
    with transaction(engine) as session:
        found = problems.report(
            session, area="record", subject="x", message="y", source_id=connection.id, key="k"
        )
        problems.ignore(session, found)
        assert sync_problems.page(session) == []
        assert [p.id for p in sync_problems.page(session, states=("ignored",))] == [found]


def test_what_never_landed_can_not_be_retried(engine, connection):
    with transaction(engine) as session:
        found = problems.report(session, area="record", subject="x", message="y", source_id=connection.id)
        with pytest.raises(BadInput, match="never landed"):
            problems.retry(session, found)


def test_problems_are_found_by_connection_and_operation(engine, connection, clock):
    with transaction(engine) as session:
        mine = problems.report(session, area="record", subject="x", message="y", source_id=connection.id)
        problems.report(session, area="record", subject="z", message="y")
        assert [p.id for p in sync_problems.page(session, source_id=connection.id)] == [mine]
        assert sync_problems.page(session, operation_id=clock.new_id()) == []
        assert session.query(Problem).count() == 2
