"""The webhook door, `/hooks/<connection>/…`: takes the raw body and hands it to the sync in a thread."""

from collections.abc import Sequence
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sync import webhooks


async def receive(request: Request) -> Response:
    """Answer as soon as the delivery is kept; what it changes follows in the background."""
    try:
        connection = UUID(request.path_params["connection"])
    except ValueError:
        return PlainTextResponse("no such connection", 404)
    body = await request.body()
    state = request.app.state
    headers = {name.lower(): value for name, value in request.headers.items()}
    status, words = await run_in_threadpool(
        webhooks.receive, state.engine, state.sealer, connection, headers, body
    )
    return PlainTextResponse(words, status)


ROUTES: Sequence[BaseRoute] = (
    Route("/hooks/{connection}", receive, methods=["POST"], max_body_size=webhooks.LARGEST),
    Route("/hooks/{connection}/{rest:path}", receive, methods=["POST"], max_body_size=webhooks.LARGEST),
)
