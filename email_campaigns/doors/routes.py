"""The addresses in letters, `/m/…`: anybody may follow them; GET and HEAD decide nothing for a person."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from email_campaigns import secret, tokens
from email_campaigns.doors import asking, events, machines, onward, pages, preferences, shown, tracking
from email_campaigns.doors.known import Known, find
from email_campaigns.doors.tracking import Visit
from foundation.context import Context
from foundation.database import transaction
from foundation.text import _, accepted, language, nearest, spoken

LARGEST = 65_536
RATE = 20.0  # requests a second from one address, ten times as many at once; a provider's proxies are many
GUESSES = 0.5  # of those, with links that we never wrote
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


class Limited(Protocol):
    """Counts events by name."""

    def wait(self, name: str, events: int) -> float:
        """Seconds to wait, or 0 when they are let in."""
        ...


@dataclass(frozen=True)
class Doors:
    """What the doors stand on; the application makes it and keeps it as `app.state.doors`."""

    engine: Engine
    context: Context
    address: Callable[[Scope], str]  # where a call comes from
    counted_as: Callable[[str], str]  # what that counts under; empty: not at all
    limit: Limited
    guesses: Limited


Found = tuple[Session, Known | None, int, Visit]


def _door(kind: str, handle: Callable[..., Response], missing: Callable[[], Response] = pages.nothing) -> Any:
    """An endpoint for links of a kind: limits, token, transaction; `missing` answers others' tokens."""

    async def endpoint(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        address = doors.address(request.scope)
        counted = doors.counted_as(address)
        if counted and doors.limit.wait(counted, 1):
            with _speaking(request):
                return _too_many()
        body = await request.body() if request.method == "POST" else b""
        answer = await run_in_threadpool(_answer, request, doors, kind, handle, address, body)
        if answer is not None:
            return answer
        with _speaking(request):
            return _too_many() if counted and doors.guesses.wait(counted, 1) else missing()

    return endpoint


def _speaking(request: Request, letters: str = "") -> AbstractContextManager[None]:
    """Speaks what was chosen on a page, else the letter's language, else the browser's."""
    asked, browsers = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
    return language(nearest(asked) or nearest(letters) or accepted(browsers))


def _too_many() -> Response:
    said = _("Too many at once. Please try again in a moment.")
    return PlainTextResponse(said, 429, {"retry-after": "10"})


def _answer(
    request: Request, doors: Doors, kind: str, handle: Callable[..., Response], address: str, body: bytes
) -> Response | None:
    agent = request.headers.get("user-agent", "").replace("\0", "")[:300]
    alone = machines.alone(request.method, agent, request.headers)
    visit = Visit(address, agent, alone, request.url.query[:500])
    with transaction(doors.engine) as session:
        key = secret.token_key(session, doors.context.sealer)
        read = tokens.read(key, kind, request.path_params["token"])
        if read is None:
            return None
        known = find(session, read[0])
        with _speaking(request, known.language if known else ""):
            return handle(doors, session, (read, known), visit, request.method, body)


Named = tuple[tuple[UUID, int], Known | None]


def _click(doors: Doors, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    """On to the link, which is one of the letter's own: the seal names it by its number."""
    (_delivery, link), known = named
    url = tracking.url_of(session, link)
    if url is None:
        return pages.nothing()
    if known is not None:
        tracking.record(session, known, "click", visit, link)
    to = onward.address(session, url, known, person=not visit.alone)
    return RedirectResponse(to, 302, pages.private())


def _open(doors: Doors, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    if named[1] is not None:
        tracking.record(session, named[1], "open", visit)
    return _pixel()


def _pixel() -> Response:
    return Response(PIXEL, 200, pages.private(), "image/gif")


def _view(doors: Doors, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    known = named[1]
    if known is None:
        return pages.nothing()
    tracking.record(session, known, "view", visit)
    html = shown.html(session, doors.context, known)
    return pages.letter(html) if html is not None else pages.nothing()


def _unsubscribe(
    doors: Doors, session: Session, named: Named, visit: Visit, method: str, body: bytes
) -> Response:
    """GET shows a button. A POST with its field or with that of RFC 8058 acts, however often it comes."""
    known = named[1]
    if method != "POST":
        if known is None:
            return pages.nothing()
        tracking.record(session, known, "unsubscribe", visit)
        return _asked(doors, session, known)
    if b"One-Click" not in body and b"sure" not in body:
        return _asked(doors, session, known) if known else pages.nothing()
    if known is not None:
        form = preferences.ONE_CLICK if b"One-Click" in body else preferences.UNSUBSCRIBING
        preferences.unsubscribe(session, known, form, visit.address)
    if known is None:
        return pages.page("unsubscribed.html", masked="", preferences="")
    return pages.page("unsubscribed.html", masked=preferences.masked(known.address),
                      preferences=_preferences(doors, session, known))  # fmt: skip


def _asked(doors: Doors, session: Session, known: Known) -> Response:
    return pages.page("unsubscribe.html", sender=known.sender,
                      masked=preferences.masked(known.address),
                      preferences=_preferences(doors, session, known))  # fmt: skip


def _preferences(doors: Doors, session: Session, known: Known) -> str:
    key = secret.token_key(session, doors.context.sealer)
    chosen = "" if spoken() == nearest(known.language) else f"?lang={spoken()}"
    return f"/m/p/{tokens.write(key, 'preferences', known.id)}{chosen}"


def _prefer(doors: Doors, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    known = named[1]
    if known is None:
        return pages.nothing()
    saved = method == "POST"
    if saved:
        wanted = shown.typed(body)
        if "save" not in wanted and "none" not in wanted:
            return pages.nothing()
        none = "none" in wanted
        preferences.change(
            session, known, "email" in wanted and not none, wanted.get("topic", []),
            "sms" in wanted and not none, visit.address,
        )  # fmt: skip
    else:
        tracking.record(session, known, "preferences", visit)
    now = preferences.standing(session, known)
    return pages.page("preferences.html", sender=known.sender, now=now, saved=saved,
                      masked=preferences.masked(known.address))  # fmt: skip


async def _style(request: Request) -> Response:
    return pages.style()


def _route(letter: str, kind: str, handle: Callable[..., Response], *more: str, **options: Any) -> Route:
    return Route(f"/m/{letter}/{{token}}", _door(kind, handle, **options), methods=["GET", *more],
                 max_body_size=LARGEST)  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/m/letters.css", _style, methods=["GET"]),
    _route("c", "click", _click),
    _route("o", "open", _open, missing=_pixel),
    _route("v", "view", _view),
    _route("u", "unsubscribe", _unsubscribe, "POST"),
    _route("p", "preferences", _prefer, "POST"),
    _route("d", "confirm", asking.confirm, "POST"),
    _route("n", "answer", asking.answer, "POST"),
    *events.ROUTES,
]
