"""The attribution page: its figures, its export, and costs that are planned before they are kept."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from console import roles
from console.tables import User
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Order, Person
from foundation.sealing import Sealer
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.customers.world import say, shop
from tests.web_capture.happening import START, happen
from web_capture import sites
from web_capture.carts import current as carts
from web_capture.tables import Site
from web_capture.visits import costs
from web_capture.visits import sessions as visits

EVIL = '"><img src=x onerror=alert(1)>'
FILE = "date;source;medium;campaign;cost;currency\n02.03.2026;google;cpc;spring;1 250,50;KZT\nx;y;z;;1;KZT\n"


def filled(engine: Engine, sealer: Sealer, *, sources: int = 3, orders: int = 4) -> UUID:
    """A site with visits and a shop with orders of their visitors; the site's id."""
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example", currency="KZT")
        store = shop(session)
        rows = [
            happen(n, device=f"d{n % orders}", url="https://shop.example/", utm=(f"s{n}", "cpc", EVIL))
            for n in range(sources)
        ]
        rows.append(happen(70, device="d0", utm=("google", "cpc", "Spring")))
        rows.append(happen(71, "Product Added", "d0", product_id="7", name=EVIL, price=5))
        visits.record(session, site, rows)
        carts.record(session, site, rows)
        for n in range(orders):
            say(session, session.get_one(Site, site.id), buyer(n))
            order = Order(
                external_id=f"N{n}", number=f"N{n}", state="paid", currency="KZT", total=Decimal("100.01"),
                placed_at=START + timedelta(hours=2), customer_id=f"b{n}", customer=buyer(n, shop=True),
            )  # fmt: skip
            say(session, store, order)
        return site.id


def buyer(n: int, *, shop: bool = False) -> Person:
    device = () if shop or n == 3 else (f"d{n}",)
    return Person(external_id=f"b{n}", emails=(f"b{n}@p.kz",), name=f"Buyer {n}", device_ids=device)


@pytest.fixture
def later(clock: ModuleType) -> None:
    """Some hours behind START."""
    clock.advance(timedelta(hours=6))


def test_page_says_what_is_not_known(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    page = browser.see("/attribution")
    assert "25 %" in page
    assert "Orders without a known visit: 25" in page
    assert "₸400.04" in page
    assert "<img" not in page and "&lt;img" in page


def test_models_credit_other_visits(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    last, first, position = (
        table(browser, f"/attribution/export.csv?model={model}") for model in ("last", "first", "position")
    )
    assert (last["google"]["revenue"], "google" in first and first["google"]["revenue"]) == ("100.01", "0")
    assert (position["google"]["revenue"], position["google"]["orders"]) == ("50.005", "0.5")
    for found in (last, first, position):
        assert sum(Decimal(row["revenue"]) for row in found.values()) == Decimal("400.04")


def table(browser: Browser, path: str) -> dict[str, dict[str, str]]:
    """The rows of an export by their source."""
    answer = browser.get(path)
    assert answer.headers["content-disposition"] == 'attachment; filename="attribution.csv"'
    rows = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")))
    return {row["source"] or row["channel"]: row for row in rows}


def test_claims_are_a_line_apart(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    site = filled(engine, sealer)
    words = "told by pages, not confirmed by the shop"
    assert words not in browser.see("/attribution")
    with transaction(engine) as session:
        claim = happen(80, "Order Completed", "d0", order_id="Z1", total=777)
        carts.record(session, session.get_one(Site, site), [claim])
    page = browser.see("/attribution")
    assert words in page and "₸777" in page.split(words)[1].split("</tr>")[0]
    assert "<b>₸400.04</b>" in page
    assert "777" not in browser.get("/attribution/export.csv").text


def test_days_are_chosen(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    assert "₸400.04" in browser.see("/attribution?from=2026-03-01&to=2026-03-02")
    assert "Nothing in these days" in browser.see("/attribution?from=2026-02-01&to=2026-02-05")
    for odd in (
        "from=x&to=y",
        "from=9999-12-31",
        "to=0001-01-01",
        "model=evil&currency=%00",
        "from=2026-03-05&to=2026-01-01",
    ):
        browser.see(f"/attribution?{odd}")


def test_costs_are_planned_kept_undone(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    browser.see("/attribution")
    plan = browser.submit("/attribution/costs", 200, files={"file": ("costs.csv", FILE)}, currency="")
    assert "“x” is no date" in plan.text and "₸1,250.50" in plan.text
    assert "₸1,250.50" not in browser.see("/attribution")
    answer = browser.submit("/attribution/costs/take", content=FILE, currency="", name="costs.csv")
    assert answer.headers["location"] == "/attribution#costs"
    page = browser.see("/attribution")
    assert "₸1,250.50" in page and ">costs.csv</a>" in page
    found = table(browser, "/attribution/export.csv")["google"]
    assert (found["cost"], found["roas"], found["cpo"]) == ("1250.5", "0.08", "1250.5")
    undo = page.split('action="/attribution/costs/')[-1].split('"')[0]
    browser.submit(f"/attribution/costs/{undo}")
    assert table(browser, "/attribution/export.csv")["google"]["cost"] == "0"
    row = imports(browser)[0]
    assert "undone" in row and "/undo" not in row


def imports(browser: Browser) -> list[str]:
    """The rows of the page's table of imports."""
    page = browser.see("/attribution")
    return page.split('id="costs"')[1].split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]


def take(browser: Browser, content: str = FILE, name: str = "costs.csv") -> str:
    """The address of the operation that kept a file."""
    browser.submit("/attribution/costs/take", content=content, currency="", name=name)
    return "/operations/" + imports(browser)[0].split('href="/operations/')[1].split('"')[0]


def test_imports_are_listed(browser: Browser, clock: ModuleType, later: None) -> None:
    browser.see("/attribution")
    take(browser)
    clock.advance(timedelta(minutes=5))
    head = "date,source,cost,currency\n"
    take(browser, f"{head}2026-03-01,a,5,EUR\n2026-03-01,b,7.5,EUR\n2026-03-01,c,1,USD\n", EVIL)
    newer, older = imports(browser)
    assert "&lt;img" in newer and "<img" not in newer
    assert ">3</td>" in newer and "€12.50" in newer and "$1" in newer and "left out" not in newer
    assert "costs.csv" in older and "olga@example.org" in older and "₸1,250.50" in older
    assert ">2<" in older and "1 left out" in older and "5 minutes ago" in older
    assert "older ones stand in Operations" not in browser.see("/attribution")


def test_older_imports_stand_in_operations(
    browser: Browser, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.attribution.IMPORTS", 2)
    browser.see("/attribution")
    for number in range(3):
        take(browser, FILE, f"costs{number}.csv")
    assert len(imports(browser)) == 2
    assert "older ones stand in Operations" in browser.see("/attribution")
    assert browser.see("/operations").count("Advertising costs: costs") == 3


def test_import_says_what_it_left_out(browser: Browser, later: None) -> None:
    browser.see("/attribution")
    here = take(browser)
    page = browser.see(here)
    assert "Import of costs" in page and "“x” is no date" in page and "₸1,250.50" in page
    assert "<td>3</td>" in page.split("“x” is no date")[0]
    answer = browser.submit("/attribution/costs/take", content=FILE, currency="", name="again.csv")
    assert "1+cost+is+kept.+1+row+was+left+out." in answer.headers["set-cookie"]


def test_import_is_undone_in_operations(
    browser: Browser, engine: Engine, sealer: Sealer, later: None
) -> None:
    filled(engine, sealer)
    browser.see("/attribution")
    here = take(browser)
    assert "The costs of the file are taken away" in browser.see(here)
    assert table(browser, "/attribution/export.csv")["google"]["cost"] == "1250.5"
    browser.submit(f"{here}/undo")
    page = browser.see(here)
    assert "Taken away" in page and f"{here}/undo" not in page
    assert table(browser, "/attribution/export.csv")["google"]["cost"] == "0"


def test_plan_names_many_bad_rows(browser: Browser, later: None) -> None:
    content = "date,source,cost,currency\n2026-03-01,a,5,EUR\n" + "x,y,1,EUR\n" * 1_234
    browser.see("/attribution")
    page = browser.submit("/attribution/costs", 200, files={"file": ("costs.csv", content)}, currency="").text
    assert "The first 200 of 1,234." in page and "<td>3</td>" in page
    assert "The first 200 of 1,234." in browser.see(take(browser, content))


def test_large_file_comes_back_from_the_form(browser: Browser, later: None) -> None:
    """Browsers end the lines of a form with two characters."""
    row = f"2026-03-01,g,{'c' * 68},1,EUR\n"
    content = "date,source,campaign,cost,currency\n" + row * 9_999
    content += "\n" * (costs.MOST_BYTES - len(content))
    browser.see("/attribution")
    browser.submit("/attribution/costs", 200, files={"file": ("costs.csv", content)}, currency="")
    sent = {"content": (None, content.replace("\n", "\r\n")), "name": (None, "costs.csv")}
    browser.submit("/attribution/costs/take", files=sent, currency="")
    assert "€9,999" in imports(browser)[0]


def test_odd_currency_is_refused_in_words(browser: Browser, later: None) -> None:
    browser.see("/attribution")
    answer = browser.submit("/attribution/costs", 422, files={"file": ("x.csv", FILE)}, currency="<1")
    assert "code of three letters" in answer.text


def test_readers_import_nothing(
    browser: Browser, engine: Engine, owner: User, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.see("/attribution")
    here = take(browser)
    monkeypatch.setitem(roles.ROLES, "reader", frozenset({roles.READ, roles.OWN}))
    with transaction(engine) as session:
        session.execute(update(User).values(role="reader"))
    page = browser.see("/attribution")
    assert 'action="/attribution/costs' not in page and here in page
    browser.submit(f"/attribution/costs/{here.removeprefix('/operations/')}/undo", 403)


def test_bad_files_are_refused_in_words(browser: Browser, later: None) -> None:
    browser.see("/attribution")
    answer = browser.submit("/attribution/costs", 422, files={"file": ("x.csv", "a,b\n1,2")})
    assert "No header found" in answer.text
    assert "Choose a file first" in browser.submit("/attribution/costs", 422).text
    browser.submit("/attribution/costs/take", 422, content=EVIL)


def test_export_runs_no_formulas(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example")
        visits.record(session, site, [happen(0, utm=("=1+1", "cpc"))])
    assert "'=1+1" in browser.get("/attribution/export.csv").text


def test_strangers_see_nothing(stranger: Browser) -> None:
    for path in ("/attribution", "/attribution/export.csv", "/carts"):
        assert stranger.get(path, follow_redirects=False).status_code == 303
    assert stranger.post("/attribution/costs", files={"file": ("costs.csv", FILE)}).status_code == 403


def test_every_model_is_explained(browser: Browser) -> None:
    assert "to the first of these visits" in browser.see("/attribution?model=first")
    assert "40 % goes to the first visit" in browser.see("/attribution?model=position")


@pytest.mark.parametrize("sources", [3, 60])
def test_page_costs_five_queries(
    browser: Browser, engine: Engine, sealer: Sealer, later: None, sources: int
) -> None:
    filled(engine, sealer, sources=sources)
    browser.see("/settings")
    with counted(engine) as sent:
        browser.see("/attribution")
    assert len(sent) == 5, sent


def test_table_shows_a_hundred_rows(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer, sources=130)
    page = browser.see("/attribution")
    assert page.count("<bdi>s") == 99
    assert "The 100 with the most revenue of 131" in page
    with Session(engine):
        assert len(table(browser, "/attribution/export.csv")) == 132
    assert now() > START
