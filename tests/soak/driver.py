"""Kills workers, the beat and the web part at random moments while a shop lives on; compares both sides."""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import Engine, text

from connectors.base import raw_json
from foundation.database import transaction
from foundation.sealing import open_sealer
from foundation.settings import Settings
from sync import connections, context, imports, pull
from tests import shops
from tests.soak.herd import Herd


class Storm(Herd):
    """One shop, one file import, four processes, and everything that goes wrong between them."""

    def __init__(self, engine: Engine, settings: Settings, folder: Path, seed: int, people: int) -> None:
        super().__init__(engine, settings, folder, random.Random(seed))
        self.shop = shops.Shop("storm", page_size=40)
        self.address, self.close_shop = shops.serve(self.shop)
        self.people = people
        self.sealer = open_sealer(settings)
        self.port = _free_port()
        self.answers: Counter[int] = Counter()  # statuses of webhooks; 0: nobody answered
        self.waiting: list[tuple[str, str, dict[str, object]]] = []
        self.over = threading.Event()
        shops.install()
        context.use(context.Context(settings, self.sealer))
        with transaction(engine) as session:
            own = connections.create(
                session, self.sealer, "fake", "Storm", {"shop": "storm", "address": self.address}
            )
            own.every_seconds = 60
            self.connection = own.id
            self.secret = connections.hook_secrets(self.sealer, own)[0]
            self.book = imports.connection_for(session, self.sealer, "Old customers").id

    # the other side lives
    def fill(self) -> None:
        """What the shop has before we come."""
        for number in range(self.people):
            self.shop.customer(number)
            self.shop.order(number, buyer=number if number % 3 else None)
        for number in range(20):
            self.shop.put("products", f"p{number}", name=f"Thing {number}")
        self.shop.outbox.clear()

    def live(self) -> None:
        """Buyers and staff at work, and webhooks of it: a third lost, a third doubled, none in order."""
        while not self.over.wait(0.02):
            for _ in range(self.chance.randrange(1, 5)):
                self._happen()
            if len(self.shop.outbox) > 25 and _is_open(self.port):
                self._send_webhooks()

    def _happen(self) -> None:
        chance, shop = self.chance, self.shop
        number = chance.randrange(self.people * 2)
        match chance.randrange(12):
            case 0 | 1 | 2:
                shop.customer(number, name=f"Person Number{number} {chance.choice(['', 'Jr', 'Sr'])}".strip())
            case 3 | 4 | 5:
                shop.order(number, buyer=chance.choice([None, number]))
            case 6 | 7 | 8 | 9:
                if f"o{number}" in shop.objects["orders"]:
                    shop.put("orders", f"o{number}", state=chance.choice(["paid", "shipped", "cancelled"]))
            case 10:
                shop.delete("orders", f"o{number}")
            case 11:
                shop.delete("customers", f"c{number}")

    def _send_webhooks(self) -> None:
        """Send what has gathered, mistreated; one that nobody answers is lost, the rest waits."""
        with self.shop.lock:
            outbox, self.shop.outbox = self.shop.outbox, []
        self.waiting += shops.mistreat(outbox, self.chance)
        while self.waiting and not self.over.is_set():
            topic, stream, thing = self.waiting.pop()
            answer = self._post(*shops.delivery(self.secret, topic, stream, thing))
            self.answers[answer] += 1
            if answer != 200:
                return

    def _post(self, headers: dict[str, str], body: bytes) -> int:
        """The status of one delivery; 0 when nobody answered."""
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            door.request("POST", f"/hooks/{self.connection}", body, headers)
            return door.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            door.close()

    # our side is killed
    def stop(self) -> None:
        """End everything."""
        self.over.set()
        super().stop()
        self.close_shop()
        context.use(None)

    def rage(self, kills: int) -> None:
        """Kill one process after another, flush Valkey now and then, and ask for pulls all the while."""
        names = ["worker-1", "worker-2", "beat", "web"]
        for name in names:
            self.start(name, self.port)
        _wait_for_port(self.port)
        with transaction(self.engine) as session:
            imports.start(session, self.settings, self.book, self._file(), "customers", "storm")
        life = threading.Thread(target=self.live)
        life.start()
        try:
            for number in range(kills):
                with transaction(self.engine) as session:
                    pull.start(session, self.connection, full=number % 7 == 3)
                if number % 3 == 2:
                    self.flush()
                victim = self.grown()
                time.sleep(self.chance.uniform(0.1, 1.2))
                self.kill(victim)
                self.start(victim, self.port)
        finally:
            self.over.set()
            life.join()

    def _file(self) -> Path:
        path = self.folder / "old.csv"
        rows = (f"Old Customer{n},old{n}@example.org,c{n}\n" for n in range(self.people * 10))
        path.write_text("name,email,customer id\n" + "".join(rows), encoding="utf-8")
        return path

    # both sides are compared
    def differences(self) -> dict[str, object]:
        """What differs between the shop and us; empty when nothing does."""
        found: dict[str, object] = {}
        with self.engine.connect() as db:
            for stream, things in self.shop.objects.items():
                heads = dict(
                    db.execute(
                        text(
                            "SELECT h.external_id, r.payload FROM landed_heads h"
                            " JOIN landed_records r ON r.id = h.landed_id"
                            " WHERE h.connection_id = :c AND h.stream = :s AND NOT h.gone"
                        ),
                        {"c": self.connection, "s": stream},
                    ).all()
                )
                there = {i: raw_json(i, dict(thing)).payload for i, thing in things.items()}
                found[f"{stream} missing"] = sorted(there.keys() - heads.keys())
                found[f"{stream} extra"] = sorted(heads.keys() - there.keys())
                found[f"{stream} other"] = sorted(
                    i for i in there.keys() & heads.keys() if there[i] != heads[i]
                )
            found |= self._facts(db)
        return {name: what for name, what in found.items() if what}

    def _facts(self, db) -> dict[str, object]:
        here = {"c": self.connection, "b": self.book}
        orders = {
            row[0]: (row[1], row[2])
            for row in db.execute(
                text(
                    "SELECT external_id, number, state FROM orders WHERE source_id = :c AND gone_at IS NULL"
                ),
                here,
            )
        }
        there = {i: (t["number"], t["state"]) for i, t in self.shop.objects["orders"].items()}
        names = {
            row[0]: row[1]
            for row in db.execute(
                text(
                    "SELECT external_id, record ->> 'name' FROM profiles WHERE source_id = :c"
                    " AND kind = 'customer' AND gone_at IS NULL AND landed_id IS NOT NULL"
                ),
                here,
            )
        }
        doubles = db.execute(
            text("SELECT source_id, source_key FROM timeline GROUP BY 1, 2 HAVING count(*) > 1")
        ).all()
        placed = db.execute(
            text(
                "SELECT o.external_id, count(t.id) FROM orders o"
                " LEFT JOIN timeline t ON t.source_id = o.source_id AND t.kind = 'order.placed'"
                " AND t.data ->> 'order' = o.id::text"
                " WHERE o.source_id = :c AND o.gone_at IS NULL GROUP BY 1 HAVING count(t.id) <> 1"
            ),
            here,
        ).all()
        return {
            "orders": _unequal(orders, there),
            "customers": _unequal(names, {i: t["name"] for i, t in self.shop.objects["customers"].items()}),
            "timeline doubles": doubles,
            "orders not placed once": placed,
            "imported": self.people * 10
            - db.scalar(text("SELECT count(*) FROM profiles WHERE source_id = :b AND gone_at IS NULL"), here),
            "cards without anybody": db.scalar(
                text(
                    "SELECT count(*) FROM customers c WHERE live AND NOT EXISTS"
                    " (SELECT FROM profiles p WHERE p.customer_id = c.id)"
                )
            ),
            "problems": db.execute(
                text("SELECT area, subject, message FROM problems WHERE state = 'open' AND area <> 'loop'")
            ).all(),
        }

    def figures(self) -> dict[str, int]:
        """How much went through, for the report."""
        with self.engine.connect() as db:
            rows = {
                t: db.scalar(text(f"SELECT count(*) FROM {t}")) for t in ("orders", "profiles", "timeline")
            }
        return {"kills": self.kills, **{f"webhooks {a}": n for a, n in self.answers.items()}, **rows}


def _unequal(ours: dict[str, object], theirs: dict[str, object]) -> list[str]:
    return sorted(i for i in ours.keys() | theirs.keys() if ours.get(i) != theirs.get(i))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if _is_open(port):
            return
        time.sleep(0.05)
    raise TimeoutError("the webhook door never opened")
