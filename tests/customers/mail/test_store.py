"""Letters on their cards: whatever order they come in, whatever is merged, split and undone meanwhile."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import text

from customers import merge, store, undo
from customers.mail import store as mail_store
from customers.mail.tables import MailMessage
from customers.store import Resolved
from customers.tables import Source
from foundation import clock
from foundation.database import transaction
from foundation.records import Message, Person
from tests import people
from tests.mailbox import ARRIVED

ANNA = "anna@example.org"


@pytest.fixture
def world(engine):
    """A shop and a mailbox; `say` writes what they say, `rows` looks."""

    class World:
        def __init__(self):
            with transaction(engine) as session:
                self.ids = {}
                for role in ("shop", "mailbox"):
                    source = Source(name=role, kind=role, role=role)
                    session.add(source)
                    session.flush()
                    self.ids[role] = source.id

        def say(self, role, *records):
            with transaction(engine) as session:
                store.apply(session, self.ids[role], [Resolved(1, clock.now(), tuple(records))])

        def rows(self, query, **values):
            with engine.connect() as db:
                return db.execute(text(query), values).all()

        def letters(self):
            """Who has how many letters: card -> number."""
            found = self.rows(
                "SELECT customer_id, count(*) FROM timeline WHERE kind LIKE 'letter.%' GROUP BY 1"
            )
            return dict(tuple(row) for row in found)

        def cards(self):
            return [row.id for row in self.rows("SELECT id FROM customers WHERE live ORDER BY created_at")]

    return World()


def letter(name="1", address=ANNA, **said):
    """A letter and its writer."""
    given = {"external_id": name, "sender": address, "message_id": f"{name}@x.example", "at": ARRIVED} | said
    return Person(external_id=address, writer=address), Message(**given)


def test_letters_and_their_customer_in_any_order(world, engine):
    for order in permutations(("letter", "customer", "another")):
        for what in order:
            if what == "letter":
                world.say("mailbox", *letter())
            elif what == "customer":
                world.say("shop", people.anna())
            else:
                world.say("shop", people.boris())
        [anna] = world.rows("SELECT id FROM customers WHERE live AND email = :email", email=ANNA)
        assert world.letters() == {anna.id: 1}, order
        with transaction(engine) as session:
            for table in ("timeline", "mail_messages", "mail_threads", "profiles", "profile_keys",
                          "profile_links", "customers", "customer_stats", "consents"):  # fmt: skip
                session.execute(text(f"DELETE FROM {table}"))


def test_a_letter_is_seen(world):
    world.say("shop", people.anna())
    world.say("mailbox", *letter(at=ARRIVED))
    [stats] = world.rows("SELECT last_seen_at FROM customer_stats")
    assert stats.last_seen_at == ARRIVED


def test_letters_follow_merges_and_go_back(world, engine):
    world.say("shop", people.anna(), people.boris())
    world.say("mailbox", *letter("1"), *letter("2", "boris@example.com"))
    before = world.letters()
    assert len(before) == 2
    with transaction(engine) as session:
        operation = merge.merge(session, *world.cards(), "me")
    assert list(world.letters().values()) == [2]
    world.say("mailbox", *letter("3", "boris@example.com"))
    with transaction(engine) as session:
        undo.undo(session, operation.id, "me")
    after = world.letters()
    assert sorted(after) == sorted(before) and sorted(after.values()) == [1, 2]


def test_who_gets_a_used_address_later_does_not_get_its_letters_by_a_letter(world):
    """Anna leaves the address, Boris takes it: his letters don't join them, nor move hers."""
    world.say("shop", people.anna())
    world.say("mailbox", *letter())
    world.say("shop", people.anna(emails=("anna@new.example",), changed_at=clock.now()))
    world.say("shop", people.boris(emails=(ANNA,)))
    world.say("mailbox", *letter("2"))
    [anna] = world.rows("SELECT id FROM customers WHERE live AND name LIKE 'Anna%'")
    assert len(world.cards()) == 2 and anna.id in world.letters()


def test_desks_are_nobodys(world):
    world.say("shop", people.anna(emails=("info@firm.example",)))
    world.say("mailbox", *letter(address="info@firm.example"))
    assert world.letters() == {None: 1} and len(world.cards()) == 1


def test_a_company_stays_one_whoever_writes_from_it(world):
    firm = Person(external_id="f", kind="company", company="Firm Ltd", emails=(ANNA,), changed_at=ARRIVED)
    world.say("shop", firm)
    world.say("mailbox", *letter(sender_name="Anna Petrova"))
    [card] = world.rows("SELECT id, kind, name FROM customers WHERE live")
    assert (card.kind, card.name) == ("company", "Firm Ltd") and world.letters() == {card.id: 1}


def test_a_thousand_strangers_make_no_card(world):
    said = [record for n in range(300) for record in letter(str(n), f"p{n}@far.example")]
    world.say("mailbox", *said)
    assert world.rows("SELECT count(*) FROM customers") == [(0,)]
    assert world.rows("SELECT count(*) FROM mail_threads") == [(300,)]


def test_threads_in_any_order_of_arrival(world):
    chance = random.Random(5)
    for turn in range(12):
        names = [f"{turn}-{n}" for n in range(6)]
        made = []
        for n, name in enumerate(names):
            before = tuple(f"{one}@x.example" for one in names[:n])
            made.append(
                letter(
                    name, at=ARRIVED + timedelta(hours=n), answers=before[::-1],
                    root=before[0] if before else "",
                )
            )  # fmt: skip
        chance.shuffle(made)
        while made:
            batch = [made.pop() for _one in range(min(len(made), chance.randrange(1, 4)))]
            world.say("mailbox", *(record for pair in batch for record in pair))
    rows = world.rows("SELECT letters, waiting, subject FROM mail_threads")
    assert [row.letters for row in rows] == [6] * 12


def test_the_last_person_to_write_decides_who_waits(world):
    world.say("shop", people.anna())
    for name, automatic, waiting in (("1", "", True), ("2", "reply", True)):
        world.say("mailbox", *letter(name, automatic=automatic, at=ARRIVED + timedelta(hours=int(name)),
                                     answers=("1@x.example",)))  # fmt: skip
        assert world.rows("SELECT waiting FROM mail_threads") == [(waiting,)]
    ours = Message(external_id="3", sent=True, recipients=(ANNA,), answers=("1@x.example",),
                   at=ARRIVED + timedelta(hours=3))  # fmt: skip
    world.say("mailbox", Person(external_id=ANNA, writer=ANNA), ours)
    assert world.rows("SELECT waiting, letters FROM mail_threads") == [(False, 3)]
    assert world.rows("SELECT count(*) FROM timeline WHERE kind = 'letter.written'") == [(1,)]


def test_said_again_nothing_changes(world):
    world.say("shop", people.anna())
    for _turn in range(3):
        world.say("mailbox", *letter())
    assert list(world.letters().values()) == [1]
    assert world.rows("SELECT letters FROM mail_threads") == [(1,)]


def test_a_better_reading_of_the_same_letter_keeps_its_place(world):
    world.say("mailbox", *letter(text="old"))
    before = world.rows("SELECT id, thread_id, profile_id FROM mail_messages")
    world.say("mailbox", *letter(text="new"))
    assert world.rows("SELECT id, thread_id, profile_id FROM mail_messages") == before
    assert world.rows("SELECT text FROM mail_messages") == [("new",)]


def test_letters_that_come_at_once_are_all_counted(world, engine):
    """Answers written here don't wait for what a mailbox brings, and are counted all the same."""
    world.say("shop", people.anna())
    world.say("mailbox", *letter("0"))
    [first] = world.rows("SELECT id FROM mail_messages")

    def answer(n):
        with transaction(engine) as session:
            to = session.get_one(MailMessage, first.id)
            mail_store.answered_here(
                session, to, delivery=clock.new_id(), message_id=f"a{n}@s",
                sender=("shop@example.org", "Shop"), recipient=ANNA, subject="Re", body="x", actor="olga",
                at=ARRIVED + timedelta(hours=n),
            )  # fmt: skip

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(answer, n) for n in range(12)]
        work += [
            pool.submit(world.say, "mailbox", *letter(f"m{n}", answers=("0@x.example",))) for n in range(6)
        ]
        for one in work:
            one.result()
    assert world.rows("SELECT letters FROM mail_threads") == [(19,)]


def test_what_needs_no_answer_waits_again_when_a_person_writes(world, engine):
    world.say("mailbox", *letter("0"))
    [row] = world.rows("SELECT id FROM mail_threads")
    for expected in (True, False):
        with transaction(engine) as session:
            assert mail_store.settle(session, row.id) is expected
    later = ARRIVED + timedelta(days=1)
    world.say("mailbox", *letter("1", automatic="reply", answers=("0@x.example",), at=later))
    assert world.rows("SELECT waiting FROM mail_threads") == [(False,)]
    world.say("mailbox", *letter("2", answers=("0@x.example",), at=later + timedelta(days=1)))
    assert world.rows("SELECT waiting FROM mail_threads") == [(True,)]
