"""The exchange in the console: what to type into 1C, its sessions, every request, the files as they came."""

import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from console import exchange
from foundation import jobs, problems
from foundation.database import transaction
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from sync.exchange import queueing
from sync.exchange.tables import ExchangeFile, ExchangeSession, Partner
from sync.tables import Run
from tests import onec

GOODS = onec.catalogue(range(12))


@pytest.fixture
def ledger(engine, settings, sealer, monkeypatch):
    """A connection, the base that calls it."""
    monkeypatch.setattr(exchange, "PATIENCE", 0.0)
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    yield onec.connect(engine, sealer, TestClient(door.make(held, engine), base_url="http://localhost"))
    context.use(None)


@pytest.fixture
def exchanged(ledger, engine):
    """One catalogue came in; the id of its session."""
    _id, base = ledger
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    base.ask("catalog", "import", filename="import.xml")
    jobs.run_until_idle(engine)
    base.ask("catalog", "import", filename="import.xml")
    with transaction(engine) as session:
        return session.scalars(select(ExchangeSession.id)).one()


def test_the_page_says_what_to_type_and_never_the_password(browser, ledger):
    connection, base = ledger
    page = browser.see(f"/connections/{connection}")
    assert f"/exchange/1c/{connection}" in page and base.user in page
    assert base.password not in page and "Pull now" not in page and "1C has not called yet" in page


def test_a_new_password_is_shown_once(browser, ledger):
    connection, base = ledger
    browser.see(f"/connections/{connection}")
    shown = browser.submit(f"/connections/{connection}/password", 200).text
    base.password = re.search(r'<code id="password">(.+?)</code>', shown)[1]
    base.sign_in()
    assert base.password not in browser.see(f"/connections/{connection}")


def test_connecting_shows_all_three(browser, engine):
    browser.see("/connections/new/commerceml")
    page = browser.submit("/connections/new/commerceml", 200, name="Accounts", zone="Asia/Almaty",
                          country="KZ", encoding="utf-8", delivery_line="on").text  # fmt: skip
    with transaction(engine) as session:
        partner = session.scalars(select(Partner)).one()
        assert session.scalars(select(Run)).all() == []
    assert partner.user == "accounts" and f"/exchange/1c/{partner.connection_id}" in page
    assert re.search(r'<code id="password">[a-z2-9]{20}</code>', page)


def test_settings_can_be_changed(browser, ledger):
    connection, _base = ledger
    browser.see(f"/connections/{connection}")
    browser.submit(f"/connections/{connection}", name="Bookkeeping", zone="Asia/Tashkent")
    assert "Asia/Tashkent" in browser.see(f"/connections/{connection}")


def test_a_session_shows_each_request(browser, exchanged):
    page = browser.see(f"/exchanges/{exchanged}")
    for said in ("catalog checkauth", "catalog init", "catalog file", "import.xml", "12 records read"):
        assert said in page
    assert "progress" in page and "sessid=…" not in page


def test_the_file_comes_down_as_it_came(browser, exchanged, engine):
    page = browser.see(f"/exchanges/{exchanged}")
    path = re.search(r'href="(/exchanges/files/.+?)"', page)[1]
    answer = browser.get(path)
    assert answer.content == GOODS
    assert answer.headers["content-type"] == "application/octet-stream"
    assert 'attachment; filename="import.xml"' in answer.headers["content-disposition"]


def test_a_name_of_1c_does_nothing_on_the_page(browser, ledger, engine):
    _id, base = ledger
    base.sign_in()
    base.send("catalog", "<script>alert(1)</script>.xml", GOODS)
    with transaction(engine) as session:
        found = session.scalars(select(ExchangeSession.id)).one()
    page = browser.see(f"/exchanges/{found}")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_failed_sign_ins_are_listed_with_the_sessions(browser, ledger):
    connection, base = ledger
    base.password = "guess"
    for _ in range(3):
        base.ask("sale", "checkauth")
    page = browser.see(f"/connections/{connection}/exchanges")
    assert "Requests that got into no session" in page and "× 3" in page and "is wrong" in page


def test_strangers_see_nothing(stranger, exchanged, ledger, engine):
    with transaction(engine) as session:
        file = session.scalars(select(ExchangeFile.id)).one()
    for path in (
        f"/exchanges/{exchanged}",
        f"/exchanges/files/{file}",
        f"/connections/{ledger[0]}/exchanges",
    ):
        assert stranger.get(path, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("path", ["/exchanges/1", "/exchanges/01a1ffba-f547-7e36-9e31-01fd5049f923",
                                  "/exchanges/files/01a1ffba-f547-7e36-9e31-01fd5049f923"])  # fmt: skip
def test_what_is_not_there_is_missing(path, browser):
    browser.see(path, 404)


def test_the_day_from_which_orders_go_can_be_chosen(browser, ledger, engine):
    connection, _base = ledger
    browser.see(f"/connections/{connection}")
    browser.submit(f"/connections/{connection}/orders-since", since="2026-01-15")
    with transaction(engine) as session:
        assert session.get_one(Partner, connection).orders_since.date().isoformat() == "2026-01-15"
    browser.submit(f"/connections/{connection}/orders-since", 422, since="soon")


def test_what_a_full_upload_left_out_waits_for_a_person(browser, ledger, exchanged, engine):
    _id, base = ledger
    problems_open = "SELECT count(*) FROM problems WHERE state = 'open'"
    base.sign_in()
    base.send("catalog", "import.xml", onec.catalogue([1]))
    base.ask("catalog", "import", filename="import.xml")
    jobs.run_until_idle(engine)
    base.ask("catalog", "deactivate", timestamp=base.timestamp)
    jobs.run_until_idle(engine)
    alive = "SELECT count(*) FROM products WHERE gone_at IS NULL"
    with engine.connect() as db:
        assert db.exec_driver_sql(alive).scalar_one() == 12
        assert db.exec_driver_sql(problems_open).scalar_one() == 1
        newest = db.exec_driver_sql("SELECT id FROM exchange_sessions ORDER BY id DESC LIMIT 1").scalar_one()
    browser.see(f"/exchanges/{newest}")
    browser.submit(f"/exchanges/{newest}/gone")
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        assert db.exec_driver_sql(alive).scalar_one() == 1
        assert db.exec_driver_sql(problems_open).scalar_one() == 0
    assert problems and queueing


def test_goods_left_out_of_a_believable_upload_are_gone(ledger, exchanged, engine):
    _id, base = ledger
    base.sign_in()
    base.send("catalog", "import.xml", onec.catalogue(range(8)))
    base.ask("catalog", "import", filename="import.xml")
    jobs.run_until_idle(engine)
    base.ask("catalog", "deactivate", timestamp=base.timestamp)
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        rows = db.exec_driver_sql("SELECT name FROM products WHERE gone_at IS NOT NULL ORDER BY name").all()
    assert [row.name for row in rows] == [f"Чайник {n}" for n in (10, 11, 8, 9)]
