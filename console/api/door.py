"""Serves the API: token, scope, parameters, one transaction, RFC 9457 problems, replay of repeated POSTs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.api import replay
from console.api.asking import SCOPES, Ask, Endpoint, Later, NotFound, allowed, check_query
from console.api.endpoints import ENDPOINTS
from console.api.openapi import describe
from console.sessions import digest
from console.tables import ApiToken
from foundation import log
from foundation.clock import now
from foundation.errors import BadInput, KartotekaError, Temporary

LARGEST_BODY = 1_000_000
TOUCH = timedelta(minutes=1)  # how often a token's last use is written


class Refused(Exception):
    """No token, a wrong one, or one whose scopes don't reach."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> Response:
    """A problem body (RFC 9457)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def problem_of(error: Exception, request: Request) -> Response:
    """The problem body for what a handler raised."""
    if isinstance(error, Refused):
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return problem(error.status, str(error), headers=headers)
    if isinstance(error, NotFound):
        return problem(404, "There is no such thing here.")
    if isinstance(error, replay.Conflict):
        return problem(422, str(error))
    if isinstance(error, BadInput):
        return problem(400, error.message, [{"at": error.at or "/", "message": error.message}])
    if isinstance(error, Temporary):
        return problem(503, str(error), headers={"Retry-After": str(int(error.retry_after or 5))})
    if isinstance(error, KartotekaError):
        return problem(409, str(error))
    if isinstance(error, HTTPException):
        return problem(error.status_code, error.detail, headers=dict(error.headers or {}))
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    log.get(__name__).error("api_crashed", request_id=request_id, path=request.url.path, exc_info=error)
    return problem(500, f"Something broke on our side. Quote {request_id}.")


def token_of(request: Request, db: Session) -> ApiToken:
    """The token the request carries; Refused without one that is in force."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise Refused(401, "Send a token: Authorization: Bearer … (kartoteka token create makes one).")
    query = select(ApiToken).where(ApiToken.token_hash == digest(text.strip()), ApiToken.revoked_at.is_(None))
    token = db.scalar(query)
    if token is None:
        raise Refused(401, "This token is not in force.")
    if token.used_at is None or now() - token.used_at > TOUCH:
        token.used_at = now()
    return token


def answer(request: Request, engine: Engine, endpoint: Endpoint, body: bytes) -> Response:
    """Run one endpoint in one transaction; an error rolls it back and becomes a problem."""
    try:
        with Session(engine, expire_on_commit=False) as db, db.begin():
            token = token_of(request, db)
            if not allowed(token, endpoint.scope):
                raise Refused(403, f"This needs the scope {endpoint.scope}; the token has {token.scopes}.")
            query = check_query(endpoint.params, list(request.query_params.multi_items()))
            ask = Ask(request, db, token, decoded(body) if endpoint.body else None, query)
            if endpoint.method == "GET":
                return shown(endpoint.handler(ask), endpoint.status)
            return replay.once(
                db, request, token, body, lambda: shown(endpoint.handler(ask), endpoint.status)
            )
    except Exception as error:  # noqa: BLE001 - the edge: every error becomes a problem body
        return problem_of(error, request)


def decoded(body: bytes) -> Any:
    """The JSON of a body; BadInput when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"the body is not JSON: {error}", "/") from None


def shown(value: Any, status: int) -> Response:
    """A value as JSON; 202 with its address for what goes on in the background."""
    if isinstance(value, Later):
        headers = {"Location": f"/api/v1{value.address}"}
        return Response(msgspec.json.encode(value.value), 202, headers, "application/json")
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def serve(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The asynchronous side of an endpoint: reads the body, leaves the rest to a thread."""

    async def run(request: Request) -> Response:
        body = await body_of(request) if endpoint.method == "POST" else b""
        if body is None:
            return problem(413, f"A request may have at most {LARGEST_BODY:,} bytes.")
        return await run_in_threadpool(answer, request, request.app.state.engine, endpoint, body)

    return run


async def body_of(request: Request) -> bytes | None:
    """The body of a request; None when it is too large, without having read more than that."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


async def openapi(request: Request) -> Response:
    """The description of all this; readable without a token, for it holds no data."""
    return shown(describe(), 200)


async def handle(request: Request, error: Exception) -> Response:
    """Unknown paths, wrong methods and large bodies, in the API's own form."""
    return problem_of(error, request)


def make(state: State) -> Starlette:
    """The API as an application to be mounted at /api/v1."""
    routes: list[BaseRoute] = [Route(one.path, serve(one), methods=[one.method]) for one in ENDPOINTS]
    api = Starlette(
        routes=[Route("/openapi.json", openapi), *routes],
        exception_handlers={HTTPException: handle, 404: handle, 405: handle},
    )
    api.state = state
    return api


__all__ = ["SCOPES", "make", "problem"]
