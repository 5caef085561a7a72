"""What shops' pages load and ask besides the collector: the snippet, a hand-over, the visitor."""

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from foundation.database import transaction
from foundation.errors import BadInput
from web_capture import handover, sites, snippet, visitor
from web_capture.collector import Collector
from web_capture.forms import routes as form_routes
from web_capture.forms import store as forms
from web_capture.patience import Lost
from web_capture.snippet import Script

DESCRIPTION = Path(__file__).with_name("collector.openapi.json")
LARGEST = 4_096
PUBLIC = "public, max-age=300"  # seconds a browser keeps the snippet before it asks whether it has changed


async def script(request: Request) -> Response:
    """The snippet of a site."""
    base = request.app.state.settings.public_url or str(request.base_url).rstrip("/")
    key = request.path_params["site_key"]
    asking = request.app.state.collector.asking
    try:
        made = await asking.ask_or_recall(("snippet", base, key), _script, asking.engine, key, base)
    except BadInput:
        return Response("There is no such site.", 404, media_type="text/plain")
    headers = {"etag": made.etag, "cache-control": PUBLIC, "vary": "accept-encoding",
               "cross-origin-resource-policy": "cross-origin"}  # fmt: skip
    if made.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body, encoding = encoded(made, request.headers.get("accept-encoding", ""))
    if encoding:
        headers["content-encoding"] = encoding
    return Response(body, headers=headers, media_type="text/javascript; charset=utf-8")


def encoded(made: Script, accepted: str) -> tuple[bytes, str]:
    """The smallest form that a browser takes, and what it is called."""
    names = {part.partition(";")[0].strip() for part in accepted.split(",")}
    if "br" in names:
        return made.brotli, "br"
    return (made.gzip, "gzip") if "gzip" in names else (made.plain, "")


def _script(engine: Engine, site_key: str, base: str) -> Script:
    with transaction(engine) as session:
        site = sites.by_key(session, site_key)
        told: dict[str, Any] = {
            "to": base,
            "key": sites.write_key(session, site) or "",
            "site": site.key,
            "consent": site.consent,
            "sisters": sites.sisters(session, site),
        }
        told |= {name: site.settings.get(name, usual) for name, usual in sites.SWITCHES.items()}
        if forms.any_live(session, site.id):
            told["popups"] = True
    return snippet.script(told)


class _Asked(msgspec.Struct, rename="camel"):
    """What the snippet asks at a hand-over; text/plain, so that it needs no leave first."""

    write_key: str
    anonymous_id: str | None = None
    token: str | None = None


async def hand_over(request: Request) -> Response:
    """A token for a visitor who leaves for a sister site, or the visitor of a token who arrives there."""
    try:
        asked = msgspec.json.decode(await request.body(), type=_Asked)
    except (msgspec.DecodeError, RecursionError):
        return _json(request, {"detail": "This is no hand-over."}, 400)
    collector: Collector = request.app.state.collector
    origin = request.headers.get("origin", "")
    door = await collector.gate.door(asked.write_key)
    if door is None or not collector.gate.allows(door, origin):
        return _json(request, {"detail": "The write key is not this page's."}, 403)
    address = collector.address(request.scope)
    if asked.token is not None:
        device = handover.open_token(request.app.state.sealer, asked.token, address)
        if device is None:
            return _json(request, {"detail": "The token is too old or not ours."}, 410)
        return _json(request, {"anonymousId": device})
    if not asked.anonymous_id or len(asked.anonymous_id) > handover.LONGEST:
        return _json(request, {"detail": "A hand-over needs an anonymousId."}, 400)
    token = handover.make_token(request.app.state.sealer, asked.anonymous_id, address)
    return _json(request, {"token": token})


async def show_visitor(request: Request) -> Response:
    """What the shop's page may know of its own visitor, to build itself around them."""
    collector: Collector = request.app.state.collector
    device = request.query_params.get("id", "") or request.cookies.get("_k", "")
    site_key = request.query_params.get("site", "")
    asking = collector.asking
    await collector.gate.fresh()
    try:
        known = await asking.ask(visitor.of, asking.engine, site_key, device)
    except BadInput:
        return _json(request, {"detail": "There is no such site."}, 404)
    answer = _json(request, known)
    answer.headers["cache-control"] = f"private, max-age={visitor.FRESH}"
    return answer


async def describe(request: Request) -> Response:
    """What the collector takes, for programs and for people who write clients."""
    return FileResponse(DESCRIPTION, media_type="application/json")


async def busy(request: Request, error: Exception) -> Response:
    """What is answered while the database is away.

    No JSON, so that a form's script offers to send again what it has, under the same message id.
    """
    answer = Response("We are busy; please come again.", 503, media_type="text/plain")
    answer.headers["retry-after"] = "1"
    return _readable(request, answer)


def _json(request: Request, body: Any, status: int = 200) -> Response:
    return _readable(request, Response(msgspec.json.encode(body), status, media_type="application/json"))


def _readable(request: Request, answer: Response) -> Response:
    """The answer with leave for our own pages to read it."""
    origin = request.headers.get("origin", "")
    if origin and request.app.state.collector.gate.known(origin):
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["vary"] = "origin"
    return answer


HANDLERS = {Lost: busy}
ROUTES: list[BaseRoute] = [
    *form_routes.ROUTES,
    Route("/k/{site_key}.js", script, methods=["GET"]),
    Route("/v1/handover", hand_over, methods=["POST"], max_body_size=LARGEST),
    Route("/v1/openapi.json", describe, methods=["GET"]),
    Route("/v1/visitor", show_visitor, methods=["GET"]),
]
