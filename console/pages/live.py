"""News of a run by server-sent events: a short look at the row every second, nothing held in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from console import roles
from console.news import news_of
from console.serving import guard
from console.web import Call, as_id
from foundation.text import language
from sync import runs
from sync.tables import Run

EVERY = 1.0
LOOKS = 600  # then the browser connects again, and sign-in is checked again


async def events(request: Request) -> Response:
    """The stream of one run's news; ends with the run."""
    run_id = as_id(request.path_params["id"])
    refused, locale = await run_in_threadpool(_admit, request)
    if refused:
        return refused
    return StreamingResponse(
        _stream(request, run_id, locale), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


def _admit(request: Request) -> tuple[Response | None, str]:
    with Session(request.app.state.engine) as db:
        call = Call(request, db, FormData())
        refused = guard(call, roles.READ)
        return (Response(status_code=403) if refused else None), call.reader.locale


async def _stream(request: Request, run_id: UUID, locale: str) -> AsyncIterator[str]:
    engine: Engine = request.app.state.engine
    for _look in range(LOOKS):
        if request.app.state.closing():
            return
        news, over = await run_in_threadpool(look, engine, run_id, locale)
        yield f"event: {'end' if over else 'news'}\ndata: {json.dumps(news)}\n\n"
        if over:
            return
        await asyncio.sleep(EVERY)


def look(engine: Engine, run_id: UUID, locale: str) -> tuple[dict[str, Any], bool]:
    """What the page shows of a run now, and whether the run is over (or gone)."""
    with Session(engine) as db:
        run = db.get(Run, run_id)
    if run is None:
        return {}, True
    with language(locale):
        return news_of(run), run.state not in runs.UNFINISHED
