"""Orders: who, with what, never of the past, and when there is nothing to write about any more."""

from datetime import timedelta

import pytest

from customers.tables import Source
from email_campaigns.triggers import buying
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Happening, Product
from tests.email_campaigns.triggers.scene import LONG_AGO, Scene, buyer

KEYS = ("order_confirmation", "after_purchase", "review_request", "nps")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize("key", KEYS)
def test_letter_is_about_the_order(scene: Scene, key):
    scene.product("CUP", name="The cup")
    scene.buys("anna", "N1")
    (entry,) = scene.ask(key)
    order = entry.context["order"]
    assert (order["number"], order["total"], order["address"]) == (
        "N1", {"amount": "1100.5000", "currency": "KZT"}, "Abai 10, Almaty",
    )  # fmt: skip
    assert order["lines"] == [
        {"name": "Cup", "sku": "CUP", "quantity": 2, "url": "https://shop.example/p/CUP",
         "image": "https://shop.example/p/CUP.jpg", "price": {"amount": "50.0000", "currency": "KZT"},
         "total": {"amount": "100.0000", "currency": "KZT"}}
    ]  # fmt: skip
    said = scene.letter(key, entry, answer="https://crm.shop.example/m/n/x")
    if key != "nps":
        assert "Cup" in said.text


def test_letter_is_about_that_order_and_not_the_last(scene: Scene, clock):
    scene.buys("anna", "N1")
    clock.advance(minutes(5))
    scene.buys("anna", "N2")
    first, second = sorted(scene.ask("order_confirmation"), key=lambda one: one.at)
    assert "N1" in scene.letter("order_confirmation", first).subject
    assert "N2" in scene.letter("order_confirmation", second).subject
    assert first.key != second.key


@pytest.mark.parametrize("key", KEYS)
def test_again_is_the_same_occurrence(scene: Scene, clock, key):
    scene.buys("anna", "N1")
    (entry,) = scene.ask(key)
    clock.advance(timedelta(hours=1))
    scene.buys("anna", "N1", at=entry.at, note="changed")
    assert [one.key for one in scene.ask(key)] == [entry.key]
    clock.advance(timedelta(hours=24))
    assert scene.ask(key) == []


def test_what_arrives_late_is_found_within_a_day(scene: Scene, clock):
    scene.buys("anna", "N1", at=now() - timedelta(hours=20))
    assert len(scene.ask("order_confirmation", arrived=minutes(2))) == 1
    scene.buys("boris", "N2", at=now() - timedelta(hours=30))
    assert len(scene.ask("order_confirmation", arrived=minutes(2))) == 1


@pytest.mark.parametrize("key", KEYS)
def test_first_import_brings_nobody(scene: Scene, clock, key):
    """The shop is connected now and brings along what was ordered an hour ago."""
    scene.run("UPDATE sources SET created_at = :at", at=now())
    scene.buys("anna", "N1", at=now() - minutes(60))
    assert scene.ask(key) == []
    clock.advance(minutes(5))
    scene.buys("anna", "N2")
    assert [one.context["order"]["number"] for one in scene.ask(key)] == ["N2"]


@pytest.mark.parametrize("key", KEYS)
def test_file_of_orders_brings_nobody(scene: Scene, key):
    with transaction(scene.engine) as session:
        file = Source(name="orders.csv", kind="spreadsheet", role="file", created_at=LONG_AGO)
        session.add(file)
    scene.buys("anna", "N1", source=file)
    assert scene.ask(key) == []


@pytest.mark.parametrize("state", ["cart", "failed", "cancelled"])
def test_no_order_no_entry(scene: Scene, state):
    scene.buys("anna", "N1", state=state)
    assert scene.ask("order_confirmation") == []


WAYS = [("paid", "paid"), ("shipped", "shipped"), ("delivered", "delivered"), ("delivered", "completed")]


@pytest.mark.parametrize(("moment", "kind"), WAYS)
def test_moment_of_an_order(scene: Scene, moment, kind):
    scene.buys("anna", "N1")
    assert scene.ask("after_purchase", moment=moment) == []
    happened = tuple(Happening(kind=kind, at=now() - minutes(n), key=f"{kind}:{n}") for n in (9, 5))
    scene.buys("boris", "N2", at=now() - minutes(60), happenings=happened)
    (entry,) = scene.ask("after_purchase", moment=moment)
    assert (entry.context["order"]["number"], entry.at) == ("N2", now() - minutes(9))
    assert set(buying.MOMENTS) == set(buying.moment_field().choices())


def test_what_a_ledger_says_of_an_order_of_ours_is_a_moment_of_that_order_once(scene: Scene, clock):
    with transaction(scene.engine) as session:
        ledger = Source(name="1C", kind="commerceml", role="accounting", created_at=LONG_AGO)
        session.add(ledger)
    scene.buys("anna", "N1", at=now() - timedelta(days=2))
    [[ours]] = scene.rows("SELECT id FROM orders")
    shipped = Happening(kind="shipped", at=now() - minutes(9), key="shipped")
    there = {"external_id": str(ours), "number": "N1", "source": ledger, "at": now() - timedelta(days=2)}
    scene.buys("anna", happenings=(shipped,), **there)
    (entry,) = scene.ask("after_purchase", moment="shipped")
    assert (entry.context["order"]["number"], entry.at) == ("N1", now() - minutes(9))
    assert entry.cause["order"] == str(ours)
    scene.buys("anna", "N1", at=now() - timedelta(days=2), happenings=(
        Happening(kind="shipped", at=now() - minutes(5), key="shipped"),))  # fmt: skip
    (again,) = scene.ask("after_purchase", moment="shipped")
    assert again.key == entry.key


def test_least_value(scene: Scene):
    scene.buys("anna", "N1")
    assert len(scene.ask("after_purchase", least=1100)) == 1
    assert scene.ask("after_purchase", least=1101) == []


@pytest.mark.parametrize(
    ("state", "ends"),
    [("shipped", ()), ("refunded", KEYS[1:]), ("cancelled", KEYS), ("failed", KEYS)],
)
def test_order_that_is_none_any_more_is_over(scene: Scene, state, ends):
    scene.buys("anna", "N1")
    entries = {key: scene.ask(key)[0] for key in KEYS}
    assert not any(scene.over(key, entry) for key, entry in entries.items())
    scene.buys("anna", "N1", state=state)
    assert tuple(key for key in KEYS if scene.over(key, entries[key])) == ends


def test_review_written_is_over(scene: Scene, clock):
    scene.buys("anna", "N1")
    (entry,) = scene.ask("review_request")
    scene.happens(entry, "web.product_reviewed", minutes(-1))
    assert not scene.over("review_request", entry)
    scene.happens(entry, "web.product_reviewed", minutes(10))
    assert not scene.over("review_request", entry), "that is still to come"
    clock.advance(minutes(10))
    assert scene.over("review_request", entry)


def test_answer_is_over(scene: Scene, clock):
    scene.buys("anna", "N1")
    (entry,) = scene.ask("nps")
    clock.advance(minutes(10))
    scene.happens(entry, "letter.answered", minutes(10))
    assert scene.over("nps", entry) and not scene.over("review_request", entry)


def test_win_back_fires_on_the_day(scene: Scene, clock):
    start = now()
    scene.tell(buyer("anna"), Product(external_id="x", name="x"))
    scene.buys("anna", "N0", at=start - timedelta(days=200))
    scene.buys("anna", "N1", at=start - timedelta(days=29, hours=20))
    scene.buys("boris", "N2", at=start - timedelta(days=31))
    scene.buys("dana", "N3", at=start - timedelta(days=29, hours=20))
    scene.buys("dana", "N4", at=start - timedelta(days=3))
    assert scene.ask("win_back", days=30) == []
    clock.advance(timedelta(hours=12))
    (entry,) = scene.ask("win_back", days=30)
    assert (entry.context["order"]["number"], entry.at) == ("N1", start + timedelta(hours=4))
    assert "Anna" in scene.letter("win_back", entry).text
    assert not scene.over("win_back", entry)
    scene.buys("anna", "N5", state="cancelled")
    assert not scene.over("win_back", entry)
    scene.buys("anna", "N6")
    assert scene.over("win_back", entry) and scene.ask("win_back", days=30) == []
