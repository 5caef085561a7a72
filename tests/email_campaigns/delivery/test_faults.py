"""What mail servers do: they put off, refuse, hang, hang up, die. Nobody gets two letters, nobody is
forgotten."""

from collections import Counter
from datetime import timedelta

import pytest

from email_campaigns.delivery import engine as sending
from email_campaigns.delivery import ledger, results
from email_campaigns.delivery.transports import smtp
from foundation.database import transaction
from tests.email_campaigns.delivery.mailserver import mail_server
from tests.email_campaigns.delivery.world import build, person

PIPED = pytest.mark.parametrize("piped", [True, False], ids=["piped", "step by step"])


def nobody_got_two(box):
    assert max(Counter(box.addresses).values(), default=0) <= 1


@PIPED
def test_one_refused_recipient_fails_no_other(house, box, send, clock, piped):
    box.piped = piped
    box.rcpt = lambda address: "550 5.1.1 no such user" if address == "person3@mail3.example" else None
    house.crowd(8)
    house.plan()
    send()
    assert house.states() == {"accepted": 7, "failed": 1}
    assert house.reasons()["person3@mail3.example"] == "no_mailbox"
    assert len(box.addresses) == 7
    nobody_got_two(box)
    assert house.rows("SELECT reason FROM suppressions") == [("bounce",)]


def test_a_bounced_address_gets_nothing_the_next_time(house, box, send, clock):
    box.rcpt = lambda address: "550 5.1.1 no such user"
    house.crowd(1)
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    send()
    box.rcpt = lambda address: None
    house.plan(purpose="transactional", step="receipt:a:1:1:2")
    send()
    assert house.states() == {"failed": 1, "skipped": 1}
    assert house.rows("SELECT detail ->> 'why' FROM deliveries WHERE reason = 'suppressed'") == [("bounce",)]
    assert not box.taken


@PIPED
@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
def test_put_off_and_tried_again(house, box, send, clock, piped, stage):
    box.piped = piped
    setattr(box, stage, lambda address: "451 4.3.0 later, please")
    house.crowd(3)
    house.plan()
    send()
    assert house.states() == {"deferred": 3}
    setattr(box, stage, lambda address: None)
    send()
    assert not box.taken, "not before its time"
    clock.advance(timedelta(hours=2))
    send()
    clock.advance(timedelta(hours=2))
    send()
    assert house.states() == {"accepted": 3}
    nobody_got_two(box)


def test_put_off_for_too_long_is_given_up(house, box, send, clock):
    box.dot = lambda address: "450 4.2.0 greylisted for ever"
    house.crowd(1)
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    for _try in range(results.TRIES + 2):
        send()
        clock.advance(timedelta(hours=12))
    assert [(row.state, row.reason) for row in house.rows()] == [("failed", "gave_up")]
    assert "greylisted for ever" in house.rows()[0].reply


@PIPED
def test_dies_after_the_text_and_nothing_is_sent_again(house, box, send, clock, piped):
    box.piped = piped
    box.dot = lambda address: "die" if address.startswith("person2@") else None
    house.crowd(6)
    house.plan()
    send()
    assert house.states() == {"accepted": 5, "unknown": 1}
    assert house.reasons()["person2@mail2.example"] == "no_reply"
    clock.advance(timedelta(days=3))
    send()
    assert Counter(box.begun)["person2@mail2.example"] == 1
    nobody_got_two(box)


@PIPED
def test_takes_the_letter_and_dies_before_it_says_so(house, box, send, clock, piped):
    box.piped = piped
    box.dot = lambda address: "die after" if address.startswith("person4@") else None
    house.crowd(6)
    house.plan()
    send()
    clock.advance(timedelta(days=3))
    send()
    assert house.states() == {"accepted": 5, "unknown": 1}
    assert len(box.addresses) == 6
    nobody_got_two(box)


def test_hangs_after_the_text(house, box, send, clock, monkeypatch):
    monkeypatch.setattr(smtp, "WAIT", 0.5)
    box.dot = lambda address: "hang" if address.startswith("person1@") else None
    house.crowd(3)
    house.plan()
    send()
    assert house.states() == {"accepted": 2, "unknown": 1}
    nobody_got_two(box)


@PIPED
def test_hangs_up_every_few_letters(house, box, send, clock, piped):
    box.piped, box.close_every = piped, 4
    house.crowd(30)
    house.plan()
    for _round in range(20):
        send()
        clock.advance(timedelta(seconds=10))
        sending.post_of(house.engine).rests.clear()
    assert house.states() == {"accepted": 30}
    nobody_got_two(box)
    assert box.connections > 5


def test_closes_with_421_and_takes_the_rest_later(house, box, send, clock):
    seen = []

    def busy(address):
        seen.append(address)
        return "421 4.7.0 too many" if len(seen) % 5 == 0 else None

    box.dot = busy
    house.crowd(20)
    house.plan()
    for _round in range(12):
        send()
        clock.advance(timedelta(minutes=20))
    assert house.states() == {"accepted": 20}
    nobody_got_two(box)


def test_a_busy_domain_is_left_alone_and_others_are_not(house, box, send, clock):
    box.rcpt = lambda address: "450 4.7.1 slow down" if address.endswith("@mail1.example") else None
    house.crowd(28)
    house.plan()
    send()
    assert house.states()["accepted"] == 24
    asked = house.rows("SELECT domains FROM transports")[0].domains
    assert set(asked) == {"mail1.example"}
    assert asked["mail1.example"]["slower"] == 1
    box.rcpt = lambda address: None
    house.people(*[])
    for _round in range(10):
        clock.advance(timedelta(minutes=10))
        send()
    assert house.states() == {"accepted": 28}
    nobody_got_two(box)


def test_a_full_mailbox_is_no_bounce_until_it_was_full_often(house, box, send, clock):
    box.rcpt = lambda address: "552 5.2.2 mailbox full"
    house.crowd(1)
    for number in range(3):
        assert not house.rows("SELECT reason FROM suppressions")
        house.plan(purpose="transactional", step=f"receipt:a:1:1:{number}")
        send()
        clock.advance(timedelta(days=1))
    assert house.states() == {"failed": 3}
    kept = house.rows("SELECT reason, until FROM suppressions")
    assert [row.reason for row in kept] == ["soft_bounces"]
    assert kept[0].until is not None


def test_twenty_refusals_by_policy_pause_the_transport(house, box, send, clock):
    box.dot = lambda address: "554 5.7.1 this looks like spam"
    house.crowd(120)
    house.plan()
    send()
    assert 20 <= house.states()["failed"] < 100
    paused = house.rows("SELECT state, reason FROM transports")[0]
    assert paused.state == "paused"
    assert "this looks like spam" in paused.reason
    assert house.states()["planned"] == 120 - house.states()["failed"]
    assert house.rows("SELECT subject FROM problems WHERE state = 'open'") == [("Server",)]
    box.dot = lambda address: None
    house.do("UPDATE transports SET state = 'on'")
    with transaction(house.engine) as session:  # Odoo's story: a failed row is no duplicate of itself
        ledger.again(session, house.step, "policy")
    send()
    assert house.states() == {"accepted": 120}
    nobody_got_two(box)


def test_a_server_that_is_away_costs_nobody_a_letter(house, box, send, clock):
    house.crowd(5)
    house.plan()
    house.do("UPDATE transports SET name = 'Server'")
    port = smtp.Smtp.open
    try:
        smtp.Smtp.open = lambda self: (_ for _ in ()).throw(
            smtp.trouble.told("mx", 25, ConnectionRefusedError())
        )
        send()
    finally:
        smtp.Smtp.open = port
    assert house.states() == {"planned": 5}
    assert house.rows("SELECT attempts FROM deliveries") == [(0,)] * 5
    assert "connection refused" in house.rows("SELECT message FROM problems")[0].message
    sending.post_of(house.engine).rests.clear()
    clock.advance(timedelta(minutes=1))
    send()
    assert house.states() == {"accepted": 5}
    nobody_got_two(box)


@pytest.mark.parametrize("wide", [True, False])
def test_an_address_beyond_ascii_goes_where_it_is_taken(engine, sealed_context, sealer, send, clock, wide):
    with mail_server(wide=wide) as (box, port):
        house = build(engine, sealer, port)
        house.people(person(1, emails=("анна@почта.example",)), person(2))
        house.plan()
        send()
        assert house.reasons()["анна@почта.example"] == ("" if wide else "needs_utf8")
        assert len(box.taken) == 1 + wide
        if wide:
            assert "анна@xn--80a1acny.example" in box.addresses
        sending.rest(engine)
