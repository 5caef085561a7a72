"""Sessions of the exchange: begun by a password, carried by a cookie, one of a type at a time."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.text import _
from sync.exchange.replies import Refused
from sync.exchange.tables import ExchangeOrder, ExchangeSession

COOKIE = "kartoteka"
LIVES = timedelta(hours=24)  # after its last request
NEWER = _("a newer sign-in took its place")
SILENT = _("it was silent for too long")


def begin(session: Session, connection_id: UUID, kind: str) -> tuple[str, ExchangeSession]:
    """A new session and its cookie. One of the same type that is open ends: two would mix their orders."""
    at = clock.now()
    older = session.scalars(
        select(ExchangeSession)
        .where(
            ExchangeSession.connection_id == connection_id,
            ExchangeSession.type == kind,
            ExchangeSession.state == "open",
        )
        .order_by(ExchangeSession.id)
        .with_for_update()
    ).all()
    for one in older:
        end(session, one, NEWER)
    cookie = secrets.token_hex(16)
    made = ExchangeSession(
        connection_id=connection_id, type=kind, cookie=_hashed(cookie), token=secrets.token_hex(16),
        started_at=at, seen_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return cookie, made


def find(
    session: Session, connection_id: UUID, cookies: tuple[str, ...], sessid: str
) -> ExchangeSession | None:
    """The session of a cookie, locked; None when no cookie is one of ours. Refused says what is wrong."""
    hashes = [_hashed(one) for one in cookies[:20]]
    found = session.scalars(
        select(ExchangeSession).where(ExchangeSession.cookie.in_(hashes)).limit(1).with_for_update()
    ).first()
    if found is None:
        return None
    if found.connection_id != connection_id:
        raise Refused(
            _("This session belongs to another connection. Check the address that is typed into 1C.")
        )
    if sessid and not secrets.compare_digest(sessid.encode(), found.token.encode()):
        raise Refused(_("The key sessid is not that of this session. Start the exchange again."))
    at = clock.now()
    if found.state == "open" and at - found.seen_at > LIVES:
        end(session, found, SILENT)
    if found.state != "open":
        raise Refused(_("This session has ended (%s). Start the exchange again.") % _(found.ended_why))
    found.seen_at = at
    return found


def newest(session: Session, connection_id: UUID, kind: str) -> ExchangeSession:
    """For programs that send the password with every request and no cookie: the session that is open."""
    found = session.scalars(
        select(ExchangeSession)
        .where(
            ExchangeSession.connection_id == connection_id,
            ExchangeSession.type == kind,
            ExchangeSession.state == "open",
            ExchangeSession.seen_at > clock.now() - LIVES,
        )
        .order_by(ExchangeSession.id.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if found is None:
        return begin(session, connection_id, kind)[1]
    found.seen_at = clock.now()
    return found


def end(session: Session, one: ExchangeSession, why: str) -> None:
    """No more requests; orders it was shown and did not take wait again."""
    one.state, one.ended_why = "ended", why
    give_back(session, one)


def give_back(session: Session, one: ExchangeSession) -> None:
    """What this session was shown and did not take waits again."""
    session.execute(
        update(ExchangeOrder)
        .where(
            ExchangeOrder.connection_id == one.connection_id,
            ExchangeOrder.session_id == one.id,
            ExchangeOrder.state == "shown",
        )
        .values(state="waiting", session_id=None)
    )


def _hashed(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
