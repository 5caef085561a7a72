"""Reports that a mailbox got: each is acted on once, whoever sent it, however often it is read."""

import pytest

from connectors.letters import payload
from email_campaigns import secret, tokens
from email_campaigns.doors import incoming
from foundation.database import transaction
from sync import connections, resolve
from sync.landing import land
from tests.email_campaigns.delivery.world import person
from tests.email_campaigns.doors.test_returning import arf, dsn
from tests.mailbox import ARRIVED, letter


@pytest.fixture
def mailbox(house):
    """Letters land as from a mailbox, and their reports are read."""
    values = {"host": "127.0.0.1", "user": "bounces", "password": "secret"}
    with transaction(house.engine) as session:
        connection = connections.create(session, house.sealer, "imap", "Bounces", values).id

    def bring(*raws: bytes) -> None:
        rows = [payload.pack(raw, at=ARRIVED, size=len(raw), sent=False, cut=False) for raw in raws]
        with transaction(house.engine) as session:
            land(session, connection, "letters", rows, "pull")
        while resolve.resolve(house.engine):
            pass
        while incoming.read(house.engine):
            pass

    return bring


def to(post, raw: bytes, number: int = 0) -> bytes:
    """The report as it comes to the return path of a letter."""
    address = f"bounces+{post.token('return', number)}@shop.example"
    return f"Delivered-To: {address}\r\n".encode() + raw


def outcomes(post) -> list[str]:
    return [row.outcome for row in post.house.rows("SELECT outcome FROM mail_messages ORDER BY id")]


def test_a_bounce_suppresses_and_is_told_once(post, mailbox):
    post.sent()
    mailbox(to(post, dsn()))
    mailbox(to(post, dsn()))
    mailbox(b"Received: again\r\n" + to(post, dsn()))  # the same report by another way
    assert post.scopes() == [("", "bounce")]
    assert len(post.told("letter.bounced")) == 1
    assert "came_back" in post.delivery.detail
    assert outcomes(post)[0] == "bounced: no_mailbox"


def test_a_complaint_is_at_once_and_for_good(post, mailbox):
    post.sent()
    link = f"List-Unsubscribe: <https://crm.shop.example/m/u/{post.token('unsubscribe')}>"
    mailbox(arf(headers=link))
    assert post.scopes()[0] == ("", "complaint")
    assert len(post.told("letter.complained")) == 1


def test_reports_of_strangers_change_nothing(post, mailbox):
    post.sent()
    forged = tokens.write(b"x" * 32, "return", post.delivery.id)
    mailbox(dsn(), b"To: bounces+" + forged.encode() + b"@shop.example\r\n" + dsn(), arf())
    assert post.scopes() == [] and post.told("letter.bounced") == []
    assert set(outcomes(post)) == {"ignored: no token of ours"}
    assert not post.house.rows("SELECT FROM mail_messages WHERE report IS NOT NULL")


def test_reports_stand_on_no_card_and_wait_for_nobody(post, mailbox):
    post.sent()
    mailbox(to(post, dsn()))
    assert post.told("letter.received") == [] and post.told("letter.replied") == []
    assert post.house.rows("SELECT waiting, automatic FROM mail_threads") == [(False, True)]
    assert not post.house.rows("SELECT FROM profiles WHERE kind = 'correspondent'")


def test_a_report_that_breaks_its_reader_stops_no_other(post, mailbox, monkeypatch):
    post.sent(person(1), person(2))
    taken = incoming._reader().take

    def breaks(session, raw, recipient=""):
        if b"broken" in raw:
            session.execute(incoming.text("SELECT 1/0"))
        return taken(session, raw, recipient)

    monkeypatch.setattr(incoming._reader(), "take", breaks)
    mailbox(dsn() + b"broken", to(post, dsn(), 1))
    assert sorted(outcomes(post)) == ["bounced: no_mailbox", "failed"]
    [problem] = post.house.rows("SELECT area, payload, landed_id FROM problems")
    assert problem.area == "mail" and problem.landed_id


def test_an_absence_note_to_the_return_path_is_no_bounce(post, mailbox):
    post.sent()
    note = letter("person1@mail1.example", "Away", Auto_Submitted="auto-replied", Return_Path="<>")
    mailbox(to(post, note))
    assert post.scopes() == [] and post.told("letter.replied") == []
    [told] = post.told("letter.received")
    assert told["automatic"] == "reply"


def test_an_answer_counts_for_its_mailing(post, mailbox):
    post.sent()
    with transaction(post.house.engine) as session:
        assert secret.token_key(session)
    ours = f"<{post.delivery.id.hex}@shop.example>"
    mailbox(letter("other.address@far.example", "Re: News", In_Reply_To=ours))
    mailbox(letter("other.address@far.example", "Re: News", body="More", In_Reply_To=ours))
    told = post.told("letter.replied")
    assert len(told) == 2 and {one["delivery"] for one in told} == {str(post.delivery.id)}
    assert told[0]["mailing"] == str(post.house.mailing) and told[0]["from"] == "other.address@far.example"
    [card] = post.house.rows("SELECT DISTINCT customer_id FROM timeline WHERE kind = 'letter.replied'")
    assert card.customer_id is not None
    assert post.house.rows("SELECT letters FROM mail_threads") == [(2,)]


def test_a_letter_that_never_left_is_answered_by_nobody(post, mailbox):
    post.house.people(person(1))
    post.house.plan()
    mailbox(letter("evil@far.example", In_Reply_To=f"<{post.delivery.id.hex}@shop.example>"))
    assert post.told("letter.replied") == [] and len(post.told("letter.received")) == 1


def test_an_answer_proves_that_a_letter_of_unknown_fate_arrived(post, mailbox):
    post.sent()
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'died'")
    post.house.do("DELETE FROM timeline WHERE kind = 'letter.sent'")  # as it is when nobody knows
    ours = f"<{post.delivery.id.hex}@shop.example>"
    for number in range(2):
        mailbox(letter("person1@mail1.example", body=f"Yes {number}", In_Reply_To=ours))
    assert (post.delivery.state, post.delivery.reason) == ("accepted", "proved")
    assert len(post.told("letter.sent")) == 1 and len(post.told("letter.replied")) == 2
    assert not post.house.rows("SELECT FROM mail_messages WHERE names <> '{}'")
