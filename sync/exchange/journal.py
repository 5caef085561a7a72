"""What was asked and answered, kept for whoever looks why an exchange failed; old rows and files go."""

import shutil
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from foundation import clock, context
from foundation.database import transaction
from foundation.jobs import beat
from sync.exchange import queueing, sessions, spool
from sync.exchange.asking import Asked
from sync.exchange.tables import ExchangeFile, ExchangeImport, ExchangeOrder, ExchangeRequest, ExchangeSession
from sync.landing import storable

SHOWN = 600  # characters of an answer
FILES = timedelta(days=14)
SESSIONS = timedelta(days=60)
ROWS = 50_000  # of a connection
SLACK = 1_000  # more than that is worth the work
SILENT = timedelta(hours=1)  # what a session was shown and did not take waits again after that
_AT_ONCE = 50


def note(
    session: Session, connection_id: UUID, session_id: UUID | None, asked: Asked, size: int, answer: str,
    ms: int,
) -> None:  # fmt: skip
    """Keep a request. One like the last but for the words of its answer is counted with it."""
    at = clock.now()
    last = session.scalars(
        select(ExchangeRequest)
        .where(ExchangeRequest.connection_id == connection_id, ExchangeRequest.session_id == session_id)
        .order_by(ExchangeRequest.id.desc())
        .limit(1)
        .with_for_update()
    ).first()
    answer = storable(answer[:SHOWN])
    asking = (asked.method, storable(asked.type), storable(asked.mode), storable(asked.filename)[:240])
    if (
        last is not None
        and asking == (last.method, last.type, last.mode, last.filename)
        and _verdict(last.answer) == _verdict(answer)
        and size == last.size == 0
    ):
        last.answer, last.ms, last.times, last.last_at = answer, max(ms, last.ms), last.times + 1, at
        return
    method, kind, mode, filename = asking
    session.add(
        ExchangeRequest(
            connection_id=connection_id, session_id=session_id, at=at, method=method, type=kind, mode=mode,
            filename=filename, size=size, answer=answer, ms=ms, last_at=at,
        )
    )  # fmt: skip


def _verdict(answer: str) -> str:
    return answer.partition("\n")[0]


@beat("exchange.tidy", every=30)
def tidy(engine: Engine) -> None:
    """Give back what silent sessions were shown, import what old 1C sent without asking, drop what is old."""
    at = clock.now()
    with transaction(engine) as session:
        for one in _silent(session):
            sessions.end(session, one, sessions.SILENT)
        queueing.ask_unasked(session)
    _drop_files(engine)
    _drop_strays(engine)
    with transaction(engine) as session:
        session.execute(delete(ExchangeSession).where(ExchangeSession.seen_at < at - SESSIONS))
        session.execute(delete(ExchangeRequest).where(ExchangeRequest.last_at < at - SESSIONS))
        _bound(session)


def _silent(session: Session) -> list[ExchangeSession]:
    """Sessions that hold orders and have not been heard of for an hour, or of anything for a day."""
    at = clock.now()
    holds = select(ExchangeOrder.session_id).where(ExchangeOrder.state == "shown")
    query = select(ExchangeSession).where(
        ExchangeSession.state == "open",
        (ExchangeSession.seen_at < at - sessions.LIVES)
        | ((ExchangeSession.seen_at < at - SILENT) & ExchangeSession.id.in_(holds)),
    )
    return list(session.scalars(query.limit(_AT_ONCE).with_for_update(skip_locked=True)))


def _drop_files(engine: Engine) -> None:
    """Bytes of files whose session is over for long; their rows say that there were some."""
    settings = context.current().settings
    old = clock.now() - FILES
    with transaction(engine) as session:
        unfinished = (
            select(ExchangeFile.session_id)
            .join(ExchangeImport, ExchangeImport.file_id == ExchangeFile.id)
            .where(ExchangeImport.state.in_(queueing.UNFINISHED))
        )
        query = (
            select(ExchangeFile.session_id)
            .join(ExchangeSession, ExchangeSession.id == ExchangeFile.session_id)
            .where(ExchangeSession.seen_at < old, ExchangeFile.dropped.is_(False))
            .where(ExchangeFile.session_id.not_in(unfinished))
            .distinct()
            .limit(_AT_ONCE)
        )
        for session_id in session.scalars(query).all():
            spool.drop(settings, session_id)
            for file in session.scalars(select(ExchangeFile).where(ExchangeFile.session_id == session_id)):
                file.dropped = True


def _drop_strays(engine: Engine) -> None:
    """Folders whose session is no more, and bodies that broke off when this process died."""
    place = context.current().settings.data / "exchange"
    if not place.exists():
        return
    with transaction(engine) as session:
        known = {str(one) for one in session.scalars(select(ExchangeSession.id))}
    before = (clock.now() - sessions.LIVES).timestamp()
    for one in place.iterdir():
        if one.name in known or one.stat().st_mtime > before:
            continue
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)


def _bound(session: Session) -> None:
    """Of a connection, the newest requests stay."""
    counted = (
        select(ExchangeRequest.connection_id)
        .group_by(ExchangeRequest.connection_id)
        .having(func.count() > ROWS + SLACK)
    )
    for connection_id in session.scalars(counted).all():
        mine = ExchangeRequest.connection_id == connection_id
        last = session.scalar(
            select(ExchangeRequest.id).where(mine).order_by(ExchangeRequest.id.desc()).offset(ROWS).limit(1)
        )
        session.execute(delete(ExchangeRequest).where(mine, ExchangeRequest.id <= last))
