"""The duty that sends: in every worker process, as many lanes for a transport as it has connections.

A lane that can't reach its server rests, longer each time; others don't notice. Leases of what lanes hold
are renewed here, rows whose worker is gone are taken back here.
"""

import threading
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from email_campaigns.delivery import claims, guards, senders
from email_campaigns.delivery.lane import Lane
from email_campaigns.delivery.ledger import DUTY
from email_campaigns.delivery.transports.base import Way
from email_campaigns.tables import Transport
from foundation import log, problems
from foundation.clock import monotonic, now
from foundation.context import current
from foundation.database import transaction
from foundation.errors import KartotekaError, Misconfigured, Temporary
from foundation.running import duty

EVERY = 1.0  # seconds between looks at what is due
GLANCE = 0.2  # seconds a turn waits for lanes before it looks around
SWEEP = 2.0
IDLE = 20.0  # seconds an unused connection is kept open
RESTS = (5, 10, 30, 60, 120, 300)  # seconds after the first, second … failure to connect
HANG = 900.0  # seconds after which whoever waits for a server is woken

_DUE = text("""
    SELECT t.id, (SELECT count(*) FROM (
        (SELECT 1 FROM deliveries d WHERE d.transport_id = t.id AND d.state IN ('planned', 'deferred')
            AND left(d.step, 8) <> 'mailing:' AND d.due_at <= :now LIMIT :enough)
        UNION ALL
        SELECT 1 FROM mailings m CROSS JOIN LATERAL (SELECT 1 FROM deliveries d
            WHERE d.step = 'mailing:' || m.id AND left(d.step, 8) = 'mailing:'
            AND d.state IN ('planned', 'deferred') AND d.due_at <= :now AND d.transport_id = t.id
            LIMIT :enough) o WHERE m.state = 'sending') w) AS due
    FROM transports t WHERE t.state = 'on'""")


@dataclass
class _Running:
    lane: Lane
    thread: threading.Thread
    key: tuple[UUID, str]


@dataclass
class Post:
    """The lanes of this process on one database."""

    engine: Engine
    running: list[_Running] = field(default_factory=list)
    idle: dict[tuple[UUID, str], list[tuple[Way, float]]] = field(default_factory=dict)
    rests: dict[UUID, tuple[int, float]] = field(default_factory=dict)  # failures, until when
    finished: threading.Event = field(default_factory=threading.Event)
    swept: float = 0.0
    renewed: float = 0.0

    def turn(self) -> bool:
        """Start lanes for what is due, look after those at work; whether any is."""
        self._upkeep()
        with transaction(self.engine) as session:
            if not guards.held(session):
                for transport_id, due in self._due(session):
                    self._start(session, transport_id, due)
        if self.running:
            self.finished.wait(GLANCE)
            self.finished.clear()
            self._reap()
        return bool(self.running)

    def _due(self, session: Session) -> list[tuple[UUID, int]]:
        rows = session.execute(_DUE, {"now": now(), "enough": claims.BATCH + 1}).all()
        return [(row.id, row.due) for row in rows if row.due]

    def _start(self, session: Session, transport_id: UUID, due: int) -> None:
        """Lanes for a transport: one for little, all its connections for more than a batch."""
        if monotonic() < self.rests.get(transport_id, (0, 0.0))[1]:
            return
        row = session.get_one(Transport, transport_id)
        working = sum(one.lane.transport_id == transport_id for one in self.running)
        settings = senders.settings_of(current().sealer, row)
        wanted = int(settings.get("connections") or 1) if due > claims.BATCH else 1
        key = (row.id, row.settings)
        for _lane in range(wanted - working):
            kept = self.idle.get(key)
            way = kept.pop()[0] if kept else senders.way(current().sealer, row)
            lane = Lane(self.engine, row.id, way, settings.get("bounces", ""), settings)
            thread = threading.Thread(target=self._run, args=(lane,), name=f"mail {row.name}")
            self.running.append(_Running(lane, thread, key))
            thread.start()

    def _run(self, lane: Lane) -> None:
        try:
            lane.run()
        except Exception as error:  # noqa: BLE001 (the lane's edge: the others go on)
            log.get(__name__).exception("lane_broke", transport=str(lane.transport_id))
            lane.trouble = lane.trouble or Misconfigured(f"{type(error).__name__}: {error}")
            lane.broke = True
        finally:
            lane.over = True  # who is told next finds it ended, though its thread lives a moment longer
            self.finished.set()

    def _reap(self) -> None:
        """What lanes that ended have to say."""
        for one in [one for one in self.running if one.lane.over]:
            one.thread.join()
            self.running.remove(one)
            if one.lane.way.renewed:
                with transaction(self.engine) as session:
                    senders.renewed(session, current().sealer, one.lane.transport_id, one.lane.settings,
                                    one.lane.way.renewed)  # fmt: skip
                one.lane.way.renewed = {}
            if one.lane.trouble is not None:
                one.lane.way.close()
                self._troubled(one.lane, one.lane.trouble)
            else:
                self.idle.setdefault(one.key, []).append((one.lane.way, monotonic()))
                self._well(one.lane)
            if one.lane.alarm[0]:
                self._alarmed(one.lane, *one.lane.alarm)

    def _troubled(self, lane: Lane, error: KartotekaError) -> None:
        failures = self.rests.get(lane.transport_id, (0, 0.0))[0] + 1
        asked = error.retry_after or 0.0 if isinstance(error, Temporary) else 0.0
        rest = max(RESTS[min(failures, len(RESTS)) - 1], asked)
        self.rests[lane.transport_id] = failures, monotonic() + rest
        with transaction(self.engine) as session:
            row = session.get_one(Transport, lane.transport_id, with_for_update=True)
            if isinstance(error, Misconfigured) and not lane.broke:
                senders.pause(session, row, str(error))
            if failures > 1 or not asked:  # to be asked once to wait is no problem yet
                _report(session, row, str(error))

    def _well(self, lane: Lane) -> None:
        if self.rests.pop(lane.transport_id, None) is not None:
            with transaction(self.engine) as session:
                problems.settle(session, _key(lane.transport_id))

    def _alarmed(self, lane: Lane, code: str, said: str) -> None:
        with transaction(self.engine) as session:
            row = session.get_one(Transport, lane.transport_id, with_for_update=True)
            reason = alarms()[code].format(said=said)
            senders.pause(session, row, reason)
            _report(session, row, reason)

    def _upkeep(self) -> None:
        at = monotonic()
        if at - self.renewed >= claims.LEASE / 3:
            self.renewed = at
            claims.renew(self.engine, [row for one in self.running for row in one.lane.held()])
        for one in self.running:
            if one.lane.leaving_since and at - one.lane.leaving_since > HANG:
                one.lane.way.cut()
        if at - self.swept >= SWEEP:
            self.swept = at
            claims.sweep(self.engine)
        for key, ways in list(self.idle.items()):
            for way, since in [kept for kept in ways if at - kept[1] > IDLE]:
                ways.remove((way, since))
                way.close()
            if not ways:
                del self.idle[key]

    def rest(self) -> None:
        """End every lane after the letters in its hands, and close what is open."""
        for one in self.running:
            one.lane.stopping.set()
        for one in self.running:
            one.thread.join()
        self._reap()
        for ways in self.idle.values():
            for way, _since in ways:
                way.close()
        self.idle.clear()


def _report(session: Session, row: Transport, message: str) -> None:
    problems.report(session, area="mail", subject=row.name, message=message, key=_key(row.id))


def _key(transport_id: UUID) -> str:
    return f"transport:{transport_id}"


def alarms() -> dict[str, str]:
    """Why a transport stopped by itself; `{said}` is the server's words or the figure."""
    return {
        "policy": "Twenty letters in a row were refused by policy; the last time: {said}",
        "bounces": "More than one letter in twenty went to a mailbox that doesn't exist ({said}).",
    }


_posts: dict[int, Post] = {}


def post_of(engine: Engine) -> Post:
    """The lanes of this process on a database."""
    return _posts.setdefault(id(engine), Post(engine))


@duty(DUTY, every=EVERY)
def send(engine: Engine) -> bool:
    """Send what is due; whether there may be more."""
    return post_of(engine).turn()


def rest(engine: Engine) -> None:
    """End the lanes of this process on a database; for tests and for commands that end."""
    if (post := _posts.pop(id(engine), None)) is not None:
        post.rest()
