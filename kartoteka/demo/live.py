"""Keeps the invented shop alive: somebody buys, pays, changes an address or sends something back."""

import random
import threading

from kartoteka.demo.shop import Shop

NEXT_STATE = {"pending": "processing", "on-hold": "processing", "processing": "completed"}


class Trickle:
    """A thread that lets one thing happen every few seconds."""

    def __init__(self, shop: Shop, every: float, seed: int = 11) -> None:
        self.shop = shop
        self.every = every
        self.dice = random.Random(seed)  # noqa: S311 - invented events, not secrets
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="demo-trickle", daemon=True)

    def start(self) -> None:
        """Begin; harmless until somebody has asked for webhooks."""
        self.thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self.stopped.set()
        if self.thread.is_alive():
            self.thread.join(timeout=5)

    def run(self) -> None:
        """One happening, a pause of uneven length, and again."""
        while not self.stopped.wait(self.every * self.dice.uniform(0.4, 1.6)):
            self.happen()

    def happen(self) -> None:
        """One thing that happens in a shop."""
        draw = self.dice.random()
        if draw < 0.6:
            self.shop.place_order(self.dice.choice(("processing", "pending", "on-hold")))
        elif draw < 0.85:
            self.move_one()
        elif draw < 0.95:
            number = self.dice.choice(sorted(self.shop.company.customers))
            self.shop.change_customer(number, first_name=self.shop.company.humans[number - 1].given)
        else:
            done = [one["id"] for one in self.shop.company.orders.values() if one["status"] == "completed"]
            self.shop.move_order(self.dice.choice(done[-200:]), "refunded")

    def move_one(self) -> None:
        """An open order goes one step on."""
        open_orders = [one for one in self.shop.company.orders.values() if one["status"] in NEXT_STATE]
        if open_orders:
            order = self.dice.choice(open_orders[-50:])
            self.shop.move_order(order["id"], NEXT_STATE[order["status"]])
