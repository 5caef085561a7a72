"""A real browser on a real port: start an app, drive Debian's Chromium, look for what goes wrong.

Its headless shell is the same engine without the frame around it, and takes two thirds of the time.
"""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_core_python
import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, sync_playwright
from starlette.types import ASGIApp

CHROMIUM = ("chromium-headless-shell", "chromium")  # the first that is there
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(next(iter(axe_core_python.__path__))) / "axe.min.js"
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")  # a folder for pictures of all pages that tests look over
BESIDE = 2  # further pages that are looked over at a time
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def chromium_path() -> str:
    """Where Chromium is; skips the test when this machine has none."""
    for name in CHROMIUM:
        if found := shutil.which(name):
            return found
    pytest.skip("chromium is missing: apt-get install chromium fonts-noto-core fonts-noto-cjk")


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """The app on a free loopback port, in a thread; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield address
        server.should_exit = True
        thread.join(10)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = launch(playwright, path)
        yield browser
        browser.close()


def launch(playwright: Playwright, path: str) -> Browser:
    """Chromium that asks nobody anything."""
    return playwright.chromium.launch(executable_path=path, args=QUIET)


@dataclass
class Watch:
    """What a page did that it must not: errors, refused content, calls to other hosts."""

    host: str
    wrong: list[str] = field(default_factory=list)

    def said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def asked(self, request: Request) -> None:
        if not request.url.startswith("data:") and urlsplit(request.url).netloc != self.host:
            self.wrong.append(f"asked another host: {request.url}")

    def crashed(self, error: Any) -> None:
        self.wrong.append(f"script: {error}")


def watch(page: Page, address: str) -> Watch:
    """Watch a page from now on."""
    watching = Watch(urlsplit(address).netloc)
    page.on("console", watching.said)
    page.on("pageerror", watching.crashed)
    page.on("request", watching.asked)
    return watching


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page, in a line each."""
    page.evaluate(AXE.read_text("utf-8"))  # evaluated by the debugger: the page's own policy stays strict
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    return [
        f"{one['id']}: {one['help']} {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def look_over(
    page: Page, address: str, places: Mapping[str, str], picture: str, *, wait: int = 300
) -> list[str]:
    """What is wrong with pages, by name and path, in a line each; `picture` names their pictures.

    Some are open side by side, so that they settle in one time of waiting.
    """
    wrong: list[str] = []
    names = list(places)
    tabs = {tab: watch(tab, address) for tab in [page, *(page.context.new_page() for _ in range(BESIDE))]}
    for start in range(0, len(names), len(tabs)):
        shown = dict(zip(names[start:], tabs, strict=False))
        for name, tab in shown.items():
            answer = tab.goto(address + places[name])
            assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(wait)
        for name, tab in shown.items():
            if (wider := overflow(tab)) > 0:
                wrong.append(f"{name}: {wider} pixels too wide")
            wrong += [f"{name}: {one}" for one in serious(tab)]
            if PICTURES:
                tab.screenshot(path=Path(PICTURES) / f"{picture % name}.png", full_page=True)
    for tab, watching in tabs.items():
        wrong += watching.wrong
        if tab != page:
            tab.close()
    return wrong
