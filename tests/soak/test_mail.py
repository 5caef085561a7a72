"""Ten thousand letters while workers and beats are killed, servers die and hang, the broker is emptied,
mailings pause, and people become one and two again.

KARTOTEKA_SOAK_KILLS says how many kills, KARTOTEKA_SOAK_SECONDS for how long at most, KARTOTEKA_SOAK_LETTERS
how many people.
"""

import os
import random
import time
from uuid import UUID

import pytest
import redis
from sqlalchemy import text

from customers import merge
from email_campaigns.mailings import acts
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.delivery.mailserver import mail_server
from tests.soak.herd import kills_wanted
from tests.soak.mailhouse import SKIP, MailHouse

FAR = "9 years"


class Storm:
    """What goes wrong besides the kills."""

    def __init__(self, mail: MailHouse, people: int, kills: int) -> None:
        self.mail, self.portion = mail, people // kills + 1
        self.chance, self.paused = random.Random(7), False
        self.merges = self.splits = self.pauses = self.flushes = self.hangs = 0

    def dot(self, address: str) -> str | None:
        """The server's answer to a text: nearly always fine."""
        luck = self.chance.random()
        if luck > 0.9995:
            self.hangs += 1
            return "hang"
        if luck < 0.004:
            return "die"
        if luck < 0.008:
            return "die after"
        if luck < 0.02:
            return self.chance.choice(["451 4.3.0 later", "421 4.3.2 going down", "450 4.2.0 greylisted"])
        return None

    def rcpt(self, address: str) -> str | None:
        """A few mailboxes don't exist."""
        return "550 5.1.1 nobody" if address.partition("@")[0].endswith("77") else None

    def disturb(self, kills: int) -> None:
        """After each kill: more letters become due, and something else happens."""
        house = self.mail.house
        house.do(
            "UPDATE deliveries SET due_at = planned_at WHERE id IN (SELECT id FROM deliveries"
            " WHERE state = 'planned' AND due_at > planned_at + interval '1 year'"
            f" LIMIT {self.portion} {SKIP})"
        )
        if kills % 3 == 0:
            self.mail.hurry("state = 'deferred'")
        if kills % 7 == 0:
            self._pause()
        if kills % 5 == 0:
            self._join()
        if kills % 15 == 0:
            self._part()
        if kills % 11 == 0:
            self.flushes += 1
            broker = redis.Redis.from_url(self.mail.settings.redis_url)
            broker.flushall()
            broker.close()

    def _pause(self) -> None:
        """Somebody pauses the mailing and lets it go on."""
        self.pauses += 1
        with transaction(self.mail.engine) as session:
            acts.pause(session, self.mail.house.mailing, "olga@example.org")
        time.sleep(0.1)
        with transaction(self.mail.engine) as session:
            acts.resume(session, self.mail.house.mailing)

    def _part(self) -> None:
        """One of two people on a card turns out to be somebody else after all."""
        query = text(
            "SELECT max(CAST(p.id AS text)) FROM profiles p JOIN customers c ON c.id = p.customer_id"
            " WHERE c.live GROUP BY c.id HAVING count(*) > 1 ORDER BY random() LIMIT 1"
        )
        with transaction(self.mail.engine) as session:
            if found := session.scalar(query):
                merge.split(session, [UUID(found)], "olga@example.org")
                self.splits += 1

    def _join(self) -> None:
        """Two people turn out to be one; every other time that is taken back."""
        with transaction(self.mail.engine) as session:
            pair = session.scalars(
                text("SELECT id FROM customers WHERE live ORDER BY random() LIMIT 2")
            ).all()
        try:
            with transaction(self.mail.engine) as session:
                operation = merge.merge(session, *pair, "olga@example.org")
        except BadInput:
            return
        self.merges += 1
        if self.merges % 2:
            with transaction(self.mail.engine) as session:
                merge.undo(session, operation.id, "olga@example.org")


@pytest.mark.soak
def test_ten_thousand_letters_and_nobody_gets_two(engine, settings, tmp_path):
    kills, people = kills_wanted(20), int(os.environ.get("KARTOTEKA_SOAK_LETTERS", "10000"))
    with mail_server(delay=0.005) as (box, port):
        mail = MailHouse(engine, settings, box, port, tmp_path, seed=5)
        storm = Storm(mail, people, kills)
        box.dot, box.rcpt, box.close_every = storm.dot, storm.rcpt, 57
        try:
            for begin in range(0, people, 2000):
                mail.house.people(*mail.crowd(begin, min(begin + 2000, people)))
            assert mail.house.plan() == people
            mail.house.do(f"UPDATE deliveries SET due_at = due_at + interval '{FAR}'")
            storm.disturb(1)
            mail.rage(kills, storm.disturb, float(os.environ.get("KARTOTEKA_SOAK_SECONDS", "1e9")))
            mail.hurry("state = 'planned'")
            mail.settle(900)
            states = mail.check(people)
            print(f"{mail.kills} kills, {storm.pauses} pauses, {storm.merges} merges, {storm.splits} splits,"
                  f" {storm.flushes} flushes, {storm.hangs} hangs: {states}")  # fmt: skip
            # two connections a worker, at most ten letters of each between "handed over" and its result
            assert states["unknown"] <= people * 0.02 + mail.kills * 20
            assert states["accepted"] > people * 0.5
        finally:
            mail.stop()
