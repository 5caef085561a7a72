"""A test letter from its page: to one's own mailbox, as a customer would get it, with the server's answer."""

import email
from collections.abc import Iterator
from email import policy
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers.tables import Customer
from email_campaigns.delivery import senders
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from foundation.records import Person
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console.conftest import Browser
from tests.console.lettered import made
from tests.customers.world import say, shop
from tests.email_campaigns.delivery.mailserver import Behaviour, mail_server


@pytest.fixture
def server() -> Iterator[tuple[Behaviour, int]]:
    """A mail server and its port."""
    with mail_server() as running:
        yield running


@pytest.fixture
def box(server: tuple[Behaviour, int]) -> Behaviour:
    """What it does and has taken."""
    return server[0]


@pytest.fixture
def sender(
    engine: Engine, settings: Settings, sealer: Sealer, server: tuple[Behaviour, int]
) -> Iterator[UUID]:
    """News of Bazaar, through that server."""
    context.use(Context(settings, sealer))
    values = {"host": "127.0.0.1", "port": str(server[1]), "security": "none"}
    with transaction(engine) as session:
        via = senders.add_transport(session, sealer, "Server", "smtp", values)
        found = senders.add(session, sealer, "Bazaar", "news@bazaar.example", via).id
    yield found
    context.use(None)


def test_without_a_sender_it_says_what_to_do(browser: Browser, engine: Engine) -> None:
    page = browser.see(f"{made(engine)}/checks")
    assert "nobody yet that letters are from" in page and 'href="/settings/mail"' in page


def test_letter_comes_as_a_customer_would_get_it(
    browser: Browser, engine: Engine, box: Behaviour, sender: UUID
) -> None:
    path = made(engine, "welcome", "ru")
    with transaction(engine) as session:
        anna = Person(external_id="a", name="Анна", given_name="Анна", emails=("anna@mail.example",))
        say(session, shop(session), anna)
        card = session.query(Customer).one().id
    browser.see(f"{path}/checks")
    said = {"to": "olga@example.org", "sender": str(sender), "language": "ru", "as": str(card)}
    browser.submit(f"{path}/test", **said)
    assert "Sent to olga@example.org" in browser.see(f"{path}/checks")
    (taken,) = box.taken
    letter = email.message_from_bytes(taken.data, policy=policy.default)
    assert (letter["Subject"], letter["To"]) == ("Добро пожаловать, Анна", "olga@example.org")
    body = letter.get_body(("plain",))
    assert body is not None and "Здравствуйте, Анна!" in body.get_content() and "/m/u/" in body.get_content()
    with Session(engine) as session:
        (step,) = session.execute(text("SELECT step FROM deliveries")).scalars()
        assert step.startswith("test:")
        assert session.scalar(text("SELECT count(*) FROM timeline WHERE kind LIKE 'letter.%'")) == 0


@pytest.mark.parametrize(("wrong", "at"), [
    ({"to": "nobody"}, "h-to"), ({"sender": ""}, "h-sender"), ({"sender": str(uuid4())}, "h-sender"),
])  # fmt: skip
def test_mistakes_stay_at_their_fields(
    browser: Browser, engine: Engine, sender: UUID, wrong: dict[str, str], at: str
) -> None:
    path = made(engine, "welcome")
    browser.see(f"{path}/checks")
    said = {"to": "olga@example.org", "sender": str(sender), "language": "en", "as": ""}
    assert f'id="{at}"' in browser.submit(f"{path}/test", 422, **said | wrong).text


def test_letter_that_cannot_be_made_says_why(
    browser: Browser, engine: Engine, sender: UUID, box: Behaviour
) -> None:
    path = made(engine, "abandoned_cart")
    with transaction(engine) as session:
        say(session, shop(session), Person(external_id="a", name="Anna", emails=("anna@mail.example",)))
        card = session.query(Customer).one().id
    browser.see(f"{path}/checks")
    said = {"to": "olga@example.org", "sender": str(sender), "language": "en", "as": str(card)}
    assert "cart.lines" in browser.submit(f"{path}/test", 422, **said).text
    assert not box.taken


def test_refusal_of_the_server_is_told(
    browser: Browser, engine: Engine, sender: UUID, box: Behaviour
) -> None:
    path = made(engine, "welcome")
    box.rcpt = lambda address: "550 5.1.1 no such mailbox"
    browser.see(f"{path}/checks")
    said = {"to": "olga@example.org", "sender": str(sender), "language": "en", "as": ""}
    page = browser.submit(f"{path}/test", 200, **said).text
    assert "It did not arrive" in page and not box.taken
