"""How a page is served: one transaction, one permission and one forgery check around every handler."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console import errors, frame, roles, sessions
from console.web import Call, Handler, cookie_name
from foundation.errors import KartotekaError
from foundation.text import _, language

FORM_BYTES = 1_000_000
UPLOAD_BYTES = 2_000_000_000


def same_origin(request: Request) -> bool:
    """Whether the browser says this request comes from our own pages."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def guard(call: Call, permission: str) -> Response | None:
    """Refuse what isn't allowed: the answer to give instead of the page, or None to go on."""
    request = call.request
    token = request.cookies.get(cookie_name(request, "session"))
    looking = request.method in ("GET", "HEAD")
    found = sessions.find(call.db, token, *(frame.COLUMNS if looking else ())) if token else None
    if found:
        call.kept, call.user = found.UserSession, found.User
        call.framed = found if looking else None
    if permission != roles.PUBLIC:
        if call.user is None:
            if not looking:
                raise HTTPException(403, _("You are signed out. Sign in, then do it again."))
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse("/sign-in?" + urlencode({"next": here}), 303)
        if not roles.allows(call.user.role, permission):
            raise HTTPException(403, _("Your role does not allow this. Ask the owner."))
    return None


def check_form(call: Call) -> None:
    """Refuse a form that didn't come from our own page (CSRF)."""
    sent = call.form.get("csrf")
    if (
        not same_origin(call.request)
        or not isinstance(sent, str)
        or not hmac.compare_digest(sent.encode(), call.csrf.encode())
    ):
        raise HTTPException(403, _("This form is too old or came from another page. Open the page again."))


def answer(request: Request, form: FormData, handler: Handler, permission: str) -> Response:
    """Run a handler in one transaction: commit on 2xx and 3xx, roll back on 4xx and 5xx."""
    with Session(request.app.state.engine, expire_on_commit=False) as db:
        call = Call(request, db, form)
        try:
            response = guard(call, permission)
            if response is None:
                if request.method not in ("GET", "HEAD"):
                    check_form(call)
                with language(call.reader.locale):
                    response = handler(call)
        except (HTTPException, KartotekaError) as error:
            db.rollback()
            response = errors.page(request, error)
        if response.status_code < 400:
            db.commit()
        else:
            db.rollback()
    _set_cookies(call, response)
    return response


def _set_cookies(call: Call, response: Response) -> None:
    for name, value in call.cookies.items():
        if value is None:
            response.delete_cookie(name, path="/", secure=call.secure, httponly=True, samesite="lax")
        else:
            age = 12 * 3600 if name != "theme" else 400 * 86_400
            response.set_cookie(
                name, value, max_age=age, path="/", secure=call.secure, httponly=True, samesite="lax"
            )


def _peek(request: Request, permission: str) -> Response | None:
    """Refuse strangers before a large body is read."""
    with Session(request.app.state.engine) as db:
        try:
            return guard(Call(request, db, FormData()), permission)
        except HTTPException as error:
            return errors.page(request, error)


def _endpoint(handler: Handler, permission: str, upload: bool) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            return await run_in_threadpool(answer, request, FormData(), handler, permission)
        if upload and (refused := await run_in_threadpool(_peek, request, permission)):
            return refused
        async with request.form(max_files=1, max_fields=2000) as form:
            return await run_in_threadpool(answer, request, form, handler, permission)

    return endpoint


def get(path: str, handler: Handler, may: str) -> Route:
    """A page to look at; changes nothing."""
    return _declare(Route(path, _endpoint(handler, may, False), methods=["GET"], name=_name(handler)), may)


def post(path: str, handler: Handler, may: str, *, upload: bool = False) -> Route:
    """An act behind a form; checked against forgery."""
    limit = UPLOAD_BYTES if upload else FORM_BYTES
    route = Route(
        path, _endpoint(handler, may, upload), methods=["POST"], name=_name(handler), max_body_size=limit
    )
    return _declare(route, may)


def open_route(path: str, endpoint: Callable[..., Any], may: str) -> Route:
    """A route that serves itself (static files, event streams) but declares its permission all the same."""
    return _declare(Route(path, endpoint, methods=["GET"]), may)


def permission_of(route: Route) -> str | None:
    """The permission a route declares; None is a mistake that a test finds."""
    kept: str | None = getattr(route, "may", None)
    return kept


def _declare(route: Route, may: str) -> Route:
    if may not in roles.PERMISSIONS:
        raise ValueError(f"{route.path} declares no known permission")
    route.may = may  # type: ignore[attr-defined]
    return route


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__.rsplit('.', 1)[-1]}.{handler.__name__}"
