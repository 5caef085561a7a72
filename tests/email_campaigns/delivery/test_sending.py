"""A letter's way from the plan to the server's 250."""

import email
import time
from email import policy

from email_campaigns.delivery import engine as sending


def test_everybody_gets_one_letter(house, box, send, clock):
    house.crowd(25)
    assert house.plan() == 25
    send()
    assert sorted(box.addresses) == sorted(f"person{n}@mail{n % 7}.example" for n in range(25))
    assert house.states() == {"accepted": 25}
    letter = email.message_from_bytes(box.taken[0].data, policy=policy.strict)
    assert letter["Subject"].startswith("News for Person")
    told = house.rows("SELECT kind, customer_id, data FROM timeline WHERE kind = 'letter.sent'")
    assert len(told) == 25
    assert all(row.customer_id for row in told)


def test_a_lane_that_ended_is_seen_at_once(house, send, monkeypatch):
    """Also where its thread takes a moment to go: else every few letters cost a glance of waiting."""
    run = sending.Post._run

    def lingering(post, lane):
        run(post, lane)
        time.sleep(0.3)

    monkeypatch.setattr(sending.Post, "_run", lingering)
    monkeypatch.setattr(sending, "GLANCE", 20.0)
    house.crowd(1)
    house.plan()
    began = time.monotonic()
    send()
    assert house.states() == {"accepted": 1} and time.monotonic() - began < 15
