"""Opens and clicks: kept as they came, judged together, told on the timeline once each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from email_campaigns.doors import machines
from email_campaigns.doors.known import Known, arrived, tell
from email_campaigns.doors.tables import LetterTrace
from email_campaigns.tables import LetterLink
from foundation.clock import now

MOST = 60  # traces kept of a letter; later ones only count
SAME = timedelta(seconds=60)  # the same request again within it is one trace
_LOCK = text("SELECT pg_advisory_xact_lock(:number)")


class Visit(NamedTuple):
    """Who asks, and what the request by itself looks like."""

    address: str
    agent: str
    alone: str
    query: str = ""  # what stands behind the "?"


def url_of(session: Session, link: int) -> str | None:
    """Where a link leads: an address that a letter of ours had."""
    return session.scalar(select(LetterLink.url).where(LetterLink.id == link))


def record(session: Session, known: Known, kind: str, visit: Visit, link: int = 0) -> None:
    """Keep a request and judge all of its letter's again. Requests of one letter wait for each other."""
    session.execute(_LOCK, {"number": known.id.int % 2**63})
    found = select(LetterTrace).where(LetterTrace.delivery_id == known.id)
    traces = list(session.scalars(found.order_by(LetterTrace.at, LetterTrace.id)))
    _keep(session, traces, known.id, kind, link, visit)
    seen = [machines.Seen(one.kind, one.link, one.at, one.address, one.alone) for one in traces]
    for one, verdict in zip(traces, machines.judge(seen, known.handed_at), strict=True):
        one.verdict = verdict
    session.flush()
    _told(session, known, traces)
    arrived(session, known, kind, msgspec.json.encode(known.told).decode())


def _keep(
    session: Session, traces: list[LetterTrace], delivery: UUID, kind: str, link: int, visit: Visit
) -> None:
    at = now()
    alike = [one for one in traces if (one.kind, one.link) == (kind, link)]
    for one in reversed(alike):
        same = (one.agent, one.address, one.alone) == (visit.agent, visit.address, visit.alone)
        if same and at - one.last_at < SAME:
            one.times, one.last_at = one.times + 1, at
            return
    if len(traces) >= MOST:
        if alike:
            alike[-1].times, alike[-1].last_at = alike[-1].times + 1, at
        return
    made = LetterTrace(delivery_id=delivery, kind=kind, link=link, at=at, last_at=at, times=1, verdict="",
                       address=visit.address, agent=visit.agent, alone=visit.alone)  # fmt: skip
    session.add(made)
    traces.append(made)


def _told(session: Session, known: Known, traces: Sequence[LetterTrace]) -> None:
    """One row for the opens and one for each link; a person's first time stands before any machine's."""
    groups: dict[tuple[str, int], list[LetterTrace]] = {}
    for one in traces:
        if one.kind in ("open", "click"):
            groups.setdefault((one.kind, one.link), []).append(one)
    for (kind, link), some in groups.items():
        people = [one for one in some if not one.verdict]
        first = (people or some)[0]
        data = {**known.told, "machine": not people, "times": sum(one.times for one in people or some)}
        if link:
            data["link"] = url_of(session, link) or ""
        if not people:
            data["verdict"] = first.verdict
        tell(
            session, known, "letter.opened" if kind == "open" else "letter.clicked",
            msgspec.json.encode(data).decode(), at=first.at, key=str(link) if link else "", again=True,
        )  # fmt: skip
