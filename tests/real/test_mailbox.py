"""A letter's whole way through servers nobody of us wrote: handed in to OpenSMTPD, read from Dovecot.

Its reader answers and is answered from the card; another comes back as a report and suppresses its address.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from connectors import registry
from connectors.letters import payload
from connectors.mailboxes.imap import Imap
from customers.mail.tables import MailMessage
from email_campaigns import answers
from email_campaigns.delivery import engine as sending
from email_campaigns.doors import incoming
from foundation import context
from foundation.clock import new_id
from foundation.context import Context
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync import connections, pull, resolve
from sync import jobs as sync_jobs
from tests.email_campaigns.delivery.world import House, build, person
from tests.real.mail_servers import MailServers, missing
from tests.waiting import eventually

pytestmark = pytest.mark.real
assert sync_jobs
ANNA, GONE, BOUNCES = "anna@shopper.example", "gone@shopper.example", "bounces@shop.example"


@pytest.fixture(scope="module")
def servers_of_mail() -> Iterator[MailServers]:
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-mail-"))
    running = MailServers(folder)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(engine: Any, settings: Settings, sealer: Sealer, servers_of_mail: MailServers) -> Iterator[House]:
    """A shop that sends through OpenSMTPD and has its bounces come to a mailbox."""
    context.use(Context(settings, sealer))
    yield build(engine, sealer, servers_of_mail.smtp, bounces=BOUNCES)
    sending.rest(engine)
    context.use(None)


def typed(servers: MailServers, user: str) -> dict[str, str]:
    return {"host": "127.0.0.1", "port": str(servers.imap), "security": "none", "user": user,
            "password": servers.password, "days": "0"}  # fmt: skip


def letters_of(servers: MailServers, user: str) -> list[Message]:
    """What lies in somebody's mailbox, read as their mail program would."""
    settings = registry.parse_settings(Imap, typed(servers, user))
    connector = Imap(settings, Imap.make_http(settings, allow_private=True))
    return [
        message_from_bytes(payload.unpack(raw.payload).letter, policy=policy.default)
        for page in connector.pull("letters", None)
        for raw in page.records
    ]


@pytest.fixture
def read(house: House, servers_of_mail: MailServers) -> Callable[[], None]:
    """Read the shop's two mailboxes and put everything where it belongs."""
    with transaction(house.engine) as session:
        made = [
            connections.create(session, house.sealer, "imap", user, typed(servers_of_mail, user)).id
            for user in ("news@shop.example", BOUNCES)
        ]

    def turn() -> None:
        for one in made:
            with transaction(house.engine) as session:
                pull.start(session, one)
        run_until_idle(house.engine)
        while resolve.resolve(house.engine):
            pass
        while incoming.read(house.engine):
            pass

    return turn


def send(house: House) -> None:
    while sending.send(house.engine):
        pass


def kinds(house: House) -> list[str]:
    rows = house.rows("SELECT kind FROM timeline WHERE kind LIKE 'letter.%' ORDER BY id")
    return [row.kind for row in rows]


def test_there_and_back(house: House, servers_of_mail: MailServers, read: Callable[[], None]) -> None:
    house.people(person(1, emails=(ANNA,)), person(2, emails=(GONE,)))
    house.plan()
    send(house)
    assert house.states() == {"accepted": 2}
    eventually(lambda: len(letters_of(servers_of_mail, ANNA)) == 1, 20)
    [ours] = letters_of(servers_of_mail, ANNA)

    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = f"Anna <{ANNA}>", "news@shop.example", "Re: News"
    reply["In-Reply-To"] = reply["References"] = ours["Message-ID"]
    reply["Message-ID"] = "<reply-1@shopper.example>"
    reply.set_content("Is it blue?\n\nOn Monday, Shop wrote:\n> News\n")
    servers_of_mail.send(ANNA, "news@shop.example", reply.as_bytes())
    eventually(lambda: letters_of(servers_of_mail, "news@shop.example"), 20)
    eventually(lambda: letters_of(servers_of_mail, BOUNCES), 60)  # the server's report

    read()
    told = kinds(house)
    assert sorted(told) == ["letter.bounced", "letter.replied", "letter.sent", "letter.sent"]
    [came_back] = house.rows("SELECT * FROM deliveries WHERE address = :address", address=GONE)
    assert "came_back" in came_back.detail
    assert house.rows("SELECT FROM suppressions WHERE reason = 'bounce'")
    [line] = house.rows("SELECT data, customer_id FROM timeline WHERE kind = 'letter.replied'")
    [card] = house.rows("SELECT id FROM customers WHERE email = :email", email=ANNA)
    assert line.customer_id == card.id and line.data["said"] == "Is it blue?"

    read()  # again, and nothing happens twice
    assert kinds(house) == told
    assert len(house.rows("SELECT FROM suppressions")) == 1

    with transaction(house.engine) as session:
        row = session.execute(text("SELECT id FROM mail_messages WHERE automatic = ''")).scalar_one()
        letter = session.get_one(MailMessage, row)
        key: UUID = new_id()
        for _click in range(2):
            answers.send(session, letter, sender_id=house.sender, to=ANNA, subject="Re: News",
                         body="It is: синий.", key=key, actor="olga")  # fmt: skip
    send(house)
    eventually(lambda: len(letters_of(servers_of_mail, ANNA)) == 2, 20)
    answer = letters_of(servers_of_mail, ANNA)[-1]
    assert answer["In-Reply-To"] == "<reply-1@shopper.example>"
    assert isinstance(answer, EmailMessage) and answer.get_content().startswith("It is: синий.")


def test_what_is_refused_at_once_needs_no_mailbox(house: House, servers_of_mail: MailServers) -> None:
    house.people(person(3, emails=("bounce@shopper.example",)))
    house.plan()
    send(house)
    assert house.states() == {"failed": 1} and house.rows("SELECT FROM suppressions")
