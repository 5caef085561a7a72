"""A shop and a 1C base kept equal: what the hub learns stands in the base, what 1C says on the card."""

from datetime import timedelta

import pytest
import requests
import responses

from foundation import jobs
from foundation.database import transaction
from sync import connections
from sync.directories import keeping
from tests.connectors.accounting.odata.onec_base import ADDRESS, PASSWORD, USER, OneCBase
from tests.connectors.accounting.odata.writing_into import PARTIES, furnish
from tests.sync.directories.conftest import World

EMAIL, PHONE = "АдресЭлектроннойПочты", "Телефон"


@pytest.fixture
def base():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        one = OneCBase()
        one.open(mocked)
        furnish(one)
        yield one


@pytest.fixture
def world(engine, sealer, shop, connection, sync_context, base):
    typed = {"address": ADDRESS, "user": USER, "password": PASSWORD}
    with transaction(engine) as session:
        there = connections.create(session, sealer, "onec_odata", "1C", typed)
        keeping.change(session, keeping.add(session, there.id, "counterparties"), creates="all")
    return World(engine, shop, base, connection.id, there.id)


def party(base, number, **fields):
    """The counterparty of the shop's customer of this number."""
    contact = {"Тип": EMAIL, "Представление": f"person{number}@example.org", "Вид_Key": ""}
    name = f"Person Number{number}"
    typed = {"Description": name, "ЮридическоеФизическоеЛицо": "ФизическоеЛицо", **fields}
    return base.add(PARTIES, КонтактнаяИнформация=[contact], **typed)


def contacts(base, ref):
    return {row["Тип"]: row["Представление"] for row in base.sets[PARTIES][ref]["КонтактнаяИнформация"]}


def writes(base):
    return [(method, path.partition("(")[0]) for method, path, _ in base.calls if method != "GET"]


def test_what_the_hub_learns_is_written_and_comes_back_as_no_change(world, base):
    ref = party(base, 1)
    world.shop.customer(1, phone="+77011112233")
    world.pull()
    world.sync()
    assert contacts(base, ref) == {EMAIL: "person1@example.org", PHONE: "+77011112233"}
    world.pull()
    assert world.rows(world.plan()) == [] and writes(base) == [("PATCH", PARTIES)]


def test_a_customer_whom_1c_does_not_know_is_made_there_once(world, base, clock):
    world.shop.customer(2, phone="+77011112233")
    world.pull()

    def lose(request):
        if request.method == "POST":
            base.after = lambda request: None
            raise requests.ConnectionError("the line is cut")

    base.after = lose
    world.sync()
    clock.advance(timedelta(minutes=10))
    jobs.run_until_idle(world.engine)
    [(ref, row)] = base.sets[PARTIES].items()
    assert writes(base) == [("POST", PARTIES)]
    assert row["Description"] == "Person Number2" and contacts(base, ref)[PHONE] == "+77011112233"


def test_what_1c_says_stands_on_the_card(world, base):
    ref = party(base, 3)
    world.shop.customer(3)
    world.pull()
    world.sync()
    base.touch(PARTIES, ref, Description="Renamed There")
    world.pull()
    world.sync()
    assert world.card("Renamed There")


def test_a_change_in_1c_at_the_last_moment_is_not_written_over(world, base):
    ref = party(base, 4)
    world.shop.customer(4)
    world.pull()
    world.sync()
    world.shop.customer(4, phone="+77015556677")
    world.pull()
    made = world.plan()
    base.touch(PARTIES, ref, КПП="773601001")  # after the plan, before the write
    world.apply(made)
    world.pull()
    world.sync()
    assert base.sets[PARTIES][ref]["КПП"] == "773601001"
    assert contacts(base, ref)[PHONE] == "+77015556677"
