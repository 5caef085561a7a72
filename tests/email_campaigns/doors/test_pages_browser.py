"""The public pages of letters in Chromium: sound on a phone, light and dark, and without scripts."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from email_campaigns.doors.routes import PIXEL
from foundation.records import Consent
from tests import browser as browsers
from tests.email_campaigns.delivery.world import person
from tests.people import JANUARY

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture(scope="module")
def chromium():
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def address(app):
    with browsers.serve(app) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_public_pages_are_sound(post, chromium, address, size, scheme):
    sms = Consent(channel="sms", given=True, at=JANUARY)
    post.sent(
        person(1, consents=(*person(1).consents, sms)), topic="Offers and a topic whose name is rather long"
    )
    width, height = browsers.SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    watching, wrong = browsers.watch(page, address), []

    def look(name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong.append(f"{name} is {wide} px too wide")
        wrong.extend(f"{name}: {one}" for one in browsers.serious(page))
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"door-{name}-{size}-{scheme}.png", full_page=True)

    links = post.links()
    page.goto(address + links["u"][0])
    look("unsubscribe")
    page.click("button")
    assert post.scopes() == [("marketing", "unsubscribed")]
    look("unsubscribed")
    page.click("a")
    assert not page.is_checked("[name=email]")
    look("preferences")
    page.check("[name=email]")
    page.click("[name=save]")
    assert page.is_checked("[name=email]") and post.scopes() == []
    look("saved")
    page.click("[name=none]")
    assert post.scopes() == [("marketing", "unsubscribed")]
    assert (watching.wrong, wrong, context.cookies()) == ([], [], [])
    page.goto(f"{address}/m/c/x")
    look("nothing")
    assert wrong == []
    context.close()


def test_letter_in_the_browser_runs_nothing(post, chromium, address):
    post.sent()
    page = chromium.new_page()
    host = urlsplit(address).netloc
    # its links are those of the public address: let that be us
    page.route(
        "https://crm.shop.example/**", lambda route: route.fulfill(body=PIXEL, content_type="image/gif")
    )
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(address + post.links()["v"][0])
    assert answer.status == 200 and "Dear Person1" in page.inner_text("body")
    assert page.evaluate("window.origin") == "null"
    assert {urlsplit(url).netloc for url in asked} <= {host, "crm.shop.example"}
    page.close()
