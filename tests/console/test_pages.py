"""Every page opens and says what it should."""

from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.console.company import found
from tests.console.conftest import Browser


@pytest.fixture
def company(engine: Engine, browser: Browser) -> dict[str, UUID]:
    return found(engine)


def test_overview_shows_today(browser: Browser, company: dict[str, UUID]) -> None:
    page = browser.see("/")
    assert "Bazaar.kz" in page and "Orders today" in page


def test_customers_lists_everybody(browser: Browser, company: dict[str, UUID]) -> None:
    page = browser.see("/customers")
    assert "김민수" in page and "1–17 of 17" in page


def test_search_finds_one(browser: Browser, company: dict[str, UUID]) -> None:
    page = browser.see("/customers?q=yudina")
    assert "Юдина" in page and "김민수" not in page


def test_card_shows_where_from(browser: Browser, company: dict[str, UUID]) -> None:
    page = browser.see(f"/customers/{card(company, 'Юдина')}")
    assert "1C ledger" in page and "Bazaar.kz" in page and "850712400123" in page


@pytest.mark.parametrize("tab", ["timeline", "orders", "profiles", "links"])
def test_card_tab_opens(browser: Browser, company: dict[str, UUID], tab: str) -> None:
    page = browser.see(f"/customers/{card(company, 'Юдина')}?tab={tab}")
    assert "Юдина" in page


def card(company: dict[str, UUID], part: str) -> UUID:
    return next(key for name, key in company.items() if part in name)


@pytest.mark.parametrize(
    "path",
    [
        "/connections",
        "/connections/new",
        "/connections/new/woocommerce",
        "/connections/new/vendure",
        "/problems",
        "/operations",
        "/duplicates",
        "/settings",
        "/settings/tokens",
        "/settings/policy",
        "/imports/new",
    ],
)
def test_room_opens(browser: Browser, company: dict[str, UUID], path: str) -> None:
    page = browser.see(path)
    assert "<h1>" in page


def test_connection_opens(browser: Browser, company: dict[str, UUID]) -> None:
    page = browser.see(f"/connections/{company['shop']}")
    assert ("Bazaar.kz" in page and "Pull now" in page) or "Watch the run" in page
