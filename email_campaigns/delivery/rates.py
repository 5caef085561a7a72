"""How many letters may leave now: by transport, by mailing, by the recipients' domain, by the warm-up plan.

Counted from the ledger itself, so that any number of workers keep one limit, and a restart forgets nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.delivery.guards import Candidate
from email_campaigns.tables import Transport
from foundation.clock import now

WINDOW = 60.0  # seconds over which a limit is spread, at least
WARM_UP = (200, 400, 800, 1_600, 3_200, 6_400, 12_500, 25_000, 50_000, 100_000, 200_000)  # letters a day
FIRST_REST, LONGEST_REST = 15.0, 3600.0  # seconds that a domain which asked for fewer is left alone
CAUTION = timedelta(hours=1)  # after a rest: a few at a time, and the next rest is twice as long
FEW = 5

# both counts of one instant: a letter goes from the one to the other
_USED = text("""
    SELECT (SELECT count(*) FROM deliveries WHERE transport_id = :transport AND handed_at IS NOT NULL
            AND handed_at > :since AND state <> 'claimed' AND (CAST(:step AS text) IS NULL OR step = :step)
            AND (CAST(:domain AS text) IS NULL OR domain = :domain))
        + (SELECT count(*) FROM deliveries WHERE transport_id = :transport AND state = 'claimed'
            AND (CAST(:step AS text) IS NULL OR step = :step)
            AND (CAST(:domain AS text) IS NULL OR domain = :domain))""")


def _used(
    session: Session, transport: UUID, since: datetime, step: str | None = None, domain: str | None = None
) -> int:
    values = {"transport": transport, "since": since, "step": step, "domain": domain}
    return int(session.scalar(_USED, values) or 0)


def window(per_hour: int) -> tuple[float, int]:
    """The seconds a limit is counted over and how many letters fit in: 3,600 an hour are 60 a minute."""
    seconds = max(WINDOW, 3600 / per_hour)
    return seconds, max(1, int(per_hour * seconds / 3600))


def _left(session: Session, transport: UUID, per_hour: int, **of: str) -> int:
    seconds, most = window(per_hour)
    return max(0, most - _used(session, transport, now() - timedelta(seconds=seconds), **of))


def allowance(session: Session, transport: Transport, most: int) -> int:
    """How many letters, at most `most`, this transport may take now."""
    if transport.per_hour:
        most = min(most, _left(session, transport.id, transport.per_hour))
    today = warm_up(transport, now())
    if today is not None and most:
        midnight = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        most = min(most, max(0, today - _used(session, transport.id, midnight)))
    return most


def warm_up(transport: Transport, at: datetime) -> int | None:
    """The letters of today's step in the warm-up plan; None when it is over or there is none."""
    if transport.warm_up_from is None:
        return None
    day = (at.astimezone(UTC).date() - transport.warm_up_from.astimezone(UTC).date()).days
    return WARM_UP[max(0, day)] if day < len(WARM_UP) else None


def of_mailing(session: Session, transport: UUID, step: str, per_hour: int, most: int) -> int:
    """How many letters of a throttled mailing may leave now."""
    return min(most, _left(session, transport, per_hour, step=step))


def by_domain(
    session: Session, transport: Transport, rows: Sequence[Candidate]
) -> tuple[list[Candidate], list[tuple[Candidate, str, datetime, dict[str, Any]]]]:
    """Those of the rows whose domains take letters now, and those that wait, each with until when."""
    if not transport.domains:
        return list(rows), []
    at, counted = now(), Counter(one.domain for one in rows)
    room = {
        domain: _room(session, transport.id, domain, limits, at)
        for domain, limits in transport.domains.items()
        if domain in counted
    }
    go, wait = [], []
    for one in rows:
        if one.domain not in room:
            go.append(one)
            continue
        free, until, gap = room[one.domain]
        if free > 0:
            go.append(one)
            room[one.domain] = (free - 1, until, gap)
        else:  # each of those that wait a little later than the one before
            wait.append((one, "slow", until, {"domain": one.domain}))
            room[one.domain] = (0, until + timedelta(seconds=gap), gap)
    return go, wait


def _room(
    session: Session, transport: UUID, domain: str, limits: Mapping[str, Any], at: datetime
) -> tuple[int, datetime, float]:
    """How many may go now, when the next one may, and the seconds between those after it."""
    free, next_at, gap = 1_000_000, at, 0.1
    if per_hour := limits.get("per_hour"):
        free = _left(session, transport, int(per_hour), domain=domain)
        gap = 3600 / int(per_hour)
        next_at = at + timedelta(seconds=gap)
    if "until" in limits:
        until = datetime.fromisoformat(limits["until"])
        if until > at:
            return 0, max(until, next_at), gap
        if at < until + CAUTION:
            free, next_at, gap = min(free, FEW), max(next_at, at + timedelta(seconds=1)), max(gap, 0.2)
    return free, next_at, gap


_SLOWER = text(
    "UPDATE transports SET domains = jsonb_set(domains, ARRAY[CAST(:domain AS text)],"
    " coalesce(domains -> CAST(:domain AS text), '{}') || jsonb_build_object("
    "'slower', CAST(:times AS int), 'until', CAST(:until AS text))) WHERE id = :transport"
)


def slow_down(session: Session, transport_id: UUID, domains: Iterable[str]) -> None:
    """These domains' servers asked for fewer letters: leave them alone, longer each time. Others go on."""
    at = now()
    row = session.get_one(Transport, transport_id, with_for_update=True, populate_existing=True)
    for domain in sorted(set(domains)):
        before = row.domains.get(domain, {})
        until = datetime.fromisoformat(before["until"]) if "until" in before else None
        if until is not None and until > at:
            continue  # several letters were under way
        times = int(before.get("slower", 0)) + 1 if until is not None and at < until + CAUTION else 1
        rest = min(FIRST_REST * 2 ** (times - 1), LONGEST_REST)
        values = {"domain": domain, "times": times, "until": (at + timedelta(seconds=rest)).isoformat()}
        session.execute(_SLOWER, {**values, "transport": transport_id})
