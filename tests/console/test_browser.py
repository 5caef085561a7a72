"""Every page in Chromium, on a desktop and a phone, light and dark, by keyboard and without scripts.

With `KARTOTEKA_SCREENSHOTS` set it leaves the pictures of `docs/screenshots/` (`make screenshots`).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from console import auth
from console.tables import User
from customers.facts import Order
from foundation.database import transaction
from foundation.tables import Problem
from sync.tables import Run
from tests import browser as browsers
from tests.console.company import found

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"
LOOKS = {
    "desktop": ("desktop", "light"),
    "phone": ("phone", "light"),
    "dark": ("desktop", "dark"),
    "phone-dark": ("phone", "dark"),
}
# both sizes and both schemes once; each pair of them where pictures are taken (`make screenshots`)
CHECKED = tuple(LOOKS) if os.environ.get("KARTOTEKA_SCREENSHOTS") else ("desktop", "phone-dark")
SHOWN = {"overview", "customers", "card", "profiles", "duplicates", "run", "connections"}
FOCUSED = """(() => {
  const e = document.activeElement;
  if (e === document.body) return "";
  const around = e.closest(".search") ?? e;
  const ring = [getComputedStyle(e), getComputedStyle(e, "::after"), getComputedStyle(around)]
    .some((style) => style.outlineStyle !== "none" && style.outlineWidth !== "0px");
  const place = [...document.querySelectorAll("*")].indexOf(e);
  return place + (ring ? "" : " without a ring: " + e.outerHTML.slice(0, 120));
})()"""


@pytest.fixture
def company(engine: Engine) -> dict[str, UUID]:
    return found(engine)


@pytest.fixture
def address(app: Starlette, company: dict[str, UUID]) -> Iterator[str]:
    with browsers.serve(app) as address:
        yield address


def enter(
    chromium: Chromium, address: str, engine: Engine, owner: User, look: str, *, scripts: bool = True
) -> Page:
    """A signed-in window of a size and colour scheme."""
    size, scheme = LOOKS[look]
    width, height = browsers.SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    page.goto(address + path)
    page.click("button")
    page.wait_for_url(address + "/")
    return page


def pages(engine: Engine, company: dict[str, UUID]) -> dict[str, str]:
    """Every page by its name."""
    card = next(key for name, key in company.items() if "Юдина" in name)
    with Session(engine) as session:
        going = session.scalars(select(Run.id).where(Run.state == "running")).one()
        compared = session.scalars(select(Run.id).where(Run.kind == "reconcile")).one()
        problem = session.scalars(select(Problem.id)).one()
        order = session.scalars(select(Order.id).where(Order.customer_id == card).limit(1)).one()
    return {
        "overview": "/",
        "customers": "/customers",
        "nobody": "/customers?q=zzzz&city=Nowhere",
        "card": f"/customers/{card}",
        "orders": f"/customers/{card}?tab=orders",
        "profiles": f"/customers/{card}?tab=profiles",
        "links": f"/customers/{card}?tab=links",
        "merge": f"/customers/{card}/merge?find=a",
        "compare": f"/customers/{card}/merge?with={company['Dana Wolfe']}",
        "order": f"/orders/{order}",
        "duplicates": "/duplicates",
        "matching": "/duplicates/matching?version=shipped",
        "connections": "/connections",
        "connection": f"/connections/{company['shop']}",
        "choose": "/connections/new",
        "wizard": "/connections/new/woocommerce",
        "run": f"/runs/{going}",
        "reconciliation": f"/runs/{compared}",
        "import": "/imports/new",
        "problems": "/problems",
        "problem": f"/problems/{problem}",
        "operations": "/operations",
        "account": "/settings",
        "tokens": "/settings/tokens",
        "policy": "/settings/policy",
        "nothing": "/nowhere",
    }


@pytest.mark.parametrize("look", CHECKED)
def test_every_page_is_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    for name, path in pages(engine, company).items():
        answer = page.goto(address + path)
        assert answer is not None
        if name == "nothing":
            watching.wrong.clear()  # Chromium reports the 404 itself
        elif answer.status != 200:
            wrong.append(f"{name}: answered {answer.status}")
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        wrong += [f"{name}: {one}" for one in watching.wrong]
        watching.wrong.clear()
        picture(page, name, look)
    page.context.close()
    assert wrong == []


def picture(page: Page, name: str, look: str) -> None:
    """Keep a picture for the docs when asked to."""
    wanted = (name in SHOWN and look == "desktop") or (name, look) in {
        ("card", "phone-dark"),
        ("overview", "dark"),
    }
    if wanted and os.environ.get("KARTOTEKA_SCREENSHOTS"):
        PICTURES.mkdir(exist_ok=True)
        if (name, look) == ("card", "desktop"):
            page.locator(".golden summary", has_text="City").click()
        page.screenshot(path=PICTURES / f"{name if look == 'desktop' else f'{name}-{look}'}.png")


def test_doors_are_sound(
    chromium: Chromium, app: Starlette, engine: Engine, address: str, owner: User
) -> None:
    page = chromium.new_page()
    watching = browsers.watch(page, address)
    for path in ("/sign-in", "/sign-in/link/spent", "/set-up/spent"):
        page.goto(address + path)
        watching.wrong = [one for one in watching.wrong if "404" not in one]
        assert browsers.serious(page) == []
    assert watching.wrong == []
    page.close()


def test_tab_key_reaches_everything(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    for name in ("overview", "customers", "card", "profiles", "duplicates", "connection", "account"):
        page.goto(address + pages(engine, company)[name])
        wanted = page.evaluate(
            "[...document.querySelectorAll('a[href], button, input, select, textarea, summary')]"
            ".filter(e => e.checkVisibility() && !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0"
            " && (e.type !== 'radio' || e.checked)).length"
        )
        seen = set()
        for _ in range(wanted + 5):
            page.keyboard.press("Tab")
            seen.add(page.evaluate(FOCUSED))
        seen.discard("")
        assert not [one for one in seen if "ring" in str(one)], name
        assert len(seen) >= wanted, name
    page.context.close()


def test_keys_decide_a_duplicate(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + "/duplicates")
    page.keyboard.press("j")
    page.keyboard.press("d")
    expect(page.get_by_role("status")).to_contain_text("Kept apart")
    page.wait_for_load_state()  # the keys live in a script of the page that came
    page.keyboard.press("/")
    page.keyboard.type("юдина")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers?q=*")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.context.close()


def test_theme_is_kept(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.click("summary[aria-label='Your menu']")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(address + "/customers")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.context.close()


def test_run_moves_by_itself(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    with transaction(engine) as session:
        run = session.scalars(select(Run).where(Run.state == "running")).one()
        run.read = 7000
    page.goto(f"{address}/runs/{run.id}")
    expect(page.locator("[data-field=read]")).to_have_text("7,000")
    with transaction(engine) as session:
        session.get_one(Run, run.id).read = 9000
    expect(page.locator("[data-field=read]")).to_have_text("9,000")
    with transaction(engine) as session:
        session.get_one(Run, run.id).state = "done"
    expect(page.get_by_text("done", exact=True)).to_be_visible()
    page.context.close()


def test_pages_work_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    page.goto(address + path)
    page.click("button")
    page.goto(address + "/duplicates")
    page.get_by_role("button", name="Same person").first.click()
    expect(page.get_by_role("status")).to_contain_text("one now")
    page.goto(f"{address}/runs/{_running(engine)}")
    expect(page.get_by_text("6,400", exact=True)).to_be_visible()
    context.close()


def _running(engine: Engine) -> UUID:
    with Session(engine) as session:
        return session.scalars(select(Run.id).where(Run.state == "running")).one()


def test_typed_name_frees_the_button(
    chromium: Chromium, address: str, engine: Engine, owner: User, company: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/connections/{company['shop']}")
    button = page.get_by_role("button", name="Remove it")
    expect(button).to_be_disabled()
    page.get_by_label("Type Bazaar.kz to confirm").fill("Bazaar.kz")
    expect(button).to_be_enabled()
    page.context.close()


def test_scripts_and_styles_stay_small() -> None:
    static = Path(__file__).parents[2] / "console" / "static"
    assert sum(one.stat().st_size for one in static.glob("*.js")) < 25_000
    assert len((static / "console.css").read_text("utf-8").splitlines()) < 1_200
