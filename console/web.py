"""What a page handler holds in its hand: the request, its transaction, the person, the form, the answers."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import Engine, Row
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console import frame
from console.format import Reader
from console.tables import User, UserSession
from console.templating import render
from foundation.errors import BadInput
from foundation.settings import Settings
from foundation.text import _


@dataclass
class Call:
    """Everything a handler needs of one request; `db` is its transaction."""

    request: Request
    db: Session
    form: FormData
    user: User | None = None
    kept: UserSession | None = None
    framed: Row[Any] | None = None  # what the layout shows, when sign-in read it along
    cookies: dict[str, str | None] = field(default_factory=dict)  # to set; None removes

    @property
    def engine(self) -> Engine:
        """The engine, for work that must not share the request's transaction."""
        engine: Engine = self.request.app.state.engine
        return engine

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        kept: Settings = self.request.app.state.settings
        return kept

    @property
    def me(self) -> User:
        """The signed-in person; only behind a permission other than public."""
        assert self.user is not None
        return self.user

    @property
    def actor(self) -> str:
        """How operations name who did it."""
        return self.me.email

    @property
    def reader(self) -> Reader:
        """How this person reads numbers and times."""
        return Reader(self.user.locale, self.user.zone) if self.user else Reader()

    @property
    def secure(self) -> bool:
        """Whether cookies are for https only."""
        return self.settings.cookies_are_secure

    @property
    def csrf(self) -> str:
        """What each form must carry: the session's token, or before sign-in that of a cookie."""
        if self.kept is not None:
            return self.kept.csrf
        name = cookie_name(self.request, "form")
        token = self.cookies.get(name) or self.request.cookies.get(name)
        if not token or len(token) < 20:
            token = secrets.token_urlsafe(24)
            self.cookies[name] = token
        return token

    def query(self, name: str, longest: int = 200) -> str:
        """A query parameter, cut to a sane length and without NUL; empty when missing."""
        return clean(self.request.query_params.get(name, ""))[:longest]

    def text(self, name: str, longest: int = 1000) -> str:
        """A form field as text; empty when missing."""
        value = self.form.get(name, "")
        return clean(value)[:longest] if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """All values of a form field."""
        return [clean(value)[:1000] for value in self.form.getlist(name) if isinstance(value, str)]

    def fields(self) -> dict[str, str]:
        """Every text field of the form, the CSRF token aside."""
        return {
            key: clean(value) for key, value in self.form.items() if isinstance(value, str) and key != "csrf"
        }

    def upload(self, name: str) -> UploadFile:
        """An uploaded file; BadInput when none was chosen."""
        value = self.form.get(name)
        if not isinstance(value, UploadFile) or not value.filename:
            raise BadInput(_("Choose a file first."), name)
        return value

    def id(self, name: str = "id") -> UUID:
        """A path parameter as an id; 404 when it isn't one."""
        return as_id(self.request.path_params[name])

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A rendered page inside the frame."""
        shown = frame.context(self.request, self.db, self.user, self.framed)
        notice = read_notice(self.request.cookies.get("notice", ""))
        if notice:
            self.cookies["notice"] = None
        text = render(
            template,
            {**shown, "call": self, "csrf": self.csrf, "me": self.user, "show": self.reader, "notice": notice}
            | context,
        )
        return HTMLResponse(text, status)

    def go(self, path: str, notice: str = "", operation: UUID | None = None) -> Response:
        """On to another page after a form, with a notice there and the operation that undoes it."""
        if notice:
            said = {"text": notice} | ({"operation": str(operation)} if operation else {})
            self.cookies["notice"] = urlencode(said)
        return RedirectResponse(path, 303)


Handler = Callable[[Call], Response]


def clean(value: str) -> str:
    """Text that PostgreSQL can hold."""
    return value.replace("\x00", "").strip()


def as_id(value: str) -> UUID:
    """An id from outside; 404 when it can't be one."""
    try:
        return UUID(value)
    except ValueError:
        raise HTTPException(404) from None


def cookie_name(request: Request, name: str) -> str:
    """The cookie's name; with https it carries the prefix that binds it to this host."""
    secure = request.app.state.settings.cookies_are_secure
    return f"__Host-kartoteka-{name}" if secure else f"kartoteka-{name}"


def client_address(request: Request) -> str:
    """Where the request came from: the address our outermost trusted proxy saw, else the peer's."""
    trusted = int(request.app.state.settings.trusted_proxies)
    lines = ",".join(request.headers.getlist("x-forwarded-for"))  # a proxy may add one below the caller's own
    hops = [hop.strip() for hop in lines.split(",") if hop.strip()]
    if trusted and len(hops) >= trusted:
        return hops[-trusted][:60]
    return request.client.host if request.client else ""


def read_notice(cookie: str) -> dict[str, str]:
    """What the page before wanted to say."""
    return dict(parse_qsl(cookie[:2000])) if cookie else {}
