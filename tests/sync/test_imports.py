"""Imports: planned exactly, done in the background, resumed at the row, undone as a whole."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation import operations, problems
from foundation.database import transaction
from foundation.errors import BadInput, Temporary
from foundation.jobs import run_until_idle
from foundation.tables import Operation
from sync import imports, plans, runs
from sync import problems as sync_problems
from sync.tables import Run
from sync.undo import undo

HEADER = "name,email,phone\n"


@pytest.fixture
def table(tmp_path):
    """Write a CSV file."""

    def write(*rows, name="people.csv", header=HEADER):
        path = tmp_path / name
        path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def book(engine, sealer, sync_context):
    """A file connection's id."""
    with transaction(engine) as session:
        return imports.connection_for(session, sealer, "Old customers").id


@pytest.fixture
def begin(engine, settings, book):
    def start(path, what="customers", **options):
        with transaction(engine) as session:
            return imports.start(session, settings, book, path, what, "anna", **options)

    return start


@pytest.fixture
def imported(engine, begin):
    def run(path, what="customers", **options):
        run_id = begin(path, what, **options).id
        run_until_idle(engine)
        with transaction(engine) as session:
            return session.get_one(Run, run_id)

    return run


def people(count, first=0):
    return [f"Person Number{n},person{n}@example.org," for n in range(first, first + count)]


def test_rows_become_cards(imported, table, count):
    run = imported(table(*people(25)))
    assert run.state == "done"
    assert imports.summary(run) == {
        "read": 25, "new": 25, "changed": 0, "same": 0, "duplicate": 0, "bad": 0,
    }  # fmt: skip
    assert count("customers", "live") == 25


def test_connection_is_made_once_per_name(engine, sealer, book, connection):
    with transaction(engine) as session:
        assert imports.connection_for(session, sealer, "Old customers").id == book
        with pytest.raises(BadInput, match="no file connection"):
            imports.connection_for(session, sealer, "My shop")


def test_plan_counts_and_keeps_nothing(engine, imported, book, table, count):
    imported(table(*people(10)))
    path = table(*people(5), "Renamed,person5@example.org,", *people(4, first=20), people(1)[0], "nobody,,")
    plan = plans.plan(engine, book, path, "customers", {})
    assert (plan.rows, plan.new, plan.changed, plan.same, plan.duplicate) == (12, 5, 1, 5, 1)
    assert count("landed_records") == 10
    assert "Renamed" in plan.samples["changed"][0].payload
    assert "Number5" in plan.samples["changed"][0].before


def test_plan_and_import_agree(engine, imported, book, table):
    rows = [*people(1200), *people(300), *people(20, first=1100)]
    random.Random(1).shuffle(rows)
    path = table(*rows, '"unclosed', ",,")
    plan = plans.plan(engine, book, path, "customers", {})
    assert (plan.new, plan.duplicate) == (1200, 320)
    run = imported(path, plan_hash=plan.hash)
    assert imports.summary(run) == {
        "read": plan.rows, "new": plan.new, "changed": 0, "same": 0,
        "duplicate": plan.duplicate, "bad": plan.bad,
    }  # fmt: skip


def test_import_refuses_a_plan_that_moved(engine, begin, imported, book, table):
    plan = plans.plan(engine, book, table(*people(3)), "customers", {})
    imported(table(*people(1), name="other.csv"))
    with pytest.raises(BadInput, match="plan again"):
        begin(table(*people(3)), plan_hash=plan.hash)


def test_same_file_twice_changes_nothing(imported, table, count):
    imported(table(*people(30)))
    before = count("timeline"), count("profiles")
    run = imported(table(*people(30)))
    assert (run.new, run.changed, run.same) == (0, 0, 30)
    assert (count("timeline"), count("profiles")) == before


def test_bad_rows_can_be_downloaded(engine, imported, table, count):
    header = "number,customer email,total,currency,date\n"
    path = table(
        "1,a@example.org,10,EUR,2026-01-01",
        "2,b@example.org,=1+1,EUR,2026-01-01",
        ",c@example.org,3,EUR,2026-01-01",
        header=header,
        name="orders.csv",
    )
    run = imported(path, "orders")
    assert (run.new, run.problems) == (1, 2)
    with transaction(engine) as session:
        lines = list(imports.bad_rows_csv(session, run.operation_id))
    assert lines[0] == "row,reason,content\r\n"
    assert len(lines) == 3 and "line 3" in lines[1] and "line 4" in lines[2]
    assert count("problems", "area = 'import'") == 1


@pytest.mark.parametrize("cell", ["=cmd|x", "+1", "-1", "@sum", "\tx"])
def test_downloads_run_nothing(cell):
    assert imports._harmless(cell).startswith("'")


def test_a_file_that_is_no_table_fails_plainly(engine, begin, imported, tmp_path):
    path = tmp_path / "cat.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    run = imported(path)
    assert run.state == "failed" and run.error
    with transaction(engine) as session:
        assert session.get_one(Operation, run.operation_id).state == "failed"


def test_unknown_mapping_is_refused_at_once(begin, table):
    with pytest.raises(BadInput, match="what"):
        begin(table(*people(1)), "visits")


def test_import_goes_on_after_a_kill(engine, begin, table, count, clock, monkeypatch):
    run_id = begin(table(*people(3500))).id
    honest, pages = imports._land_page, []

    class Killed(BaseException):
        pass

    def dying(*args):
        honest(*args)
        pages.append(1)
        if len(pages) == 2:
            raise Killed

    monkeypatch.setattr(imports, "_land_page", dying)
    with pytest.raises(Killed):
        run_until_idle(engine)
    with engine.begin() as db:
        db.execute(text("UPDATE jobs SET state = 'waiting', token = token + 1, lease_until = NULL"))
    run_until_idle(engine)
    with transaction(engine) as session:
        run = session.get_one(Run, run_id)
        assert (run.state, run.read, run.new) == ("done", 3500, 3500)
    assert len(pages) == 5
    assert count("profiles") == 3500


def test_cancelled_import_can_be_undone(engine, begin, table, count, monkeypatch):
    run = begin(table(*people(2500)))
    honest = imports._land_page

    def page_then_cancel(*args):
        honest(*args)
        args[1].state = "cancelled"

    monkeypatch.setattr(imports, "_land_page", page_then_cancel)
    run_until_idle(engine)
    with transaction(engine) as session:
        assert session.get_one(Run, run.id).state == "cancelled"
        undo(session, run.operation_id, "anna")
    run_until_idle(engine)
    assert count("customers", "live") == 0


def test_given_up_import_can_be_retried_or_undone(engine, begin, table, count, clock, monkeypatch):
    run = begin(table(*people(1500)))
    honest, pages = imports._land_page, []

    def away(*args):
        honest(*args)
        pages.append(1)
        if len(pages) > 1:
            raise Temporary("the disk is busy")

    monkeypatch.setattr(imports, "_land_page", away)
    for _ in range(12):
        run_until_idle(engine)
        clock.advance(timedelta(hours=2))
    with transaction(engine) as session:
        runs.close_abandoned(session)
    assert count("operations", "state = 'failed'") == 1
    monkeypatch.setattr(imports, "_land_page", honest)
    with transaction(engine) as session:
        [problem] = sync_problems.page(session)
        problems.retry(session, problem.id)
    run_until_idle(engine)
    assert count("operations", "state = 'done'") == 1
    with transaction(engine) as session:
        assert session.get_one(Run, run.id).read == 1500
        undo(session, run.operation_id, "anna")


def test_uploads_are_dropped_when_landed(imported, begin, table, settings):
    run = begin(table(*people(1)))
    folder = settings.data / "uploads" / str(run.operation_id)
    assert [p.name for p in folder.iterdir()] == ["upload.csv"]
    run = imported(table(*people(1), name="b.csv"))
    assert not (settings.data / "uploads" / str(run.operation_id)).exists()


def test_hostile_file_names_stay_outside(begin, table, settings):
    run = begin(table(*people(1), name="x.csv"), name="../../etc/passwd")
    folder = settings.data / "uploads" / str(run.operation_id)
    assert [p.name for p in folder.iterdir()] == ["upload.csv"]


def test_undo_brings_back_what_was_before(engine, imported, table, count):
    imported(table("Old Name,person1@example.org,", *people(3, first=10)))
    run = imported(table("New Name,person1@example.org,", *people(3, first=20)))
    assert count("customers", "live") == 7
    with transaction(engine) as session:
        undone = undo(session, run.operation_id, "anna")
        assert undone.left_alone == []
    run_until_idle(engine)
    assert count("customers", "live") == 4
    assert count("customers", "name = 'Old Name'") == 1
    assert count("operations", "state = 'undone' AND undone_by = 'anna'") == 1


def test_undo_names_what_it_leaves_alone(engine, imported, table, count):
    first = imported(table("First,person1@example.org,", *people(1, first=2)))
    imported(table("Second,person1@example.org,"))
    with transaction(engine) as session:
        undone = undo(session, first.operation_id, "anna")
        assert undone.left_alone == ["customers email:person1@example.org: it has changed since the import"]
    run_until_idle(engine)
    assert count("customers", "live AND name = 'Second'") == 1
    assert count("customers", "live") == 1


def test_import_after_undo_works_again(engine, imported, table, count):
    path = table(*people(5))
    run = imported(path)
    with transaction(engine) as session:
        undo(session, run.operation_id, "anna")
    run_until_idle(engine)
    assert count("customers", "live") == 0
    run = imported(path)
    assert run.changed == 5
    assert count("customers", "live") == 5


def test_undo_twice_is_refused(engine, imported, table):
    run = imported(table(*people(1)))
    with transaction(engine) as session:
        undo(session, run.operation_id, "anna")
    with transaction(engine) as session, pytest.raises(BadInput, match="undone already"):
        undo(session, run.operation_id, "anna")


def test_running_import_is_not_undone(engine, begin, table):
    run = begin(table(*people(1)))
    with transaction(engine) as session, pytest.raises(BadInput, match="cancel it first"):
        undo(session, run.operation_id, "anna")
    with transaction(engine) as session:
        runs.cancel(session, run.id)


def test_what_can_not_be_undone_says_so(engine):
    with transaction(engine) as session:
        operation = operations.begin(session, "connection.remove", "Remove the connection X", "anna")
        operations.finish(session, operation, {})
        with pytest.raises(BadInput, match="can't be undone"):
            undo(session, operation.id, "anna")
