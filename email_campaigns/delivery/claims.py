"""Taking due rows: one transaction picks them, asks the guards about all of them, and marks who is at it.

A claim has a token, which every later write checks, and a lease, which its worker renews. One claim at a
time in the whole installation, so that limits are exact and two rows of one person never pass side by side.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, Row, text
from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.delivery import guards, rates
from email_campaigns.delivery.guards import Candidate, Verdicts
from email_campaigns.tables import Transport
from foundation.clock import now
from foundation.database import lock, transaction

LEASE = 60.0  # seconds; renewed by whoever is at it
MAIL_LOCK = 7_101
BATCH = 200
CRASHES = 5  # of a process over one letter, then it is given up
SUSPECT = 2  # crashes after which a letter is claimed alone: most of a batch are innocent of its end
_SPREAD = 10  # the least that each of several mailings gets of a batch


@dataclass(slots=True)
class Claimed:
    """A row in our hands."""

    id: UUID
    token: int
    step: str
    profile_id: UUID
    customer_id: UUID | None
    address: str
    domain: str
    purpose: str
    topic: str
    sender_id: UUID
    letter_version_id: UUID
    variant: str
    language: str
    attempts: int
    planned_at: datetime
    context: dict[str, Any]
    detail: dict[str, Any]
    hashed: bytes = b""


_MAILINGS = text("SELECT id, per_hour FROM mailings WHERE state = 'sending' ORDER BY started_at, id")
_DUE = text("""
    SELECT d.id, d.step, d.profile_id, d.address, d.purpose, d.topic, d.state, d.due_at, c.id AS card,
        c.email_consent, c.country, c.city, d.domain, d.token, CAST(d.sender_id AS text) AS sender_id,
        CAST(d.letter_version_id AS text) AS letter_version_id, d.variant, d.language, d.attempts,
            d.planned_at,
        nullif(CAST(d.context AS text), '{}') AS context, nullif(CAST(d.detail AS text), '{}') AS detail
    FROM deliveries d LEFT JOIN profiles p ON p.id = d.profile_id
        LEFT JOIN customers c ON c.id = p.customer_id AND c.live
    WHERE d.state IN ('planned', 'deferred') AND d.id IN (
        (SELECT id FROM deliveries WHERE transport_id = :transport AND state IN ('planned', 'deferred')
            AND left(step, 8) <> 'mailing:' AND due_at <= :now ORDER BY due_at LIMIT :limit)
        UNION ALL
        SELECT o.id FROM unnest(CAST(:steps AS text[]), CAST(:most AS int[])) AS m (step, most)
            CROSS JOIN LATERAL (SELECT id FROM deliveries WHERE step = m.step AND left(step, 8) = 'mailing:'
            AND state IN ('planned', 'deferred') AND due_at <= :now AND transport_id = :transport
            ORDER BY due_at LIMIT m.most) o)
    ORDER BY left(d.step, 8) = 'mailing:', d.due_at, d.id LIMIT :limit""")
# a row that somebody cancelled since it was read isn't taken
_TAKE = text("""
    UPDATE deliveries d SET state = 'claimed', token = token + 1, attempts = attempts + 1, lease_until =
        :until,
        customer_id = w.card, reason = ''
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cards AS uuid[])) AS w (id, card)
    WHERE d.id = w.id AND d.state IN ('planned', 'deferred') RETURNING d.id""")
_SKIP = text("""
    UPDATE deliveries d SET state = 'skipped', reason = w.reason, detail = d.detail || CAST(w.detail AS
        jsonb),
        finished_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tokens AS bigint[]), CAST(:reasons AS text[]),
        CAST(:details AS text[])) AS w (id, token, reason, detail)
    WHERE d.id = w.id AND (w.token IS NULL AND d.state IN ('planned', 'deferred')
        OR d.token = w.token AND d.state = 'claimed')""")
_WAIT = text("""
    UPDATE deliveries d SET reason = w.reason, detail = d.detail || CAST(w.detail AS jsonb), due_at = w.until
    FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[]), CAST(:untils AS timestamptz[]),
        CAST(:details AS text[])) AS w (id, reason, until, detail)
    WHERE d.id = w.id AND d.state IN ('planned', 'deferred')""")


class Claim(list[Claimed]):
    """The rows taken; `more`: there may be others that are due right now."""

    more = False


def claim(engine: Engine, transport_id: UUID, limit: int = BATCH) -> Claim:
    """Take at most so many due rows of a transport; those that the guards stop get their reason instead."""
    taken = Claim()
    with transaction(engine) as session:
        lock(session, MAIL_LOCK)
        row, transport = secret.switch(session), session.get(Transport, transport_id)
        if guards.held(session, row) or transport is None or transport.state != "on":
            return taken
        limit = rates.allowance(session, transport, limit)
        due = _due(session, transport, limit) if limit else {}
        if not due:
            return taken
        found = _careful(due)
        verdicts = guards.judge(session, [Candidate(*tuple(one)[:13]) for one in found.values()], row)
        verdicts.go, slow = rates.by_domain(session, transport, verdicts.go)
        verdicts.wait += slow
        write(session, verdicts)
        taken.extend(_take(session, verdicts.go, found))
    taken.more = len(due) == limit or len(taken) < len(due)
    return taken


def _careful(due: dict[UUID, Row[Any]]) -> dict[UUID, Row[Any]]:
    """Rows that no process died over; where there are only others, one of them alone."""
    calm = {one: row for one, row in due.items() if row.attempts < SUSPECT or _crashes(row) < SUSPECT}
    return calm or dict(list(due.items())[:1])


def _crashes(row: Row[Any]) -> int:
    return int(row.attempts) - int(_read(row.detail).get("tries", 0))


def _take(session: Session, going: Sequence[Candidate], found: Mapping[UUID, Row[Any]]) -> Iterator[Claimed]:
    if not going:
        return
    values = {"ids": [one.id for one in going], "cards": [one.card for one in going]}
    taken = set(session.scalars(_TAKE, {**values, "until": now() + timedelta(seconds=LEASE)}))
    for one in going:
        if one.id in taken:
            row = found[one.id]
            yield Claimed(
                one.id, row.token + 1, one.step, one.profile_id, one.card, one.address, one.domain,
                one.purpose, one.topic, _id(row.sender_id), _id(row.letter_version_id), row.variant,
                row.language,
                row.attempts + 1, row.planned_at, _read(row.context), _read(row.detail), one.hashed,
            )  # fmt: skip


@lru_cache(maxsize=1024)
def _id(said: str) -> UUID:
    return UUID(said)


def _read(said: str | None) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(said) if said else {}
    return found


def _due(session: Session, transport: Transport, limit: int) -> dict[UUID, Row[Any]]:
    mailings = session.execute(_MAILINGS).all()
    share = max(_SPREAD, limit // max(1, len(mailings)))
    most = {f"mailing:{one.id}": share for one in mailings}
    for one in mailings:
        if one.per_hour:
            step = f"mailing:{one.id}"
            most[step] = rates.of_mailing(session, transport.id, step, one.per_hour, share)
    values = {"transport": transport.id, "now": now(), "limit": limit}
    rows = session.execute(_DUE, {**values, "steps": list(most), "most": list(most.values())})
    return {row.id: row for row in rows}


def write(session: Session, verdicts: Verdicts) -> None:
    """Keep who gets none and why, and who waits."""
    if verdicts.skip:
        _skip(session, [(one.id, None, code, detail) for one, code, detail in verdicts.skip])
    if verdicts.wait:
        values = {
            "ids": [one.id for one, _code, _until, _detail in verdicts.wait],
            "reasons": [code for _one, code, _until, _detail in verdicts.wait],
            "untils": [until for _one, _code, until, _detail in verdicts.wait],
            "details": [_json(detail) for _one, _code, _until, detail in verdicts.wait],
        }
        session.execute(_WAIT, values)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_GIVE_BACK = text("""
    UPDATE deliveries d SET state = 'planned', lease_until = NULL, attempts = attempts - 1, token = d.token
        + 1,
        due_at = greatest(due_at, :due), handed_at = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tokens AS bigint[])) AS w (id, token)
    WHERE d.id = w.id AND d.token = w.token AND d.state = ANY(:states)""")


def give_back(
    engine: Engine, rows: Collection[Claimed], *, due: datetime | None = None, unsent: bool = False
) -> None:
    """Others may take these rows, from `due` on. Those handed over are left as they are, unless they are
    known to be `unsent`: not one byte of their text has left."""
    if not rows:
        return
    values = {"ids": [one.id for one in rows], "tokens": [one.token for one in rows]}
    states = ["claimed", "handed_over"] if unsent else ["claimed"]
    with transaction(engine) as session:
        session.execute(_GIVE_BACK, {**values, "due": due or now(), "states": states})


def skip(engine: Engine, rows: Sequence[tuple[Claimed, str, dict[str, Any]]]) -> None:
    """No letter for these claimed rows, each with its reason: it couldn't be made."""
    if rows:
        with transaction(engine) as session:
            _skip(session, [(one.id, one.token, code, detail) for one, code, detail in rows])


def _skip(session: Session, rows: Sequence[tuple[UUID, int | None, str, dict[str, Any]]]) -> None:
    values = {
        "ids": [id_ for id_, _token, _code, _detail in rows],
        "tokens": [token for _id, token, _code, _detail in rows],
        "reasons": [code for _id, _token, code, _detail in rows],
        "details": [_json(detail) for _id, _token, _code, detail in rows],
    }
    session.execute(_SKIP, {**values, "now": now()})


_RENEW = text("""
    UPDATE deliveries SET lease_until = :until
    WHERE id IN (SELECT d.id FROM deliveries d
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:tokens AS bigint[])) AS w (id, token)
        ON d.id = w.id AND d.token = w.token AND d.state IN ('claimed', 'handed_over')
        FOR NO KEY UPDATE OF d SKIP LOCKED)""")


def renew(engine: Engine, rows: Collection[Claimed]) -> None:
    """Somebody alive is at these; what is being written at this moment is renewed the next time."""
    if rows:
        values = {"ids": [one.id for one in rows], "tokens": [one.token for one in rows]}
        with transaction(engine) as session:
            session.execute(_RENEW, {**values, "until": now() + timedelta(seconds=LEASE)})


_SWEEP = text("""
    UPDATE deliveries d SET lease_until = NULL,
        state = CASE WHEN d.state = 'handed_over' THEN 'unknown' WHEN f.crashed THEN 'failed' ELSE 'planned'
            END,
        reason = CASE WHEN d.state = 'handed_over' THEN 'died' WHEN f.crashed THEN 'crashed' ELSE '' END,
        detail = CASE WHEN d.state = 'claimed' AND f.crashed
            THEN d.detail || jsonb_build_object('crashes', CAST(:crashes AS int)) ELSE d.detail END,
        finished_at = CASE WHEN d.state = 'handed_over' OR f.crashed THEN CAST(:now AS timestamptz) END
    FROM (SELECT id, attempts - coalesce(CAST(detail ->> 'tries' AS int), 0) >= :crashes AS crashed
        FROM deliveries WHERE state IN ('claimed', 'handed_over') AND lease_until < :now
        LIMIT 1000 FOR UPDATE SKIP LOCKED) f
    WHERE d.id = f.id RETURNING d.state""")


def sweep(engine: Engine) -> dict[str, int]:
    """Rows whose worker is gone: never handed over, they are due again; handed over, their fate is
    unknown."""
    found: dict[str, int] = {}
    with transaction(engine) as session:
        for state in session.scalars(_SWEEP, {"now": now(), "crashes": CRASHES}):
            found[state] = found.get(state, 0) + 1
    return found
