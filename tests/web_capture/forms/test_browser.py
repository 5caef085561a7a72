"""Forms in a shop's page, in Chromium: drawn, filled in, sent, and out of the shop's way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine

from customers.segments import lists
from customers.segments import pages as segment_pages
from customers.segments import store as segments
from foundation.database import transaction
from tests import browser as browsers
from tests.web_capture.conftest import Pages, Rows
from tests.web_capture.forms.made import published, with_forms
from tests.web_capture.forms.shop import CALM, STRICT, Shop, open_shop

pytestmark = pytest.mark.browser
LEADS = "SELECT data FROM timeline WHERE kind = 'web.lead'"
NAMED = "SELECT data FROM timeline WHERE data->>'event' = :event"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def shop(engine: Engine, pages: Pages) -> Iterator[Shop]:
    with_forms(pages.client.app)
    with open_shop(engine, pages) as opened:
        yield opened


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


def sign_up(page: Page, email: str = "anna@example.org") -> None:
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_label("I agree").check()
    page.wait_for_timeout(2_100)  # nobody fills in a form faster
    page.get_by_role("button", name="Sign up").click()


def test_popup_comes_after_delay(engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows) -> None:
    form = published(engine, pages.id, triggers={"delay": 1})
    page.goto(shop.address)
    page.wait_for_timeout(500)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("dialog", name="Hear of offers first")).to_be_visible()
    sign_up(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    page.wait_for_timeout(400)
    [lead] = rows(LEADS)
    assert lead["data"]["properties"]["email"] == "anna@example.org"
    [viewed] = rows(NAMED, event="Form Viewed")
    assert viewed["data"]["properties"] == {
        "form_id": form.key, "form": "Spring", "variant": "A", "version": 1
    }  # fmt: skip
    assert viewed["data"]["device"] == lead["data"]["device"]
    assert rows("SELECT channel, given FROM consents") == [{"channel": "email", "given": True}]


def test_embedded_form_stands_in_its_place(
    engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows
) -> None:
    form = published(engine, pages.id, "embedded")
    shop.body = f'<aside><div data-kartoteka-form="{form.key}"></div></aside>'
    page.goto(shop.address)
    sign_up(page)
    expect(page.locator("aside").get_by_role("status")).to_contain_text("Thank you")
    assert rows(LEADS)[0]["data"]["properties"]["form_id"] == form.key


def drawn(page: Page) -> None:
    """Wait until the snippet has loaded the forms and they had their say."""
    page.wait_for_function("window.kartoteka && kartoteka.id")
    page.wait_for_timeout(600)


def test_exit_intent_opens(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    published(engine, pages.id, triggers={"exit": True})
    page.goto(shop.address)
    drawn(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.mouse.move(400, 300)
    page.evaluate("""document.documentElement.dispatchEvent(new MouseEvent("mouseleave", {clientY: 500}))""")
    expect(page.get_by_role("dialog")).to_have_count(0)  # out at the side
    page.evaluate("""document.documentElement.dispatchEvent(new MouseEvent("mouseleave", {clientY: -3}))""")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_scrolling_far_opens(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    published(engine, pages.id, "slide", triggers={"scroll": 50})
    page.goto(shop.address)
    drawn(page)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.mouse.wheel(0, 1500)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_escape_closes_and_gives_focus_back(
    engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows
) -> None:
    published(engine, pages.id, triggers={"delay": 1})
    page.goto(shop.address)
    page.get_by_role("button", name="Menu").focus()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName !== 'A' && document.activeElement.id !== 'menu'")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "menu"
    page.wait_for_timeout(500)
    assert len(rows(NAMED, event="Form Closed")) == 1
    page.reload()
    page.wait_for_timeout(1_800)
    expect(dialog).to_have_count(0)


def test_slide_in_leaves_the_page_usable(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    published(engine, pages.id, "slide", triggers={})
    shop.body = '<p><input id="search" aria-label="Search"></p>'
    page.goto(shop.address)
    page.locator("#search").focus()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "search"
    page.evaluate("addEventListener('keydown', event => (window.heard = event.key))")
    page.get_by_label("E-mail", exact=True).focus()
    page.keyboard.press("a")
    assert page.evaluate("window.heard") is None
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "search"


@pytest.mark.parametrize("kind", ["popup", "embedded", "slide", "bar"])
def test_strict_shop_allows_it(engine: Engine, pages: Pages, shop: Shop, page: Page, kind: str) -> None:
    form = published(engine, pages.id, kind, triggers={}, look={"accent": "#aa0011"})
    shop.policy = STRICT.format(hub=shop.hub) + "; require-trusted-types-for 'script'"
    shop.body = f'<div data-kartoteka-form="{form.key}"></div>'
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Security" in said.text else None)
    page.goto(shop.address)
    sign = page.get_by_role("button", name="Sign up")
    expect(sign).to_have_css("background-color", "rgb(170, 0, 17)")
    sign_up(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    assert refused == []


@pytest.mark.parametrize("kind", ["popup", "embedded", "slide", "bar"])
def test_shop_css_stays_outside(engine: Engine, pages: Pages, shop: Shop, page: Page, kind: str) -> None:
    form = published(engine, pages.id, kind, triggers={})
    shop.css = (
        CALM
        + """
        body * { display: none !important; color: lime !important; --a: lime !important; visibility: hidden }
        body > div, main, main > div { opacity: 0.01 !important; font-size: 3px !important }
        input { width: 3px !important; background: lime !important } body * { position: absolute !important }
        main, main > div { display: block !important } dialog { left: -9999px !important }
        button { all: unset !important }"""
    )
    shop.body = f'<div data-kartoteka-form="{form.key}"></div>'
    page.goto(shop.address)
    field = page.get_by_label("E-mail", exact=True)
    expect(field).to_be_visible()
    assert field.evaluate("e => e.getBoundingClientRect().width") > 150
    expect(field).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.get_by_role("button", name="Sign up")).to_have_css("background-color", "rgb(11, 95, 85)")
    host = field.evaluate_handle("e => e.getRootNode().host")
    assert host.evaluate("e => getComputedStyle(e).opacity + getComputedStyle(e).position") == "1static"
    page.mouse.click(5, 5)


def test_variant_stays_with_its_visitor(
    engine: Engine, pages: Pages, shop: Shop, chromium: Chromium, rows: Rows
) -> None:
    variants = [{"weight": 1}, {"weight": 1, "title": "Ten percent off"}]
    published(engine, pages.id, "bar", triggers={}, variants=variants, frequency={"kind": "submitted"})
    seen: list[set[str]] = []
    for _visitor in range(50):  # lots are drawn, so one name alone may come for a while, but not fifty times
        if len(seen) >= 5 and len(set.union(*seen)) == 2:
            break
        context = chromium.new_context()
        page = context.new_page()
        titles = set()
        for _visit in range(2):
            page.goto(shop.address)
            titles.add(page.get_by_role("region").get_by_role("heading").inner_text())
        page.wait_for_timeout(300)
        seen.append(titles)
        context.close()
    assert all(len(titles) == 1 for titles in seen)
    assert set.union(*seen) == {"Hear of offers first", "Ten percent off"}
    shown = {row["data"]["properties"]["variant"] for row in rows(NAMED, event="Form Viewed")}
    assert shown == {"A", "B"}


def test_filled_honeypot_is_no_lead(engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows) -> None:
    published(engine, pages.id, triggers={})
    page.goto(shop.address)
    trap = page.locator("input[name=website]")
    trap.evaluate("e => (e.value = 'https://spam.example')")
    assert trap.evaluate("e => e.getBoundingClientRect().right") < 0
    sign_up(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    assert rows(LEADS) == []
    assert rows(NAMED, event="Form Spam")[0]["data"]["properties"]["why"] == "honeypot"


def test_impatient_clicks_send_once(engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows) -> None:
    published(engine, pages.id, triggers={}, coupon={"kind": "list"}, codes=["ONE", "TWO"])
    page.goto(shop.address)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/v1/lead") else None)
    page.get_by_label("E-mail", exact=True).fill("anna@example.org")
    page.get_by_label("I agree").check()
    page.wait_for_timeout(2_100)
    page.get_by_role("button", name="Sign up").evaluate("e => { e.click(); e.click(); e.click() }")
    expect(page.get_by_text("Your code: ONE")).to_be_visible()
    assert len(sent) == len(rows(LEADS)) == 1


def test_lost_answer_gives_the_same_coupon(
    engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows
) -> None:
    published(engine, pages.id, triggers={}, coupon={"kind": "list"}, codes=["ONE", "TWO"])
    page.goto(shop.address)
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    page.route("**/v1/lead", lose)
    sign_up(page)
    expect(page.get_by_role("alert").filter(has_text="could not be sent")).to_be_visible()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Your code: ONE")).to_be_visible()
    assert lost == [200] and len(rows(LEADS)) == 1


def test_mistakes_are_read_out(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    published(engine, pages.id, triggers={})
    page.goto(shop.address)
    page.get_by_role("button", name="Sign up").click()
    field = page.get_by_label("E-mail", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    sign_up(page, "anna@mailinator.com")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(
        "Please use a mailbox that you keep; this one is thrown away."
    )
    assert browsers.serious(page) == []


def test_cart_page_count_and_address_are_asked(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    triggers = {"cart": 100, "page": 2}
    targeting = {"urls": ["*/sale/*"], "not_urls": ["checkout"], "utm_source": ["Mail"]}
    published(engine, pages.id, "bar", triggers=triggers, targeting=targeting)
    region = page.get_by_role("region")
    page.goto(shop.address + "/sale/1?utm_source=mail")
    drawn(page)
    page.evaluate("dataLayer.push({event: 'view_cart', ecommerce: {value: 120}})")
    page.wait_for_timeout(200)
    expect(region).to_have_count(0)  # the first page of the visit
    page.goto(shop.address + "/sale/checkout")
    drawn(page)
    expect(region).to_have_count(0)
    page.goto(shop.address + "/other")
    drawn(page)
    expect(region).to_have_count(0)
    page.evaluate("dataLayer.push({event: 'view_cart', ecommerce: {value: 90}})")
    page.evaluate("history.pushState({}, '', '/sale/2')")
    page.wait_for_timeout(200)
    expect(region).to_have_count(0)
    page.evaluate("kartoteka.track('Product Added', {price: 5, quantity: 2})")
    expect(region).to_be_visible()


def test_form_of_a_segment(engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows) -> None:
    with transaction(engine) as session:
        vip = segments.make_list(session, "VIP", "olga@example.org")
        segment_pages.tell(session, vip, True)
    published(engine, pages.id, "bar", triggers={}, targeting={"segments": [str(vip.id)]})
    region = page.get_by_role("region")
    page.goto(shop.address)
    drawn(page)
    page.wait_for_timeout(400)
    expect(region).to_have_count(0)
    device = page.evaluate("kartoteka.id()")
    signed_in = {
        "writeKey": pages.secret_key,
        "userId": "7",
        "anonymousId": device,
        "traits": {"email": "a@p.kz"},
    }
    assert page.request.post(f"{shop.hub}/v1/identify", data=signed_in).ok
    [card] = rows("SELECT customer_id FROM profiles WHERE external_id = '7'")
    with transaction(engine) as session:
        lists.add(session, session.merge(vip), [card["customer_id"]], "olga@example.org")
    rows("SELECT 1")
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")  # pages keep the answer 15 s
    page.reload()
    expect(region).to_be_visible()


KEPT = """[localStorage, sessionStorage].map(
    where => Object.fromEntries(Object.entries(where).filter(([name]) => name.startsWith("_k."))))"""


@pytest.mark.parametrize("mode", ["wait", "deny"])
def test_nothing_is_stored_before_consent(
    engine: Engine, pages: Pages, shop: Shop, page: Page, mode: str
) -> None:
    targeting = {"utm_source": ["mail"]}
    form = published(engine, pages.id, "bar", triggers={}, targeting=targeting, frequency={"kind": "once"})
    shop.snippet["consent"] = mode
    left = "localStorage._k ||= 'n1'; localStorage['_k.f.v'] ||= 3; sessionStorage['_k.f.p'] ||= 3"
    page.goto(shop.address + "/shop.css")
    page.evaluate(left)  # of the days before the shop asked
    region = page.get_by_role("region")
    page.goto(shop.address + "/?utm_source=mail&email=anna@example.org")
    expect(region).to_be_visible()
    page.evaluate("dataLayer.push({event: 'view_cart', ecommerce: {value: 120}})")
    page.evaluate("history.pushState({}, '', '/two')")
    page.get_by_role("button", name="Close").click()
    assert page.evaluate(KEPT) == [{}, {}]
    page.evaluate("kartoteka.consent(true)")
    local, session = page.evaluate(KEPT)
    assert local.keys() == {"_k.f.v", f"_k.f{form.key}"} and local["_k.f.v"] == "1"
    assert session == {
        "_k.f.p": "2", "_k.f.cart": "120", "_k.f.utm_source": "mail", "_k.f.utm_campaign": ""
    }  # fmt: skip
    page.reload()
    drawn(page)
    expect(region).to_have_count(0)
    assert page.evaluate("sessionStorage['_k.f.p']") == "3"
    page.evaluate("kartoteka.consent(false)")
    page.evaluate("history.pushState({}, '', '/three')")
    assert page.evaluate(KEPT) == [{}, {}]
    page.goto(shop.address + "/?utm_source=mail")
    expect(region).to_be_visible()
    assert page.evaluate(KEPT) == [{}, {}]


def test_storage_has_only_utm_of_the_query(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    published(engine, pages.id, triggers={"page": 9})
    page.goto(shop.address + "/?email=anna@example.org&utm_source=Mail&utm_campaign=May&utm_term=anna")
    drawn(page)
    assert page.evaluate(KEPT) == [
        {"_k.f.v": "1"}, {"_k.f.p": "1", "_k.f.utm_source": "Mail", "_k.f.utm_campaign": "May"}
    ]  # fmt: skip


def test_phone_keeps_some_of_the_page(engine: Engine, pages: Pages, shop: Shop, chromium: Chromium) -> None:
    fields = [{"type": "email", "label": "E-mail"}] + [{"type": "text", "label": f"Q{n}"} for n in range(9)]
    published(engine, pages.id, triggers={}, fields=fields)
    context = chromium.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(shop.address)
    box = page.get_by_role("dialog").bounding_box()
    assert box and box["height"] <= 0.86 * 700
    close = page.get_by_role("button", name="Close")
    page.get_by_label("Q8").scroll_into_view_if_needed()
    expect(close).to_be_in_viewport()
    assert (close.bounding_box() or {})["width"] >= 40
    close.tap()
    expect(page.get_by_role("dialog")).to_have_count(0)
    context.close()


def test_broken_shop_breaks_nothing_more(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    form = published(engine, pages.id, "embedded")
    shop.body = f"""<span data-kartoteka-form="{form.key}"></span><input data-kartoteka-form="{form.key}">
        <div data-kartoteka-form="none"></div><div id="later"></div>"""
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})"
    )
    page.goto(shop.address)
    expect(page.get_by_role("button", name="Sign up")).to_have_count(1)
    page.evaluate("key => (later.innerHTML = `<div data-kartoteka-form=${key}></div>`)", form.key)
    expect(page.get_by_role("button", name="Sign up")).to_have_count(2)
