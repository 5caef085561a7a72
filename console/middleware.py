"""Around every answer: a request id, the security headers, a check of the host, and the page for a crash."""

import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import errors
from foundation import log
from foundation.settings import Settings

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Guarded:
    """Gives each request an id, each answer its headers, and each crash a page that quotes the id."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], https: bool) -> None:
        self.app = app
        self.hosts = hosts
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(6)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._dress(MutableHeaders(scope=message), request_id)
            await send(message)

        if not self._known_host(Headers(scope=scope).get("host", "")):
            refusal = PlainTextResponse(
                "This address is not one of ours. Set KARTOTEKA_PUBLIC_URL to the address people use.", 421
            )
            await refusal(scope, receive, dressed)
            return
        try:
            await self.app(scope, receive, dressed)
        except Exception:
            log.get("console").exception("request crashed", request_id=request_id, path=scope["path"])
            if started:
                raise
            await errors.page(Request(scope), RuntimeError())(scope, receive, dressed)

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        headers["x-request-id"] = request_id
        if self.https:
            headers.setdefault("strict-transport-security", "max-age=31536000")

    def _known_host(self, host: str) -> bool:
        name = (urlsplit(f"//{host}").hostname or "").lower()
        if self.hosts:
            return name in self.hosts
        return "." not in name.removesuffix(".localhost") or _is_ip(name)


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def stack(settings: Settings) -> list[Middleware]:
    """What stands around the app.

    With a public address set, only it and this machine's own names are served; without one, numbers and
    names without a dot: a stranger's domain that is pointed at us (DNS rebinding) never gets an answer.
    """
    public = urlsplit(settings.public_url or "")
    hosts = frozenset({public.hostname.lower(), *_LOCAL}) if public.hostname else frozenset()
    return [Middleware(Guarded, hosts=hosts, https=public.scheme == "https")]
