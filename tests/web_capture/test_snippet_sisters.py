"""The hand-over to a sister site by finger, mouse and keyboard, and what it must not do to a shop's links."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from starlette.requests import Request
from starlette.responses import Response

from tests.browser import serve
from tests.waiting import eventually
from tests.web_capture.snippet_world import Hub, Shop, address, chromium, hub, shop, visit, world

__all__ = ["address", "chromium", "hub", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser
WAYS: dict[str, Callable[[Page], None]] = {
    "finger": lambda page: page.tap("a"),
    "mouse": lambda page: page.click("a"),
    "keyboard": lambda page: page.press("a", "Enter"),
}


class Sister(Shop):
    """A shop that takes its time and remembers who asked."""

    def __init__(self, hub_address: str) -> None:
        super().__init__(hub_address)
        self.asked: list[str] = []
        self.wait = 0.0

    async def page(self, request: Request) -> Response:
        self.asked.append(request.url.query)
        await asyncio.sleep(self.wait)
        return await super().page(request)


@pytest.fixture
def sister(hub: Hub, shop: Shop) -> Iterator[Sister]:
    """A sister site to which the shop's page links."""
    made = Sister(hub.settings["to"])
    with serve(made.app()) as there:
        hub.settings["sisters"] = ["localhost"]
        there = there.replace("127.0.0.1", "localhost")
        shop.body["/"] = f'<a href="{there}/there?a=1">Away</a>'
        yield made


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(chromium: Browser, sister: Sister, way: str, address: str) -> Iterator[Page]:
    """A visitor whose page has just come."""
    context = chromium.new_context(has_touch=way == "finger", is_mobile=way == "finger")
    opened = context.new_page()
    visit(opened, address)
    yield opened
    context.close()


def arrive(page: Page) -> str:
    """Who the visitor is on the sister site."""
    page.wait_for_url("**/there*")
    page.wait_for_function("!!(window.kartoteka && kartoteka.track) && !location.search.includes('_kt')")
    page.wait_for_function("!!localStorage._k")
    return str(page.evaluate("kartoteka.id()"))


def test_visitor_stays_the_same(hub, sister, page, way):
    hub.wait, sister.wait = 0.2, 0.6
    mine = page.evaluate("kartoteka.id()")
    WAYS[way](page)
    assert arrive(page) == mine
    assert len(sister.asked) == 1 and "a=1" in sister.asked[0]


def test_slow_hub_holds_nobody(hub, sister, page, way):
    hub.wait, sister.wait = 3, 0.6
    mine, begun = page.evaluate("kartoteka.id()"), time.monotonic()
    WAYS[way](page)
    eventually(lambda: sister.asked)
    assert time.monotonic() - begun < 1.5
    assert arrive(page) != mine
    assert sister.asked == ["a=1"]


def test_hub_that_refuses_holds_nobody(hub, sister, page, way):
    hub.gives = False
    WAYS[way](page)
    arrive(page)
    assert sister.asked == ["a=1"]


def test_shops_own_click_stays_its_own(sister, page, way):
    page.evaluate("document.querySelector('a').onclick = () => false")
    WAYS[way](page)
    page.wait_for_timeout(900)
    assert "/there" not in page.url and not sister.asked


@pytest.mark.parametrize("how", ["Control", "Shift", "_blank"])
def test_other_tab_is_opened_as_ever(hub, sister, page, way, how):
    if way == "finger" and how != "_blank":
        pytest.skip("a finger holds no key")
    hub.wait = 0.2
    if how == "_blank":
        page.evaluate("document.querySelector('a').target = '_blank'")
        with page.context.expect_page():
            WAYS[way](page)
    else:
        with page.context.expect_page():
            page.click("a", modifiers=[how]) if way == "mouse" else page.press("a", f"{how}+Enter")
    page.wait_for_timeout(700)
    assert "/there" not in page.url
