"""What the API answers about customers and orders: the shapes scripts count on."""

import re
from decimal import Decimal
from uuid import UUID

import pytest

from console.api.shapes import money
from customers import merge
from foundation.database import transaction

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_counts_count_living_cards(reader, shop):
    counts = reader.get("/api/v1/counts").json()
    assert counts.pop("timeline") >= 2
    assert counts == {
        "customers": 2, "profiles": 2, "orders": 2, "products": 0, "invoices": 0, "payments": 0,
        "problems": 0,
    }  # fmt: skip


def test_list_has_data_and_next(reader, shop):
    answer = reader.get("/api/v1/customers").json()
    assert set(answer) == {"data", "next"}
    assert answer["next"] is None
    assert len(answer["data"]) == 2


def test_pages_follow_one_another(reader, shop):
    first = reader.get("/api/v1/customers", params={"limit": 1}).json()
    second = reader.get("/api/v1/customers", params={"limit": 1, "cursor": first["next"]}).json()
    assert second["next"] is None
    assert {one["id"] for one in first["data"] + second["data"]} == {
        one["id"] for one in reader.get("/api/v1/customers").json()["data"]
    }


def test_order_pages_follow_one_another(reader, shop):
    seen, cursor = [], None
    for _ in range(2):
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = reader.get("/api/v1/orders", params=params).json()
        seen += [one["number"] for one in answer["data"]]
        cursor = answer["next"]
    assert cursor is None
    assert len(set(seen)) == 2


def test_card_names_the_origin_of_its_fields(reader, anna):
    card = reader.get(f"/api/v1/customers/{anna['id']}").json()
    profiles = {profile["id"]: profile for profile in card["profiles"]}
    assert card["origins"]["email"] in profiles
    assert profiles[card["origins"]["email"]]["connection"] == "Shop"
    assert INSTANT.fullmatch(card["created_at"])
    assert all(set(one) == {"amount", "currency"} for one in card["spent"])


def test_merged_id_answers_with_the_living_card(reader, anna, engine):
    boris = reader.get("/api/v1/customers", params={"q": "boris"}).json()["data"][0]
    with transaction(engine) as session:
        merge.merge(session, UUID(anna["id"]), UUID(boris["id"]), "test")
    answers = [reader.get(f"/api/v1/customers/{one['id']}").json() for one in (anna, boris)]
    assert answers[0]["id"] == answers[1]["id"]
    assert len(answers[0]["profiles"]) == 2


def test_timeline_is_the_latest_first(reader, anna):
    events = reader.get(f"/api/v1/customers/{anna['id']}/timeline").json()["data"]
    instants = [one["occurred_at"] for one in events]
    assert instants == sorted(instants, reverse=True)
    assert all(INSTANT.fullmatch(instant) for instant in instants)


def test_timeline_pages_lose_nothing(reader, anna):
    path = f"/api/v1/customers/{anna['id']}/timeline"
    everything = [one["id"] for one in reader.get(path).json()["data"]]
    seen, cursor = [], ""
    while cursor is not None:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        answer = reader.get(path, params=params).json()
        seen += [one["id"] for one in answer["data"]]
        cursor = answer["next"]
    assert seen == everything


def test_order_shows_lines_and_money(reader, anna):
    order = reader.get("/api/v1/orders", params={"customer": anna["id"]}).json()["data"][0]
    whole = reader.get(f"/api/v1/orders/{order['id']}").json()
    assert whole["order"] == order
    assert whole["lines"]
    assert set(whole["lines"][0]["total"]) == {"amount", "currency"}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("12.5000", "KZT", "12.50"),
        ("1200.0000", "KRW", "1200"),
        ("0.1234", "EUR", "0.1234"),
        ("-3", "EUR", "-3.00"),
        ("0", "JPY", "0"),
        ("123456789012.34", "RUB", "123456789012.34"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount, currency, text):
    assert money(Decimal(amount), currency).amount == text


def test_reading_a_card_takes_few_queries(reader, anna, count_queries):
    with count_queries() as queries:
        reader.get(f"/api/v1/customers/{anna['id']}")
    assert len(queries) <= 6
