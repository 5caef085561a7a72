"""What 1C sends again as it was is left alone without being read; everything else ends as if nothing were."""

import random

import pytest

from connectors.base import Raw
from foundation import clock, jobs
from foundation.database import transaction
from sync import landing
from sync.exchange import importing, seen
from tests import onec

GOODS = onec.catalogue(range(30))
PRICES = onec.offers({n: f"{n}.50" for n in range(40)})


@pytest.fixture
def merges(monkeypatch):
    """How many objects were merged."""
    found = []
    real = importing.merge

    def merge(before, pieces, names):
        found.append(pieces[0].external_id)
        return real(before, pieces, names)

    monkeypatch.setattr(importing, "merge", merge)
    return found


@pytest.fixture
def brought(base, engine, merges):
    """Brings files, each in an exchange of its own; answers what the last one said and merged."""

    def run(*files):
        for name, body in files:
            merges.clear()
            base.sign_in()
            base.send("catalog", name, body, chunk=100_000)
            base.ask("catalog", "import", filename=name)
            jobs.run_until_idle(engine)
        return base.ask("catalog", "import", filename=name).decode("utf-8-sig"), list(merges)

    return run


def state(engine):
    """What is in force."""
    with engine.connect() as db:
        rows = db.exec_driver_sql(
            "SELECT h.external_id, r.payload, h.gone FROM landed_heads h"
            " JOIN landed_records r ON r.id = h.landed_id ORDER BY 1"
        )
        return [tuple(row) for row in rows]


def test_the_same_file_again_is_not_read_but_counted(brought, engine):
    brought(("import.xml", GOODS))
    before = state(engine)
    said, merged = brought(("import.xml", GOODS))
    assert said == "success\n30 records read" and merged == [onec.good_id(0)]  # the first of a file always is
    assert state(engine) == before


def test_each_of_several_files_is_known_again_in_the_end(brought):
    for _ in range(2):
        brought(("import.xml", GOODS), ("offers.xml", PRICES))
    assert brought(("import.xml", GOODS))[1] == [onec.good_id(0)]
    assert brought(("offers.xml", PRICES))[1] == [onec.good_id(0)]


def test_another_price_type_makes_all_of_it_be_read_again_once(brought, engine):
    brought(("offers.xml", PRICES), ("offers.xml", PRICES))
    renamed = PRICES.replace("Розничная".encode(), "Оптовая".encode())
    assert len(brought(("offers.xml", renamed))[1]) == 40
    assert all("Оптовая" in payload for _, payload, _ in state(engine))
    assert len(brought(("offers.xml", renamed))[1]) == 1
    assert len(brought(("offers.xml", PRICES))[1]) == 40
    assert all("Розничная" in payload for _, payload, _ in state(engine))


def test_what_was_moved_by_others_meanwhile_is_read(brought, engine, ledger):
    brought(("import.xml", GOODS))
    before = state(engine)
    lost, other = onec.good_id(3), onec.good_id(4)
    with transaction(engine) as session:
        moved = [Raw(lost, "", gone=True), Raw(other, '{"good":"<Товар/>"}')]
        landing.land(session, ledger[0], "products", moved, "undo", read_at=clock.now())
    assert state(engine) != before
    assert brought(("import.xml", GOODS))[1] == [onec.good_id(0), lost, other]
    assert state(engine) == before


def test_the_last_of_two_versions_in_one_file_wins_however_often_it_comes(brought, engine):
    old, new = (onec.catalogue([1], suffix).split("<Товары>".encode())[1] for suffix in ("", " новый"))
    old, new = (one.split("</Товары>".encode())[0] for one in (old, new))
    two = onec.catalogue([7, 1, 8]).replace(old, old + new)
    assert two.count("</Товар>".encode()) == 4
    for _ in range(3):
        brought(("import.xml", two))
        assert "новый" in {one: payload for one, payload, _ in state(engine)}[onec.good_id(1)]


@pytest.mark.parametrize("seed", range(3))
def test_any_row_of_files_ends_as_without_marks(seed, brought, engine, monkeypatch):
    dice = random.Random(seed)
    files = []
    for _ in range(10):
        numbers = dice.sample(range(8), 5)
        goods = onec.catalogue(numbers, dice.choice(["", " новый"]))
        prices = onec.offers({n: dice.choice(["1", "2"]) for n in numbers})
        files.append(dice.choice([("import.xml", goods), ("offers.xml", prices)]))
    monkeypatch.setattr(importing, "PORTION", 3)
    brought(*files)
    marked = state(engine)
    with engine.begin() as db:
        db.exec_driver_sql("TRUNCATE landed_heads, landed_records")
    monkeypatch.setattr(seen, "known", lambda *_: {})
    brought(*files)
    assert state(engine) == marked
