"""Plays the shop's visitors through the real collector: two weeks of history, then live, a step at a time."""

import random
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from foundation.clock import now
from kartoteka.demo.browsing import AIMS, Visit, Visitor, new_visitor
from kartoteka.demo.company import DEVICE, Purchase, Thing
from kartoteka.demo.hub import Hub, Message
from kartoteka.demo.shop import KeyCheck, Shop, answer

TOLD_AT = "/demo/hub"  # where the shop is told of the hub; asks for the shop's own key
DAYS = 14
AT_ONCE = 6  # visitors in the shop


class Visitors:
    """Everybody who comes to the shop's pages, once there is a hub that wants to know."""

    def __init__(self, shop: Shop, every: float, seed: int = 23) -> None:
        self.shop, self.every = shop, every
        self.dice = random.Random(seed)  # noqa: S311 - invented people, not secrets
        self.hub: Hub | None = None
        self.known: list[Visitor] = []
        self.inside: list[tuple[Visitor, Iterator[Message]]] = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="demo-visitors", daemon=True)

    def routes(self) -> list[BaseRoute]:
        """The private address at which the runner tells of the hub."""
        return [Mount("/demo", routes=[Route("/hub", self.told, methods=["POST"])],
                      middleware=[Middleware(KeyCheck)])]  # fmt: skip

    async def told(self, request: Request) -> Response:
        """The hub is there: send it the history, answer how much that was, and go on live."""
        hub = msgspec.json.decode(await request.body(), type=Hub)
        return answer({"events": await run_in_threadpool(self.begin, hub)})

    def begin(self, hub: Hub) -> int:
        """Send the history; answers how many events the hub took. Then, every now and then, a step."""
        self.hub = hub
        sent = hub.send(self.history(hub), secret=True)
        for _ in range(3):
            crawler = new_visitor(self.dice, crawler=True)
            at = now() - timedelta(days=self.dice.random() * DAYS)
            sent += hub.send(self.dated(self.visit(hub, crawler).crawl(), at), crawler.agent)
        if self.every > 0 and not self.thread.is_alive():
            self.thread.start()
        return sent

    def stop(self) -> None:
        """End the thread and wait for it."""
        self.stopped.set()
        if self.thread.is_alive():
            self.thread.join(timeout=5)

    def run(self) -> None:
        """One step of one visitor, a pause of uneven length, and again."""
        while not self.stopped.wait(self.every * self.dice.uniform(0.4, 1.6)):
            self.step()

    # -- the past --------------------------------------------------------------------------------------

    def history(self, hub: Hub) -> list[Message]:
        """All that the last two weeks saw, in its order."""
        found = [message for order in self.ordered() for message in self.bought(hub, order)]
        people = len(self.shop.company.humans)
        for _ in range(min(500, max(40, people // 6))):
            visitor = self.somebody()
            aim = self.aim(visitor)
            at = now() - timedelta(days=DAYS * self.dice.random() ** 1.2, minutes=30)
            steps = self.visit(hub, visitor).messages("check" if aim == "buy" else aim, self.place)
            found += self.dated(steps, at)
        return sorted(found, key=lambda one: str(one["timestamp"]))

    def ordered(self) -> list[Thing]:
        """The orders of that time that know their browser."""
        since = f"{now() - timedelta(days=DAYS):%Y-%m-%dT%H:%M:%S}"
        with self.shop.lock:
            orders = list(self.shop.company.orders.values())
        return [one for one in orders if device_of(one) and one["date_created_gmt"] > since]

    def bought(self, hub: Hub, order: Thing) -> list[Message]:
        """The visit that ended with an order."""
        visitor = new_visitor(self.dice, device_of(order))
        visitor.customer = self.shop.company.customers.get(order["customer_id"])
        if visitor.customer:
            self.known.append(visitor)
        placed = datetime.fromisoformat(order["date_created_gmt"] + "+00:00")
        visit = self.visit(hub, visitor)
        visit.wanted = {line["product_id"]: line["quantity"] for line in order["line_items"]}
        return self.dated(visit.messages("buy", lambda *_: order), placed, ends=True)

    def dated(self, steps: Iterator[Message], at: datetime, *, ends: bool = False) -> list[Message]:
        """Messages with their times: the first of them, or with `ends` the last, is at `at`."""
        messages = list(steps)
        moments = [at]
        for _ in messages[1:]:
            moments.append(moments[-1] + timedelta(seconds=self.dice.uniform(3, 70)))
        back = moments[-1] - at if ends else timedelta()
        return [stamped(one, moment - back) for one, moment in zip(messages, moments, strict=False)]

    # -- the present -----------------------------------------------------------------------------------

    def step(self) -> None:
        """The next thing that one of the visitors inside does; new ones come in."""
        if self.hub is None:
            return
        if not self.inside or (len(self.inside) < AT_ONCE and self.dice.random() < 0.4):
            self.inside.append(self.comes_in(self.hub))
        visitor, steps = self.dice.choice(self.inside)
        message = next(steps, None)
        if message is None:
            self.inside.remove((visitor, steps))
        else:
            self.hub.send([stamped(message, now())], visitor.agent)

    def comes_in(self, hub: Hub) -> tuple[Visitor, Iterator[Message]]:
        """A new visitor, one who was here before, or a program."""
        if self.dice.random() < 0.04:
            crawler = new_visitor(self.dice, crawler=True)
            return crawler, self.visit(hub, crawler).crawl()
        visitor = self.somebody()
        return visitor, self.visit(hub, visitor).messages(self.aim(visitor), self.place)

    def place(self, visitor: Visitor, cart: dict[int, int]) -> Thing:
        """An order in the company for what is in a visitor's cart."""
        company = self.shop.company
        account = visitor.customer["id"] if visitor.customer else 0
        if account:
            human = company.humans[account - 1]
        else:
            human = visitor.guest = visitor.guest or self.dice.choice(company.guests)
        return self.shop.place_order("processing", Purchase(account, human, dict(cart), visitor.device))

    def somebody(self) -> Visitor:
        """Whoever comes next; some have been here before."""
        inside = [visitor for visitor, _ in self.inside]
        if self.known and self.dice.random() < 0.3:
            again = self.dice.choice(self.known)
            if not any(again is one for one in inside):
                return again
        visitor = new_visitor(self.dice)
        self.known.append(visitor)
        return visitor

    def aim(self, visitor: Visitor) -> str:
        """What a visit comes to; who signs in has an account."""
        aim = self.dice.choices(list(AIMS), list(AIMS.values()))[0]
        if aim == "sign" and visitor.customer is None and visitor.guest is None:
            visitor.customer = self.dice.choice(list(self.shop.company.customers.values()))
        return aim

    def visit(self, hub: Hub, visitor: Visitor) -> Visit:
        """A visit of somebody."""
        return Visit(hub, list(self.shop.company.products.values()), visitor, self.dice)


def device_of(order: Thing) -> str:
    """The browser that an order came from; empty when it doesn't say."""
    return next((str(one["value"]) for one in order["meta_data"] if one["key"] == DEVICE), "")


def stamped(message: Message, at: datetime) -> Message:
    """A message with its time, which is also that of the ticks in it."""
    for consent in message.get("properties", {}).get("consent", ()):
        consent["at"] = at.isoformat()
    return {**message, "timestamp": at.isoformat()}
