"""Figures in the format monitors read."""

from datetime import timedelta
from types import ModuleType

from sqlalchemy import Engine

from foundation import metrics, problems, work
from foundation.database import transaction
from foundation.running import run_until_idle
from foundation.work import Work


@work.job("test.counted")
def _counted(one: Work) -> None:
    pass


def figures(engine: Engine) -> dict[str, float]:
    lines = metrics.render(engine).decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_jobs_are_counted(engine: Engine) -> None:
    with transaction(engine) as session:
        work.enqueue(session, "test.counted")
    run_until_idle(engine)
    seen = figures(engine)
    assert seen['kartoteka_jobs_total{kind="test.counted",outcome="done"}'] == 1
    assert seen['kartoteka_job_seconds_count{kind="test.counted"}'] == 1


def test_gauges_come_from_the_database(engine: Engine, clock: ModuleType) -> None:
    with transaction(engine) as session:
        work.enqueue(session, "test.counted", run_at=clock.now() - timedelta(seconds=40))
        work.enqueue(session, "test.counted", run_at=clock.now() + timedelta(hours=1))
        problems.report(session, area="webhook", subject="x", message="y")
    seen = figures(engine)
    assert seen['kartoteka_jobs_rows{state="due"}'] == 1
    assert seen['kartoteka_jobs_rows{state="later"}'] == 1
    assert seen['kartoteka_jobs_rows{state="dead"}'] == 0
    assert seen["kartoteka_jobs_lag_seconds"] == 40
    assert seen['kartoteka_open_problems{area="webhook"}'] == 1


def test_idle_installation_has_no_lag(engine: Engine) -> None:
    assert figures(engine)["kartoteka_jobs_lag_seconds"] == 0
