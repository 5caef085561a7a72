"""How long a webhook's order takes to stand on its customer's card, at 100 webhooks a second.

    python -m benchmarks.webhooks --rate 100 --seconds 30 --people 5000

The web part and one worker run as processes of their own on a durable database; people of the invented shop
are on cards before the clock starts. Each order comes once, signed, over a connection of its own as shops do.
"""

import argparse
import base64
import hashlib
import hmac
import http.client
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text

from benchmarks.rig import Rig, installation, wait
from connectors.base import raw_json
from foundation.database import transaction
from foundation.sealing import open_sealer
from kartoteka.demo.company import Company, Thing
from sync import connections, landing

BAR_P99 = 1.0
SENDERS = 8
SEEN = text(
    "SELECT o.external_id FROM orders o JOIN customers c ON c.id = o.customer_id AND c.live"
    " WHERE o.source_id = :connection AND o.external_id = ANY(:ids)"
)


@dataclass
class Course:
    """One run: when each order was sent, answered, and seen on a card."""

    connection: UUID
    secret: str
    port: int
    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    cpu: tuple[float, float] = (0.0, 0.0)  # seconds a webhook costs the web part and the worker

    def post(self, order: Thing) -> None:
        """Deliver one order."""
        body = msgspec.json.encode(order)
        mark = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": "order.created",
            "X-WC-Webhook-Signature": mark,
        }
        name = str(order["id"])
        self.sent[name] = time.monotonic()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.request("POST", f"/hooks/{self.connection}/", body, headers)
        status = line.getresponse().status
        line.close()
        if status != 200:
            raise RuntimeError(f"a webhook was answered with {status}")
        self.answered[name] = time.monotonic()

    def watch(self, engine: Engine, total: int) -> None:
        """Note when each order is on a live card, looking every 20 ms."""
        deadline = time.monotonic() + 300
        while len(self.seen) < total and time.monotonic() < deadline:
            waiting = [name for name in list(self.sent) if name not in self.seen]
            with engine.connect() as connection:
                found = connection.scalars(SEEN, {"connection": self.connection, "ids": waiting}).all()
            at = time.monotonic()
            self.seen.update((name, at - self.sent[name]) for name in found)
            time.sleep(0.02)


def prepare(rig: Rig, company: Company) -> tuple[UUID, str]:
    """A connection whose people have landed."""
    sealer = open_sealer(rig.settings)
    typed = {"address": "https://shop.example", "key": "ck_x", "secret": "cs_x"}
    with transaction(rig.engine) as session:
        made = connections.create(session, sealer, "woocommerce", "Shop", typed)
        made.state = "paused"  # nothing is pulled: there is no shop at that address
        people = [raw_json(str(number), one) for number, one in company.customers.items()]
        landing.land(session, made.id, "customers", people, "pull")
        return made.id, connections.hook_secrets(sealer, made)[0]


def run(rig: Rig, rate: int, seconds: int, people: int) -> Course:
    """Send the orders and wait for all of them."""
    company = Company(people, rate * seconds)
    orders = [order | {"refunds": []} for order in company.orders.values()]
    connection, secret = prepare(rig, company)
    worker = rig.start("worker")
    web, port = rig.web()
    wait(lambda: at_rest(rig.engine), pause=0.2)
    course = Course(connection, secret, port)
    before = web.cpu(), worker.cpu()
    began = time.monotonic()

    def send(first: int) -> None:
        for at in range(first, len(orders), SENDERS):
            time.sleep(max(0.0, began + at / rate - time.monotonic()))
            course.post(orders[at])

    threads = [threading.Thread(target=send, args=(first,)) for first in range(SENDERS)]
    threads.append(threading.Thread(target=course.watch, args=(rig.engine, len(orders))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    course.cpu = (web.cpu() - before[0]) / len(orders), (worker.cpu() - before[1]) / len(orders)
    return course


def at_rest(engine: Engine) -> bool:
    """Whether everything that landed stands on cards."""
    with engine.connect() as connection:
        return connection.scalar(text("SELECT NOT EXISTS (SELECT FROM landed_heads WHERE pending)")) is True


def quantiles(values: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


def main() -> None:
    """Measure, print, and fail when the bar is missed or an order is lost."""
    words = argparse.ArgumentParser()
    words.add_argument("--rate", type=int, default=100)
    words.add_argument("--seconds", type=int, default=30)
    words.add_argument("--people", type=int, default=5_000)
    given = words.parse_args()
    with installation() as rig:
        course = run(rig, given.rate, given.seconds, given.people)
    total = given.rate * given.seconds
    answers = quantiles([course.answered[name] - at for name, at in course.sent.items()])
    cards = quantiles(list(course.seen.values()))
    spent = max(course.sent.values()) - min(course.sent.values())
    print(f"{total} webhooks, {total / spent:.0f} a second; {total - len(course.seen)} lost")
    print(f"answered      p50 {answers[0] * 1000:6.0f} ms   p99 {answers[1] * 1000:6.0f} ms")
    print(
        f"on the card   p50 {cards[0] * 1000:6.0f} ms   p99 {cards[1] * 1000:6.0f} ms   bar {BAR_P99:.0f} s"
    )
    print(f"CPU a webhook: web {course.cpu[0] * 1000:.1f} ms, worker {course.cpu[1] * 1000:.1f} ms")
    sys.exit(len(course.seen) < total or cards[1] > BAR_P99)


if __name__ == "__main__":
    main()
