"""The webhook door, `/hooks/<connection>/…`: takes the raw body, queues it, and answers when it is kept."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sync import intake, webhooks

AGAIN = {"retry-after": "5"}  # seconds


async def receive(request: Request) -> Response:
    """Answer as soon as the delivery is kept; what it changes follows in the background."""
    try:
        connection = UUID(request.path_params["connection"])
    except ValueError:
        return PlainTextResponse("no such connection", 404)
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["kartoteka-hook-path"] = request.path_params.get("rest", "")  # holds the secret of unsigned ones
    queue: intake.Intake = request.app.state.intake
    try:
        answer = queue.put(connection, headers, body)
    except intake.Full:
        return PlainTextResponse("too many webhooks at once, send this one again", 503, AGAIN)
    status, words = await asyncio.wrap_future(answer)
    return PlainTextResponse(words, status)


ROUTES: Sequence[BaseRoute] = (
    Route("/hooks/{connection}", receive, methods=["POST"], max_body_size=webhooks.LARGEST),
    Route("/hooks/{connection}/{rest:path}", receive, methods=["POST"], max_body_size=webhooks.LARGEST),
)
