"""Many at once: webhooks, pages and resolvers over the same objects; nothing deadlocks, nothing doubles."""

import random
import threading

import pytest
from sqlalchemy import event, text

from customers import stats
from foundation import clock
from foundation.database import transaction
from sync import claims, resolve
from sync.landing import land
from tests import shops


@pytest.fixture
def together():
    """Run functions in threads of their own and raise what any of them raised."""

    def run(*functions):
        raised = []

        def guarded(function):
            try:
                function()
            except BaseException as error:
                raised.append(error)

        threads = [threading.Thread(target=guarded, args=(one,)) for one in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]

    return run


def test_landing_and_resolving_at_once(engine, connection, shop, together, count):
    histories = []
    for seed in range(4):
        chance = random.Random(seed)
        for _ in range(60):
            shop.customer(chance.randrange(30), name=f"Name {chance.randrange(1000)}")
            shop.order(
                chance.randrange(30), buyer=chance.choice([None, 3]), state=chance.choice(["open", "paid"])
            )
        history = [(stream, shops._raw(thing)) for _, stream, thing in shop.outbox]
        chance.shuffle(history)
        histories.append(history)
    landed = threading.Event()

    def lander(history, size):
        def run():
            for begin in range(0, len(history), size):
                with transaction(engine) as session:
                    for stream in ("customers", "orders"):
                        raws = [raw for s, raw in history[begin : begin + size] if s == stream]
                        land(session, connection.id, stream, raws, "webhook")

        return run

    def resolver():
        while True:
            ended = landed.is_set()
            if not resolve.resolve(engine) and ended:
                return

    resolvers = [threading.Thread(target=resolver) for _ in range(3)]
    for thread in resolvers:
        thread.start()
    together(*(lander(history, size) for history, size in zip(histories, (1, 7, 30, 90), strict=True)))
    landed.set()
    for thread in resolvers:
        thread.join()
    assert count("landed_heads", "pending") == 0
    assert count("orders") == len(shop.objects["orders"])
    assert count("problems") == 0
    for thing in shop.objects["customers"].values():
        assert (
            count("profiles", f"external_id = '{thing['id']}' AND record ->> 'name' = '{thing['name']}'") == 1
        )


def test_workers_on_one_backlog_leave_what_one_would(engine, connection, shop, together, count, monkeypatch):
    """Many small batches of one connection in several hands, while its objects go on changing."""
    monkeypatch.setattr(claims, "BATCH", 10)
    chance = random.Random(7)
    for number in range(60):
        shop.customer(number)
    for _ in range(400):
        shop.customer(chance.randrange(60), name=f"Name {chance.randrange(1000)}")
        shop.order(chance.randrange(80), buyer=chance.randrange(60), state=chance.choice(["open", "paid"]))
    history = [(stream, shops._raw(thing)) for _, stream, thing in shop.outbox]
    landed = threading.Event()

    def lander():
        for begin in range(0, len(history), 25):
            with transaction(engine) as session:
                for stream in ("customers", "orders"):
                    raws = [raw for s, raw in history[begin : begin + 25] if s == stream]
                    land(session, connection.id, stream, raws, "webhook")
        landed.set()

    def resolver():
        while True:
            ended = landed.is_set()
            if not resolve.resolve(engine) and ended and not count("landed_heads", "pending"):
                return

    together(lander, *[resolver] * 4)
    assert count("problems") == count("late_stats") == count("landed_heads", "pending OR crashes > 0") == 0
    assert count("orders") == len(shop.objects["orders"])
    for thing in shop.objects["customers"].values():
        assert (
            count("profiles", f"external_id = '{thing['id']}' AND record ->> 'name' = '{thing['name']}'") == 1
        )
    for thing in shop.objects["orders"].values():
        assert count("orders", f"external_id = '{thing['id']}' AND state = '{thing['state']}'") == 1
    with transaction(engine) as session:
        counted = session.execute(
            text("SELECT customer_id, orders, spent FROM customer_stats ORDER BY 1")
        ).all()
        stats.refresh(session, [one[0] for one in counted])
        again = session.execute(
            text("SELECT customer_id, orders, spent FROM customer_stats ORDER BY 1")
        ).all()
    assert counted == again


def test_one_new_customer_from_eight_sides_is_one_card(engine, connection, shop, together, count):
    """ "created" and "updated" come at the same instant, beside two orders of the same person."""
    shop.customer(1)
    raw = shops._raw(shop.objects["customers"]["c1"])

    def arrive():
        with transaction(engine) as session:
            land(session, connection.id, "customers", [raw], "webhook")
        resolve.resolve(engine)

    together(*([arrive] * 8))
    while resolve.resolve(engine):
        pass
    assert count("landed_records") == count("profiles") == count("customers", "live") == 1


@pytest.fixture
def statements(engine):
    """The SQL statements sent while a function runs."""

    def of(function):
        sent = []

        def note(*args):
            sent.append(args[2])

        event.listen(engine, "before_cursor_execute", note)
        try:
            function()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return sent

    return of


def landing(engine, connection, raws):
    def run():
        with transaction(engine) as session:
            land(session, connection.id, "customers", raws, "pull", read_at=clock.now())

    return run


@pytest.mark.parametrize("size", [1, 500])
def test_landing_asks_the_same_for_any_size(engine, connection, shop, statements, size):
    for number in range(size):
        shop.customer(number)
    raws = [shops._raw(thing) for thing in shop.objects["customers"].values()]
    assert len(statements(landing(engine, connection, raws))) == 3  # the lock, the heads, the new ids
    assert len(statements(landing(engine, connection, raws))) == 2  # unchanged: the lock and the heads


def test_resolving_asks_the_same_for_any_size(engine, connection, shop, statements):
    asked = []
    for size in (20, 400):
        for number in range(size):
            shop.customer(size * 10 + number)
            shop.order(size * 10 + number, buyer=size * 10 + number)
        for stream in ("customers", "orders"):
            raws = [shops._raw(t) for t in shop.objects[stream].values()]
            with transaction(engine) as session:
                land(session, connection.id, stream, raws, "pull", read_at=clock.now())
        asked.append(len(statements(lambda: resolve.resolve(engine))))
    assert asked[1] <= asked[0] + 4
    assert asked[1] <= 60
