"""The collector under kills: what was answered 200 is one timeline row, however often it was sent."""

import http.client
import json
import random
import socket
import threading
import time
import uuid

import pytest
from sqlalchemy import text

from foundation.database import transaction
from foundation.sealing import open_sealer
from tests.soak.herd import Herd, kills_wanted
from web_capture import sites

LINES = 8
ASTRAY = """
SELECT count(*) FROM timeline t WHERE (t.customer_id IS NULL) = EXISTS (
  SELECT FROM timeline n WHERE n.kind = 'web.identify' AND n.data ->> 'device' = t.data ->> 'device')
"""  # a row is on a card when its device has said a name, else on none


class Flood(Herd):
    """Eight connections that send visits, names and repeats until each has been answered 200."""

    def __init__(self, engine, settings, folder, seed: int) -> None:
        super().__init__(engine, settings, folder, random.Random(seed))
        with transaction(engine) as session:
            site, keys = sites.add(session, open_sealer(settings), "shop.example")
            self.site, self.key = site.id, keys.secret_key
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.over = threading.Event()
        self.accepted: list[set[str]] = [set() for _ in range(LINES)]
        self.named: dict[str, int] = {}  # whom a message names
        self.repeats = self.troubles = 0

    def send(self, number: int) -> None:
        """One connection's life."""
        chance = random.Random(number)
        mine: list[dict[str, object]] = []
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.over.is_set():
            batch = [self._event(chance, number) for _ in range(chance.randrange(1, 40))]
            batch += [chance.choice(mine) for _ in range(3) if mine]  # said before, and kept
            while not self._taken(line, batch):
                self.troubles += 1
                if self.over.wait(0.05):
                    break
            else:
                self.repeats += 3
                self.accepted[number] |= {str(one["messageId"]) for one in batch}
                mine = (mine + batch)[-200:]
        line.close()

    def _taken(self, line: http.client.HTTPConnection, batch: list[dict[str, object]]) -> bool:
        try:
            line.request("POST", "/v1/batch", json.dumps({"writeKey": self.key, "batch": batch}))
            with line.getresponse() as answer:
                answer.read()
                return answer.status == 200
        except (OSError, http.client.HTTPException):
            line.close()
            return False

    def _event(self, chance: random.Random, number: int) -> dict[str, object]:
        who = chance.randrange(60)
        event: dict[str, object] = {"messageId": str(uuid.uuid4()), "anonymousId": f"d{number}-{who}"}
        if chance.random() < 0.1:
            traits = {"email": f"p{who}@p.kz", "name": f"Person Nr{who}"}
            self.named[str(event["messageId"])] = who
            return {**event, "type": "identify", "userId": f"u{who}", "traits": traits}
        return {**event, "type": "track", "event": "Product Viewed", "properties": {"product_id": str(who)}}

    def rage(self, kills: int) -> None:
        """Kill the parts and the server's own connections at random moments."""
        for name in ("web", "worker-1", "worker-2"):
            self.start(name, self.port)
        threads = [threading.Thread(target=self.send, args=(number,)) for number in range(LINES)]
        for thread in threads:
            thread.start()
        try:
            for number in range(kills):
                name = self.grown()
                time.sleep(self.chance.random() * 0.5)
                if number % 3 == 2:
                    self._cut_connections()
                    self.kills += 1
                    continue
                self.kill(name)
                self.start(name, self.port)
            self.grown()
            time.sleep(1)
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)

    def _cut_connections(self) -> None:
        with self.engine.connect() as db:
            db.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name IN ('kartoteka-collector', 'kartoteka-worker')"
                )
            )

    def settle(self, limit: float) -> None:
        """Wait until all that was taken has its rows."""
        deadline = time.monotonic() + limit
        while True:
            with self.engine.connect() as db:
                left = db.scalar(text("SELECT count(*) FROM captured"))
            if not left:
                return
            assert time.monotonic() < deadline, f"{left} bundles never got their rows"
            time.sleep(0.2)


@pytest.mark.soak
def test_what_was_answered_is_stored_once(engine, settings, tmp_path):
    flood = Flood(engine, settings, tmp_path, seed=3)
    try:
        flood.rage(kills_wanted(6))
        flood.settle(300)
        accepted = set().union(*flood.accepted)
        with engine.connect() as db:
            rows = list(db.scalars(text("SELECT substr(source_key, 3) FROM timeline")))
            on_cards = db.scalar(text("SELECT count(*) FROM timeline WHERE customer_id IS NOT NULL"))
            astray = db.scalar(text(ASTRAY))
            people = db.scalar(text("SELECT count(*) FROM customers WHERE live"))
        print(f"{len(accepted)} events accepted, {flood.repeats} repeats, {flood.kills} kills,")
        print(f"{flood.troubles} calls to be sent again, {people} cards, {on_cards} rows on them")
        assert len(rows) == len(set(rows))
        assert accepted <= set(rows)
        assert len(set(rows) - accepted) <= LINES * 45, "at most the calls under way at the end"
        assert people == len({flood.named[one] for one in rows if one in flood.named})
        assert astray == 0
    finally:
        flood.stop()
