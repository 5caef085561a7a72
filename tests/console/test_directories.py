"""The pages of directories: switched on, planned, applied, conflicts decided, rules saved."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine, delete, select
from starlette.applications import Starlette

from console.tables import User
from foundation import context, jobs
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync import connections, resolve
from sync.directories.tables import Conflict, Directory, DirectoryPlan, Link
from tests import browser as browsers
from tests import ledgers, shops
from tests.console.conftest import Browser
from tests.console.test_browser import CHECKED, enter

RAIL = re.compile(r'href="/directories" aria-current="page">.{,200}?<span class="count due">(\d+)', re.DOTALL)


@dataclass
class Both:
    """A shop and a ledger with the same customer."""

    engine: Engine
    shop: shops.Shop
    ledger: ledgers.Ledger
    here: UUID
    there: UUID

    def pull(self) -> None:
        ledgers.pull(self.engine, self.here, self.there)

    def work(self) -> None:
        jobs.run_until_idle(self.engine)


@pytest.fixture
def both(
    engine: Engine, settings: Settings, sealer: Sealer, owner: User, browser: Browser
) -> Iterator[Both]:  # fmt: skip
    context.use(Context(settings, sealer))
    shops.install()
    ledgers.install()
    with transaction(engine) as session:
        here = connections.create(session, sealer, "fake", "Shop", {"shop": "shop"}).id
        there = connections.create(session, sealer, "ledger", "Ledger", {}).id
    made = Both(engine, shops.Shop("shop"), ledgers.Ledger(), here, there)
    made.shop.customer(1, email="anna@example.org", phone="+77011112233")
    made.ledger.party(1, email="anna@example.org")
    made.pull()
    browser.submit("/directories", connection=str(there), what="counterparties", home="")
    yield made
    shops.SHOPS.clear()
    shops.uninstall()
    ledgers.uninstall()
    context.use(None)


def applied(browser: Browser, both: Both) -> None:
    """Plan and apply by the buttons."""
    browser.submit(f"/directories/plan/{both.there}")
    with transaction(both.engine) as session:
        plan = session.scalars(select(DirectoryPlan).order_by(DirectoryPlan.made_at.desc()).limit(1)).one()
    browser.submit(f"/directories/plans/{plan.id}/apply")
    both.work()


def one(both: Both, table: Any) -> UUID:
    with transaction(both.engine) as session:
        found: UUID = session.scalars(select(table.id)).one()
        return found


def test_planned_applied_and_seen_side_by_side(browser: Browser, both: Both) -> None:
    browser.submit(f"/directories/plan/{both.there}")
    page = browser.see(f"/directories/plans/{one(both, DirectoryPlan)}")
    assert "A pair by E-mail" in page and "+77011112233" in page and "it is empty there" in page
    browser.submit(f"/directories/plans/{one(both, DirectoryPlan)}/apply")
    both.work()
    assert both.ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"
    assert "See the run" in browser.see(f"/directories/plans/{one(both, DirectoryPlan)}")
    directory = one(both, Directory)
    assert "+77011112233" in browser.see(f"/directories/{directory}")
    for show in ("differs", "waiting", "only_there", "only_here", "nonsense"):
        browser.see(f"/directories/{directory}?show={show}")
    assert "Ledger" in browser.see("/directories")


def test_a_conflict_is_decided(browser: Browser, both: Both) -> None:
    applied(browser, both)
    both.shop.customer(1, email="clara@example.org", phone="+77011112233")
    both.ledger.party(1, email="boris@example.org")
    both.pull()
    applied(browser, both)
    page = browser.see("/directories/conflicts")
    assert re.search("anna@example.org.*clara@example.org.*boris@example.org", page, re.DOTALL)
    assert "boris@example.org" in browser.see(f"/directories/{one(both, Directory)}?show=differs")
    conflict = one(both, Conflict)
    browser.submit("/directories/conflicts", 400, conflict=str(conflict), side="both")
    browser.submit("/directories/conflicts", conflict=str(conflict), side="ours")
    both.work()
    assert both.ledger.things["counterparties"]["p1"]["email"] == "clara@example.org"
    with transaction(both.engine) as session:
        operation = session.scalars(select(Conflict.operation_id)).one()
    page = browser.see(f"/operations/{operation}")
    assert re.search(
        "boris@example.org.*clara@example.org.*Ledger.*written.*a person decided", page, re.DOTALL
    )
    assert "Nothing waits for you" in browser.see("/directories/conflicts")


def test_a_doubtful_pair_is_confirmed(browser: Browser, both: Both) -> None:
    both.shop.customer(2, name="Altyn Trade", email="")
    both.ledger.party(2, name="Altyn Trade", email="", kind="company")
    both.pull()
    applied(browser, both)
    page = browser.see("/directories/conflicts")
    assert "Are these the same?" in page and RAIL.search(page)[1] == "1"
    with transaction(both.engine) as session:
        pair = session.scalars(select(Link.id).where(Link.state == "waiting")).one()
    browser.submit(f"/directories/pairs/{pair}", 400, same="perhaps")
    browser.submit(f"/directories/pairs/{pair}", same="yes")
    page = browser.see("/directories/conflicts")
    assert "Are these the same?" not in page and not RAIL.search(page)


def test_what_may_be_the_same_says_with_whom_and_where(browser: Browser, both: Both) -> None:
    both.shop.customer(2, name="Altyn Trade", email="")
    both.ledger.party(2, name="Altyn Trade", email="", kind="company")
    both.pull()
    directory = one(both, Directory)
    assert "found by E-mail, not a pair yet" in browser.see(f"/directories/{directory}?show=only_there")
    applied(browser, both)
    page = browser.see("/directories/conflicts")
    assert re.search("Altyn Trade</a>.*here.*Altyn Trade.*in Ledger.*both have: Name", page, re.DOTALL)
    waiting = browser.see(f"/directories/{directory}?show=waiting")
    with transaction(both.engine) as session:
        card = session.scalars(select(Link.local_id).where(Link.state == "waiting")).one()
    assert f'perhaps <a href="/customers/{card}">Altyn Trade</a>' in waiting
    assert f"/directories/conflicts?directory={directory}" in browser.see("/directories")


def test_conflicts_of_one_directory_are_decided_as_shown(browser: Browser, both: Both) -> None:
    both.shop.customer(2, email="dana@example.org", phone="+77012223344")
    both.ledger.party(2, email="dana@example.org")
    both.pull()
    applied(browser, both)
    both.shop.customer(1, email="clara@example.org", phone="+77011112233")
    both.shop.customer(2, email="elif@example.org", phone="+77012223344")
    for number in (1, 2):
        both.ledger.party(number, email=f"there{number}@example.org")
    both.pull()
    applied(browser, both)
    directory = one(both, Directory)
    here = f"/directories/conflicts?directory={directory}"
    page = browser.see(here)
    shown = re.findall('name="shown" value="([^"]+)"', page)
    assert len(shown) == 2 and page.count("the card</a>") == 2 and "Ledger" in page
    browser.see("/directories/conflicts?directory=01890000-0000-7000-8000-000000000000", 404)
    answer = browser.submit(
        "/directories/conflicts", shown=shown, all="yes", side="theirs", directory=str(directory)
    )
    assert answer.headers["location"].startswith(here)
    both.work()
    page = browser.see(here)
    assert "Nothing waits for you" in page and "Back to the directories" in page


def test_a_guard_is_told_until_the_plan_is_applied(browser: Browser, both: Both) -> None:
    for number in range(2, 26):
        both.shop.customer(number, phone=f"+770111122{number:02}")
        both.ledger.party(number)
    both.pull()
    browser.submit(f"/directories/plan/{both.there}")
    plan = one(both, DirectoryPlan)
    assert "waiting for you" in browser.see(f"/directories/plans/{plan}")
    assert "Values that go there: 25" in browser.see("/directories")
    browser.submit(f"/directories/plans/{plan}/apply")
    both.work()
    assert "waiting for you" not in browser.see(f"/directories/plans/{plan}")
    with transaction(both.engine) as session:
        operation = session.scalars(select(DirectoryPlan.operation_id)).one()
    page = browser.see(f"/operations/{operation}")
    assert re.search("Values sent there</small><b>25<", page) and "it is empty there" in page
    assert "Pushed" not in page


def test_each_empty_filter_says_why(browser: Browser, both: Both) -> None:
    directory = one(both, Directory)
    applied(browser, both)
    page = browser.see(f"/directories/{directory}?show=only_there")
    assert "Whatever stands there has its pair here." in page
    assert "says the same on both sides" in browser.see(f"/directories/{directory}?show=differs")


def test_a_large_directory_is_planned_in_the_background(
    browser: Browser, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.directories.AT_ONCE", 0)
    answer = browser.submit(f"/directories/plan/{both.there}")
    page = f"/directories/plans/{one(both, DirectoryPlan)}"
    assert answer.headers["location"] == page and "being planned" in browser.see("/directories")
    assert "data-reload" in browser.see(page) and "Nothing to do" not in browser.see(page)
    both.work()
    assert "data-reload" not in browser.see(page) and "Apply to" in browser.see(page)
    assert page in browser.see("/directories")


def test_a_plan_that_failed_says_why(browser: Browser, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.pages.directories.AT_ONCE", 0)
    page = browser.submit(f"/directories/plan/{both.there}").headers["location"]
    with transaction(both.engine) as session:
        session.execute(delete(Directory))
    both.work()
    assert "kept equal yet" in browser.see(page) and "Nothing to do" not in browser.see(page)


def test_rules_are_saved(browser: Browser, both: Both) -> None:
    directory = one(both, Directory)
    rules: dict[str, Any] = {"owner.email": "theirs", "creates": "companies", "most": "5", "automatic": "yes"}
    browser.submit(f"/directories/{directory}", **rules)
    with transaction(both.engine) as session:
        kept = session.get_one(Directory, directory)
        assert (kept.owners, kept.creates, kept.most, kept.automatic) == (
            {"email": "theirs"}, "companies", 5, True,
        )  # fmt: skip
    browser.submit(f"/directories/{directory}", 422, **{**rules, "most": "many"})


@pytest.mark.browser
@pytest.mark.parametrize("look", CHECKED)
def test_pages_are_sound(
    chromium: Chromium, app: Starlette, browser: Browser, both: Both, owner: User, look: str
) -> None:
    both.shop.customer(2, name="Altyn Trade", email="", phone="+77017778899")
    both.ledger.party(2, name="Altyn Trade", email="", kind="company")
    both.ledger.party(3, name="Only There", email="there@example.org")
    both.pull()
    applied(browser, both)
    both.shop.customer(1, email="clara.with.a.rather.long.name@example.org", phone="+77014445566")
    both.ledger.party(1, email="boris@example.org", name="Anna Petrova")
    both.pull()
    applied(browser, both)
    both.ledger.party(1, name="Anna Maria Petrova")
    both.pull()
    browser.submit(f"/directories/plan/{both.there}")
    with transaction(both.engine) as session:
        plan = session.scalars(select(DirectoryPlan.id).where(DirectoryPlan.state == "made")).one()
    directory = one(both, Directory)
    with browsers.serve(app) as address:
        page = enter(chromium, address, both.engine, owner, look)
        wrong = browsers.look_over(page, address, {
            "all": "/directories", "one": f"/directories/{directory}", "conflicts": "/directories/conflicts",
            "differs": f"/directories/{directory}?show=differs", "plan": f"/directories/plans/{plan}",
        }, f"directories-%s-{look}", wait=300)  # fmt: skip
        page.context.close()
    assert wrong == []


assert resolve  # imported for the duty it registers
