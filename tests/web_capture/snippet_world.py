"""A shop's pages and a hub that writes down what arrives, on two addresses as in life."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests import browser as browsers
from tests.waiting import eventually
from web_capture.snippet import script

OPEN = {"access-control-allow-origin": "*", "cache-control": "no-store"}
SETTINGS = {"key": "wk_public", "site": "s1", "consent": "none", "gpc": True, "capture": True, "forms": True}


class Hub:
    """Serves the snippet; records batches and answers with `status`."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {**SETTINGS, "sisters": []}
        self.status = 200
        self.batches: list[dict[str, Any]] = []
        self.types: set[str] = set()
        self.passes: dict[str, str] = {}
        self.asked: list[str] = []
        self.gives = True
        self.wait = 0.0  # seconds until a pass is answered

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/k/s1.js", self.snippet),
                Route("/k/s1.forms.js", self.forms),
                Route("/v1/batch", self.batch, methods=["POST"]),
                Route("/v1/handover", self.handover, methods=["POST"]),
            ]
        )

    async def snippet(self, request: Request) -> Response:
        made = script(self.settings)
        headers = {**OPEN, "content-encoding": "br", "etag": made.etag}
        return Response(made.brotli, media_type="text/javascript", headers=headers)

    async def forms(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return Response("window.drawn = 1", media_type="text/javascript", headers=OPEN)

    async def batch(self, request: Request) -> Response:
        self.types.add(request.headers["content-type"])
        body = json.loads(await request.body())
        self.batches.append({**body, "answer": self.status})
        return JSONResponse({}, self.status, headers=OPEN)

    async def handover(self, request: Request) -> Response:
        said = json.loads(await request.body())
        await asyncio.sleep(self.wait)
        if not self.gives:
            return JSONResponse({"detail": "No."}, 429, headers=OPEN)
        if "anonymousId" in said:
            self.passes["pass-1"] = said["anonymousId"]
            return JSONResponse({"token": "pass-1"}, headers=OPEN)
        device = self.passes.get(said["token"])
        return JSONResponse({"anonymousId": device} if device else {}, 200 if device else 404, headers=OPEN)

    def messages(self) -> list[dict[str, Any]]:
        """What was taken, one of each messageId."""
        taken = [one for batch in self.batches if batch["answer"] == 200 for one in batch["batch"]]
        return list({one["messageId"]: one for one in taken}.values())

    def pages(self) -> list[str]:
        return [one["context"]["page"]["url"] for one in self.messages() if one["type"] == "page"]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.messages() if one.get("event") == name]

    def event(self, name: str) -> dict[str, Any]:
        """The properties of an event, as soon as there is one."""
        return dict(eventually(lambda: self.events(name))[0].get("properties", {}))


class Shop:
    """Any path is a page that holds the tag, what `head` says and what `body` says for the path."""

    def __init__(self, hub_address: str) -> None:
        self.tag = f'<script async src="{hub_address}/k/s1.js"></script>'
        self.head = ""
        self.body: dict[str, str] = {}
        self.policy = ""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.page)])

    async def page(self, request: Request) -> Response:
        headers = {"content-security-policy": self.policy} if self.policy else {}
        body = self.body.get(request.url.path, "<p>A page</p>")
        icon = '<link rel="icon" href="data:,">'
        text = f"<!doctype html>{icon}<title>Shop</title>{self.head}{self.tag}{body}"
        return HTMLResponse(text, headers=headers)


@contextmanager
def opened() -> Iterator[tuple[Hub, Shop, str]]:
    """A hub, a shop that embeds its tag, and the shop's address."""
    hub = Hub()
    with browsers.serve(hub.app()) as hub_address:
        hub.settings["to"] = hub_address
        shop = Shop(hub_address)
        with browsers.serve(shop.app()) as address:
            yield hub, shop, address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def world() -> Iterator[tuple[Hub, Shop, str]]:
    with opened() as parts:
        yield parts


@pytest.fixture
def hub(world) -> Hub:
    return world[0]


@pytest.fixture
def shop(world) -> Shop:
    return world[1]


@pytest.fixture
def address(world) -> str:
    return world[2]


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context()
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in which nothing may go wrong."""
    opened_page = context.new_page()
    errors: list[str] = []
    opened_page.on("pageerror", lambda error: errors.append(str(error)))
    opened_page.set_default_timeout(8_000)
    yield opened_page
    assert not errors


def visit(page: Page, address: str) -> None:
    """Open a page and wait for the snippet."""
    page.goto(address)
    page.wait_for_function("!!(window.kartoteka && kartoteka.track)")
