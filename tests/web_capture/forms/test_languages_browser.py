"""Forms of each language in an English Chromium on a phone: what they say of mistakes is in theirs, whole."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine

from foundation.text import LANGUAGES, _, language
from tests import browser as browsers
from tests.web_capture.conftest import Pages
from tests.web_capture.forms.made import published, with_forms
from tests.web_capture.forms.shop import open_shop
from web_capture.forms import store as forms

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
CUT = """() => [...document.querySelectorAll('body > div')]
  .flatMap(host => [...host.shadowRoot.querySelectorAll('*')])
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5
    || one.clientWidth && one.matches('button, label, p, h2') && one.scrollWidth > Math.ceil(one.clientWidth))
  .map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browsers.chromium() as started:
        yield started


@pytest.mark.parametrize("tag", LANGUAGES)
def test_mistakes_are_told_in_the_forms_language(
    engine: Engine, pages: Pages, chromium: Chromium, tag: str
) -> None:
    said = forms.start("popup", tag) | {"triggers": {"delay": 0}}
    with language(tag):
        said["fields"] += [{"type": "birthday", "label": "·"}, {"type": "phone", "label": "··"}]
        empty, tick, wrong, born, number, close, fails = (
            _("Please fill this in."), _("Please tick this to go on."),
            _("This is no e-mail address that can be reached."), _("This is no date of birth."),
            _("This is no phone number."), _("Close"), _("This could not be sent. Please try again."),
        )  # fmt: skip
    published(engine, pages.id, **said)
    with_forms(pages.client.app)
    with open_shop(engine, pages) as shop:
        page = chromium.new_context(viewport={"width": 320, "height": 640}, locale="en-US").new_page()
        page.goto(shop.address)
        dialog = page.get_by_role("dialog", name=said["title"])
        expect(dialog).to_have_attribute("lang", tag)
        send = dialog.get_by_role("button", name=said["button"])
        send.click()
        expect(dialog.locator("#f-email-e")).to_have_text(empty)
        expect(dialog.locator("#f-consent_email-e")).to_have_text(tick)
        dialog.locator("#f-email").fill("anna")
        dialog.locator("#f-birthday").press("1")
        send.click()
        expect(dialog.locator("#f-email-e")).to_have_text(wrong)
        expect(dialog.locator("#f-birthday-e")).to_have_text(born)
        assert page.evaluate(CUT) == []
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{tag}-form.png")
        dialog.locator("#f-email").fill("anna@example.org")
        dialog.locator("#f-birthday").fill("1990-05-17")
        dialog.locator("#f-phone").fill("x")
        dialog.locator("#f-consent_email").check()
        page.route("**/v1/lead", lambda route: route.abort())
        send.click()
        expect(dialog.get_by_text(fails)).to_be_visible()
        page.unroute("**/v1/lead")
        page.wait_for_timeout(2_100)  # nobody fills in a form faster
        send.click()
        expect(dialog.locator("#f-phone-e")).to_have_text(number)
        expect(dialog.get_by_role("button", name=close, exact=True)).to_be_visible()
        dialog.locator("#f-phone").fill("+7 701 555 01 99")
        send.click()
        expect(dialog.get_by_role("status")).to_have_text(said["thanks"])
        page.context.close()
