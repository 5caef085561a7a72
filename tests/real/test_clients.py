"""The collector against the trackers of others, unchanged from npm: on a server and in a browser's pages."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

from tests.browser import chromium
from tests.collecting import Collecting, came_through, collecting
from tests.serving import served
from tests.waiting import eventually

pytestmark = pytest.mark.real

HERE = Path(__file__).parent / "clients"
PACKAGES = Path(__file__).parents[2] / ".work" / "clients"  # kept for the next run; not in the repository
SCRIPTS = {
    "segment": "@segment/analytics-next/dist/umd/index.js",
    "rudder": "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
}
PAGE = """<!doctype html><title>Gloves</title><link rel="icon" href="data:,">
<script>window.given = %s</script><script src="/library.js"></script><script src="/driver.js"></script>"""
ORDER = {"order_id": "50314", "total": 27.5, "currency": "USD", "products": [{"sku": "G-32", "quantity": 1}]}
FIRST = [
    ["page", "Shop", "Home"],
    ["track", "Product Added", {"product_id": "7", "price": 27.5}],
    ["identify", "7", {"email": "anna@p.kz", "firstName": "Anna"}],
    ["group", "g1", {"name": "P. & Co"}],
]
SECOND = [["page"], ["track", "Order Completed", ORDER], ["alias", "8", "7"]]
SCREEN = {"segment": [["screen", "Start"]], "rudder": []}  # the other has no such call
WAYS = {
    "segment": ("segment", {}),
    "segment-batches": ("segment", {"strategy": "batching", "config": {"size": 3, "timeout": 300}}),
    "rudder": ("rudder", {"queueOptions": {"minRetryDelay": 200}}),
    "rudder-batches": (
        "rudder",
        {"queueOptions": {"minRetryDelay": 200, "batch": {"enabled": True, "flushInterval": 300}}},
    ),
}
LEAVING = {
    "segment-batches": ("segment", {"strategy": "batching"}),
    "rudder-beacons": ("rudder", {"useBeacon": True}),
}


def missing() -> str:
    """Why the packages can't be used here; empty when they can."""
    if os.environ.get("KARTOTEKA_REAL") != "1":
        return "packages of others are installed only with KARTOTEKA_REAL=1"
    lacking = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"the real clients need {', '.join(lacking)}" if lacking else ""


@pytest.fixture(scope="module")
def packages() -> Path:
    """The clients as npm has them, in the locked versions; installed once."""
    if reason := missing():
        pytest.skip(reason)
    lock = (HERE / "package-lock.json").read_bytes()
    wanted, installed = hashlib.sha256(lock).hexdigest(), PACKAGES / "installed"
    if not installed.exists() or installed.read_text() != wanted:
        PACKAGES.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, PACKAGES / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        installed.write_text(wanted)
    return PACKAGES


@pytest.fixture
def collector(packages, engine, settings, sealer) -> Iterator[Collecting]:
    """The collector of a shop at `localhost`; its own address is 127.0.0.1, so another site's."""
    with collecting(engine, settings, sealer, "localhost") as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(packages):
    """Chromium for all tests here."""
    with chromium() as opened:
        yield opened


class Shopper:
    """A browser's tab in a shop whose pages carry a client, and what the tab must not have seen."""

    def __init__(self, tab: Page, collector: Collecting, address: str) -> None:
        self.tab, self.collector, self.address = tab, collector, address
        self.errors: list[str] = []
        self.asked: set[str] = set()
        tab.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("request", lambda request: self.asked.add(request.url.split("?")[0]))

    def visit(self, calls, leaves=False):
        """Load a page, make the calls, and leave it at once or when all was answered. The messages made."""
        self.tab.goto(self.address)
        said = self.tab.evaluate("(calls) => window.call(calls)", calls)
        if leaves:
            self.tab.goto("about:blank")
        eventually(lambda: self.collector.arrived({message["messageId"] for message in said}), 30)
        return said

    def elsewhere(self):
        """What was asked of neither the shop nor the collector."""
        own = (f"{self.address}/", f"{self.collector.address}/", "data:", "about:")
        return {url for url in self.asked if not url.startswith(own)}


@pytest.fixture
def shopper(packages, browser, collector):
    """Opens a tab: which client its pages carry, and how that is to deliver."""
    opened = []

    def enter(client, delivery):
        given = json.dumps({"to": collector.address, "key": collector.key, "delivery": delivery})
        shop = served(
            Starlette(
                routes=[
                    Route("/", lambda _: HTMLResponse(PAGE % given)),
                    Route("/library.js", lambda _: FileResponse(packages / "node_modules" / SCRIPTS[client])),
                    Route("/driver.js", lambda _: FileResponse(HERE / f"{client}.js")),
                ]
            )
        )
        address = shop.__enter__().replace("127.0.0.1", "localhost")
        tab = browser.new_page()
        opened.append((tab, shop))
        return Shopper(tab, collector, address)

    yield enter
    for tab, shop in opened:
        tab.close()
        shop.__exit__(None, None, None)


def run_node(packages, collector):
    """The messages that the client on a server made."""
    command = ["node", HERE / "node.mjs", packages, collector.address, collector.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("lost", [0, 1])
def test_server_library_delivers_each_call_once(packages, collector, lost):
    collector.lose(lost)
    said = run_node(packages, collector)
    assert [message["type"] for message in said] == ["identify", "track", "page", "screen", "group", "alias"]
    came_through(collector.expect(said, lost))


@pytest.mark.parametrize("lost", [0, 1], ids=["", "answer-lost"])
@pytest.mark.parametrize("way", WAYS)
def test_browser_library_delivers_each_call_once(shopper, collector, way, lost):
    client, delivery = WAYS[way]
    here = shopper(client, delivery)
    collector.lose(lost)
    said = here.visit(FIRST) + here.visit(SECOND + SCREEN[client])
    rows = collector.expect(said, lost)
    came_through(rows)
    assert len({row["data"]["device"] for row in rows}) == 1
    assert here.elsewhere() == set()
    assert collector.preflights
    assert lost or here.errors == []


@pytest.mark.parametrize("way", LEAVING)
def test_page_left_at_once_delivers_each_call_once(shopper, collector, way):
    client, delivery = LEAVING[way]
    here = shopper(client, delivery)
    said = here.visit(FIRST, leaves=True) + here.visit(SECOND + SCREEN[client], leaves=True)
    rows = collector.expect(said)
    came_through(rows)
    assert len({row["data"]["device"] for row in rows}) == 1
    assert here.elsewhere() == set()
    assert here.errors == []


@pytest.mark.parametrize("way", ["segment", "segment-batches"])
def test_browser_library_comes_again_when_told(shopper, collector, monkeypatch, way):
    """It may read of another site's answer only what that lets it read."""
    here = shopper(*WAYS[way])
    collector.hold_off(monkeypatch, 2.0)
    said = here.visit([["track", "Order Completed", ORDER]])
    first, second = collector.posts
    assert second.at - first.at > 1.9
    collector.expect(said, held_off=1)


def test_beacons_need_no_asking(shopper, collector):
    """They carry no headers: the key stands in the address, and nothing is asked beforehand."""
    here = shopper("rudder", {"useBeacon": True})
    here.visit(FIRST, leaves=True)
    assert [call.headers["content-type"] for call in collector.noting.calls] == ["text/plain"]


def test_figures_about_the_library_are_answered(shopper, collector):
    here = shopper("segment", {"metrics": {"flushTimer": 200}})
    said = here.visit(FIRST)
    eventually(lambda: [call for call in collector.posts if call.path == "/v1/m"])
    collector.expect(said)
