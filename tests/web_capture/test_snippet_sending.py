"""How the snippet's queue gets through: large and wide events, refusals, failures, one id for one order."""

import json
from typing import Any

import pytest

from tests.waiting import eventually
from tests.web_capture.snippet_world import address, chromium, context, hub, page, shop, visit, world

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser

EMPTY = "() => !Object.keys(localStorage).some(name => name.startsWith('_kq'))"
# 10,000 characters that are 30,000 bytes each
WIDE = "for (const n of [1, 2, 3, 4, 5]) kartoteka.track('Wide ' + n, { text: '무'.repeat(1e4) })"
FAIL = """how => {
    const own = fetch;
    window.fetch = (...given) => {
        window.fetch = own;
        if (how == 'throws') throw new Error('blocked');
        return Promise.reject(new Error('blocked'));
    };
}"""


def refuse(page: Any, is_too_large: Any) -> list[int]:
    """Have a proxy in between that thinks some batches too large; how many events each had that came."""
    sizes: list[int] = []

    def answer(route: Any) -> None:
        batch = json.loads(route.request.post_data)["batch"]
        sizes.append(len(batch))
        if is_too_large(batch):
            route.fulfill(status=413, headers={"access-control-allow-origin": "*"}, body="{}")
        else:
            route.continue_()

    page.route("**/v1/batch", answer)
    return sizes


def test_wide_letters_get_through(page, hub, address):
    """Chromium keeps alive 64 KB of bytes; letters of most scripts are two or three."""
    visit(page, address)
    page.evaluate(WIDE)
    page.evaluate("kartoteka.track('Later')")
    hub.event("Later")
    assert len([one for one in hub.messages() if one.get("event", "").startswith("Wide")]) == 5
    page.wait_for_function(EMPTY)


def test_full_batch_is_within_the_hubs_limit(page, hub, address):
    hub.status = 500
    visit(page, address)
    page.evaluate("for (let n = 0; n < 40; n++) kartoteka.track('Large', { text: 'x'.repeat(32e3) })")
    hub.status = 200
    eventually(lambda: len(hub.events("Large")) == 40)
    assert max(len(json.dumps(batch)) for batch in hub.batches) < 500_000


@pytest.mark.parametrize("how", ["throws", "rejects"])
def test_failed_fetch_stops_nothing(page, hub, address, how):
    visit(page, address)
    eventually(hub.pages)
    page.wait_for_function(EMPTY)
    page.evaluate(FAIL, how)
    page.evaluate("kartoteka.track('First')")
    page.wait_for_timeout(400)
    page.evaluate("kartoteka.track('Second')")
    hub.event("First")
    hub.event("Second")


def test_batch_that_is_too_large_goes_in_parts(page, hub, address):
    visit(page, address)
    eventually(hub.pages)
    sizes = refuse(page, lambda batch: len(batch) > 1)
    page.evaluate("for (let n = 0; n < 6; n++) kartoteka.track('Part ' + n)")
    eventually(lambda: len({one.get("event") for one in hub.messages()} - {None}) == 6)
    page.wait_for_function(EMPTY)
    assert max(sizes) > 1


def test_event_that_is_too_large_harms_no_other(page, hub, address):
    visit(page, address)
    eventually(hub.pages)
    refuse(page, lambda batch: any(one["event"] == "Huge" for one in batch))
    page.evaluate("for (const name of ['Before', 'Huge', 'After']) kartoteka.track(name)")
    hub.event("Before")
    hub.event("After")
    page.wait_for_function(EMPTY)
    assert not hub.events("Huge")


def test_only_the_completion_has_the_orders_id(page, hub, address):
    visit(page, address)
    page.evaluate(
        "for (const name of ['Order Completed', 'Order Cancelled', 'Order Refunded', 'refund', 'purchase'])"
        " kartoteka.track(name, { order_id: 'T1' })"
    )
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    told = [one for one in hub.messages() if one.get("properties", {}).get("order_id")]
    orders = [one["event"] for one in told if one["messageId"].endswith("T1")]
    assert len(told) == 4 and len(orders) == 1
    assert {one["event"] for one in told} - {*orders} >= {"Order Cancelled", "Order Refunded", "refund"}
