"""People out of few names, mailboxes and telephones, so that much is shared and some of it crowded."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

from foundation.clock import now
from foundation.records import Address, Line, Order, Person

GIVEN = ("Ivan", "Иван", "Anna", "Мария", "Mehmet", "Ayşe", "Kasyan", "Ксения", "Ксюша", "Bill", "William")
FAMILY = (
    "Petrov",
    "Петров",
    "Ivanova",
    "Kaya",
    "Yılmaz",
    "Panaruk",
    "Mulgrew",
    "Smith",
    "Kovalenko",
    "Petrof",
)
KOREANS = ("김민준", "Kim Min-jun", "Minjun Kim", "박서연", "Park Seo yeon", "Seoyeon")
FIRMS = ('ТОО "Ромашка"', "Romashka LLP", "Acme GmbH", "ACME Berlin", "Ромашк ООО", "Kaya Ltd")
DOMAINS = ("gmail.com", "gmial.com", "mail.ru", "romashka.kz", "x.org")
LOCALS = ("ivan.petrov", "anna1985", "panaruk", "info", "kasyan.mulgrew", "kim.minjun90", "sales", "i.petrov")
PHONES = ("+7 701 555 11 22", "87015551122", "+7 701 555 11 23", "+49 151 5555 1122", "+82 10 5555 1122")
TAXES = ("850712400123", "900101300017", "123456789012", "7707083893", "7707083894")
BORN = (date(1985, 7, 12), date(1985, 12, 7), date(1990, 1, 1), date(1971, 3, 9))
STREETS = ("Lenina 14, kv. 7", "ул. Ленина, 14-7", "Lenina 14", "Abaya 3", "Hauptstraße 5")
TOWNS = ("Almaty", "Алматы", "Berlin", "Seoul")


def anybody(dice: random.Random, key: str) -> Person:
    """One record: few say everything, some nothing but a browser, some what a regular guest always says."""
    if dice.random() < 0.15:
        return guest(dice.randrange(5), key, claimed=dice.random() < 0.3)
    said: dict[str, Any] = {}
    if dice.random() < 0.85:
        said |= _called(dice)
    if dice.random() < 0.5:
        said["emails"] = tuple(_mail(dice) for _ in range(dice.choice((1, 1, 1, 2))))
    if dice.random() < 0.6:
        phones = (PHONES[0], PHONES[0], *PHONES)
        said["phones"] = tuple(dice.choice(phones) for _ in range(dice.choice((1, 1, 2))))
    if dice.random() < 0.3:
        said["device_ids"] = (f"browser-{dice.randrange(3)}",)
    if dice.random() < 0.2:
        said["tax_number"] = dice.choice(TAXES)
    if dice.random() < 0.3:
        said["birthday"] = dice.choice(BORN)
    if dice.random() < 0.4:
        home = Address(
            line=dice.choice(STREETS), city=dice.choice(TOWNS), postcode=dice.choice(("", "050000"))
        )
        said["addresses"] = (home,)
    return Person(
        external_id=key, country=dice.choice(("KZ", "KZ", "DE")), claimed=dice.random() < 0.1, **said
    )


def guest(number: int, key: str, *, claimed: bool = False) -> Person:
    """One of the orders of a guest: all say the same."""
    email = f"guest-no-{number}@guests.org"
    return Person(
        external_id=key, name=f"Zosima Tchekan{'abcde'[number]}", emails=(email,), guest=True, claimed=claimed
    )


def bought(who: Person, number: str, *goods: str) -> Order:
    """An order of some goods by somebody."""
    lines = tuple(Line(position=at, sku=sku) for at, sku in enumerate(goods, start=1))
    return Order(
        external_id=number, number=number, state="paid", currency="KZT", total=Decimal(10), customer=who,
        customer_id=who.external_id, lines=lines, placed_at=now(),
    )  # fmt: skip


def basket(dice: random.Random) -> list[str]:
    """Some goods: few are ordered by many."""
    return [f"G-{int(60 * dice.random() ** 2)}" for _ in range(dice.randrange(1, 4))]


def neighbours(number: int) -> list[Person]:
    """People of four names with one telephone, crowded, of whom each two have a browser in common."""
    names = ("Anna", "Boris", "Kasyan", "Evlampy")
    shares = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
    return [
        Person(
            external_id=f"n{one}", name=names[shares[one * 7 % 10]], emails=(f"neighbour{one}@x{one}.org",),
            phones=(PHONES[0],), device_ids=(f"lent-{one // 2}",),
        )
        for one in range(number)
    ]  # fmt: skip


def _called(dice: random.Random) -> dict[str, Any]:
    kind = dice.random()
    if kind < 0.15:
        return {"name": dice.choice(KOREANS)}
    if kind < 0.3:
        contact = dice.choice(("", f"{dice.choice(GIVEN)} {dice.choice(FAMILY)}"))
        return {"kind": "company", "company": dice.choice(FIRMS), "name": contact}
    if kind < 0.45:
        return {"name": "Ivan Petrov"}
    given, family = dice.choice(GIVEN), dice.choice(FAMILY)
    if kind < 0.7:
        return {
            "name": dice.choice((f"{given} {family}", f"{family} {given}", f"{given[0]}. {family}", given))
        }
    return {"given_name": given, "family_name": family, "middle_name": dice.choice(("", "Ivanovich"))}


def _mail(dice: random.Random) -> str:
    local = dice.choice(LOCALS) if dice.random() < 0.7 else f"u{dice.randrange(40)}"
    return f"{local}@{dice.choice(DOMAINS)}"
