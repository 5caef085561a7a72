"""The import job: whatever the order, cuts and deaths, the same end; what is bad stops nothing else."""

import random

import pytest
from sqlalchemy import select

from foundation import jobs, outcomes
from foundation.database import transaction
from sync import runs
from sync.exchange import importing, queueing
from sync.exchange.tables import ExchangeImport, Partner
from sync.tables import Run
from tests import onec
from tests.faults import cut_at

GOODS = onec.catalogue(range(30))
PRICES = onec.offers({n: f"{n}.50" for n in range(40)})


@pytest.fixture
def goods(engine):
    """What the products say, by name."""

    def read():
        with engine.connect() as db:
            rows = db.exec_driver_sql("SELECT external_id, name, price FROM products ORDER BY external_id")
            return [tuple(row) for row in rows]

    return read


@pytest.fixture
def landed(engine):
    """What is in force, as it landed."""

    def read():
        with engine.connect() as db:
            rows = db.exec_driver_sql(
                "SELECT h.external_id, r.payload FROM landed_heads h"
                " JOIN landed_records r ON r.id = h.landed_id ORDER BY 1"
            )
            return [tuple(row) for row in rows]

    return read


@pytest.fixture
def asked(base, engine):
    """Sends files and asks for their import, without doing it."""

    def run(*files):
        for name, body in files:
            base.send("catalog", name, body)
            assert base.ask("catalog", "import", filename=name).startswith(b"progress")

    return run


def revive(engine):
    """What happens when a worker has died: its lease runs out, another one takes the job."""
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE jobs SET lease_until = '2000-01-01', attempts = 1 WHERE state = 'running'")
    outcomes.sweep(engine)


def test_prices_before_goods_end_the_same(base, asked, engine, landed, goods, client, sealer):
    base.sign_in()
    asked(("import.xml", GOODS), ("offers.xml", PRICES))
    jobs.run_until_idle(engine)
    straight = landed()
    _id, other = onec.connect(engine, sealer, client, "Other")
    base.__dict__.update(other.__dict__)
    with engine.begin() as db:
        db.exec_driver_sql("TRUNCATE landed_heads, landed_records")
    base.sign_in()
    asked(("offers.xml", PRICES), ("import.xml", GOODS))
    jobs.run_until_idle(engine)
    assert landed() == straight


def test_a_second_time_changes_nothing(base, asked, engine):
    for _ in range(2):
        base.sign_in()
        asked(("import.xml", GOODS))
        jobs.run_until_idle(engine)
    with transaction(engine) as session:
        first, second = session.scalars(select(Run).where(Run.kind == "exchange").order_by(Run.started_at))
    assert (first.new, first.same) == (30, 0) and (second.new, second.changed, second.same) == (0, 0, 30)


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_that_dies_anywhere_loses_and_doubles_nothing(
    seed, base, asked, engine, landed, monkeypatch
):  # fmt: skip
    monkeypatch.setattr(importing, "PORTION", 7)
    chance = random.Random(seed)
    base.sign_in()
    asked(("import.xml", GOODS), ("offers.xml", PRICES))
    for _ in range(12):
        cut_at(engine, chance.randrange(1, 60), lambda: jobs.run_until_idle(engine))
        revive(engine)
    jobs.run_until_idle(engine)
    payloads = dict(landed())
    assert list(payloads) == [onec.good_id(n) for n in range(40)]
    for number, payload in enumerate(payloads.values()):
        assert f"<ЦенаЗаЕдиницу>{number}.50</ЦенаЗаЕдиницу>" in payload
        assert number >= 30 or f">Чайник {number}<" in payload
    with transaction(engine) as session:
        found = list(session.scalars(select(Run).where(Run.kind == "exchange").order_by(Run.started_at)))
        assert [(run.state, run.read) for run in found] == [("done", 30), ("done", 40)]
    assert base.ask("catalog", "import", filename="import.xml") == b"success\n30 records read"


def test_a_file_that_breaks_off_says_where(base, asked, engine, goods):
    base.sign_in()
    asked(("import.xml", GOODS[:-300]))
    jobs.run_until_idle(engine)
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said.startswith("failure\n") and "line" in said
    assert len(goods()) >= 29
    with engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM problems WHERE state = 'open'").scalar_one() == 1
    base.sign_in()
    asked(("import.xml", GOODS))
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM problems WHERE state = 'open'").scalar_one() == 0


def test_a_file_of_the_same_kind_settles_one_that_broke_off(base, asked, engine):
    first, second = (f"import___{n}1a2b3c4-0000-11e6-8d1e-00155d000001.xml" for n in (1, 2))
    for name, body in ((first, GOODS[:-300]), (second, GOODS)):
        base.sign_in()
        asked((name, body))
        jobs.run_until_idle(engine)
    with engine.connect() as db:
        assert db.exec_driver_sql("SELECT state FROM problems").scalar_one() == "solved"


def test_bad_elements_are_problems_and_the_rest_goes_on(base, asked, engine, goods):
    nameless = GOODS.replace(f"<Ид>{onec.good_id(3)}</Ид>".encode(), b"")
    base.sign_in()
    asked(("import.xml", nameless))
    jobs.run_until_idle(engine)
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said.startswith("success\n") and "1 could not be used" in said
    assert len(goods()) == 29


@pytest.mark.parametrize("body", [
    b"", b"<?xml version='1.0'?><html/>", b"no xml at all", b"\x00" * 500, b"\xff\xfe<\x00",
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    + "<КоммерческаяИнформация>&a;</КоммерческаяИнформация>".encode(),
])  # fmt: skip
def test_files_that_are_none_fail_with_a_line(body, base, engine):
    base.sign_in()
    said = base.ask("catalog", "file", body, filename="import.xml")
    if body:
        assert said == b"success"
        base.ask("catalog", "import", filename="import.xml")
        jobs.run_until_idle(engine)
        said = base.ask("catalog", "import", filename="import.xml")
    assert said.decode("utf-8-sig").startswith("failure\n") and b"root:" not in said


def test_a_run_that_is_stopped_fails_its_import_and_no_other(base, asked, engine, goods):
    base.sign_in()
    asked(("import.xml", GOODS), ("offers.xml", PRICES))
    with transaction(engine) as session:
        first = session.scalars(select(Run).where(Run.kind == "exchange").order_by(Run.started_at)).first()
        runs.cancel(session, first.id)
    jobs.run_until_idle(engine)
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said == "failure\ncancelled by a person"
    assert base.ask("catalog", "import", filename="offers.xml").startswith(b"success")


def test_work_that_was_given_up_is_not_waited_for(base, asked, engine, monkeypatch):
    base.sign_in()
    asked(("import.xml", GOODS))
    monkeypatch.setattr(importing, "merge", lambda *_: 1 / 0)
    for _ in range(30):
        jobs.run_until_idle(engine)
        with engine.begin() as db:
            db.exec_driver_sql("UPDATE jobs SET run_at = '2000-01-01' WHERE state = 'waiting'")
    with transaction(engine) as session:
        runs.close_abandoned(session)
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said.startswith("failure\n")


def test_names_are_kept_from_file_to_file(base, asked, engine, ledger):
    base.sign_in()
    asked(("offers.xml", PRICES))
    jobs.run_until_idle(engine)
    with transaction(engine) as session:
        assert "Розничная".encode() in session.get_one(Partner, ledger[0]).names


def test_an_import_is_made_once_however_often_it_is_asked_for(base, engine):
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    for _ in range(5):
        base.ask("catalog", "import", filename="import.xml")
    with transaction(engine) as session:
        assert len(list(session.scalars(select(ExchangeImport)))) == 1
        assert len(list(session.scalars(select(Run).where(Run.kind == queueing.KIND)))) == 1
