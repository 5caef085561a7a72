"""Invented customers and orders in any number, the same for the same seed: what the benchmarks load."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from foundation.records import Address, Consent, Happening, Line, Order, Person

GIVEN = (
    "Anna",
    "Boris",
    "Aygül",
    "Dana",
    "Мария",
    "Иван",
    "Ayşe",
    "Mehmet",
    "민준",
    "서연",
    "Jürgen",
    "Claire",
)
FAMILY = (
    "Petrova",
    "Weber",
    "Kaya",
    "Ким",
    "Иванов",
    "Ахметов",
    "Yılmaz",
    "김",
    "박",
    "Schmidt",
    "Dubois",
    "Novak",
)
CITIES = (
    ("Almaty", "KZ"),
    ("Berlin", "DE"),
    ("İzmir", "TR"),
    ("서울", "KR"),
    ("Казань", "RU"),
    ("Lyon", "FR"),
)
PREFIX = {"KZ": "+7701", "DE": "+4915", "TR": "+90532", "KR": "+8210", "RU": "+7916", "FR": "+336"}
DIGITS = {"KZ": 7, "DE": 9, "TR": 7, "KR": 8, "RU": 7, "FR": 8}
START = datetime(2024, 1, 1, tzinfo=UTC)


def person(number: int, seed: int = 1) -> Person:
    """The customer of a number: most have an e-mail and a phone of their own."""
    dice = random.Random(seed * 1_000_003 + number)
    given, family = dice.choice(GIVEN), dice.choice(FAMILY)
    city, country = dice.choice(CITIES)
    phone = f"{PREFIX[country]}{number % 10 ** DIGITS[country]:0{DIGITS[country]}d}"
    at = START + timedelta(seconds=dice.randrange(60_000_000))
    return Person(
        external_id=str(number),
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        emails=(f"user{number}@shop{number % 97}.example",),
        email_verified=True,
        phones=(phone,) if dice.random() < 0.8 else (),
        addresses=(Address(line=f"Street {number % 300}", city=city, postcode="10000", country=country),),
        country=country,
        language=country.lower(),
        consents=(Consent(channel="email", given=dice.random() < 0.7, at=at),) if dice.random() < 0.5 else (),
        created_at=at,
        changed_at=at,
    )


def order(number: int, customers: int, seed: int = 1, lines: int = 3) -> Order:
    """The order of a number, of one of so many customers, with its lines; placed, mostly paid and sent."""
    dice = random.Random(seed * 2_000_003 + number)
    buyer = dice.randrange(customers)
    at = START + timedelta(seconds=number * 60_000_000 // max(customers * 3, 1))
    bought = tuple(
        Line(
            position=place,
            product_id=str(dice.randrange(2_000)),
            sku=f"SKU-{dice.randrange(2_000)}",
            name=f"Product {dice.randrange(2_000)}",
            quantity=Decimal(dice.randrange(1, 4)),
            unit_price=Decimal(dice.randrange(100, 9_000)) / 100,
            total=Decimal(dice.randrange(100, 20_000)) / 100,
        )
        for place in range(1, lines + 1)
    )
    total = sum((line.total for line in bought), Decimal(0))
    told = [Happening(kind="placed", at=at, key="placed", amount=total)]
    if dice.random() < 0.9:
        told.append(Happening(kind="paid", at=at + timedelta(minutes=5), key="paid", amount=total))
    return Order(
        external_id=str(number),
        number=f"R-{number}",
        state="completed" if len(told) > 1 else "open",
        currency="EUR",
        total=total,
        customer_id=str(buyer),
        lines=bought,
        happenings=tuple(told),
        placed_at=at,
        changed_at=at,
    )


def people(count: int, seed: int = 1) -> Iterator[Person]:
    """So many customers."""
    return (person(number, seed) for number in range(count))


def orders(count: int, customers: int, seed: int = 1) -> Iterator[Order]:
    """So many orders, oldest first."""
    return (order(number, customers, seed) for number in range(count))
