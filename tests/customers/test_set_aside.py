"""A value that another source's has replaced counts last until its profile says something else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from customers import set_aside, store
from customers.store import Resolved
from customers.tables import Customer, Profile
from foundation.database import GRAPH_LOCK, lock
from foundation.records import Address, Person
from tests.customers.world import shop
from tests.people import JANUARY


@pytest.fixture
def told(session):
    """Anna as two shops know her; the second one spoke last."""
    sources = [shop(session, "One"), shop(session, "Two")]

    def say(number, at, city, name="Anna Petrova"):
        person = Person(
            external_id="1", name=name, emails=("anna@x.org",), addresses=(Address(city=city),),
            changed_at=JANUARY + timedelta(hours=at),
        )  # fmt: skip
        store.apply(session, sources[number].id, [Resolved(at, JANUARY + timedelta(hours=at), [person])])
        return session.scalars(select(Profile.id).where(Profile.source_id == sources[number].id)).one()

    return say


def city(session):
    session.expire_all()
    return session.scalars(select(Customer.city).where(Customer.live)).one()


def put(session, *entries):
    lock(session, GRAPH_LOCK)
    set_aside.write(session, entries)


def test_it_counts_last_until_something_else_is_said(session, told):
    told(0, 1, "Almaty")
    two = told(1, 2, "Astana")
    assert city(session) == "Astana"
    put(session, (two, "city", "Astana"))
    assert city(session) == "Almaty"
    told(1, 3, "Astana", name="Anna Maria Petrova")  # another field, a newer date
    assert city(session) == "Almaty"
    told(1, 4, "Shymkent")
    assert city(session) == "Shymkent"


def test_it_is_taken_back(session, told):
    told(0, 1, "Almaty")
    two = told(1, 2, "Astana")
    put(session, (two, "city", "Astana"), (two, "phone", "+7"))
    put(session, (two, "city", None))
    assert city(session) == "Astana"
    assert session.get_one(Profile, two).set_aside == {"phone": "+7"}


def test_where_nobody_else_says_anything_it_stays(session, told):
    one = told(0, 1, "Almaty")
    put(session, (one, "city", "Almaty"))
    assert city(session) == "Almaty"
    put(session)
