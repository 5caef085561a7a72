"""The door that 1C knocks at, `/exchange/1c/<connection>`: streams bodies to the spool, answers soon.

Whatever goes wrong is answered with 200 and `failure` and a line for people: 1C shows nobody the body of
other answers.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from foundation import log
from foundation.clock import monotonic
from foundation.context import Context
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.text import _, language
from sync.exchange import asking, journal, steps
from sync.exchange.asking import Asked
from sync.exchange.replies import Refused, Reply, Speech
from sync.exchange.spool import HEAD, Chunk
from sync.exchange.steps import Entered

LARGEST = 300_000_000  # bytes of a body: some 1C heed no file_limit
GUESSES = 1.0  # sign-ins a second from one address at one connection, ten at once
PATIENCE = 2.0  # seconds that an import is waited for before `progress`
_LOOK = 0.2
_LOOP = 10.0  # seconds after which the server itself is at its end


class Limited(Protocol):
    """Counts events by name."""

    def wait(self, name: str, events: int) -> float:
        """Seconds to wait, or 0 when they are let in."""
        ...


@dataclass(frozen=True)
class Door:
    """What the door stands on; the application makes it and keeps it as `app.state.exchange`."""

    engine: Engine
    context: Context
    address: Callable[[Scope], str]  # where a call comes from
    counted_as: Callable[[str], str]  # what that counts under; empty for our own network
    guesses: Limited
    proven: dict[UUID, bytes] = field(default_factory=dict)  # passwords that were right: no guesses


async def receive(request: Request) -> Response:
    """One request of 1C, by whatever method it comes."""
    door: Door = request.app.state.exchange
    began = monotonic()
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = asking.read(request.method, request.scope["query_string"], headers)
    try:
        connection = UUID(request.path_params["connection"])
        speech = await run_in_threadpool(steps.speech_of, door.engine, connection)
    except (ValueError, steps.Unknown) as error:
        words = str(error) if isinstance(error, steps.Unknown) else "This is no address of an exchange."
        return _response(Speech().failure(words))
    with language(speech.language):
        entered, reply, size = await _serve(door, request, connection, asked, speech)
    ms = round((monotonic() - began) * 1000)
    await run_in_threadpool(_note, door, connection, entered, asked, size, reply, ms)
    return _response(reply)


async def _serve(
    door: Door, request: Request, connection: UUID, asked: Asked, speech: Speech
) -> tuple[Entered | None, Reply, int]:
    """Whose request it was, the answer, and how many bytes came; whatever goes wrong is an answer, too."""
    entered: Entered | None = None
    size = 0
    try:
        _check_guesses(door, request, connection, asked)
        gone = _asker_of(request)
        entered = await run_in_threadpool(steps.enter, door.engine, door.context, connection, asked, gone)
        if asked.user is not None and (asked.mode == "checkauth" or not asked.cookies):
            door.proven[connection] = _digest(asked)
        reply, size = await _answer(door, request, entered, asked)
    except KartotekaError as error:
        reply = speech.failure(str(error))
    except ClientDisconnect:
        reply = speech.failure(
            _("The connection broke off before the file was here; nothing of it was kept.")
        )
    except Exception:  # noqa: BLE001 - 1C must hear of it in its own words
        log.get(__name__).exception("exchange_broke", connection=str(connection), mode=asked.mode)
        reply = speech.failure(_("Something went wrong here. Nothing was lost; start the exchange again."))
    return entered, reply, size


def _check_guesses(door: Door, request: Request, connection: UUID, asked: Asked) -> None:
    """Refuse who tries passwords; the one that was right the last time is no guess."""
    if asked.user is None or door.proven.get(connection) == _digest(asked):
        return
    address = door.address(request.scope)
    wait = door.guesses.wait(f"{connection} {door.counted_as(address) or address}", 1)
    if wait:
        raise Refused(_("Too many sign-ins from this address. Try again in %s seconds.") % round(wait + 1))


def _digest(asked: Asked) -> bytes:
    return hashlib.blake2b(f"{asked.user}\0{asked.password}".encode()).digest()


async def _answer(door: Door, request: Request, entered: Entered, asked: Asked) -> tuple[Reply, int]:
    """The answer to a step and how many bytes came with it."""
    if asked.mode == "file" and request.method == "POST":
        path = await run_in_threadpool(_temporary, door.context)
        try:
            chunk = await _receive_body(request, path)
            return await _step(door, request, entered, asked, chunk), chunk.size
        finally:
            path.unlink(missing_ok=True)
    until = monotonic() + PATIENCE
    reply = await _step(door, request, entered, asked)
    while asked.mode == "import" and reply.body.startswith(b"progress") and monotonic() < until:
        await asyncio.sleep(_LOOK)
        reply = await _step(door, request, entered, asked)
    return reply, 0


async def _step(
    door: Door, request: Request, entered: Entered, asked: Asked, chunk: Chunk | None = None
) -> Reply:
    gone = _asker_of(request)
    return await run_in_threadpool(steps.answer, door.engine, door.context, entered, asked, gone, chunk)


def _asker_of(request: Request) -> Callable[[], bool]:
    """Asks, from the thread that works on an answer, whether the one who is to get it has hung up."""
    loop = asyncio.get_running_loop()
    return lambda: asyncio.run_coroutine_threadsafe(request.is_disconnected(), loop).result(_LOOP)


def _temporary(context: Context) -> Path:
    """An empty file on the spool's disk for a body that is coming."""
    folder = context.settings.data / "exchange"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="coming-", dir=folder)
    os.close(handle)
    return Path(name)


async def _receive_body(request: Request, path: Path) -> Chunk:
    """Write the body as it comes: of a large one no more than a piece is ever in memory."""
    digest, size, head = hashlib.blake2b(digest_size=16), 0, b""
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST:
                raise Refused(
                    _("A request may have at most %s bytes; heed the file_limit of init.") % LARGEST
                )
            head += piece[: max(0, HEAD - len(head))]
            digest.update(piece)
            file.write(piece)
    return Chunk(path, size, digest.digest(), head)


def _note(
    door: Door, connection: UUID, entered: Entered | None, asked: Asked, size: int, reply: Reply, ms: int
) -> None:  # fmt: skip
    session_id = entered.session_id if entered else None
    with transaction(door.engine) as session:
        journal.note(session, connection, session_id, asked, size, _safe(asked, reply.first), ms)


def _safe(asked: Asked, first: str) -> str:
    """What is kept of an answer: of a sign-in no cookie and no key."""
    if asked.mode == "checkauth" and first.startswith("success"):
        return "success\n(a cookie and a key)"
    return "\n".join("sessid=…" if line.startswith("sessid=") else line for line in first.split("\n"))


def _response(reply: Reply) -> Response:
    return Response(reply.body, 200, {"content-type": reply.media})


_METHODS = ["GET", "POST"]
ROUTES: Sequence[BaseRoute] = (
    Route("/exchange/1c/{connection}", receive, methods=_METHODS, max_body_size=2 * LARGEST),
    Route("/exchange/1c/{connection}/{rest:path}", receive, methods=_METHODS, max_body_size=2 * LARGEST),
)
