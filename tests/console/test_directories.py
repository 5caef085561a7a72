"""The pages of directories: switched on, planned, applied, conflicts decided, rules saved."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine, select
from starlette.applications import Starlette

from console.tables import User
from foundation import context, jobs
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync import connections, pull, resolve
from sync.directories.tables import Conflict, Directory, DirectoryPlan, Link
from tests import browser as browsers
from tests import ledgers, shops
from tests.console.conftest import Browser
from tests.console.test_browser import CHECKED, enter


@dataclass
class Both:
    """A shop and a ledger with the same customer."""

    engine: Engine
    shop: shops.Shop
    ledger: ledgers.Ledger
    here: UUID
    there: UUID

    def pull(self) -> None:
        for one in (self.here, self.there):
            with transaction(self.engine) as session:
                pull.start(session, one, full=True)
        self.work()

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
    assert "Nothing waits for you" in browser.see("/directories/conflicts")


def test_a_doubtful_pair_is_confirmed(browser: Browser, both: Both) -> None:
    both.shop.customer(2, name="Altyn Trade", email="")
    both.ledger.party(2, name="Altyn Trade", email="", kind="company")
    both.pull()
    applied(browser, both)
    assert "Are these the same?" in browser.see("/directories/conflicts")
    with transaction(both.engine) as session:
        pair = session.scalars(select(Link.id).where(Link.state == "waiting")).one()
    browser.submit(f"/directories/pairs/{pair}", 400, same="perhaps")
    browser.submit(f"/directories/pairs/{pair}", same="yes")
    assert "Are these the same?" not in browser.see("/directories/conflicts")


def test_a_large_directory_is_planned_in_the_background(
    browser: Browser, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.directories.AT_ONCE", 0)
    answer = browser.submit(f"/directories/plan/{both.there}")
    assert answer.headers["location"] == "/directories"
    both.work()
    assert f"/directories/plans/{one(both, DirectoryPlan)}" in browser.see("/directories")


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
