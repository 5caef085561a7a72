"""Test letters to staff: sent at once, a row of the ledger, on nobody's card."""

import email
from email import policy

import pytest

from email_campaigns import secret, suppression
from email_campaigns.delivery import testing
from email_campaigns.delivery.transports import smtp
from email_campaigns.letters import catalogue
from email_campaigns.letters import store as letters
from foundation.database import transaction
from foundation.errors import BadInput, Temporary


@pytest.fixture
def sent(house):
    """Send the letter to somebody of staff."""

    def send(address="olga@example.org", variables=None, **options):
        with transaction(house.engine) as session:
            version = letters.version(session, house.version)
        return testing.test_send(
            house.engine,
            version,
            "en",
            catalogue.example() if variables is None else variables,
            house.sender,
            address,
            **options,
        )

    return send


def test_it_leaves_at_once_and_looks_like_the_real_one(house, box, sent, clock):
    assert sent().state == "accepted"
    (taken,) = box.taken
    message = email.message_from_bytes(taken.data, policy=policy.strict)
    assert message["To"] == "olga@example.org"
    assert "List-Unsubscribe" in message
    assert len(message.get_all("DKIM-Signature")) == 2
    (row,) = house.rows()
    assert (row.state, row.step.split(":")[0], row.customer_id) == ("accepted", "test", None)
    assert not house.rows("SELECT 1 FROM timeline")


def test_what_the_server_refuses_is_answered(house, box, sent, clock):
    box.rcpt = lambda address: "550 5.1.1 nobody"
    assert sent()[:2] == ("failed", "no_mailbox")
    assert [row.state for row in house.rows()] == ["failed"]


def test_what_can_not_be_made_is_said(house, sent, clock):
    house.do(
        "UPDATE letter_versions SET texts = jsonb_set(texts, '{en,subject}', '\"{{ customer.birthday }}\"')"
    )
    letters._versions.clear()
    with pytest.raises(BadInput, match=r"customer\.birthday"):
        sent(variables={"customer": {}})
    assert [(row.state, row.reason) for row in house.rows()] == [("failed", "missing")]


def test_it_may_not_leave_where_nothing_may(house, box, sent, clock):
    with transaction(house.engine) as session:
        secret.stop(session, "", "olga@example.org")
    with pytest.raises(BadInput, match="stopped"):
        sent()
    with transaction(house.engine) as session:
        secret.go(session, "olga@example.org")
        suppression.add(session, "olga@example.org", "bounce")
    with pytest.raises(BadInput, match="suppression list"):
        sent()
    with pytest.raises(BadInput, match="no usable address"):
        sent("olga@@example.org")
    assert not box.taken
    assert not house.rows()


def test_a_server_that_is_away_leaves_a_row_that_says_so(house, sent, clock, monkeypatch):
    def away(self):
        raise Temporary("nobody is there")

    monkeypatch.setattr(smtp.Smtp, "open", away)
    with pytest.raises(Temporary):
        sent()
    assert [row.state for row in house.rows()] == ["failed"]
