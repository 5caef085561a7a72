"""Answers to letters: planned once, in their thread, never to whom nothing may be sent."""

import threading

import pytest

from connectors.letters import payload
from customers.mail.tables import MailMessage
from email_campaigns import answers, secret, suppression
from email_campaigns.delivery import claims
from foundation.clock import new_id
from foundation.database import transaction
from foundation.errors import BadInput
from sync import connections, resolve
from sync.landing import land
from tests.email_campaigns.delivery.conftest import box, house, sealed_context, send, server
from tests.email_campaigns.delivery.world import person
from tests.mailbox import ARRIVED, letter

__all__ = ["box", "house", "sealed_context", "send", "server"]
WHO = "person1@mail1.example"


@pytest.fixture
def came(house):
    """A letter of somebody known; answers its id."""
    house.people(person(1))
    values = {"host": "127.0.0.1", "user": "shop", "password": "secret"}
    with transaction(house.engine) as session:
        connection = connections.create(session, house.sealer, "imap", "Mail", values).id

    def bring(**headers):
        raw = letter(WHO, "Cups", **headers)
        with transaction(house.engine) as session:
            row = payload.pack(raw, at=ARRIVED, size=len(raw), sent=False, cut=False)
            land(session, connection, "letters", [row], "pull")
        while resolve.resolve(house.engine):
            pass
        return house.rows("SELECT id FROM mail_messages ORDER BY received_at DESC, id DESC LIMIT 1")[0].id

    return bring


def say(house, letter_id, key=None, **changes):
    said = {"sender_id": house.sender, "to": WHO, "subject": "Re: Cups", "body": "Hello", "actor": "olga",
            "key": key or new_id()} | changes  # fmt: skip
    with transaction(house.engine) as session:
        return answers.send(session, session.get_one(MailMessage, letter_id), **said)


def test_many_clicks_at_once_are_one_answer(house, came, send, box):
    one, key, errors = came(), new_id(), []

    def click():
        try:
            say(house, one, key)
        except Exception as error:
            errors.append(error)

    clicks = [threading.Thread(target=click) for _ in range(6)]
    [click.start() for click in clicks]
    [click.join() for click in clicks]
    send()
    assert errors == [] and len(box.taken) == 1
    assert len(house.rows("SELECT FROM mail_messages WHERE direction = 'out'")) == 1


def test_an_answer_whose_worker_died_is_never_sent_again(house, came, send, box):
    one = came()
    box.dot = lambda address: "die"
    delivery = say(house, one)
    send()
    [row] = house.rows("SELECT state FROM deliveries")
    assert row.state == "unknown"
    with transaction(house.engine) as session:
        assert answers.fates(session, [delivery])[delivery].state == "unknown"
    send()
    assert len(box.taken) <= 1


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"body": " \r\n "}, "text"),
        ({"body": "x" * 20_001}, "text"),
        ({"to": "evil@x.example"}, "to"),
        ({"sender_id": new_id()}, "sender"),
    ],
)
def test_what_can_not_be_sent(house, came, changes, at):
    one = came()
    with pytest.raises(BadInput) as caught:
        say(house, one, **changes)
    assert caught.value.at == at and not house.rows("SELECT FROM deliveries")


def test_an_answer_may_go_where_the_letter_asks_for_it(house, came, send, box):
    one = came(Reply_To="desk@firm.example")
    say(house, one, to="desk@firm.example")
    send()
    assert box.taken[0].recipients == ["desk@firm.example"]


@pytest.mark.parametrize(
    ("tag", "said"), [("ru", "пишет:"), ("kk-KZ", "жазды:"), ("de", "wrote:"), (None, "wrote:")]
)
def test_letter_is_quoted_in_the_language_of_its_writer(house, came, tag, said):
    one = came()
    house.do("UPDATE customers SET language = :tag", tag=tag)
    say(house, one)
    (row,) = house.rows("SELECT context->>'text' AS text FROM deliveries")
    assert row.text.startswith("Hello\n\n") and row.text.splitlines()[2].endswith(said)


def test_nothing_leaves_to_the_suppressed_or_while_sending_is_stopped(house, came):
    one = came()
    with transaction(house.engine) as session:
        suppression.add(session, WHO, "complaint")
    with pytest.raises(BadInput, match="suppression"):
        say(house, one)
    house.do("DELETE FROM suppressions")
    with transaction(house.engine) as session:
        secret.stop(session, "a drill", "me")
    with pytest.raises(BadInput, match="stopped"):
        say(house, one)


def test_who_unsubscribed_from_mailings_is_answered_all_the_same(house, came, send, box):
    one = came()
    with transaction(house.engine) as session:
        suppression.add(session, WHO, "unsubscribe", scope="marketing")
    say(house, one)
    send()
    assert len(box.taken) == 1


def test_suppressed_between_the_answer_and_its_leaving(house, came, send, box):
    say(house, came())
    with transaction(house.engine) as session:
        suppression.add(session, WHO, "complaint")
    send()
    assert box.taken == [] and house.reasons() == {WHO: "suppressed"}


def test_headers_of_strangers_stay_in_their_place(house, came, send, box):
    one = came(Message_ID="<a@x.example>", References="<x\r\n\tBcc:evil@x.example> <b@x.example>")
    say(house, one, subject="Hi\r\nBcc: evil@x.example", body="Body\r\n.\r\nQUIT")
    send()
    [taken] = box.taken
    head = taken.data.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head and taken.recipients == [WHO]
    assert b"QUIT" in taken.data


def test_a_crash_between_claim_and_hand_over_loses_nothing(house, came, send, box, clock):
    say(house, came())
    claims.claim(house.engine, house.transport)
    clock.advance(claims.timedelta(minutes=5))
    claims.sweep(house.engine)
    send()
    assert len(box.taken) == 1
