"""Segments from the terminal: count, add, change, lists, why, and mistakes that say where they are."""

import pytest

from customers import store
from customers.segments import jobs
from customers.tables import Customer, Source
from foundation.clock import now
from foundation.database import transaction
from kartoteka.terminal import USAGE
from tests import people


@pytest.fixture
def shop(engine):
    """Anna with her two orders, and Boris."""
    with transaction(engine) as session:
        source = Source(name="Shop", kind="woocommerce", role="shop")
        session.add(source)
        session.flush()
        records = [people.anna(), people.boris(), *people.annas_orders()]
        items = [store.Resolved(number, now(), (record,)) for number, record in enumerate(records, 1)]
        store.apply(session, source.id, items)
        return {one.name.split()[0]: one.id for one in session.query(Customer)}


def follow(engine):
    while jobs.follow_segments(engine):
        pass


def test_count_names_some(kartoteka, shop):
    answer = kartoteka("segment", "count", 'orders.count()>=2 and city="Almaty"', "--json").json
    assert (answer["count"], answer["conditions"]) == (1, 'orders.count() >= 2 and city = "Almaty"')
    assert answer["sample"] == [
        {"id": str(shop["Anna"]), "name": "Anna Petrova", "email": "anna@example.org"}
    ]
    assert "1 customers" in kartoteka("segment", "count", "orders.count() >= 2").text
    assert kartoteka("segment", "count", 'city = "Nowhere"').text == "0 customers\n"


def test_a_mistake_says_where_it_is(kartoteka, engine):
    answer = kartoteka("segment", "count", 'citty = "x"', "--json")
    assert answer.status == USAGE
    assert answer.json["at"] == "line 1, column 1" and "did you mean city" in answer.json["error"]
    assert kartoteka("segment", "show", "Nobody", "--json").status == USAGE


def test_a_segment_from_beginning_to_end(kartoteka, engine, shop):
    made = kartoteka("segment", "add", "Loyal", "orders.count() >= 2", "--json").json
    assert (made["conditions"], made["found"]) == ("orders.count() >= 2", False)
    assert "counting" in kartoteka("segment", "list").text
    follow(engine)
    shown = kartoteka("segment", "show", "Loyal", "--json").json
    assert (shown["customers"], shown["found"]) == (1, True)
    assert [one["name"] for one in shown["members"]] == ["Anna Petrova"]
    assert shown["tree"]["measure"] == "orders.count"
    why = kartoteka("segment", "why", "Loyal", shop["Boris"], "--json").json
    assert (why["in"], why["conditions"][0]["holds"]) == (False, False)
    assert why["conditions"][0]["known"] == 0 and why["conditions"][0]["decides"]
    assert "In since" in kartoteka("segment", "why", made["id"], shop["Anna"]).text
    changed = kartoteka("segment", "change", "Loyal", "orders.count() < 2", "--json").json
    assert changed["version"] == 2
    follow(engine)
    assert "Boris" in kartoteka("segment", "show", "Loyal").text
    assert kartoteka("segment", "pages", "Loyal", "--json").json["pages"] is True
    assert "closed" in kartoteka("segment", "pages", "Loyal", "--off").text
    kartoteka("segment", "archive", "Loyal")
    assert kartoteka("segment", "list", "--json").json["data"] == []
    (one,) = kartoteka("segment", "list", "--archived", "--json").json["data"]
    assert one["archived_at"]


def test_a_list_is_put_together_and_taken_back(kartoteka, engine, shop):
    assert kartoteka("segment", "add", "VIP", "--json").json["kind"] == "list"
    words = ("anna@example.org", shop["Boris"], "who@example.org")
    answer = kartoteka("segment", "put", "VIP", *words, "--json").json
    assert (answer["new"], answer["unknown"]) == (2, ["who@example.org"])
    follow(engine)
    assert kartoteka("segment", "list", "--json").json["data"][0]["customers"] == 2
    off = kartoteka("segment", "put", "VIP", "--off", "--file", "-", says="+77012345678\n")
    assert "1 customers taken off" in off.text
    follow(engine)
    assert kartoteka("segment", "list", "--json").json["data"][0]["customers"] == 1
    assert kartoteka("undo", answer["operation"]).status in (0, 3)
    follow(engine)
    assert kartoteka("segment", "list", "--json").json["data"][0]["customers"] == 0
