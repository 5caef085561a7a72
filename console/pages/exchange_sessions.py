"""Exchanges with 1C: its sessions, every request with its answer, and the files as they came."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, true
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from console.web import Call, as_id
from customers.tables import Source
from foundation.errors import BadInput
from foundation.problems import OPEN
from foundation.tables import Problem
from foundation.text import _
from sync.exchange import outgoing, partners, queueing, spool
from sync.exchange.tables import (
    ExchangeFile,
    ExchangeImport,
    ExchangeOrder,
    ExchangeRequest,
    ExchangeSession,
    Partner,
)
from sync.tables import Connection, Run

SHOWN = 8
PAGE = 50
REQUESTS = 200
FILES = 200


def about(call: Call, connection: Connection) -> dict[str, Any]:
    """What the connection's page says of its exchange: what to type, the last sessions, orders that wait."""
    partner = call.db.get(Partner, connection.id)
    if partner is None:
        return {}
    zone = ZoneInfo(call.me.zone)
    return {
        "exchange_url": partners.address(call.settings, connection.id),
        "user": partner.user,
        "since": partner.orders_since.astimezone(zone).date().isoformat(),
        "orders": outgoing.waiting(call.db, connection.id),
        "sessions": _sessions(call, connection, SHOWN),
    }


def _sessions(call: Call, connection: Connection, limit: int, before: str = "") -> list[Any]:
    """Sessions with how much they did, the newest first."""
    requests = (
        select(
            func.sum(ExchangeRequest.times).label("requests"),
            func.count().filter(ExchangeRequest.answer.startswith("failure")).label("failures"),
        )
        .where(ExchangeRequest.session_id == ExchangeSession.id)
        .lateral()
    )
    query = (
        select(ExchangeSession, requests.c.requests, requests.c.failures)
        .outerjoin(requests, true())
        .where(ExchangeSession.connection_id == connection.id)
        .order_by(ExchangeSession.id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(ExchangeSession.id < as_id(before))
    return list(call.db.execute(query))


def listing(call: Call) -> Response:
    """All sessions of a connection, and the requests that never got into one."""
    connection = call.db.get(Connection, call.id())
    source = call.db.get(Source, call.id()) if connection else None
    if connection is None or source is None or source.removed_at:
        raise HTTPException(404)
    found = _sessions(call, connection, PAGE + 1, call.query("before"))
    outside = call.db.scalars(
        select(ExchangeRequest)
        .where(ExchangeRequest.connection_id == connection.id, ExchangeRequest.session_id.is_(None))
        .order_by(ExchangeRequest.id.desc())
        .limit(20)
    ).all()
    return call.page(
        "exchange_sessions.html",
        connection=connection,
        source=source,
        sessions=found[:PAGE],
        older=found[PAGE - 1][0].id if len(found) > PAGE else None,
        outside=outside,
    )


def _find(call: Call) -> tuple[ExchangeSession, Source]:
    session = call.db.get(ExchangeSession, call.id())
    source = call.db.get(Source, session.connection_id) if session else None
    if session is None or source is None or source.removed_at:
        raise HTTPException(404)
    return session, source


def show(call: Call) -> Response:
    """One session: its requests in their order, its files, what became of them and of the orders."""
    session, source = _find(call)
    after = call.query("after", 20)
    requests = call.db.scalars(
        select(ExchangeRequest)
        .where(
            ExchangeRequest.session_id == session.id,
            ExchangeRequest.id > (int(after) if after.isdigit() else 0),
        )
        .order_by(ExchangeRequest.id)
        .limit(REQUESTS + 1)
    ).all()
    files = call.db.execute(
        select(ExchangeFile, ExchangeImport, Run)
        .outerjoin(ExchangeImport, ExchangeImport.file_id == ExchangeFile.id)
        .outerjoin(Run, Run.id == ExchangeImport.run_id)
        .where(ExchangeFile.session_id == session.id)
        .order_by(ExchangeFile.id, ExchangeImport.id)
        .limit(FILES)
    ).all()
    count = select(func.count()).where(ExchangeFile.session_id == session.id)
    return call.page(
        "exchange_session.html",
        session=session,
        source=source,
        requests=requests[:REQUESTS],
        older=requests[REQUESTS - 1].id if len(requests) > REQUESTS else None,
        files=files,
        file_count=call.db.scalar(count),
        orders=_orders(call, session),
        vanished=_is_open(call, queueing.vanished(session.id)),
    )


def _orders(call: Call, session: ExchangeSession) -> dict[str, int]:
    rows = call.db.execute(
        select(ExchangeOrder.state, func.count())
        .where(
            ExchangeOrder.connection_id == session.connection_id,
            ExchangeOrder.session_id == session.id,
        )
        .group_by(ExchangeOrder.state)
    )
    return {row[0]: row[1] for row in rows}


def _is_open(call: Call, key: str) -> bool:
    query = select(Problem.id).where(Problem.key == key, Problem.state.in_(OPEN)).limit(1)
    return call.db.scalar(query) is not None


def download(call: Call) -> Response:
    """A file as it came, byte for byte."""
    file = call.db.get(ExchangeFile, call.id())
    if file is None:
        raise HTTPException(404)
    path = spool.path_of(call.settings, file)
    if not path.exists():
        raise HTTPException(404, _("Files of exchanges are kept for two weeks; this one is gone."))
    name = file.name.rpartition("/")[2]
    return FileResponse(path, media_type="application/octet-stream", filename=name)


def accept_loss(call: Call) -> Response:
    """What a full upload left out is gone: a person says so."""
    session, _source = _find(call)
    queueing.ask_leaving(call.db, session, accept_loss=True)
    return call.go(f"/exchanges/{session.id}", _("What this upload did not name is being marked as gone."))


def save_since(call: Call) -> Response:
    """From which day on orders go to 1C."""
    try:
        day = datetime.strptime(call.text("since", 20), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise BadInput(_("Choose a day."), "since") from None
    at = datetime.combine(day, time(), ZoneInfo(call.me.zone)).astimezone(UTC)
    if call.db.get(Partner, call.id()) is None:
        raise HTTPException(404)
    outgoing.since(call.db, call.id(), at)
    return call.go(f"/connections/{call.id()}", _("Saved. The next exchange gives orders from that day on."))
