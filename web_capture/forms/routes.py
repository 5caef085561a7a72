"""The two addresses that forms in a shop's page speak to: their drawing script, and where a lead goes.

The browser sends a lead as text/plain, so that it needs no second request to ask whether it may.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from foundation.errors import BadInput
from foundation.text import _, accepted, language
from web_capture.collector import Collector
from web_capture.forms import checks as form_checks
from web_capture.forms import leads as form_leads
from web_capture.forms import script as forms_script
from web_capture.forms.leads import Answer, Source
from web_capture.limits import Limit, counted_as

LARGEST = 32_768
PER_ADDRESS = Limit(0.5)  # submissions a second from one address, five at once


async def lead(request: Request) -> Response:
    """Take a submission in; what the person has to mend is said field by field."""
    collector: Collector = request.app.state.collector
    await collector.gate.fresh()
    origin = request.headers.get("origin", "")
    headers = {"vary": "origin"}
    if origin and collector.gate.known(origin):
        headers["access-control-allow-origin"] = origin
    with language(
        accepted(request.headers.get("accept-language", ""))
    ):  # until the form is known, and its own
        answer, status = await _answer(request, collector, origin)
    return Response(msgspec.json.encode(answer.body()), status, headers, "application/json")


async def _answer(request: Request, collector: Collector, origin: str) -> tuple[Answer, int]:
    body = await request.body()
    door = await collector.gate.door(_key_in(body))
    said = form_checks.read(body) if door else None
    if door is None or said is None:
        return _refused(_("This form can't be read.")), 400
    if origin not in ("", "null") and not collector.gate.allows(door, origin):
        return _refused(_("This form belongs to another site.")), 403
    address = collector.address(request.scope)
    if (name := counted_as(address)) and PER_ADDRESS.wait(name, 1):
        return _refused(_("Too many at once. Please try again in a moment.")), 429
    source = Source(door.site_id, address, request.headers.get("user-agent", "")[:1_000])
    answer = await collector.asking.ask(form_leads.receive, collector.asking.engine, source, said)
    if answer is None:
        return _refused(_("This form is no longer there.")), 404
    return answer, 200 if answer.ok else 422


async def script(request: Request) -> Response:
    """The drawing script with the site's live forms written in."""
    base = request.app.state.settings.public_url or str(request.base_url).rstrip("/")
    key = request.path_params["site_key"]
    asking = request.app.state.collector.asking
    try:
        served = await asking.ask_or_recall(
            ("forms", base, key), forms_script.of_site, asking.engine, base, key
        )
    except BadInput:
        return Response("There is no such site.", 404, media_type="text/plain")
    encoding, data = served.choose(request.headers.get("accept-encoding", ""))
    headers = {"etag": served.etag, "cache-control": "public, max-age=300", "vary": "accept-encoding",
               "cross-origin-resource-policy": "cross-origin",
               "access-control-allow-origin": "*"}  # fmt: skip
    if encoding:
        headers["content-encoding"] = encoding
    if served.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type="text/javascript; charset=utf-8")


class _Keyed(msgspec.Struct, rename={"write_key": "writeKey"}):
    write_key: str


def _key_in(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Keyed).write_key
    except (ValueError, RecursionError):
        return ""


def _refused(message: str) -> Answer:
    return Answer(False, None, [{"field": "", "message": message}])


ROUTES: list[BaseRoute] = [
    Route("/v1/lead", lead, methods=["POST"], max_body_size=LARGEST),
    Route("/k/{site_key}.forms.js", script, methods=["GET"]),
]
