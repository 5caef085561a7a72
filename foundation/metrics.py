"""Figures for monitors: counters of this process, and gauges read from the database when asked."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation.clock import now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REGISTRY = CollectorRegistry()
JOBS = Counter("kartoteka_jobs", "Jobs run, by kind and outcome.", ["kind", "outcome"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    "kartoteka_job_seconds",
    "How long jobs ran.",
    ["kind"],
    registry=REGISTRY,
    buckets=(0.01, 0.1, 1, 10, 60, 600, 3600),
)
WAKES = Counter("kartoteka_wakes", "Wake-ups by outcome: sent, joined, lost.", ["outcome"], registry=REGISTRY)
PROBLEMS = Counter("kartoteka_problems", "Problems reported, by area.", ["area"], registry=REGISTRY)
REQUESTS = Counter(
    "kartoteka_http_requests",
    "Requests answered, by route and status.",
    ["route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "kartoteka_http_seconds",
    "How long requests took.",
    ["route"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LANDED = Counter(
    "kartoteka_landed_records", "Records landed: new, changed, same.", ["result"], registry=REGISTRY
)

Reading = Callable[[Session], Iterable[tuple[tuple[str, ...], float]]]
_readings: dict[str, tuple[str, tuple[str, ...], Reading]] = {}


def reading(name: str, help_text: str, *labels: str) -> Callable[[Reading], Reading]:
    """Registers a gauge read from the database at each `render`; yields (label values, value)."""

    def register(read: Reading) -> Reading:
        _readings[name] = (help_text, labels, read)
        return read

    return register


def render(engine: Engine) -> bytes:
    """Everything in Prometheus' text format. Counters are those of this process; gauges are everybody's."""
    gauges = CollectorRegistry()
    with Session(engine) as session:
        for name, (help_text, labels, read) in _readings.items():
            gauge = Gauge(name, help_text, labels, registry=gauges)
            for values, value in read(session):
                (gauge.labels(*values) if labels else gauge).set(value)
    return generate_latest(REGISTRY) + generate_latest(gauges)


@reading("kartoteka_open_problems", "Problems waiting for a person, by area.", "area")
def _open_problems(session: Session) -> Iterable[tuple[tuple[str, ...], float]]:
    query = "SELECT area, count(*) FROM problems WHERE state IN ('open', 'retrying') GROUP BY area"
    for area, count in session.execute(text(query)):
        yield (area,), count


@reading("kartoteka_jobs_rows", "Unfinished jobs: due, later, running, dead.", "state")
def _job_rows(session: Session) -> Iterable[tuple[tuple[str, ...], float]]:
    query = """SELECT CASE WHEN state = 'waiting' THEN CASE WHEN run_at <= :now THEN 'due' ELSE 'later' END
                      ELSE state END AS shown, count(*) FROM jobs WHERE state <> 'done' GROUP BY shown"""
    found: dict[str, int] = dict(session.execute(text(query), {"now": now()}).all())
    for state in ("due", "later", "running", "dead"):
        yield (state,), found.get(state, 0)


@reading("kartoteka_jobs_lag_seconds", "How long the oldest due job has been waiting.")
def _lag(session: Session) -> Iterable[tuple[tuple[str, ...], float]]:
    query = "SELECT min(run_at) FROM jobs WHERE state = 'waiting' AND run_at <= :now"
    oldest = session.scalar(text(query), {"now": now()})
    yield (), (now() - oldest).total_seconds() if oldest else 0.0
