"""The main bar: a real shop and the hub, both killed and started again, end up equal."""

import json
import random
import time

import pytest
from sqlalchemy import text

from connectors.base import Connector
from foundation.database import transaction
from foundation.sealing import open_sealer
from sync import connections, context, pull
from sync.tables import Connection
from tests.real.conftest import driver, vendure
from tests.real.shop_driver import Driver
from tests.soak.herd import Herd, gaps, kills_wanted

__all__ = ["driver", "vendure"]

pytestmark = [pytest.mark.real, pytest.mark.soak]
CUSTOMERS, ORDERS = 300, 1000


@pytest.fixture
def herd(engine, settings, tmp_path):
    """Two workers of our own."""
    context.use(context.Context(settings, open_sealer(settings)))
    found = Herd(engine, settings, tmp_path, random.Random(7))
    yield found
    found.stop()
    context.use(None)


def disturb(driver, made, chance) -> None:
    """What staff and buyers do while we are being killed."""
    for _ in range(chance.randrange(1, 4)):
        buyer = chance.choice([b for b in made.buyers if b.id not in made.deleted])
        match chance.randrange(5):
            case 0:
                driver.edit_customer(buyer.id, lastName=f"Again {chance.randrange(100)}")
            case 1:
                driver.edit_address(buyer.id, city=chance.choice(["Bursa", "Almaty", "Seoul"]))
            case 2:
                made.orders.append(driver.order(driver.person(), [(chance.choice(driver.variants), 1)]))
            case 3:
                order = driver.order(buyer, [(chance.choice(driver.variants), 1)])
                driver.refund(order.id, 100)
            case 4:
                made.deleted.append(buyer.id)
                driver.delete_customer(buyer.id)


def differences(engine, connector: Connector, connection_id) -> dict[str, object]:
    """What the shop says now against the versions in force here; empty when nothing differs."""
    found: dict[str, object] = {}
    for stream in connector.streams:
        there = {r.external_id: r.payload for page in connector.pull(stream.name, None) for r in page.records}
        with engine.connect() as db:
            here = dict(
                db.execute(
                    text(
                        "SELECT h.external_id, r.payload FROM landed_heads h"
                        " JOIN landed_records r ON r.id = h.landed_id"
                        " WHERE h.connection_id = :c AND h.stream = :s AND NOT h.gone"
                    ),
                    {"c": connection_id, "s": stream.name},
                ).all()
            )
        found[f"{stream.name} missing"] = sorted(there.keys() - here.keys())
        found[f"{stream.name} extra"] = sorted(here.keys() - there.keys())
        other = sorted(i for i in there.keys() & here.keys() if there[i] != here[i])
        found[f"{stream.name} other"] = [(i, json.loads(here[i]), json.loads(there[i])) for i in other[:3]]
    return {name: what for name, what in found.items() if what}


def test_a_real_shop_and_the_hub_end_up_equal(vendure, driver, herd, engine, count_rows) -> None:
    chance = random.Random(3)
    made = driver.fill(CUSTOMERS, ORDERS)
    sealer = open_sealer(herd.settings)
    with transaction(engine) as session:
        typed = {"address": vendure.info["base"], "api_key": vendure.info["api_key"], "page_size": 20}
        own = connections.create(session, sealer, "vendure", "Real shop", typed)
    for name in ("worker-1", "worker-2"):
        herd.start(name)
    began, shop_kills = time.monotonic(), 0
    for number in range(kills_wanted(20)):
        with transaction(engine) as session:
            pull.start(session, own.id, full=number % 5 == 4)
        herd.hurry()
        time.sleep(chance.uniform(0.3, 2.0))
        if number % 4 == 3:
            vendure.kill()
            shop_kills += 1
            time.sleep(0.5)
            vendure.start()
            driver = Driver(vendure.info, seed=1000 + number)  # its sessions died with the shop
        else:
            victim = herd.grown()
            herd.kill(victim)
            herd.start(victim)
            herd.flush()
        disturb(driver, made, chance)
    last = herd.recover(own.id, limit=900)
    with transaction(engine) as session:
        connector = connections.open_connector(
            session, sealer, herd.settings, session.get_one(Connection, own.id)
        )
    assert differences(engine, connector, own.id) == {}
    assert gaps(last) == {}
    assert count_rows("(SELECT 1 FROM timeline GROUP BY source_id, source_key HAVING count(*) > 1) t") == 0
    assert count_rows("problems", "state = 'open' AND area = 'record'") == 0
    orders = last.detail["streams"]["orders"]
    assert orders["there"] >= ORDERS
    assert count_rows("orders", "gone_at IS NULL") == orders["there"]
    print({
        "kills of ours": herd.kills, "kills of the shop": shop_kills, "seconds": time.monotonic() - began,
        **{name: (s["there"], s["here"]) for name, s in last.detail["streams"].items()},
        "timeline": count_rows("timeline"),
    })  # fmt: skip
