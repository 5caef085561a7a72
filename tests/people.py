"""People tests meet: Anna bought twice, Boris left a cart, Aygül is Anna again, Dana unsubscribed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from foundation.records import Address, Consent, Happening, Line, Order, Person

JANUARY = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 14, 18, 30, tzinfo=UTC)


def anna(**changes: Any) -> Person:
    """Anna Petrova of Almaty, a registered customer with a verified e-mail."""
    person = Person(
        external_id="anna",
        name="Anna Petrova",
        given_name="Anna",
        family_name="Petrova",
        emails=("anna@example.org",),
        email_verified=True,
        phones=("+77012345678",),
        language="ru",
        country="KZ",
        addresses=(Address(line="Abai Ave 10", city="Almaty", postcode="050000", country="KZ"),),
        consents=(Consent(channel="email", given=True, at=JANUARY),),
        created_at=JANUARY,
        changed_at=JANUARY,
    )
    return msgspec.structs.replace(person, **changes)


def boris(**changes: Any) -> Person:
    """Boris Weber of Berlin, who filled a cart and left."""
    person = Person(
        external_id="boris",
        name="Boris Weber",
        given_name="Boris",
        family_name="Weber",
        emails=("boris@example.com",),
        email_verified=True,
        phones=("+4915123456789",),
        language="de",
        country="DE",
        addresses=(Address(line="Lindenstr. 5", city="Berlin", postcode="10969", country="DE"),),
        created_at=FEBRUARY,
        changed_at=FEBRUARY,
    )
    return msgspec.structs.replace(person, **changes)


def aygul(**changes: Any) -> Person:
    """Anna under her second name and another e-mail, with the same phone written another way."""
    person = Person(
        external_id="aygul",
        name="Aygül Petrova",
        given_name="Aygül",
        family_name="Petrova",
        emails=("aygul@example.net",),
        phones=("8 (701) 234-56-78",),
        language="kk",
        country="KZ",
        created_at=FEBRUARY,
        changed_at=FEBRUARY,
    )
    return msgspec.structs.replace(person, **changes)


def dana(**changes: Any) -> Person:
    """Dana Kim of Seoul, who withdrew her consent to marketing e-mail."""
    person = Person(
        external_id="dana",
        name="김다나",
        given_name="다나",
        family_name="김",
        emails=("dana@example.co.kr",),
        email_verified=True,
        phones=("+821012345678",),
        language="ko",
        country="KR",
        consents=(Consent(channel="email", given=False, at=FEBRUARY, text="unsubscribed"),),
        created_at=JANUARY,
        changed_at=FEBRUARY,
    )
    return msgspec.structs.replace(person, **changes)


def order(buyer: Person | None, number: str, **changes: Any) -> Order:
    """A paid order of one item for 100.00; a guest order when `buyer.guest`."""
    placed = changes.pop("placed_at", JANUARY)
    customer_id = "" if buyer is None else f"order:{number}" if buyer.guest else buyer.external_id
    made = Order(
        external_id=number,
        number=number,
        state="paid",
        source_state="paid",
        currency="EUR",
        total=Decimal("100.00"),
        customer_id=customer_id,
        customer=buyer,
        lines=(Line(position=1, sku="CUP", name="Cup", unit_price=Decimal(100), total=Decimal(100)),),
        happenings=(
            Happening(kind="placed", at=placed, key="placed"),
            Happening(kind="paid", at=placed, key="paid", amount=Decimal("100.00")),
        ),
        placed_at=placed,
        changed_at=placed,
    )
    return msgspec.structs.replace(made, **changes)


def annas_orders() -> tuple[Order, Order]:
    """The two orders Anna placed and paid."""
    return order(anna(), "A-1"), order(anna(), "A-2", placed_at=FEBRUARY, total=Decimal("250.50"))


def boriss_cart() -> Order:
    """What Boris left behind: an order that never left the state of a cart."""
    return order(boris(), "B-1", state="cart", source_state="cart", happenings=(), placed_at=FEBRUARY)
