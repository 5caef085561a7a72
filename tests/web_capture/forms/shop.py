"""A shop's pages on a host of their own, with the real snippet of a site, for Chromium to open."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from foundation.database import transaction
from tests.web_capture.conftest import Pages
from web_capture import sites, snippet
from web_capture.tables import Site

STRICT = "default-src 'self'; style-src 'self'; connect-src {hub}; script-src 'self' {hub}"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/shop.css"><script src="/snippet.js" defer></script></head>
<body><main><h1>Shop</h1><p><a href="/cart" id="cart">Cart</a> <button id="menu">Menu</button></p>
%s<div class="tall"></div></main></body></html>"""
CALM = "body { font: 16px sans-serif; margin: 16px } .tall { height: 3000px }"


@dataclass
class Shop:
    """The shop: `address` of its pages, and what they say."""

    address: str
    hub: str
    snippet: dict[str, Any]
    body: str = ""
    css: str = CALM
    policy: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An application on loopback with its lifespan: the collector closes its connection at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@contextmanager
def open_shop(engine: Engine, pages: Pages) -> Iterator[Shop]:
    """The shop while hub and shop are served on loopback."""
    app: Any = pages.client.app
    with served(app) as hub, transaction(engine) as session:
        sites.change(session, session.get_one(Site, UUID(pages.id)), {"origins": ["localhost"]})
        session.commit()
        told = {"to": hub, "key": pages.write_key, "site": pages.site_key, "consent": "none", "gpc": True,
                "capture": True, "forms": True, "sisters": [], "popups": True}  # fmt: skip
        shop = Shop("", hub, told)

        async def page(request: Request) -> Response:
            headers = {"content-security-policy": shop.policy} if shop.policy else {}
            return HTMLResponse(PAGE % shop.body, headers=headers)

        async def style(request: Request) -> Response:
            return Response(shop.css, media_type="text/css")

        async def script(request: Request) -> Response:
            return Response(snippet.script(shop.snippet).plain, media_type="text/javascript")

        routes = [Route("/shop.css", style), Route("/snippet.js", script), Route("/{path:path}", page)]
        with served(Starlette(routes=routes)) as address:
            shop.address = address.replace("127.0.0.1", "localhost")
            yield shop
