"""A letter's way from the plan to the server's 250."""

import email
from email import policy


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
