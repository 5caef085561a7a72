"""Writing behind the reader: what goes wrong there stops it; what was on its way is not lost or doubled."""

import itertools
import threading
import time

import pytest

from connectors.accounting.commerceml import opening, skimming
from foundation import jobs
from foundation.errors import Temporary
from sync.exchange import importing
from sync.exchange.behind import Behind
from sync.heads import hold_stream
from tests import onec
from tests.faults import Killed
from tests.sync.exchange.test_importing import revive

GOODS = onec.catalogue(range(30))


@pytest.fixture
def asked(base, monkeypatch):
    """A file of thirty goods that waits to be imported in portions of seven."""
    monkeypatch.setattr(importing, "PORTION", 7)
    base.sign_in()
    base.send("catalog", "import.xml", GOODS)
    assert base.ask("catalog", "import", filename="import.xml").startswith(b"progress")


@pytest.fixture
def written(engine):
    """How many goods have landed, and the place that a next attempt would go on from."""

    def read():
        with engine.connect() as db:
            count = db.exec_driver_sql("SELECT count(*) FROM landed_heads").scalar_one()
            return count, db.exec_driver_sql("SELECT place FROM exchange_imports").scalar_one()

    return read


@pytest.fixture
def before_write(monkeypatch):
    """Does something in the thread that writes, where the n-th portion is to be written."""

    def at(number, act):
        count, land = itertools.count(1), importing.land

        def watched(*given, **named):
            if next(count) == number:
                act()
            return land(*given, **named)

        monkeypatch.setattr(importing, "land", watched)

    return at


def late():
    raise Temporary("the database is away")


def killed():
    raise Killed


def test_one_thing_at_a_time_is_done():
    behind, free, done = Behind("test"), threading.Event(), []
    behind.do(lambda: (free.wait(10), done.append(1)))
    assert not done
    free.set()
    behind.do(lambda: done.append(2))
    behind.wait()
    assert done == [1, 2]


def test_an_error_comes_out_once_and_nothing_is_begun_after_it():
    behind, done = Behind("test"), []
    behind.do(late)
    with pytest.raises(Temporary):
        behind.do(lambda: done.append(1))
    behind.wait()
    assert not done


@pytest.mark.parametrize("number", [1, 3, 5])
def test_after_an_error_of_the_writer_nothing_lands_until_the_next_attempt(
    number, asked, engine, written, before_write, base
):  # fmt: skip
    before_write(number, late)
    assert jobs.run_until_idle(engine) is not None
    lost = 7 * (number - 1)
    assert written() == (lost, lost)
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE jobs SET run_at = '2000-01-01' WHERE state = 'waiting'")
    jobs.run_until_idle(engine)
    assert written()[0] == 30
    assert base.ask("catalog", "import", filename="import.xml") == b"success\n30 records read"


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_kill_between_reading_and_writing_loses_and_doubles_nothing(
    number, asked, engine, written, before_write, base
):  # fmt: skip
    before_write(number, killed)
    with pytest.raises(Killed):
        jobs.run_until_idle(engine)
    assert written()[0] == 7 * (number - 1)
    revive(engine)
    jobs.run_until_idle(engine)
    assert written()[0] == 30
    assert base.ask("catalog", "import", filename="import.xml") == b"success\n30 records read"


def cancelled(db):
    db.exec_driver_sql("UPDATE sync_runs SET state = 'cancelled', error = 'cancelled by a person'")


def taken_over(db):
    db.exec_driver_sql("UPDATE jobs SET token = token + 1 WHERE state = 'running'")


@pytest.mark.parametrize("what", [cancelled, taken_over])
def test_what_was_read_meanwhile_stays_away(what, asked, engine, written, monkeypatch, base):
    class Interrupted(Behind):
        """Two portions have landed, and the third was read, when it happens."""

        waits = 0

        def wait(self):
            super().wait()
            self.waits += 1
            if self.waits == 3:  # one for each portion that is begun
                with engine.begin() as db:
                    what(db)

    monkeypatch.setattr(importing, "Behind", Interrupted)
    jobs.run_until_idle(engine)
    assert written() == (14, 14)
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said.startswith("failure\nThe run was cancelled." if what is cancelled else "progress\n14 read")


def test_what_is_on_its_way_is_not_taken_for_known(asked, engine, base, before_write, monkeypatch):
    """Each good twice in a file, as it was the second time: that is in force in the end."""
    jobs.run_until_idle(engine)
    goods = GOODS.split("<Товар>".encode())
    for number, one in enumerate(goods[1:], 1):
        own, end, behind = one.partition("</Товар>".encode())
        newer = own.replace("Чайник".encode(), "Кофейник".encode())
        goods[number] = newer + end + "<Товар>".encode() + own + end + behind
    monkeypatch.setattr(opening, "_FARTHEST", 500)
    monkeypatch.setattr(opening, "CHUNK", 200)
    monkeypatch.setattr(skimming, "WINDOW", 200)
    base.sign_in()
    base.send("catalog", "again.xml", "<Товар>".encode().join(goods))
    base.ask("catalog", "import", filename="again.xml")
    before_write(1, lambda: time.sleep(0.2))  # reading has time to go on
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        names = db.exec_driver_sql("SELECT DISTINCT split_part(name, ' ', 1) FROM products").scalars().all()
    assert names == ["Чайник"]


def test_goods_keep_the_names_that_stood_before_them(asked, engine, base, monkeypatch):
    """A second document gives the group another name while the goods of the first one are landed."""
    jobs.run_until_idle(engine)

    def document(number, group):
        told = f"<Группы><Группа><Ид>g</Ид><Наименование>{group}</Наименование></Группа></Группы>"
        goods = onec.catalogue([number]).decode()
        goods = goods.replace("<Артикул>", "<Группы><Ид>g</Ид></Группы><Артикул>")
        return goods.replace("<Каталог ", f"<Классификатор>{told}</Классификатор><Каталог ").encode()

    def slow(*given):
        time.sleep(0.3)  # reading has time to go on
        hold_stream(*given)

    monkeypatch.setattr(importing, "PORTION", 2)
    monkeypatch.setattr(importing, "hold_stream", slow)
    base.sign_in()
    files = {"1.xml": document(41, "Посуда"), "2.xml": document(42, "Кухня")}
    base.send("catalog", "two.zip", onec.packed(files))
    base.ask("catalog", "import", filename="two.zip")
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        query = "SELECT sku, record->>'category' FROM products WHERE sku IN ('A-41', 'A-42') ORDER BY sku"
        assert db.exec_driver_sql(query).all() == [("A-41", "Посуда"), ("A-42", "Кухня")]
