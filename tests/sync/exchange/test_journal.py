"""What is kept of exchanges, how long, and what happens to those that fall silent."""

from datetime import timedelta

from sqlalchemy import select

from foundation import jobs
from foundation.database import transaction
from sync.exchange import journal, spool
from sync.exchange.tables import ExchangeFile, ExchangeOrder, ExchangeRequest, ExchangeSession
from tests import onec

GOODS = onec.catalogue([1])


def rows(engine, table):
    with transaction(engine) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_each_request_is_kept_with_what_it_was_answered(base, engine):
    base.sign_in()
    base.send("catalog", "import.xml", GOODS, chunk=10_000)
    kept = [
        (one.method, one.mode, one.filename, one.size, one.answer) for one in rows(engine, ExchangeRequest)
    ]
    assert kept == [
        ("GET", "checkauth", "", 0, "success\n(a cookie and a key)"),
        ("GET", "init", "", 0, "zip=yes\nfile_limit=1000000"),
        ("POST", "file", "import.xml", len(GOODS), "success"),
    ]


def test_the_same_question_again_and_again_is_one_row(base, engine):
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    for _ in range(20):
        base.ask("catalog", "import", filename="import.xml")
    last = rows(engine, ExchangeRequest)[-1]
    assert (last.mode, last.times) == ("import", 20)


def test_strangers_fill_nothing(base, engine):
    for number in range(30):
        base.client.get(f"{base.path}?type=t{number % 2}&mode=init")
    assert len(rows(engine, ExchangeRequest)) <= 30
    for _ in range(30):
        base.client.get(f"{base.path}?type=sale&mode=init")
    assert len(rows(engine, ExchangeRequest)) <= 31


def test_orders_shown_to_a_session_that_fell_silent_wait_again(clock, base, shop, shopping, engine):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    base.ask("sale", "query")
    journal.tidy(engine)
    assert [row.state for row in rows(engine, ExchangeOrder)] == ["shown"]
    clock.advance(timedelta(hours=2))
    journal.tidy(engine)
    assert [row.state for row in rows(engine, ExchangeOrder)] == ["waiting"]
    assert b"failure" in base.ask("sale", "success")


def test_documents_that_do_not_end_as_a_file_does_are_imported_all_the_same(base, engine, clock):
    base.sign_in("sale")
    base.send("sale", "orders.xml", onec.returned_order("7", "10")[:-30])
    jobs.run_until_idle(engine)
    clock.advance(timedelta(minutes=2))
    journal.tidy(engine)
    jobs.run_until_idle(engine)
    with engine.connect() as db:  # the order was whole, only the end of the file is missing
        assert db.exec_driver_sql("SELECT count(*) FROM sync_runs WHERE kind = 'exchange'").scalar_one() == 1


def test_files_go_after_two_weeks_and_sessions_after_two_months(base, engine, clock, settings):
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    (session,) = rows(engine, ExchangeSession)
    journal.tidy(engine)
    assert spool.folder(settings, session.id).exists()
    clock.advance(timedelta(days=15))
    journal.tidy(engine)
    assert not spool.folder(settings, session.id).exists()
    assert [file.dropped for file in rows(engine, ExchangeFile)] == [True]
    clock.advance(timedelta(days=50))
    journal.tidy(engine)
    assert rows(engine, ExchangeSession) == rows(engine, ExchangeFile) == rows(engine, ExchangeRequest) == []


def test_files_that_wait_to_be_imported_stay(base, engine, clock, settings):
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    base.ask("catalog", "import", filename="import.xml")
    clock.advance(timedelta(days=15))
    journal.tidy(engine)
    assert [file.dropped for file in rows(engine, ExchangeFile)] == [False]


def test_what_no_session_knows_goes(engine, settings, client, clock):
    stray = settings.data / "exchange" / "01a1ffba-f547-7e36-9e31-01fd5049f923"
    stray.mkdir(parents=True)
    (stray / "x").write_bytes(b"x")
    (settings.data / "exchange" / "coming-abc").write_bytes(b"half")
    journal.tidy(engine)
    assert stray.exists()  # it may be a session that is just beginning
    clock.advance(timedelta(days=4000))
    journal.tidy(engine)
    assert list((settings.data / "exchange").iterdir()) == []


def test_of_a_connection_the_newest_requests_stay(base, engine, monkeypatch):
    monkeypatch.setattr(journal, "ROWS", 3)
    monkeypatch.setattr(journal, "SLACK", 0)
    base.sign_in()
    for mode in ("init", "complete", "init", "complete"):
        base.ask("catalog", mode)
    journal.tidy(engine)
    assert [one.mode for one in rows(engine, ExchangeRequest)] == ["complete", "init", "complete"]
