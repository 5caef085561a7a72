"""A visitor's no, as the snippet really writes it, is heeded by every plugin; a later yes is heard again."""

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.waiting import eventually
from tests.web_capture.snippet_world import (
    Hub,
    Shop,
    address,
    chromium,
    context,
    hub,
    page,
    shop,
    visit,
    world,
)
from tests.web_capture.test_plugin_scripts import PRICE, VARIANT, node_says
from tests.web_capture.test_plugin_wordpress import ORDER, called
from tests.web_capture.test_plugins import entries, unpacked

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
php, node = shutil.which("php"), shutil.which("node")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(php is None, reason="php is missing: apt-get install php-cli"),
    pytest.mark.skipif(node is None, reason="node is missing: apt-get install nodejs"),
]
HARNESS = Path(__file__).parent / "php" / "opencart_shop.php"
OC_ORDER = {
    "order_id": "12", "customer_id": "7", "email": "anna@example.kz", "telephone": "", "firstname": "Anna",
    "lastname": "", "total": "62", "currency_code": "KZT", "currency_value": "1",
}  # fmt: skip
ME = {"user": {"id": "7", "traits": {"email": "a@x.kz"}, "signature": "f0"}, "events": []}
Cookies = dict[str, str]


@pytest.fixture
def said(page: Page, context: BrowserContext, address: str) -> dict[str, Cookies]:
    """The cookies of a visitor at first, after their no, and after a later yes."""
    cookies = {}
    visit(page, address)
    for name, call in (("first", "id()"), ("no", "consent(false)"), ("yes", "consent(true)")):
        page.evaluate(f"kartoteka.{call}")
        cookies[name] = {one["name"]: one["value"] for one in context.cookies()}
    return cookies


@pytest.fixture
def wordpress(tmp_path: Path) -> Any:
    return partial(called, unpacked(tmp_path / "wordpress", "wordpress") / "kartoteka")


@pytest.fixture
def opencart(tmp_path: Path) -> Any:
    source = unpacked(tmp_path / "opencart", "opencart") / "system" / "shop.php"

    def does(*steps: list[Any]) -> Any:
        done = subprocess.run(
            [str(php), "-n", str(HARNESS), str(source)],
            input=json.dumps({"order": OC_ORDER, "steps": steps}), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return does


def test_wordpress_tells_nothing_of_the_order(said: dict[str, Cookies], wordpress: Any) -> None:
    paid = [["kartoteka_remember_browser"], ["kartoteka_order_completed", 12]]
    for name, meta in (("no", "_kartoteka_refused"), ("yes", "_kartoteka_device")):
        kept = wordpress("checkout", cookies=said[name], orders={"12": {}})
        assert list(kept) == [meta]
        life = wordpress("life", orders={"12": {**ORDER, "meta": kept}}, calls=paid[1:])
        assert bool(life["scheduled"]) is (name == "yes")


def test_wordpress_takes_the_last_choice(said: dict[str, Cookies], wordpress: Any) -> None:
    """A checkout whose payment failed is tried again with the same order."""
    before = {"12": {"meta": {"_kartoteka_device": "old"}}}
    assert wordpress("checkout", cookies=said["no"], orders=before) == {"_kartoteka_refused": "1"}
    before = {"12": {"meta": {"_kartoteka_refused": "1"}}}
    assert wordpress("checkout", cookies=said["yes"], orders=before) == {
        "_kartoteka_device": said["yes"]["_k"]
    }


def test_wordpress_notes_nothing(said: dict[str, Cookies], wordpress: Any) -> None:
    fragments = {name: wordpress("added", quantity=1, cookies=cookies)[0] for name, cookies in said.items()}
    assert "Product Added" in fragments["first"] and "Product Added" in fragments["yes"]
    assert "Product Added" not in fragments["no"]


def test_deny_is_no_device(wordpress: Any, tmp_path: Path) -> None:
    assert wordpress("devices", said=["deny", "e1763.42"]) == ["", "e1763.42"]
    source = unpacked(tmp_path, "opencart") / "system" / "messages.php"
    call = [str(php), "-n", str(HARNESS.with_name("opencart.php")), str(source), "kartoteka_device"]
    assert subprocess.run(call, input='["deny"]', capture_output=True, text=True, check=True).stdout == '""'


def test_wordpress_script_asks_again_after_a_yes(
    page: Page, context: BrowserContext, hub: Hub, shop: Shop, address: str
) -> None:
    asked: list[str] = []

    def ask(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(json=ME)

    page.route("**/ajax", ask)
    context.add_cookies([{"name": "_kartoteka_user", "value": "abc", "url": address}])
    there = json.dumps({"ask": "/ajax", "consent": "marketing", "events": []})
    script = entries("wordpress")["kartoteka/kartoteka.js"]
    shop.body["/"] = (
        f'<script type="application/json" id="kartoteka-page">{there}</script><script>{script}</script>'
    )

    def named() -> list[str]:
        return [one["anonymousId"] for one in hub.messages() if one["type"] == "identify"]

    def come() -> None:
        visit(page, address)
        page.wait_for_load_state()
        page.wait_for_timeout(300)  # for what may not come

    come()
    eventually(named)
    come()
    first = page.evaluate("kartoteka.id()")
    assert named() == [first] and len(asked) == 1
    page.evaluate("kartoteka.consent(false)")
    come()
    assert named() == [first] and len(asked) == 1
    page.evaluate("kartoteka.consent(true)")
    visit(page, address)
    eventually(lambda: len(named()) == 2)
    assert named()[1] == page.evaluate("kartoteka.id()") != first


def test_opencart_tells_nothing_of_the_order(said: dict[str, Cookies], opencart: Any) -> None:
    def told(cookies: Cookies, route: str = "checkout/confirm") -> Any:
        return opencart(["cookies", cookies], ["orders", 12, route], ["becomes", 12, 5], ["becomes", 12, 7])

    assert told(said["no"])["queue"] == []
    assert [one["event"] for one in told(said["yes"])["queue"]] == ["Order Completed", "Order Cancelled"]
    assert {one["anonymousId"] for one in told(said["yes"])["queue"]} == {said["yes"]["_k"]}
    by_staff = told(said["no"], "api/sale/order")
    assert len(by_staff["queue"]) == 2 and not any("anonymousId" in one for one in by_staff["queue"])


def test_opencart_tells_nothing_of_the_cart(said: dict[str, Cookies], opencart: Any) -> None:
    assert opencart(["cookies", said["no"]], ["adds", 7])["queue"] == []
    (added,) = opencart(["cookies", said["yes"]], ["adds", 7])["queue"]
    assert (added["event"], added["anonymousId"]) == ("Product Added", said["yes"]["_k"])


def test_opencart_names_again_after_a_yes(said: dict[str, Cookies], opencart: Any) -> None:
    steps = [
        step
        for name in ("first", "first", "no", "no", "yes", "yes")
        for step in (["cookies", said[name]], ["sees"])
    ]
    answers = opencart(["signs in", "7"], *steps)["answers"][2::2]
    assert [[call[0] for call in calls] for calls in answers] == [["identify"], [], [], [], ["identify"], []]
    left = opencart(["signs in", "7"], *steps[:2], ["signs in", ""], ["sees"], ["sees"])["answers"]
    assert left[-2:] == [[["reset"]], []]


def test_pixel_says_nothing(said: dict[str, Cookies], tmp_path: Path) -> None:
    place = {"href": "https://shop.example/", "pathname": "/", "search": ""}
    event = {
        "name": "product_viewed", "id": "e1", "clientId": "client", "timestamp": "2026-01-02T00:00:00.000Z",
        "data": {"productVariant": {**VARIANT, "price": PRICE}},
        "context": {"document": {"location": place, "title": "", "referrer": ""}},
    }  # fmt: skip
    source = entries("shopify")["pixel.js"]
    given = {"events": [event], "cookies": said["no"]}
    assert node_says("shopify.js", source, tmp_path, given)["posted"] == []
    # the no comes while the page is open
    given = {"events": [event, event], "cookies": said["first"], "later": said["no"]}
    assert len(node_says("shopify.js", source, tmp_path, given)["posted"]) == 1
