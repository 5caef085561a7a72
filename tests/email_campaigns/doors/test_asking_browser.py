"""The pages by which letters ask, in Chromium: on a phone, light and dark, by keyboard, without scripts."""

import os
from pathlib import Path

import pytest

from tests import browser as browsers
from tests.email_campaigns.doors.test_asking import asked, ledger, wish

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture(scope="module")
def chromium():
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def look(app, chromium):
    """A function that opens a page and one that looks at it; at the end nothing was wrong."""
    watching = []
    with browsers.serve(app) as address:

        def opened(size: str, scheme: str, scripts: bool = True):
            width, height = browsers.SIZES[size]
            context = chromium.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
            )
            page = context.new_page()
            if scripts:
                watching.append(browsers.watch(page, address))
            return page, address

        def looked(page, name: str) -> None:
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, f"{name} is {wide} px too wide"
            assert browsers.serious(page) == [], name
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"ask-{name}.png", full_page=True)

        yield opened, looked
    assert not any(watch.wrong for watch in watching)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_address_is_confirmed(post, look, size, scheme, clock):
    opened, looked = look
    said = wish(
        text="I agree to get offers of Bazaar by e-mail, about once a week. I can stop them at any time."
    )
    path = asked(post, "double_opt_in", **said)
    page, address = opened(size, scheme)
    page.goto(address + path)
    looked(page, f"confirm-{size}-{scheme}")
    assert ledger(post) == []
    page.click("button")
    page.wait_for_selector("h1:has-text('confirmed')")
    looked(page, f"confirmed-{size}-{scheme}")
    assert len(ledger(post)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_score_is_given(post, look, size, scheme):
    opened, looked = look
    path = asked(post, "nps")
    page, address = opened(size, scheme)
    page.goto(f"{address}{path}?score=8")
    assert page.is_checked("input[value='8']")
    looked(page, f"answer-{size}-{scheme}")
    page.focus("input[value='8']")
    page.keyboard.press("ArrowRight")
    page.fill("textarea", "Fast & friendly")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Thank you')")
    looked(page, f"answered-{size}-{scheme}")
    (told,) = post.told("letter.answered")
    assert (told["score"], told["comment"]) == (9, "Fast & friendly")


def test_without_scripts_and_without_a_number(post, look):
    opened, _looked = look
    path = asked(post, "nps")
    page, address = opened("phone", "light", scripts=False)
    page.goto(address + path)
    page.click("button")
    assert "Choose a number" in page.inner_text("[role=alert]")
    page.check("input[value='0']")
    page.click("button")
    assert post.told("letter.answered")[0]["score"] == 0
