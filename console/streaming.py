"""Server-sent events of a page: a short look at the database every second, nothing held in between."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, State
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from console import roles
from console.format import Reader
from console.serving import guard
from console.web import Call
from foundation.text import language

EVERY = 1.0
LOOKS = 600  # then the browser connects again, and sign-in is checked again


class News(NamedTuple):
    """One message to the page; "end" is the last one."""

    name: str
    data: Any
    id: int | None = None


Look = Callable[[Session, Reader], list[News]]


async def serve(request: Request, look: Look) -> Response:
    """The stream of what `look` finds; refused to whom the page would be refused."""
    reader = await run_in_threadpool(_admit, request)
    if reader is None:
        return Response(status_code=403)
    stream = _stream(request.app.state, look, reader)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _admit(request: Request) -> Reader | None:
    with Session(request.app.state.engine) as db:
        call = Call(request, db, FormData())
        return None if guard(call, roles.READ) else call.reader


async def _stream(state: State, look: Look, reader: Reader) -> AsyncIterator[str]:
    yield ": here\n\n"  # so that the browser knows at once that it is connected
    for _again in range(LOOKS):
        if state.closing():  # a server that stops waits for nobody who looks on
            return
        for one in await run_in_threadpool(_look, state.engine, look, reader):
            place = f"id: {one.id}\n" if one.id is not None else ""
            yield f"{place}event: {one.name}\ndata: {json.dumps(one.data)}\n\n"
            if one.name == "end":
                return
        await asyncio.sleep(EVERY)


def _look(engine: Engine, look: Look, reader: Reader) -> list[News]:
    with Session(engine) as db, language(reader.locale):
        return look(db, reader)
