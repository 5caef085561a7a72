"""The pages of forms in Chromium: sound at every size, and a preview that follows what is typed."""

from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from console.tables import User
from foundation.database import transaction
from foundation.sealing import Sealer
from tests import browser as browsers
from tests.console.test_browser import CHECKED, FOCUSED, enter
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.tables import Form

pytestmark = pytest.mark.browser


@pytest.fixture
def known(engine: Engine, sealer: Sealer) -> dict[str, UUID]:
    """One form of each kind; the pop-up compares two variants and was published and changed."""
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example")
        found = {}
        for kind in ("popup", "embedded", "bar", "slide"):
            form = forms.make(session, site, f"Spring {kind}", kind, "olga@example.org")
            found[kind] = form.id
        popup = session.get_one(Form, found["popup"])
        spec = forms.start("popup") | {"variants": [{"weight": 1}, {"weight": 1, "title": "Ten percent off"}]}
        spec["fields"].append({"type": "choice", "label": "Size", "options": ["S", "M", "L"]})
        forms.change(session, popup, spec, "olga@example.org")
        forms.publish(session, popup)
        forms.change(session, popup, spec | {"button": "Yes, please"}, "olga@example.org")
        return found


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_forms_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    here = f"/forms/{known['popup']}"
    wrong = browsers.look_over(page, address, {
        "list": "/forms", "new": "/forms/new", "builder": here, "results": f"{here}/results",
        "embedded": f"/forms/{known['embedded']}", "preview": f"{here}/preview",
    }, f"%s-{look}", wait=700)  # fmt: skip
    page.context.close()
    assert wrong == []


def test_preview_follows_what_is_typed(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/forms/{known['slide']}")
    shown = page.frame_locator("#preview")
    expect(shown.get_by_role("heading", name="Hear of offers first")).to_be_visible()
    page.get_by_label("Title").first.fill("Typed just now")
    expect(shown.get_by_role("heading", name="Typed just now")).to_be_visible()
    shown.get_by_label("E-mail", exact=True).fill("anna@example.org")
    shown.get_by_label("I agree").check()
    shown.get_by_role("button", name="Sign up").click()
    expect(shown.get_by_role("status")).to_contain_text("Thank you")
    page.locator(".switch").get_by_text("Phone").click()
    expect(page.locator(".screen")).to_have_css("inline-size", "293px")
    page.context.close()


def test_variants_are_shown_one_by_one(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/forms/{known['popup']}")
    shown = page.frame_locator("#preview")
    expect(shown.get_by_role("heading", name="Hear of offers first")).to_be_visible()
    page.get_by_role("link", name="B", exact=True).click()
    expect(shown.get_by_role("heading", name="Ten percent off")).to_be_visible()
    page.context.close()


def test_only_what_the_choice_needs_is_asked(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/forms/{known['slide']}")
    for chooser, asked in (
        ("Coupon after sending", {"fixed": "The code for all", "list": "Codes to hand out, one a line"}),
        ("How often", {"days": "Days between"}),
    ):
        for choice in page.get_by_label(chooser).locator("option").all():
            key = str(choice.get_attribute("value"))
            page.get_by_label(chooser).select_option(key)
            for needs, label in asked.items():
                expect(page.get_by_label(label)).to_be_visible(visible=needs == key)
    page.context.close()


def test_tab_key_reaches_the_builder(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/forms/{known['embedded']}")
    seen = []
    for _ in range(90):
        page.keyboard.press("Tab")
        seen.append(str(page.evaluate(FOCUSED)))
    # the browser draws the ring of a date's own button inside of it
    assert not [one for one in seen if "ring" in one and "iframe" not in one and "datetime" not in one]
    assert len(set(seen)) > 50
    page.context.close()


def test_builder_works_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    signed = enter(chromium, address, engine, owner, "desktop")
    context = chromium.new_context(java_script_enabled=False, storage_state=signed.context.storage_state())
    page: Page = context.new_page()
    page.goto(f"{address}/forms/{known['bar']}")
    page.get_by_label("Title").first.fill("By hand")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_role("status")).to_contain_text("Published")
    context.close()
    signed.context.close()
