"""What became of letters, and which come next: one statement tells the one and marks the other.

Handing over is marked and committed before a letter's first byte leaves; in the same statement whoever
stopped sending, withdrew consent or got onto the suppression list since the claim is left out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from email_campaigns import suppression
from email_campaigns.delivery import claims, rates
from email_campaigns.delivery.claims import Claimed
from email_campaigns.delivery.transports.base import ACCEPTED, DEFERRED, FAILED, Outcome
from email_campaigns.delivery.transports.replies import HARD, SOFT
from foundation import log
from foundation.clock import now
from foundation.database import transaction

PAUSES = (300, 900, 1800, 3600, 7200, 14400, 28800)  # seconds until the next try of a deferred letter
TRIES = 12
LONGEST_OUTAGE = 60.0  # seconds that a result waits at once for the database; two minutes in all
PATIENCE = timedelta(hours=72)
SOFT_DAYS, SOFT_MOST, SOFT_REST = 15, 3, 30  # so many full mailboxes in so many days rest the address
SOFT_HARD = 5


@dataclass(slots=True)
class Made:
    """A letter ready to leave."""

    row: Claimed
    data: bytes
    sender: str  # return path
    recipient: str
    subject: str
    language: str
    told: dict[str, Any]  # the data of its timeline row


_TELL = """
told AS (SELECT * FROM json_to_recordset(%(told)s::json) AS w (id uuid, token bigint, state text, reason text,
    reply text, due timestamptz, tried int, data jsonb)),
done AS (UPDATE deliveries d SET state = w.state, reason = w.reason, reply = w.reply,
    due_at = coalesce(w.due, d.due_at), lease_until = NULL,
    detail = CASE WHEN w.tried > 0 THEN d.detail || jsonb_build_object('tries', w.tried) ELSE d.detail END,
    finished_at = CASE WHEN w.state <> 'deferred' THEN %(now)s::timestamptz END
    FROM told w WHERE d.id = w.id AND d.token = w.token AND d.state IN ('handed_over', 'unknown')
    RETURNING d.id, d.profile_id, w.state, w.data),
theirs AS (SELECT done.id, done.profile_id, done.data, p.customer_id FROM done JOIN LATERAL (
    SELECT customer_id FROM profiles WHERE id = done.profile_id FOR SHARE) p ON true
    WHERE done.state = 'accepted'),
line AS (INSERT INTO timeline
    (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at, data)
    SELECT %(source)s, 'letter.sent:' || id, profile_id, customer_id, 'letter.sent', %(now)s, %(now)s, data
    FROM theirs ON CONFLICT (source_id, source_key) DO NOTHING),
word AS (INSERT INTO segment_touched (customers, what, at) SELECT array_agg(customer_id), 'sent', %(now)s
    FROM theirs WHERE customer_id IS NOT NULL HAVING count(*) > 0)
"""
# `kept`: the guards that may have changed their mind since the claim. A row may be handed over already when
# the connection broke while this committed: nobody else has our token, and we haven't begun to send it.
_HAND = """
kept AS (SELECT w.id, w.token, w.subject, w.language FROM json_to_recordset(%(following)s::json)
    AS w (id uuid, token bigint, subject text, language text, hash text) JOIN deliveries d ON d.id = w.id
    LEFT JOIN profiles p ON p.id = d.profile_id LEFT JOIN customers c ON c.id = p.customer_id AND c.live
    WHERE NOT EXISTS (SELECT FROM mail_switch WHERE stopped OR home <> %(home)s)
    AND EXISTS (SELECT FROM transports t WHERE t.id = d.transport_id AND t.state = 'on')
    AND (d.purpose <> 'marketing' OR c.email_consent = 'given' OR left(d.step, 5) = 'test:')
    AND NOT EXISTS (SELECT FROM suppressions s WHERE s.key = decode(w.hash, 'hex') AND (s.until IS NULL OR
        s.until > %(now)s)
        AND (s.scope = '' OR d.purpose = 'marketing' AND (s.scope = 'marketing' OR s.scope = d.topic)))
    AND (left(d.step, 8) <> 'mailing:' OR EXISTS (SELECT FROM mailings m
        WHERE m.id = CAST(substr(d.step, 9) AS uuid) AND m.state = 'sending'))),
handed AS (UPDATE deliveries d SET state = 'handed_over', handed_at = %(now)s, subject = kept.subject,
    language = kept.language, lease_until = %(until)s
    FROM kept WHERE d.id = kept.id AND d.token = kept.token AND d.state IN ('claimed', 'handed_over')
        RETURNING d.id)
"""
_BOTH = f"WITH {_TELL}, {_HAND} SELECT id FROM handed"
_ONLY_TELL = f"WITH {_TELL} SELECT id FROM done"
_ONLY_HAND = f"WITH {_HAND} SELECT id FROM handed"


class Turn:
    """Writes results and hands over the next letters, for one lane, over a connection of its own.

    A turn is one statement that commits by itself, so it costs one round trip. Use it as a context.
    """

    def __init__(self, engine: Engine, transport_id: UUID, home: str, source: UUID) -> None:
        self.engine, self.transport_id, self.home, self.source = engine, transport_id, home, source
        self._kept: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def _drop(self) -> None:
        """Give the connection back as it was, or throw it away."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            try:
                self._raw(kept).execute("RESET plan_cache_mode; RESET enable_seqscan")
            except psycopg.Error:
                kept.invalidate()
            kept.close()

    def _raw(self, kept: Connection) -> psycopg.Connection[Any]:
        raw = kept.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        return raw

    def _execute(self, query: str, values: dict[str, Any]) -> set[UUID]:
        if self._kept is None:
            self._kept = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # a turn touches a few rows by their keys whatever the tables grow to: plan it once
            self._raw(self._kept).execute(
                "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
            )
        return {row[0] for row in self._raw(self._kept).execute(query, values, prepare=True)}

    def __call__(self, told: Sequence[tuple[Made, Outcome]], following: Sequence[Made]) -> set[UUID]:
        """The ids of those that may leave now; committed when this answers.

        What became of letters isn't given up because the database is away for a while.
        """
        if not told and not following:
            return set()
        query, values, wait = *self._asked(told, following, now()), 0.1
        while True:
            try:
                _follow_up(self.engine, self.transport_id, told)
                found = self._execute(query, values)
                return found if following else set()
            except (psycopg.OperationalError, OperationalError) as error:
                self._drop()
                if wait > LONGEST_OUTAGE:
                    raise
                log.get(__name__).warning("result_not_written", error=error, again_in=wait)
                time.sleep(wait)
                wait *= 2

    def _asked(
        self, told: Sequence[tuple[Made, Outcome]], following: Sequence[Made], at: datetime
    ) -> tuple[str, dict[str, Any]]:
        values: dict[str, Any] = {"now": at}
        if told:
            values["told"] = _json([_told(made, outcome, at) for made, outcome in told])
            values["source"] = self.source
        if following:
            values["following"] = _json([_marked(one) for one in following])
            values |= {"home": self.home, "until": at + timedelta(seconds=claims.LEASE)}
        return _BOTH if told and following else _ONLY_TELL if told else _ONLY_HAND, values


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _marked(made: Made) -> dict[str, Any]:
    row = made.row
    return {"id": row.id, "token": row.token, "subject": _storable(made.subject), "language": made.language,
            "hash": row.hashed.hex()}  # fmt: skip


def _told(made: Made, outcome: Outcome, at: datetime) -> dict[str, Any]:
    state, reason, due, tries = settled(made.row, outcome, at)
    told = {"id": made.row.id, "token": made.row.token, "state": state, "reason": reason, "tried": tries,
            "reply": _storable(outcome.reply)[:500], "due": due}  # fmt: skip
    return told | {"data": made.told} if state == ACCEPTED else told


def _storable(text_: str) -> str:
    """Without what a database can't hold."""
    return (
        text_.replace("\0", "").encode("utf-8", "replace").decode()
        if not text_.isascii()
        else text_.replace("\0", "")
    )


def settled(row: Claimed, outcome: Outcome, at: datetime) -> tuple[str, str, datetime | None, int]:
    """State, reason, next try and number of tries; what was put off too often or too long has failed."""
    tries = int(row.detail.get("tries", 0))
    if outcome.state != DEFERRED:
        return outcome.state, outcome.reason, None, tries
    tries += 1
    if tries >= TRIES or at - row.planned_at > PATIENCE:
        return FAILED, "gave_up", None, tries
    wait = 60 if outcome.reason == "greylisted" and tries == 1 else PAUSES[min(tries, len(PAUSES)) - 1]
    spread = 1 + (row.id.int % 1000) / 5000  # the same letter always by the same share: up to a fifth
    seconds = max(wait * spread, outcome.wait)
    return DEFERRED, outcome.reason, at + timedelta(seconds=seconds), tries


def _follow_up(engine: Engine, transport_id: UUID, told: Sequence[tuple[Made, Outcome]]) -> None:
    """What a refusal means beyond its letter; written first, so that a crash loses none of it."""
    busy = [made.row.domain for made, outcome in told if outcome.domain_busy]
    bounced = [(made.row, outcome) for made, outcome in told if outcome.reason in HARD | SOFT]
    if not busy and not bounced:
        return
    with transaction(engine) as session:
        if busy:
            rates.slow_down(session, transport_id, busy)
        for row, outcome in bounced:
            if outcome.state == FAILED and outcome.reason in HARD:
                suppression.add(session, row.address, "bounce", detail=outcome.reply, delivery_id=row.id)
            elif outcome.state == FAILED:
                _count_soft(session, row, outcome)


_SOFT = text(
    "SELECT count(*) FROM deliveries WHERE address = :address AND reason = ANY(:soft)"
    " AND state IN ('failed', 'accepted') AND finished_at > :since"
)


def _count_soft(session: Session, row: Claimed, outcome: Outcome) -> None:
    values = {"address": row.address, "soft": list(SOFT), "since": now() - timedelta(days=SOFT_DAYS)}
    count = int(session.scalar(_SOFT, values) or 0) + 1
    if count >= SOFT_MOST:
        until = None if count >= SOFT_HARD else now() + timedelta(days=SOFT_REST)
        suppression.add(
            session, row.address, "soft_bounces", detail=outcome.reply, delivery_id=row.id, until=until
        )


_LAST = text(
    "SELECT reason, reply FROM deliveries WHERE transport_id = :transport AND handed_at IS NOT NULL"
    " AND state IN ('accepted', 'failed', 'deferred') ORDER BY handed_at DESC LIMIT :most"
)
REFUSALS, BOUNCES, BOUNCE_SHARE = 20, 500, 0.05


def alarm(session: Session, transport_id: UUID) -> tuple[str, str]:
    """Why a transport should stop by itself: a code and what the server said; empty when all is well.

    Twenty refusals by policy in a row, or more than 5 % of the last 500 letters to mailboxes that don't
    exist.
    """
    last = session.execute(_LAST, {"transport": transport_id, "most": BOUNCES}).all()
    recent = last[:REFUSALS]
    if len(recent) == REFUSALS and all(one.reason == "policy" for one in recent):
        return "policy", recent[0].reply
    gone = sum(one.reason in HARD for one in last)
    if len(last) == BOUNCES and gone > BOUNCES * BOUNCE_SHARE:
        return "bounces", f"{gone} of {BOUNCES}"
    return "", ""
