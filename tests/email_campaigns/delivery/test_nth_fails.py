"""The n-th statement fails, for every n: nobody has two letters, and everybody a row that says why."""

from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event

from email_campaigns.delivery import claims, results
from email_campaigns.delivery import engine as sending

PEOPLE = 12


class Broken(RuntimeError):
    """Not an error of the database: nothing is retried because of it."""


def calm(house, box, send, clock):
    """Let leases run out and send what is left; then everything must add up."""
    for _round in range(4):
        clock.advance(timedelta(seconds=claims.LEASE + 60))
        sending.post_of(house.engine).rests.clear()
        sending.post_of(house.engine).swept = 0.0
        house.do("UPDATE transports SET state = 'on'")
        send()
    got = Counter(box.addresses)
    assert max(got.values()) == 1
    for row in house.rows():
        assert row.state in ("accepted", "unknown"), row
        assert row.state == "unknown" or got[row.address] == 1
        assert row.state == "accepted" or row.reason in ("died", "no_reply")
    told = house.rows("SELECT count(*) FROM timeline WHERE kind = 'letter.sent'")[0][0]
    assert told == house.states()["accepted"]


@pytest.mark.parametrize("number", range(1, 26))
def test_a_statement_fails(house, box, send, clock, number):
    house.crowd(PEOPLE)
    house.plan()
    seen = []

    def fail(conn, cursor, statement, *rest):
        if "deliveries" in statement or "letter_" in statement or "mail_switch" in statement:
            seen.append(statement)
            if len(seen) == number:
                raise Broken(statement[:80])

    event.listen(house.engine, "before_cursor_execute", fail)
    try:
        for _turn in range(20):
            try:
                if not sending.send(house.engine):
                    break
            except Broken:
                break
    finally:
        event.remove(house.engine, "before_cursor_execute", fail)
    calm(house, box, send, clock)


@pytest.mark.parametrize("after", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("kind", [Broken, psycopg.OperationalError])
@pytest.mark.parametrize("number", range(1, 7))
def test_a_turn_fails(house, box, send, clock, monkeypatch, number, kind, after):
    house.crowd(PEOPLE)
    house.plan()
    usual, seen = results.Turn._execute, []

    def execute(self, query, values):
        seen.append(query)
        if len(seen) == number and not after:
            raise kind("lost")
        found = usual(self, query, values)
        if len(seen) == number:
            raise kind("the answer is lost")
        return found

    monkeypatch.setattr(results.Turn, "_execute", execute)
    send()
    monkeypatch.undo()
    calm(house, box, send, clock)
    if kind is psycopg.OperationalError:
        assert house.states() == {"accepted": PEOPLE}, "it is said again until it is heard"
