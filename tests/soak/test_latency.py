"""How long a webhook's order takes to stand on the card, under a hundred webhooks a second."""

import http.client
import statistics
import threading
import time

import pytest
from sqlalchemy import text

from tests import shops
from tests.soak.driver import Storm, _wait_for_port

RATE, SECONDS, SENDERS = 100, 10, 5


@pytest.fixture
def storm(engine, settings, tmp_path):
    """A worker and the webhook door, both at work."""
    found = Storm(engine, settings, tmp_path, seed=5, people=500)
    found.fill()
    found.start("worker-1")
    found.start("web", found.port)
    _wait_for_port(found.port)
    found.recover(found.connection, limit=300)
    yield found
    found.stop()


def send(storm: Storm, number: int, begun: dict[str, float], acks: list[float]) -> None:
    """One order by webhook, over a connection of its own as shops do."""
    thing = storm.shop.order(100_000 + number, buyer=number % 500)
    headers, body = shops.delivery(storm.secret, "created", "orders", thing)
    begun[thing["id"]] = time.monotonic()
    door = http.client.HTTPConnection("127.0.0.1", storm.port, timeout=30)
    door.request("POST", f"/hooks/{storm.connection}", body, headers)
    assert door.getresponse().status == 200
    door.close()
    acks.append(time.monotonic() - begun[thing["id"]])


def watch(engine, storm: Storm, begun: dict[str, float], seen: dict[str, float], deadline: float) -> None:
    """Note when each order stands on its card."""
    query = text(
        "SELECT external_id FROM orders WHERE source_id = :c AND customer_id IS NOT NULL"
        " AND external_id = ANY(:ids)"
    )
    while len(seen) < RATE * SECONDS and time.monotonic() < deadline:
        waiting = [i for i in list(begun) if i not in seen]
        with engine.connect() as db:
            found = db.scalars(query, {"c": storm.connection, "ids": waiting}).all()
        now = time.monotonic()
        seen.update((external_id, now - begun[external_id]) for external_id in found)
        time.sleep(0.02)


@pytest.mark.soak
def test_orders_stand_on_their_cards_within_a_second(engine, storm):
    begun: dict[str, float] = {}
    seen: dict[str, float] = {}
    acks: list[float] = []
    began = time.monotonic()

    def sender(first: int) -> None:
        for number in range(first, RATE * SECONDS, SENDERS):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            send(storm, number, begun, acks)

    threads = [threading.Thread(target=sender, args=(first,)) for first in range(SENDERS)]
    threads.append(threading.Thread(target=watch, args=(engine, storm, begun, seen, began + 60)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == RATE * SECONDS
    quantiles = {
        name: (statistics.median(found), statistics.quantiles(found, n=100)[98])
        for name, found in (("answered", acks), ("on the card", [*seen.values()]))
    }
    print(quantiles)
    assert quantiles["answered"][1] <= 0.5
    assert quantiles["on the card"][1] <= 1.0
