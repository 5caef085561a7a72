"""The snippet in Chromium, in a shop's pages on one address and with a hub on another."""

import pytest
from playwright.sync_api import Page

from tests.waiting import eventually
from tests.web_capture.snippet_world import Hub, address, chromium, context, hub, page, shop, visit, world

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser

STORED = "Object.keys(localStorage).filter(name => name.startsWith('_k')).length + document.cookie.length"
REFUSE_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused') } });"
REFUSE_COOKIE = """{
    const refuse = () => { throw new Error('refused') };
    Object.defineProperty(document, 'cookie', { get: refuse, set: refuse });
}"""
PRIVACY = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });"


def quiet(page: Page, hub: Hub) -> None:
    """Wait until nothing is in the queue."""
    page.wait_for_function("!Object.keys(localStorage).some(name => name.startsWith('_kq'))")


def test_first_page_says_everything(page, hub, address):
    visit(page, address + "/a?utm_source=news&gclid=g1")
    message = eventually(hub.messages)[0]
    assert (
        message["type"] == "page"
        and message["context"]["page"]["url"] == address + "/a?utm_source=news&gclid=g1"
    )
    assert message["context"]["page"]["title"] == "Shop"
    assert message["context"]["locale"]
    assert message["context"]["kartoteka"] == {"webdriver": True}
    assert message["anonymousId"] == page.evaluate("kartoteka.id()") and message["timestamp"].endswith("Z")
    assert hub.batches[0]["writeKey"] == "wk_public" and hub.batches[0]["sentAt"].endswith("Z")
    assert hub.types == {"text/plain;charset=UTF-8"}
    quiet(page, hub)


def test_id_lasts_in_both_places(page, context, hub, address):
    visit(page, address)
    (cookie,) = context.cookies()
    assert (
        cookie["name"] == "_k"
        and cookie["sameSite"] == "Lax"
        and cookie["path"] == "/"
        and not cookie["secure"]
    )
    assert cookie["expires"] > 364 * 86_400
    assert cookie["value"] == page.evaluate("localStorage._k") == page.evaluate("kartoteka.id()")
    visit(page, address + "/b")
    assert page.evaluate("kartoteka.id()") == cookie["value"]


@pytest.mark.parametrize("refused", [REFUSE_STORAGE, REFUSE_COOKIE, REFUSE_STORAGE + REFUSE_COOKIE])
def test_refused_storage_stops_nothing(page, hub, address, refused):
    page.add_init_script(refused)
    visit(page, address)
    first = page.evaluate("kartoteka.id()")
    page.evaluate("kartoteka.track('Tried')")
    assert eventually(lambda: hub.events("Tried"))[0]["anonymousId"] == first
    visit(page, address)
    assert (page.evaluate("kartoteka.id()") == first) is (refused != REFUSE_STORAGE + REFUSE_COOKIE)


def test_single_page_shop_tells_each_page(page, hub, address):
    visit(page, address + "/a")
    page.evaluate("history.pushState({}, '', '/b')")
    page.evaluate("history.pushState({}, '', '/b?sort=price')")
    page.evaluate("location.hash = 'reviews'")
    page.evaluate("history.replaceState({}, '', '/c')")
    page.evaluate("location.hash = '#/d'")
    eventually(lambda: len(hub.pages()) == 4)
    page.evaluate("history.go(-1)")
    eventually(lambda: len(hub.pages()) == 5)
    ways = [one.removeprefix(address) for one in hub.pages()]
    assert sorted(ways) == sorted(["/a", "/b", "/c", "/c#/d", "/c"])
    (second,) = [one for one in hub.messages() if one["context"]["page"]["url"] == address + "/b"]
    assert second["context"]["page"]["referrer"] == address + "/a"


def test_page_from_the_cache_is_a_view(page, hub, address):
    visit(page, address + "/a")
    visit(page, address + "/b")
    page.go_back()
    page.wait_for_function("!!(window.kartoteka && kartoteka.track)")
    eventually(lambda: len(hub.pages()) == 3)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    eventually(lambda: len(hub.pages()) == 4)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))")
    page.evaluate("kartoteka.track('Done')")
    hub.event("Done")
    assert len(hub.pages()) == 4


def test_what_happens_offline_arrives_later(page, context, hub, address):
    visit(page, address)
    quiet(page, hub)
    context.set_offline(True)
    page.evaluate("kartoteka.track('Offline')")
    page.wait_for_timeout(400)
    assert not hub.events("Offline") and page.evaluate(STORED)
    context.set_offline(False)
    hub.event("Offline")
    quiet(page, hub)


@pytest.mark.parametrize("status", [429, 500])
def test_refused_batch_is_sent_again(page, hub, address, status):
    hub.status = status
    visit(page, address)
    eventually(lambda: len(hub.batches) >= 2)
    hub.status = 200
    eventually(hub.pages)
    quiet(page, hub)


def test_wrong_batch_is_dropped(page, hub, address):
    hub.status = 400
    visit(page, address)
    eventually(lambda: hub.batches)
    quiet(page, hub)
    assert len(hub.batches) == 1


def test_queue_keeps_the_latest_hundred(page, hub, address):
    hub.status = 500
    visit(page, address)
    page.evaluate("for (let i = 0; i < 150; i++) kartoteka.track('n' + i)")
    kept = "Object.keys(localStorage).filter(name => name.startsWith('_kq')).length"
    assert page.evaluate(kept) == 100
    hub.status = 200
    quiet(page, hub)
    assert len(hub.messages()) == 100


def test_closing_page_sends_its_last(page, context, hub, address):
    visit(page, address)
    quiet(page, hub)
    page.evaluate("kartoteka.track('Last')")
    page.goto("about:blank")
    hub.event("Last")
    again = context.new_page()
    visit(again, address)
    again.evaluate("kartoteka.track('Last of all')")
    again.close(run_before_unload=True)
    hub.event("Last of all")


def test_tabs_lose_nothing(page, context, hub, address):
    other = context.new_page()
    visit(page, address)
    visit(other, address)
    hub.status = 500
    for tab in (page, other):
        tab.evaluate("for (let i = 0; i < 20; i++) kartoteka.track('t')")
    hub.status = 200
    eventually(lambda: len(hub.events("t")) == 40)
    quiet(page, hub)
    sent = len(hub.batches)
    page.wait_for_timeout(500)
    assert len(hub.batches) <= sent + 1


def test_strict_policy_breaks_nothing(page, hub, shop, address):
    shop.policy = f"default-src 'self'; img-src data:; script-src {hub.settings['to']}; connect-src 'self'"
    visit(page, address)
    page.evaluate("kartoteka.track('Held')")
    page.wait_for_timeout(400)
    assert not hub.batches
    shop.policy = ""
    visit(page, address)
    hub.event("Held")


def test_blocked_request_breaks_nothing(page, hub, address):
    page.route("**/v1/**", lambda route: route.abort())
    visit(page, address)
    page.evaluate("kartoteka.track('Blocked')")
    page.wait_for_timeout(300)
    page.unroute("**/v1/**")
    page.evaluate("dispatchEvent(new Event('online'))")
    hub.event("Blocked")


def test_waiting_stores_and_sends_nothing(page, hub, address):
    hub.settings["consent"] = "wait"
    visit(page, address + "/a")
    page.evaluate("kartoteka.identify('7', { plan: 'gold' })")
    page.wait_for_timeout(400)
    assert not hub.batches and page.evaluate(STORED) == 0
    page.evaluate("kartoteka.consent(true)")
    eventually(lambda: len(hub.messages()) == 2)
    assert {one["anonymousId"] for one in hub.messages()} == {page.evaluate("localStorage._k")}
    visit(page, address + "/b")
    eventually(lambda: address + "/b" in hub.pages())


def test_denied_until_said_yes(page, hub, address):
    hub.settings["consent"] = "deny"
    visit(page, address + "/a")
    page.evaluate("kartoteka.track('Before')")
    page.evaluate("kartoteka.consent(true)")
    page.evaluate("kartoteka.track('After')")
    hub.event("After")
    assert [one["type"] for one in hub.messages()] == ["track"]


def test_no_clears_and_is_remembered(page, context, hub, address):
    visit(page, address + "/a")
    page.evaluate("kartoteka.identify('7')")
    quiet(page, hub)
    old = page.evaluate("kartoteka.id()")
    page.evaluate("kartoteka.track('Never'); kartoteka.consent(false); kartoteka.track('Never')")
    assert page.evaluate("JSON.stringify(localStorage)") == '{"_k":"deny"}'
    assert [one["value"] for one in context.cookies()] == ["deny"]
    sent = len(hub.messages())
    visit(page, address + "/b")
    page.wait_for_timeout(400)
    assert len(hub.messages()) == sent and not hub.events("Never")
    page.evaluate("kartoteka.consent(true); kartoteka.track('Yes')")
    assert eventually(lambda: hub.events("Yes"))[0]["anonymousId"] != old
    assert page.evaluate("kartoteka.id()") not in (old, "deny")


def test_privacy_signal_is_a_no(page, hub, address):
    page.add_init_script(PRIVACY)
    visit(page, address)
    page.wait_for_timeout(300)
    assert not hub.batches and page.evaluate(STORED) == 0
    page.evaluate("kartoteka.consent(true)")
    visit(page, address + "/b")
    eventually(lambda: hub.pages() == [address + "/b"])


def test_privacy_signal_can_be_ignored(page, hub, address):
    hub.settings["gpc"] = False
    page.add_init_script(PRIVACY)
    visit(page, address)
    eventually(hub.pages)


def test_another_sign_in_is_another_visitor(page, hub, address):
    visit(page, address)
    ids = page.evaluate(
        "[['7'], ['7'], [7], ['8'], [null, { plan: 'gold' }]]"
        ".map(said => (kartoteka.identify(...said), kartoteka.id()))"
    )
    assert ids[0] == ids[1] == ids[2] != ids[3] == ids[4]
    page.evaluate("kartoteka.track('Seen')")
    assert eventually(lambda: hub.events("Seen"))[0]["userId"] == "8"
    page.evaluate("kartoteka.reset(); kartoteka.track('Gone')")
    gone = eventually(lambda: hub.events("Gone"))[0]
    assert "userId" not in gone and gone["anonymousId"] not in ids


def test_signature_goes_with_the_claim(page, hub, address):
    visit(page, address)
    page.evaluate("kartoteka.identify('7', { email: 'a@b.example' }, 'abc')")
    eventually(lambda: [one for one in hub.messages() if one["type"] == "identify"])
    (said,) = [one for one in hub.messages() if one["type"] == "identify"]
    assert said["context"]["kartoteka"]["signature"] == "abc" and said["traits"] == {"email": "a@b.example"}


def test_calls_before_loading_are_made(page, hub, shop, address):
    stub = "window.kartoteka = window.kartoteka || []"
    shop.head = f"<script>{stub}; kartoteka.push(['track', 'Early', {{ a: 1 }}])</script>"
    visit(page, address)
    assert hub.event("Early") == {"a": 1}
    page.evaluate("kartoteka.push(['track', 'Later'])")
    hub.event("Later")


def test_tag_added_twice_runs_once(page, hub, shop, address):
    shop.tag += shop.tag + f'<script type="module" src="{hub.settings["to"]}/k/s1.js?2"></script>'
    visit(page, address)
    page.wait_for_timeout(500)
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert len(hub.pages()) == 1


def test_module_without_a_body_works(page, hub, shop, address):
    shop.tag = f'<script type="module" src="{hub.settings["to"]}/k/s1.js"></script>'
    shop.body["/"] = "<script>document.body && document.body.remove()</script>"
    visit(page, address)
    eventually(hub.pages)


def test_wrong_use_never_throws(page, hub, address):
    visit(page, address)
    page.evaluate(
        "() => { const knot = {}; knot.knot = knot; kartoteka.track('Knot', knot); kartoteka.track();"
        " kartoteka.identify(knot, knot); kartoteka.push(null); kartoteka.push(['nothing']);"
        " kartoteka.page(10n); dataLayer.push(null, 1, undefined) }"
    )
