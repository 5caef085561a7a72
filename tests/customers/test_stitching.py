"""Whose a browser is: visits before a name, claims nobody has proved, and devices that several people use."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers.tables import Source
from foundation.records import Order, Person
from tests.conftest import empty
from tests.customers.world import count, rows, say, shop

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAMES = {"anna": "Anna Petrova", "boris": "Boris Kim", "dana": "Dana Yilmaz"}


def visitor(device: str) -> Person:
    return Person(external_id=device, device_ids=(device,), changed_at=AT)


def lead(device: str, who: str) -> Person:
    return Person(
        external_id=f"{device}|e:{who}@p.kz", emails=(f"{who}@p.kz",), device_ids=(device,), claimed=True,
        changed_at=AT,
    )  # fmt: skip


def buyer(number: int, who: str, *devices: str) -> Person:
    return Person(
        external_id=f"b{number}", name=NAMES[who], emails=(f"{who}@p.kz",), device_ids=devices, changed_at=AT
    )


def cards(session: Session) -> dict[str, object]:
    return dict(rows(session, "SELECT external_id, customer_id FROM profiles"))


def site(session: Session) -> Source:
    return shop(session, "pages", role="site")


def test_visits_go_to_the_first_name(session):
    pages = site(session)
    say(session, pages, visitor("d1"))
    assert cards(session) == {"d1": None}
    say(session, pages, lead("d1", "anna"))
    found = cards(session)
    assert found["d1"] == found["d1|e:anna@p.kz"] is not None


def test_claim_never_enters_a_known_card(session):
    say(session, shop(session), buyer(1, "anna"))
    say(session, site(session), lead("d1", "anna"), visitor("d1"))
    found = cards(session)
    assert found["d1|e:anna@p.kz"] != found["b1"]
    assert found["d1"] == found["d1|e:anna@p.kz"]


def test_order_from_the_device_proves_the_claim(session):
    pages, store = site(session), shop(session)
    say(session, pages, visitor("d1"), lead("d1", "anna"))
    before = cards(session)["d1"]
    say(session, store, buyer(1, "anna", "d1"))
    assert set(cards(session).values()) == {before}, "the card of the lead goes on"


def test_proof_does_not_take_others_along(session):
    pages, store = site(session), shop(session)
    say(session, pages, lead("d1", "anna"), visitor("d1"), lead("d2", "anna"), visitor("d2"))
    assert len(set(cards(session).values())) == 1
    say(session, store, buyer(1, "anna", "d1"))
    found = cards(session)
    assert found["d1"] == found["d1|e:anna@p.kz"] == found["b1"]
    assert found["d2"] == found["d2|e:anna@p.kz"] not in (found["b1"], None)


def test_claims_that_came_together_part_again(session):
    pages, store = site(session), shop(session)
    first, second = lead("d1", "anna"), lead("d2", "anna")
    say(session, pages, replace(first, name="Anna"), replace(second, name="Boris"))
    assert len(set(cards(session).values())) == 2
    say(session, pages, replace(second, name="Anna"))
    assert count(session, "customers WHERE live") == 1
    say(session, store, buyer(1, "anna", "d1"))
    found = cards(session)
    assert found["b1"] == found["d1|e:anna@p.kz"] != found["d2|e:anna@p.kz"]


def test_second_person_on_a_device_takes_no_visits(session):
    pages, store = site(session), shop(session)
    say(session, pages, visitor("d1"))
    say(session, store, buyer(1, "anna", "d1"))
    assert cards(session)["d1"] == cards(session)["b1"]
    say(session, store, buyer(2, "boris", "d1"))
    found = cards(session)
    assert found["d1"] is None
    assert found["b1"] != found["b2"]
    assert count(session, "timeline WHERE customer_id IS NOT NULL AND profile_id IS NULL") == 0


def test_device_of_everybody_is_nobodys(session):
    pages = site(session)
    for number in range(12):
        say(session, pages, Person(external_id=f"x|u:{number}", accounts=(f"s:{number}",), claimed=True,
                                   device_ids=("undefined",), changed_at=AT))  # fmt: skip
    say(session, pages, visitor("undefined"))
    assert cards(session)["undefined"] is None
    assert rows(session, "SELECT kind, value FROM shared_keys") == [("device", "undefined")]


def test_claimed_values_never_win_over_known_ones(session):
    pages, store = site(session), shop(session)
    say(session, store, buyer(1, "anna", "d1"))
    claim = lead("d1", "anna")
    loud = Person(
        external_id=claim.external_id, emails=claim.emails, device_ids=("d1",), claimed=True, name="Anna",
        birthday=datetime(1990, 1, 1).date(), changed_at=datetime(2026, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    say(session, pages, loud)
    name, birthday = rows(session, "SELECT name, birthday FROM customers WHERE live")[0]
    assert (name, birthday) == ("Anna Petrova", loud.birthday)


def test_claim_never_joins_two_known_people(session):
    pages, store = site(session), shop(session)
    say(session, store, Person(external_id="a", emails=("anna@p.kz",), device_ids=("d8",), changed_at=AT))
    say(session, store, Person(external_id="b", phones=("+77012345678",), device_ids=("d8",), changed_at=AT))
    both = Person(
        external_id="d8|e:anna@p.kz", emails=("anna@p.kz",), phones=("+77012345678",), device_ids=("d8",),
        claimed=True, changed_at=AT,
    )  # fmt: skip
    say(session, pages, both)
    found = cards(session)
    assert found["a"] != found["b"]
    assert found["d8|e:anna@p.kz"] == found["a"]


def test_stranger_joins_no_two_claims(session):
    pages = site(session)
    phone = Person(external_id="d2|p:7701", phones=("+77012345678",), device_ids=("d2",), claimed=True)
    say(session, pages, lead("d1", "anna"), phone)
    say(session, pages, replace(lead("d3", "anna"), phones=("+77012345678",)))
    found = cards(session)
    assert found["d1|e:anna@p.kz"] == found["d3|e:anna@p.kz"] != found["d2|p:7701"]


def test_claims_of_one_browser_that_agree_are_one(session):
    pages = site(session)
    signed_in = Person(
        external_id="d1|u:7", accounts=("s:7",), emails=("anna@p.kz",), device_ids=("d1",), claimed=True,
        changed_at=AT,
    )  # fmt: skip
    say(session, pages, visitor("d1"), lead("d1", "anna"), signed_in)
    assert len(set(cards(session).values())) == 1


def test_many_orders_of_a_guest_leave_their_browser_theirs(session):
    pages, store = site(session), shop(session)
    say(session, pages, visitor("d1"))
    for number in range(14):
        guest = Person(external_id=f"order:{number}", guest=True, name="Anna Petrova", emails=("anna@p.kz",),
                       device_ids=("d1",), changed_at=AT)  # fmt: skip
        say(session, store, guest)
    assert cards(session)["d1"] == cards(session)["order:13"] is not None
    assert rows(session, "SELECT kind FROM shared_keys") == []


def test_chain_of_claims_is_cut(session, monkeypatch):
    monkeypatch.setattr("customers.linking.MOST_BROWSERS", 20)
    pages = site(session)
    for number in range(60):
        account, device = f"s:{(number + 1) // 2}", f"d{number // 2}"
        link = Person(external_id=f"x{number}", accounts=(account,), device_ids=(device,), claimed=True)
        say(session, pages, link)
    assert count(session, "profiles") == 60


@pytest.mark.parametrize("order_first", [True, False])
def test_order_of_a_customer_brings_their_browser(session, order_first):
    pages, store = site(session), shop(session)
    said = Person(external_id="7", name="Anna Petrova", emails=("anna@p.kz",), changed_at=AT)
    order = Order(
        external_id="o1", number="1", state="paid", currency="KZT", total=Decimal(1), customer_id="7",
        customer=replace(said, device_ids=("d1",)), placed_at=AT,
    )  # fmt: skip
    say(session, pages, visitor("d1"), lead("d1", "anna"))
    for record in (order, said) if order_first else (said, order):
        say(session, store, record)
    say(session, store, replace(said, phones=("+77012345678",), changed_at=AT))
    assert len(set(cards(session).values())) == 1
    assert count(session, "customers WHERE live") == 1


DEVICES = st.sampled_from(["d1", "d2", "d3"])
WHO = st.sampled_from(sorted(NAMES))
SAYINGS = st.one_of(
    DEVICES.map(visitor),
    st.tuples(DEVICES, WHO).map(lambda one: lead(*one)),
    st.tuples(st.integers(1, 4), st.lists(DEVICES, max_size=2, unique=True)),
)


def buyers_said(sayings: Sequence[object]) -> list[Person]:
    """Each buyer keeps one name; what is said later of their devices adds to what was said before."""
    said: list[Person] = []
    devices: dict[int, list[str]] = {}
    for one in sayings:
        if isinstance(one, Person):
            said.append(one)
            continue
        number, more = one  # type: ignore[misc]
        mine = devices.setdefault(number, [])
        mine += [device for device in more if device not in mine]
        said.append(buyer(number, sorted(NAMES)[number % 3], *sorted(mine)))
    return said


def expected(people: Sequence[Person]) -> dict[str, str | None]:
    """Whose each profile is, by the rules alone: a label per person, None for nobody."""
    last = {one.external_id: one for one in people}
    bought = [one for one in last.values() if one.name]
    leads = [one for one in last.values() if one.claimed]
    labels: dict[str, str | None] = {one.external_id: f"person {one.emails[0]}" for one in bought}
    for one in leads:
        proven = any(one.emails == b.emails and one.device_ids[0] in b.device_ids for b in bought)
        labels[one.external_id] = f"{'person' if proven else 'claim'} {one.emails[0]}"
    for one in last.values():
        if not one.name and not one.claimed:
            there = {labels[p.external_id] for p in (*bought, *leads) if one.external_id in p.device_ids}
            labels[one.external_id] = there.pop() if len(there) == 1 else None
    return labels


def partition(labels: dict[str, object]) -> set[frozenset[str]]:
    groups: dict[object, set[str]] = {}
    for one, label in labels.items():
        groups.setdefault(label if label is not None else f"nobody {one}", set()).add(one)
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sayings=st.lists(SAYINGS, min_size=2, max_size=12), cuts=st.lists(st.booleans(), min_size=12))
def test_arrival_order_does_not_matter(engine: Engine, sayings, cuts):
    people = buyers_said(sayings)
    try:
        with Session(engine) as session:
            pages, store = site(session), shop(session)
            batch: list[Person] = []
            for person, cut in zip(people, cuts, strict=False):
                batch.append(person)
                if cut or person is people[-1]:
                    say(session, pages, *(one for one in batch if not one.name))
                    say(session, store, *(one for one in batch if one.name))
                    batch = []
            say(session, pages, *(one for one in batch if not one.name))
            say(session, store, *(one for one in batch if one.name))
            labels = expected(people)
            found = cards(session)
            assert partition(found) == partition(labels)
            assert {one for one in found if found[one] is None} == {o for o in labels if labels[o] is None}
            live = {row[0] for row in rows(session, "SELECT id FROM customers WHERE live")}
            assert live == {card for card in found.values() if card is not None}
            session.rollback()
    finally:
        empty(engine)
