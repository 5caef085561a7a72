"""The public pages of letters in each language, in Chromium on a narrow phone: nothing cut, keys suffice."""

import os
from pathlib import Path

import pytest

from foundation.text import LANGUAGES
from tests import browser as browsers
from tests.email_campaigns.doors.test_languages import doors, letter, speak  # noqa: F401

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
NARROW = {"width": 320, "height": 640}
# what is wider than its box or stands outside of the window
CUT = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  for (const one of document.querySelectorAll('main *')) {
    const box = one.getBoundingClientRect();
    const inline = getComputedStyle(one).display == 'inline';
    if (!inline && one.clientWidth && one.scrollWidth > Math.ceil(one.clientWidth)
        || box.right > wide + 0.5 || box.left < -0.5) found.push(one.outerHTML.slice(0, 80));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def chromium():
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def opened(app, chromium):
    with browsers.serve(app) as address:
        context = chromium.new_context(viewport=NARROW, has_touch=True)
        page = context.new_page()
        watching = browsers.watch(page, address)
        yield page, address
        assert [one for one in watching.wrong if "(Gone)" not in one and "(Not Found)" not in one] == []
        context.close()


def look(page, name: str, tag: str) -> None:
    assert page.evaluate("document.documentElement.lang") == tag
    assert page.evaluate(CUT) == [], name
    assert browsers.serious(page) == [], name
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{tag}-{name}.png", full_page=True)


def press(page, target: str) -> None:
    """Go to it with the Tab key and press Enter."""
    for _step in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("target => document.activeElement.matches(target)", target):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"{target} can't be reached by keys")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_pages_are_whole_on_a_narrow_phone(letter, opened, tag):  # noqa: F811
    speak(letter, tag)
    page, address = opened
    at = doors(letter)
    page.goto(f"{address}{at['answer']}")
    press(page, "button")
    look(page, "answer", tag)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    press(page, "button")
    look(page, "answered", tag)
    page.goto(f"{address}{at['confirm']}")
    look(page, "confirm", tag)
    press(page, "button")
    look(page, "confirmed", tag)
    page.goto(f"{address}{at['unsubscribe']}")
    look(page, "unsubscribe", tag)
    press(page, "button")
    look(page, "unsubscribed", tag)
    press(page, "a")
    look(page, "preferences", tag)
    press(page, "[name=save]")
    look(page, "saved", tag)
    further = LANGUAGES[LANGUAGES.index(tag) - 1]
    press(page, f"nav a[lang={further}]")
    assert page.evaluate("document.documentElement.lang") == further
    page.set_extra_http_headers({"accept-language": tag})
    page.goto(f"{address}{at['preferences']}")
    letter.house.do('UPDATE deliveries SET context = \'{"confirm": {"text": "x"}}\'')
    for name, path in (("late", at["confirm"]), ("nothing", "/m/u/x")):
        page.goto(address + path)
        look(page, name, tag)
