"""A 1C base pulled for real: what is there is here, through changes, marks, deletions and a bad moment."""

from datetime import timedelta

import pytest
import responses
from sqlalchemy import text

from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync import connections, pull, reconcile, resolve
from sync.tables import Run
from tests.connectors.accounting.odata.onec_base import ADDRESS, PASSWORD, USER, OneCBase

PARTIES, GOODS, INVOICES = "Catalog_Контрагенты", "Catalog_Номенклатура", "Document_СчетНаОплатуПокупателю"


@pytest.fixture
def base():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        one = OneCBase()
        one.open(mocked)
        yield one


@pytest.fixture
def ledger(engine, sealer, sync_context, base):
    typed = {"address": ADDRESS, "user": USER, "password": PASSWORD, "page_size": 10}
    with transaction(engine) as session:
        return connections.create(session, sealer, "onec_odata", "Ledger", typed).id


@pytest.fixture
def run(engine, ledger):
    def finish(start, **options):
        with transaction(engine) as session:
            run_id = start(session, ledger, **options).id
        run_until_idle(engine)
        while resolve.resolve(engine):
            pass
        with transaction(engine) as session:
            done = session.get_one(Run, run_id)
            assert done.state == "done", done.error
            return done

    return finish


def names(engine):
    """The names of the counterparties that are here and not gone."""
    with engine.connect() as db:
        rows = db.execute(text("SELECT record->>'company' FROM profiles WHERE gone_at IS NULL"))
        return sorted(row[0] for row in rows)


def test_a_base_is_pulled_and_followed(engine, base, run, count):
    refs = [base.add(PARTIES, НаименованиеПолное=f"ООО {n:02}") for n in range(25)]
    base.add(GOODS, Description="Чай", Артикул="T-1")
    rouble = base.add("Catalog_Валюты", Code="643")
    base.add(
        INVOICES, Контрагент_Key=refs[0], СуммаДокумента=120.5, Posted=True, Date="2026-03-31T23:30:00",
        ВалютаДокумента_Key=rouble,
    )  # fmt: skip
    assert (run(pull.start).new, count("problems")) == (27, 0)
    assert names(engine) == [f"ООО {n:02}" for n in range(25)]
    assert count("products", "sku = 'T-1'") == 1
    again = run(pull.start)
    assert (again.new, again.changed) == (0, 0) and again.read == 0
    base.touch(PARTIES, refs[3], НаименованиеПолное="АО 03")
    base.touch(PARTIES, refs[4], DeletionMark=True)
    assert run(pull.start).changed == 2
    assert "АО 03" in names(engine) and "ООО 04" not in names(engine)


@pytest.mark.parametrize("how", ["full pull", "reconciliation"])
def test_what_was_deleted_for_good_is_found(engine, base, run, how):
    refs = [base.add(PARTIES, НаименованиеПолное=f"ООО {n:02}") for n in range(12)]
    run(pull.start)
    del base.sets[PARTIES][refs[5]]
    run(pull.start)
    assert len(names(engine)) == 12, "a scan sees that something is amiss, not what"
    run(pull.start, full=True) if how == "full pull" else run(reconcile.start)
    assert "ООО 05" not in names(engine) and len(names(engine)) == 11


def test_a_pull_with_a_bad_moment_goes_on(engine, base, run, count, clock):
    for n in range(35):
        base.add(PARTIES, НаименованиеПолное=f"ООО {n:02}")
    calls = iter(range(1_000))
    base.before = lambda request: (200, {}, "<html>Вход</html>") if next(calls) == 4 else None
    with pytest.raises(AssertionError):
        run(pull.start)
    assert 0 < count("landed_heads") < 35
    clock.advance(timedelta(minutes=5))
    run(pull.start)
    assert len(names(engine)) == 35 and count("landed_heads") == 35
