"""Pulling: pages with their cursor, faults in the middle, deletions, silent changes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation import clock
from foundation.database import transaction
from foundation.errors import Temporary
from foundation.jobs import run_until_idle
from sync import connections, pull, runs
from sync.tables import Connection, Run
from tests import shops


@pytest.fixture
def pulled(engine, connection):
    """Pull to the end and answer the run."""

    def run(**options):
        with transaction(engine) as session:
            run_id = pull.start(session, connection.id, **options).id
        run_until_idle(engine)
        with transaction(engine) as session:
            return session.get_one(Run, run_id)

    return run


def test_first_pull_lands_everything(shop, pulled, count):
    for number in range(120):
        shop.customer(number)
    shop.order(1, buyer=5)
    run = pulled()
    assert (run.state, run.read, run.new, run.problems) == ("done", 121, 121, 0)
    assert run.finished_at and run.stream is None
    assert count("landed_heads") == 121


def test_second_pull_changes_nothing(shop, pulled):
    for number in range(60):
        shop.customer(number)
    pulled()
    run = pulled()
    assert (run.new, run.changed) == (0, 0)


def test_only_changes_are_read(shop, pulled, clock):
    for number in range(60):
        shop.customer(number)
    clock.advance(timedelta(minutes=1))
    shop.customer(61)
    pulled()
    clock.advance(timedelta(minutes=1))
    shop.customer(3, name="Renamed")
    run = pulled()
    assert (run.read, run.changed) == (2, 1)


def test_a_pull_that_dies_goes_on_at_its_page(shop, pulled, engine, connection, clock):
    for number in range(200):
        clock.advance(timedelta(seconds=10))
        shop.customer(number)
    shop.pages_until_death = 2
    run = pulled()
    assert run.state == "running" and run.read == 100
    with transaction(engine) as session:
        assert "died" in session.get_one(Connection, connection.id).last_error
    shop.pages_served = 0
    clock.advance(timedelta(minutes=5))
    run_until_idle(engine)
    with transaction(engine) as session:
        run = session.get_one(Run, run.id)
        assert session.get_one(Connection, connection.id).failures == 0
    assert (run.state, run.new) == ("done", 200)
    assert shop.pages_served < 8


def test_one_pull_at_a_time(engine, shop, connection):
    with transaction(engine) as session:
        assert pull.start(session, connection.id).id == pull.start(session, connection.id).id


def test_bad_records_become_problems(shop, pulled, count):
    for number in range(30):
        shop.customer(number)
    shop.customer(7, broken=True)
    run = pulled()
    assert (run.state, run.read, run.new, run.problems) == ("done", 30, 29, 1)
    assert count("problems", "subject = 'customers id c7' AND payload LIKE '%broken%'") == 1


def test_refused_key_pauses_the_connection(shop, pulled, engine, connection, sealer):
    with transaction(engine) as session:
        connections.change(session, sealer, session.get_one(Connection, connection.id), {"key": "wrong"})
    run = pulled()
    assert run.state == "failed" and "key" in run.error
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        assert found.state == "paused" and "Setting: key" in found.paused_why
        connections.change(session, sealer, found, {"key": "right"})
        assert found.state == "active"
    assert pulled().state == "done"


def test_silent_changes_are_revisited(shop, pulled, count, clock):
    shop.order(1, buyer=1)
    pulled()
    clock.advance(timedelta(hours=1))
    shop.put("orders", "o1", silent=True, state="paid")
    assert pulled().changed == 1
    assert count("landed_records", """payload LIKE '%"paid"%'""") == 1


def test_full_pull_finds_what_is_gone(shop, pulled, count, clock):
    for number in range(50):
        shop.customer(number)
    pulled()
    for number in (1, 2, 3):
        shop.delete("customers", f"c{number}")
    clock.advance(timedelta(minutes=1))
    assert pulled().changed == 0
    clock.advance(timedelta(minutes=1))
    assert pulled(full=True).changed == 3
    assert count("landed_heads", "gone") == 3
    assert count("sightings") == 0


def test_streams_without_a_filter_find_what_is_gone(shop, pulled, count, clock):
    for number in range(5):
        shop.put("products", f"p{number}", name="Thing")
    pulled()
    shop.delete("products", "p1")
    clock.advance(timedelta(minutes=1))
    pulled()
    assert count("landed_heads", "gone") == 1


def test_records_that_paging_skips_stay(shop, pulled, count, clock):
    for number in range(50):
        shop.customer(number)
    pulled()
    shop.blind = {"c7"}
    clock.advance(timedelta(minutes=1))
    pulled(full=True)
    assert count("landed_heads", "gone") == 0


def test_too_many_gone_stops_and_asks(shop, pulled, count, clock):
    for number in range(50):
        shop.customer(number)
    pulled()
    for number in range(40):
        shop.delete("customers", f"c{number}")
    clock.advance(timedelta(minutes=1))
    run = pulled(full=True)
    assert run.state == "failed" and "40 of 50" in run.error
    assert count("landed_heads", "gone") == 0
    assert count("problems", "key LIKE 'vanished:%' AND state = 'open'") == 1
    clock.advance(timedelta(minutes=1))
    assert pulled(full=True, accept_loss=True).changed == 40
    assert count("problems", "state = 'open'") == 0


def test_the_same_page_for_ever_is_noticed(shop, pulled, monkeypatch, connection, engine):
    shop.customer(1)
    page = shop.pull("customers", None, None)

    class Looping(shops.Shop):
        def pull(self, *args, **options):
            return page

    shops.SHOPS["shop"] = Looping("shop")
    run = pulled()
    assert run.state == "running"
    with transaction(engine) as session:
        assert "same page" in session.get_one(Connection, connection.id).last_error


def test_cancelling_stops_before_the_next_page(shop, pulled, engine):
    for number in range(200):
        shop.customer(number)

    def cancel():
        if shop.pages_served == 2:
            with transaction(engine) as session:
                runs.cancel(session, runs.page(session)[0].id)

    shop.between_pages = cancel
    run = pulled()
    assert (run.state, run.read) == ("cancelled", 100)
    shop.between_pages = lambda: None
    assert pulled().state == "done"


def test_a_change_during_the_pull_is_not_lost(shop, pulled, count):
    for number in range(100):
        shop.customer(number)

    def change():
        if shop.pages_served == 1 and "c3" in shop.objects["customers"]:
            shop.customer(3, name="Changed meanwhile")

    shop.between_pages = change
    pulled()
    shop.between_pages = lambda: None
    pulled()
    assert count("landed_records", "payload LIKE '%meanwhile%'") >= 1


def test_given_up_pull_does_not_stay_in_progress(shop, engine, connection, clock):
    shop.fail = [Temporary("away")] * 20
    with transaction(engine) as session:
        run_id = pull.start(session, connection.id).id
    for _ in range(12):
        run_until_idle(engine)
        clock.advance(timedelta(hours=2))
    with transaction(engine) as session:
        assert pull.start(session, connection.id).id != run_id
        run = session.get_one(Run, run_id)
        assert run.state == "failed" and "away" in run.error


def test_a_shop_that_always_stumbles_is_given_up(shop, engine, connection, clock, count):
    """Reading the first page over and over is no progress: in the end a person is told."""

    def stumble():
        if shop.pages_served % 2:
            shop.pages_served = 0
            raise Temporary("stumbled")

    for number in range(80):
        shop.customer(number)
    shop.between_pages = stumble
    with transaction(engine) as session:
        pull.start(session, connection.id)
    for _ in range(15):
        run_until_idle(engine)
        clock.advance(timedelta(hours=2))
    assert count("jobs", "state = 'dead' AND errors = 10") == 1
    assert count("problems", "area = 'job'") == 1


def test_temporary_faults_back_off(shop, pulled, engine, connection):
    shop.customer(1)
    shop.fail = [Temporary("busy", retry_after=90)]
    pulled()
    with transaction(engine) as session:
        wait = session.scalar(text("SELECT run_at FROM jobs WHERE kind = 'sync.pull'")) - clock.now()
        assert timedelta(seconds=80) < wait < timedelta(seconds=120)
        assert session.get_one(Connection, connection.id).last_error == "busy"
