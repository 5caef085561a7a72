"""What time brings about: birthdays, invoices, what is used up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from email_campaigns import zones
from foundation import clock as clocks
from foundation.clock import now
from foundation.records import Address
from tests.email_campaigns.triggers.scene import Scene, buyer

DAY = timedelta(days=1)


def born(scene: Scene, who: str, day: date, city: str = "Almaty", country: str = "KZ") -> None:
    scene.tell(buyer(who, birthday=day, country=country, addresses=(Address(city=city, country=country),)))


def test_birthday_at_ten_where_they_live(scene: Scene, clock):
    """It is Monday 2 March 2026, 9:00 in UTC."""
    for who, city, country in (
        ("anna", "Almaty", "KZ"), ("boris", "Berlin", "DE"), ("igor", "Владивосток", "RU"),
        ("oleg", "Москва", "RU"), ("jack", "Los Angeles", "US"), ("nobody", "", ""),
    ):  # fmt: skip
        born(scene, who, date(1990, 3, 2), city, country)
    born(scene, "late", date(1990, 3, 1))
    born(scene, "early", date(1990, 3, 3))
    found = {scene.letter("birthday", one).text.split("Hello, ")[1].split("!")[0]: one
             for one in scene.ask("birthday", hours=9.5)}  # fmt: skip
    assert set(found) == {"Anna", "Boris", "Igor", "Oleg"}
    for name, zone in (("Anna", "Asia/Almaty"), ("Boris", "Europe/Berlin"), ("Igor", "Asia/Vladivostok")):
        assert zones.local(found[name].at, zone).hour == 10
    clock.advance(timedelta(hours=12))
    assert {one.cause["zone"] for one in scene.ask("birthday", hours=12)} == {"America/New_York", "UTC"}
    assert {one.key for one in found.values()} == {"birthday:2026"}


def test_zones_are_the_same_in_sql(scene: Scene):
    """Every country and city that is known, and some that aren't."""
    known = [
        *((country, "") for country in zones.parameters()["z_countries"]),
        *((one[:2], one[3:].title()) for one in zones.parameters()["z_cities"]),
        ("kz", "almaty"), (" RU ", " ОМСК "), ("", ""), (None, None), ("XX", "Omsk"), ("US", None),
    ]  # fmt: skip
    query = (
        f"SELECT {zones.ZONE} FROM (SELECT CAST(:country AS text) AS country, CAST(:city AS text) AS city) c"
        f" {zones.JOINS.format('c.country', 'c.city')}"
    )
    for country, city in known:
        ((found,),) = scene.rows(query, country=country, city=city, **zones.parameters())
        assert found == zones.zone_of(country, city), (country, city)


def test_days_before_and_another_hour(scene: Scene, clock):
    born(scene, "anna", date(1990, 3, 9))
    assert scene.ask("birthday") == []
    (entry,) = scene.ask("birthday", days=7, hour=8)
    assert entry.at == datetime(2026, 3, 2, 3, tzinfo=UTC)  # 8:00 in Almaty


def test_new_year_belongs_to_the_year_of_the_birthday(scene: Scene):
    with clocks.hold(datetime(2026, 12, 30, 12, tzinfo=UTC)):
        born(scene, "anna", date(1990, 1, 2))
        (entry,) = scene.ask("birthday", days=3)
        assert entry.key == "birthday:2027"


@pytest.mark.parametrize(("year", "day"), [(2026, date(2026, 2, 28)), (2028, date(2028, 2, 29))])
def test_who_was_born_on_29_february(scene: Scene, year, day):
    born(scene, "anna", date(1992, 2, 29))
    fired = []
    for offset in range(-2, 4):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + offset * DAY
        with clocks.hold(noon):
            fired += [one.at.date() for one in scene.ask("birthday")]
    assert fired == [day]


def test_dead_and_unknown_birthdays_are_nobodys(scene: Scene):
    born(scene, "anna", date(1990, 3, 2))
    scene.tell(buyer("boris"))
    scene.run("UPDATE customers SET live = false WHERE birthday IS NOT NULL")
    assert scene.ask("birthday") == []


def invoice(scene: Scene, number: str, due: timedelta, **more) -> None:
    """An invoice to Anna that is due so far from now."""
    if not scene.rows("SELECT FROM profiles WHERE external_id = 'shop-anna'"):
        scene.tell(buyer("anna"))
    said = {"state": "open", "paid": Decimal(1000)} | more
    scene.run(
        "INSERT INTO invoices (id, source_id, external_id, number, profile_id, customer_id, state, currency,"
        " total, paid, issued_at, due_at) SELECT :id, :source, :number, :number, id, customer_id, :state,"
        " 'KZT', 5000, :paid, :issued, :due FROM profiles WHERE external_id = 'shop-anna'",
        id=uuid4(), source=scene.shop.id, number=number, issued=now() - 30 * DAY, due=now() + due, **said,
    )  # fmt: skip


def test_invoice_due_soon(scene: Scene, clock):
    invoice(scene, "I1", 3 * DAY - timedelta(hours=2))
    invoice(scene, "I2", 4 * DAY)
    invoice(scene, "I3", 3 * DAY - timedelta(hours=2), state="paid", paid=Decimal(5000))
    invoice(scene, "I4", 3 * DAY - timedelta(hours=2), state="cancelled")
    (entry,) = scene.ask("invoice_due", days=3)
    assert entry.at == now() - timedelta(hours=2)
    said = scene.letter("invoice_due", entry)
    assert "I1" in said.subject and "4,000" in said.text.replace("\N{NO-BREAK SPACE}", ",")
    assert not scene.over("invoice_due", entry)
    clock.advance(2 * DAY)
    assert not scene.over("invoice_due", entry)
    clock.advance(2 * DAY)
    assert scene.over("invoice_due", entry), "it is due: that is another trigger's matter"


def test_invoice_overdue_says_since_when(scene: Scene):
    invoice(scene, "I1", -5 * DAY)
    invoice(scene, "I2", -6 * DAY - timedelta(hours=1))
    (entry,) = scene.ask("invoice_overdue", days=5)
    assert "5 days ago" in scene.letter("invoice_overdue", entry).text
    assert scene.ask("invoice_overdue", days=4) == scene.ask("invoice_due") == []


@pytest.mark.parametrize("key", ["invoice_due", "invoice_overdue"])
@pytest.mark.parametrize(
    "change", ["paid = 5000", "state = 'cancelled'", "state = 'paid'", "due_at = due_at + interval '9 days'"]
)
def test_paid_cancelled_or_put_off_is_over(scene: Scene, key, change):
    invoice(scene, "I1", DAY if key == "invoice_due" else -DAY)
    (entry,) = scene.ask(key, days=1)
    assert not scene.over(key, entry)
    scene.run("UPDATE invoices SET paid = 2000")
    assert not scene.over(key, entry)
    scene.run(f"UPDATE invoices SET {change}")
    assert scene.over(key, entry)


def test_invoice_put_off_is_another_occurrence(scene: Scene, clock):
    invoice(scene, "I1", DAY)
    (first,) = scene.ask("invoice_due", days=1)
    scene.run("UPDATE invoices SET due_at = due_at + interval '9 days'")
    clock.advance(9 * DAY)
    (second,) = scene.ask("invoice_due", days=1)
    assert first.key != second.key


def test_reorder_by_ones_own_interval(scene: Scene, clock):
    start = now()
    for number, ago in enumerate((80, 61, 40, 20)):
        scene.buys("anna", f"A{number}", at=start - ago * DAY)
    (entry,) = scene.ask("replenishment", days=0)
    assert entry.at == start
    assert (entry.cause["by"], entry.cause["sku"], entry.cause["days"]) == ("person", "CUP", 20.0)
    said = scene.letter("replenishment", entry)
    assert "Cup" in said.text and entry.context["product"]["name"] == "Cup"
    assert entry.context["order"]["number"] == "A3"
    assert scene.ask("replenishment", days=0, skus=["CUP"]) == [entry]
    assert scene.ask("replenishment", days=0, skus=["TEA"]) == []


def test_reorder_by_what_people_do(scene: Scene):
    start = now()
    for number, who in enumerate(("b", "c", "d", "e", "f")):
        scene.buys(who, f"{who}1", at=start - (50 + number) * DAY)
        scene.buys(who, f"{who}2", at=start - (20 + number) * DAY)
    scene.buys("anna", "A1", at=start - timedelta(days=27, hours=1))
    (entry,) = scene.ask("replenishment")
    assert (entry.context["order"]["number"], entry.cause["by"]) == ("A1", "product")


def test_reorder_needs_evidence_and_keeps_its_bounds(scene: Scene):
    start = now()
    scene.buys("anna", "A1", at=start - 20 * DAY)
    scene.buys("anna", "A2", at=start - 10 * DAY)
    assert scene.ask("replenishment", days=0) == []
    for number, ago in enumerate((32, 31, 30)):
        scene.buys("boris", f"B{number}", at=start - ago * DAY)
    (entry,) = scene.ask("replenishment", days=0, lowest=30)
    assert entry.context["order"]["number"] == "B2"
    assert scene.ask("replenishment", days=0, lowest=10) == []


def test_reorder_is_over_when_it_was_bought_again(scene: Scene):
    for number, ago in enumerate((60, 40, 20)):
        scene.buys("anna", f"A{number}", at=now() - ago * DAY)
    (entry,) = scene.ask("replenishment", days=0)
    scene.buys("anna", "T", sku="TEA")
    assert not scene.over("replenishment", entry)
    scene.buys("anna", "A9", state="cancelled")
    assert not scene.over("replenishment", entry)
    scene.buys("anna", "A10")
    assert scene.over("replenishment", entry)
    assert scene.ask("replenishment", days=0) == []
