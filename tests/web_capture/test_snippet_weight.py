"""What the snippet costs a slow phone: how long scripts run in each task of a shop's page.

Chromium traces it. Counted is the processor time of the page's thread: a busy machine makes it no longer.
"""

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import brotli
import pytest
from playwright.sync_api import Browser

from tests.waiting import eventually
from tests.web_capture import snippet_world
from tests.web_capture.snippet_world import Hub, Shop, address, chromium, hub, shop, world
from web_capture.snippet import Script, script

__all__ = ["address", "chromium", "hub", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser

SLOWER = 4  # times
LONG = 50  # ms: what takes more, browsers call a long task
CATEGORIES = ["toplevel", "devtools.timeline", "v8"]
TASK = "ThreadControllerImpl::RunTask"
AFTER_A_TASK = "BlinkScheduler_PerformMicrotaskCheckpoint"  # promises
SCRIPT = {"EvaluateScript", "FunctionCall", "TimerFire", "EventDispatch", "v8.compile", AFTER_A_TASK}

ITEMS = [{"item_id": f"P{n}", "item_name": "Cup", "price": 12.5, "quantity": 1} for n in range(24)]
LIST = {"event": "view_item_list", "ecommerce": {"currency": "KZT", "items": ITEMS}}
VIEW = {"event": "view_item", "ecommerce": {"currency": "KZT", "value": 12.5, "items": ITEMS[:1]}}
HEAD = f"""<script>dataLayer = [{{ event: "gtm.js" }}, {json.dumps(LIST)}, {json.dumps(VIEW)}];
addEventListener("submit", event => event.preventDefault())</script>"""
OFFER = {"@type": "Offer", "price": "12.50", "priceCurrency": "KZT"}
PRODUCT = {"@type": "Product", "sku": "P1", "name": "Cup", "offers": [OFFER]}
MARKUP = {"@graph": [{"@type": "WebPage"}, PRODUCT]}
BODY = f"""<script type="application/ld+json">{json.dumps(MARKUP)}</script>
<button id="next" onclick="history.pushState({{}}, '', '/next')">Next</button>
<button id="add" onclick="dataLayer.push({{ event: 'add_to_cart', items: [{{}}] }})">Add</button>
<form name="order"><input name="name" value="Anna"><input type="email" name="email" value="a@b.example">
<input name="phone" value="+7 701 123 45 67"><input name="card" value="4111 1111 1111 1111">
<button id="send">Send</button></form>{"<p><a href='/cup'>A cup</a> 12.50</p>" * 300}"""

SPIN = "const spin = times => { for (let n = 0; n < times; n++) window.sum = Math.sqrt(n) };"
CALIBRATE = f"""() => {{ {SPIN}
    let best = Infinity;
    for (let n = 0; n < 40; n++) {{
        const began = performance.now();
        spin(1e5);
        best = Math.min(best, performance.now() - began);
    }}
    return Math.round(20 * 1e5 / best) }}"""  # turns of the loop that take 20 ms when nothing slows them
BUSY = [  # as it loads, in a timer, a promise, a listener, a call of the shop's, as the page goes
    "spin(TURNS)",
    "setTimeout(() => spin(TURNS), 50)",
    "fetch('/cup').then(() => spin(TURNS))",
    "addEventListener('submit', () => spin(TURNS), true)",
    "const push = dataLayer.push.bind(dataLayer); dataLayer.push = entry => { spin(TURNS); push(entry) }",
    "addEventListener('pagehide', () => spin(TURNS))",
]


def visit(browser: Browser, hub: Hub, shop: Shop, address: str) -> list[dict[str, Any]]:
    """The trace of a visit on a slow machine: a page, the next one, the cart, a sent form, the end."""
    visitor = browser.new_context()
    page = visitor.new_page()
    visitor.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    browser.start_tracing(page=page, categories=CATEGORIES)
    for act in ("open", "#next", "#add", "#send", "leave"):
        sent = len(hub.batches)
        if act == "open":
            page.goto(address + "/cup")
        elif act == "leave":
            page.evaluate("window.kartoteka?.track('Left')")
            page.goto("about:blank")
        else:
            page.click(act)
        if shop.tag:
            eventually(partial(arrived, hub, sent))
        page.wait_for_timeout(100)  # for the answer and what the page makes of it
    events = json.loads(browser.stop_tracing())["traceEvents"]
    visitor.close()
    return list(events)


def arrived(hub: Hub, before: int) -> bool:
    """Whether the hub has got more batches than it had."""
    return len(hub.batches) > before


def scripts(events: list[dict[str, Any]]) -> list[float]:
    """How long scripts ran in each task of the page's thread, in ms, the longest first."""
    named = [one for one in events if one["name"] == "thread_name"]
    found = [0.0]
    for thread in {at(one) for one in named if one["args"]["name"] == "CrRendererMain"}:
        own = [one for one in events if one["ph"] == "X" and at(one) == thread]
        task_end = script_end = 0
        for one in sorted(own, key=lambda one: (one["ts"], -one["dur"])):
            if one["name"] == TASK and one["ts"] >= task_end:
                found.append(0.0)
                task_end = one["ts"] + one["dur"]
            elif one["name"] in SCRIPT and one["ts"] >= script_end:
                found[-1] += one.get("tdur", 0) / 1000
                script_end = one["ts"] + one["dur"]
    return sorted(found, reverse=True)


def at(event: dict[str, Any]) -> tuple[int, int]:
    """The process and the thread of an event."""
    return event["pid"], event["tid"]


@pytest.fixture
def usual(chromium: Browser, hub: Hub, shop: Shop, address: str) -> Callable[..., list[float]]:
    """Measures visits to a usual shop: the medians of their longest, second longest, … times of scripts."""
    shop.head, shop.body["/cup"] = HEAD, BODY

    def measured(count: int) -> list[float]:
        visits = [scripts(visit(chromium, hub, shop, address)) for _ in range(count)]
        return [median(alike) for alike in zip(*visits, strict=False)]

    return measured


def test_slow_machine_sees_no_long_task(usual, hub, shop):
    with_tag = usual(5)
    events = {one["event"] for one in hub.messages() if one["type"] == "track"}
    assert events == {"view_item_list", "view_item", "add_to_cart", "Form Submitted", "Left"}
    assert {one.split("/")[-1] for one in hub.pages()} == {"cup", "next"}
    seen, shop.tag = len(hub.batches), ""
    without = usual(3)
    assert len(hub.batches) == seen
    assert with_tag[0] < LONG, f"{without[0]:.0f} ms without the tag, {with_tag[0]:.0f} ms with it"
    assert sum(without) < sum(with_tag)  # the longest of all may be the shop's own


def test_busy_snippet_is_seen(usual, chromium, monkeypatch):
    """The measuring proved: 20 ms of work more are a long task wherever the snippet does them."""
    page = chromium.new_page()
    turns = str(page.evaluate(CALIBRATE))
    page.close()
    work = "".join(f"{{ {one.replace('TURNS', turns)} }}" for one in BUSY)

    def busy(settings: dict[str, Any]) -> Script:
        made = script(settings)
        return dataclasses.replace(made, brotli=brotli.compress(made.plain + f"{{ {SPIN} {work} }}".encode()))

    monkeypatch.setattr(snippet_world, "script", busy)
    visits, spent = list[list[float]](), [0.0] * 9
    while len(visits) < 9 and spent[len(BUSY) - 1] <= LONG:
        # where others want the cores, Chromium slows a page down by less than it was told
        visits.append(usual(1))
        spent = [max(alike) for alike in zip(*visits, strict=False)]
    assert spent[len(BUSY) - 1] > LONG > spent[len(BUSY)], (
        f"{len(BUSY)} long ones are to be seen in {spent[:9]}"
    )
