"""A mailbox whole: letters are pulled, land once, and reach the cards they are about."""

import pytest
from sqlalchemy import text

from connectors.mail import oauth
from customers import store
from customers.store import Resolved
from customers.tables import Source
from foundation import clock
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.records import Person
from sync import connections, prepare, pull, removal, resolve
from sync.tables import Run
from tests import mailbox, people
from tests.mailbox import letter

assert removal


@pytest.fixture
def box():
    """A mailbox on this machine."""
    opened = mailbox.Mailbox()
    yield opened
    opened.close()


@pytest.fixture
def post(engine, sealer, sync_context, box):
    """Read the mailbox to the end and put everything where it belongs; answers the run."""
    settings = {"host": "127.0.0.1", "port": str(box.port), "security": "none", "user": "shop@example.org",
                "password": "secret", "days": "0"}  # fmt: skip
    with transaction(engine) as session:
        connection = connections.create(session, sealer, "imap", "Mail", settings)

    def read(**options):
        with transaction(engine) as session:
            run_id = pull.start(session, connection.id, **options).id
        run_until_idle(engine)
        while resolve.resolve(engine):
            pass
        with transaction(engine) as session:
            return session.get_one(Run, run_id)

    read.connection = connection.id
    return read


@pytest.fixture
def rows(engine):
    def asked(query, **values):
        with engine.connect() as db:
            return db.execute(text(query), values).all()

    return asked


@pytest.fixture
def shop(engine):
    """A shop's source, for people it knows."""
    with transaction(engine) as session:
        source = Source(name="Shop", kind="vendure", role="shop")
        session.add(source)
        session.flush()

    def know(*known: Person):
        with transaction(engine) as session:
            store.apply(session, source.id, [Resolved(n, clock.now(), (one,)) for n, one in enumerate(known)])

    return know


LETTERS = "SELECT kind, customer_id, data FROM timeline WHERE kind LIKE 'letter.%' ORDER BY id"


def test_a_letter_of_a_customer_is_on_the_card(box, post, shop, rows):
    shop(people.anna())
    box.inbox.put(letter())
    run = post()
    assert (run.state, run.new, run.problems) == ("done", 1, 0)
    [card] = rows("SELECT id, name, email FROM customers WHERE live")
    assert (card.name, card.email) == ("Anna Petrova", "anna@example.org")
    [line] = rows(LETTERS)
    assert (line.kind, line.customer_id) == ("letter.received", card.id)
    assert line.data["title"] == "A question" and line.data["said"] == "Where is it?"


def test_a_stranger_has_no_card_until_somebody_knows_the_address(box, post, shop, rows):
    box.inbox.put(letter())
    post()
    assert not rows("SELECT FROM customers WHERE live")
    assert rows(LETTERS)[0].customer_id is None
    shop(people.anna())
    [card] = rows("SELECT id FROM customers WHERE live")
    assert rows(LETTERS)[0].customer_id == card.id
    assert rows("SELECT waiting, letters FROM mail_threads") == [(True, 1)]


def test_read_again_nothing_changes(box, post, rows):
    box.inbox.put(letter())
    post()
    before = rows("SELECT * FROM mail_messages"), rows("SELECT * FROM timeline")
    assert post().read == 0
    box.inbox.validity = 2  # the numbers mean other letters now
    box.inbox.letters = {7: box.inbox.letters[1]}
    run = post()
    assert (run.read, run.same) == (1, 1)
    assert post(full=True).state == "done"
    assert (rows("SELECT * FROM mail_messages"), rows("SELECT * FROM timeline")) == before


def test_a_letter_deleted_in_the_mailbox_stays(box, post, rows):
    box.inbox.put(letter())
    post()
    box.inbox.letters.clear()
    assert post(full=True).state == "done"
    assert len(rows(LETTERS)) == 1 and not rows("SELECT FROM landed_heads WHERE gone")


def test_who_it_claims_to_be_from_joins_nobody(box, post, shop, rows):
    """Two people share a mailbox under different names; a letter from it can't make one of them."""
    shop(people.anna(), people.boris(emails=("anna@example.org",)))
    assert len(rows("SELECT FROM customers WHERE live")) == 2
    box.inbox.put(letter(Reply_To="boris@example.com", Cc="boris@example.com"))
    box.inbox.put(letter("Boris Weber <anna@example.org>", body="It is me"))
    post()
    assert len(rows("SELECT FROM customers WHERE live")) == 2
    assert not rows("SELECT FROM profiles WHERE kind = 'correspondent' AND customer_id IS NOT NULL")


def test_a_name_in_a_letter_changes_no_card(box, post, shop, rows):
    shop(people.anna())
    before = rows("SELECT name, email, phone, kind, origins FROM customers WHERE live")
    box.inbox.put(letter("Somebody Else <anna@example.org>"))
    post()
    assert rows("SELECT name, email, phone, kind, origins FROM customers WHERE live") == before


def test_threads(box, post, rows):
    box.inbox.put(letter(Message_ID="<a@x.example>"))
    box.inbox.put(letter(body="More", Message_ID="<b@x.example>", In_Reply_To="<a@x.example>"))
    box.inbox.put(letter(body="And", Message_ID="<c@x.example>", References="<a@x.example> <b@x.example>"))
    box.inbox.put(letter(subject="Else", Message_ID="<d@x.example>"))
    post()
    assert rows("SELECT letters, waiting FROM mail_threads ORDER BY letters") == [(1, True), (3, True)]


def test_absence_notes_do_not_wait_for_an_answer(box, post, rows):
    box.inbox.put(letter(Auto_Submitted="auto-replied"))
    post()
    assert rows("SELECT waiting, automatic FROM mail_threads") == [(False, True)]
    assert rows(LETTERS)[0].data["automatic"] == "reply"


def test_removing_the_mailbox_with_its_data_leaves_nothing(box, post, rows, engine):
    box.inbox.put(letter())
    post()
    with transaction(engine) as session:
        removal.start(session, post.connection, "me", with_data=True)
    run_until_idle(engine)
    for table in ("mail_messages", "mail_threads", "timeline", "profiles", "landed_records"):
        assert not rows(f"SELECT FROM {table}")


def test_a_refresh_token_that_was_replaced_is_kept(engine, sealer, sync_context, box, monkeypatch):
    given = []

    def access(provider, client, secret, refresh, *rest, **options):
        given.append(refresh)
        return oauth.Access("token-1", 3600.0, f"{refresh}+")

    monkeypatch.setattr(oauth, "access", access)
    settings = {"host": "127.0.0.1", "port": str(box.port), "security": "none", "user": "shop@example.org",
                "sign_in": "google", "client_id": "c", "refresh_token": "r"}  # fmt: skip
    with transaction(engine) as session:
        connection = connections.create(session, sealer, "imap", "Mail", settings).id
    for _turn in range(2):
        with transaction(engine) as session:
            pull.start(session, connection)
        run_until_idle(engine)
    assert given == ["r", "r+"]


def test_heavy_letters_are_worked_on_a_few_at_a_time(box, post, rows, engine, monkeypatch):
    monkeypatch.setattr(prepare, "LETTERS", 30_000)
    for number in range(9):
        box.inbox.put(letter(body=f"{number} " + "x" * 10_000, Message_ID=f"<{number}@x>"))
    box.inbox.put(letter(body="y" * 50_000, Message_ID="<heavy@x>"))
    with transaction(engine) as session:
        pull.start(session, post.connection)
    turns = []
    taken = prepare.claimed

    def counted(*said):
        portion = taken(*said)
        turns.append(len(portion.good))
        return portion

    monkeypatch.setattr(prepare, "claimed", counted)
    run_until_idle(engine)
    while resolve.resolve(engine):
        pass
    assert sum(turns) == 10 and max(turns) == 2 and turns.count(1) >= 1
    assert len(rows(LETTERS)) == 10
