"""What a row means."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.files import keys, rows
from connectors.files.rows import Part, Payload
from foundation.errors import BadInput
from foundation.records import Person


def a_person(habits: dict[str, str] | None = None, **fields: str) -> Person:
    return rows.person(Payload(fields, {}, habits or {}), "x")


def an_order(*more: dict[str, str], habits: dict[str, str] | None = None, **fields: str) -> Any:
    base = {"number": "1", "currency": "KZT", **fields}
    return rows.order(Payload(base, {}, habits or {}, tuple(Part({**base, **m}) for m in more)))


def test_several_emails_in_a_cell_are_several() -> None:
    cell = "Anna <anna@example.kz>; BORIS@example.kz, mailto:c@example.kz / anna@EXAMPLE.kz\nd@example.kz"
    assert a_person(email=cell).emails == (
        "anna@EXAMPLE.kz",
        "BORIS@example.kz",
        "c@example.kz",
        "d@example.kz",
    )


def test_what_is_no_email_is_kept_aside() -> None:
    person = a_person(email="call after six")
    assert person.emails == () and person.extra == {"email": "call after six"}


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("8 (701) 123-45-67", ("8 (701) 123-45-67",)),
        ("+7 701 1234567, +90 532 123 45 67", ("+7 701 1234567", "+90 532 123 45 67")),
        ("0077011234567", ("0077011234567",)),
        ("7.7011E+10", ()),
        ("call me", ()),
        ("", ()),
        ("77011234567", ("77011234567",)),
        ("+77011234567 +77017654321", ("+77011234567", "+77017654321")),
    ],
)
def test_phones_as_people_write_them(cell: str, phones: tuple[str, ...]) -> None:
    person = a_person(phone=cell)
    assert person.phones == phones and (phones or not cell or person.extra["phone"] == cell)


def test_bad_birthdays_keep_the_customer() -> None:
    assert a_person(birthday="29.02.1999").extra == {"birthday": "29.02.1999"}
    assert a_person(birthday="00.00.0000").extra == {} and a_person(birthday="29.02.2000").birthday == date(
        2000, 2, 29
    )


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({"consent_email": "да"}, [("email", True)]),
        ({"consent_email": "нет"}, [("email", False)]),
        ({"consent_email": ""}, []),
        ({"consent_email": "maybe"}, []),
        ({"unsubscribed": "yes"}, [("email", False)]),
        ({"unsubscribed": "no"}, []),
        ({"unsubscribed": "yes", "consent_email": "yes"}, [("email", False)]),
        ({"consent_sms": "evet"}, [("sms", True)]),
        ({"email": "anna@example.kz"}, []),
    ],
)
def test_permission_only_as_the_column_says(fields: dict[str, str], given: list[tuple[str, bool]]) -> None:
    assert [(c.channel, c.given) for c in a_person(**fields).consents] == given


def test_permission_has_its_time() -> None:
    [consent] = a_person(consent_email="yes", consent_at="2024-01-02T03:04:05Z").consents
    assert consent.at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"company": "ТОО «Чай»"}, "company"),
        ({"company": "ТОО «Чай»", "name": "Анна"}, "person"),
        ({"kind": "Юр. лицо", "name": "Чай"}, "person"),
        ({"kind": "юрлицо", "name": "Чай"}, "company"),
        ({"kind": "법인", "name": "차"}, "company"),
        ({"kind": "person", "company": "X"}, "person"),
    ],
)
def test_companies_and_people(fields: dict[str, str], kind: str) -> None:
    assert a_person(**fields).kind == kind


@pytest.mark.parametrize(
    ("said", "code"),
    [("Казахстан", "KZ"), ("kz", "KZ"), ("Türkiye", "TR"), ("대한민국", "KR"), ("UK", "GB"), ("Narnia", "")],
)
def test_countries_by_name(said: str, code: str) -> None:
    person = a_person(country=said, city="X")
    assert person.country == code and (code or person.addresses[0].line == "Narnia")


def test_the_imports_country_is_a_default() -> None:
    assert a_person({"country": "KZ"}, phone="8 701 123 45 67").country == "KZ"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"external_id": " r 1 ", "email": "a@b.kz"}, "r 1"),
        ({"email": " Anna@Example.KZ\u00a0"}, "email:anna@example.kz"),
        ({"phone": "8 (701) 123-45-67"}, "phone:77011234567"),
        ({"phone": "+7 701 1234567"}, "phone:77011234567"),
        ({"phone": "007 701 1234567"}, "phone:77011234567"),
        ({"phone": "7.7011E+10", "name": "Anna"}, "name:anna"),
        ({"tax_number": "900101 300123"}, "tax:900101300123"),
        (
            {"given_name": "Anna", "family_name": "Ivanova", "birthday": "1990-01-01"},
            "name:anna ivanova 1990-01-01",
        ),
    ],
)
def test_a_customer_is_known_by(fields: dict[str, str], key: str) -> None:
    assert keys.customer_key(fields) == key


@pytest.mark.parametrize(
    "email", ["anna@example.kz", "ANNA@example.kz", " anna@example.kz ", "anna@example.kz\u00a0"]
)
def test_spelling_of_an_email_makes_no_other_key(email: str) -> None:
    assert keys.customer_key({"email": email}) == "email:anna@example.kz"


def test_a_homograph_is_another_key() -> None:
    assert keys.customer_key({"email": "аnna@example.kz"}) != keys.customer_key({"email": "anna@example.kz"})


def test_endless_keys_are_shortened() -> None:
    assert len(keys.customer_key({"name": "x" * 10_000})) < 60


@pytest.mark.parametrize(
    "fields", [{}, {"city": "Almaty"}, {"email": "nobody", "phone": "12"}, {"name": "?!"}]
)
def test_nobody_is_told(fields: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="nothing to know"):
        keys.customer_key(fields)


def test_an_order_of_several_rows_adds_up() -> None:
    order = an_order(
        {"product": "Coffee", "quantity": "1", "unit_price": "500,50"},
        product="Tea", quantity="2", unit_price="500", total="1 600,50", shipping="100",
        email="anna@example.kz",
    )  # fmt: skip
    assert order.total == Decimal("1600.50") and [line.total for line in order.lines] == [
        1000,
        Decimal("500.50"),
    ]
    assert (
        order.customer_id == "order:1"
        and order.customer.guest
        and order.customer.emails == ("anna@example.kz",)
    )


def test_an_order_without_a_sum_counts_its_lines() -> None:
    assert an_order(sku="A", quantity="3", unit_price="10", shipping="5").total == 35


def test_differing_sums_are_sums_of_lines() -> None:
    order = an_order({"product": "Coffee", "total": "5"}, product="Tea", total="10")
    assert order.total == 15 and [line.total for line in order.lines] == [10, 5]


def test_the_buyers_id_is_used() -> None:
    order = an_order(total="5", customer_id="r1")
    assert order.customer_id == "r1" == order.customer.external_id and not order.customer.guest


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Оплачен", "paid"),
        ("ОТПРАВЛЕН", "shipped"),
        ("teslim edildi", "completed"),
        ("취소", "cancelled"),
        ("Возвращён", "refunded"),
        ("awaiting-payment", "open"),
        ("", "open"),
        ("whatever", "open"),
    ],
)
def test_states_in_several_languages(said: str, state: str) -> None:
    order = an_order(total="5", state=said)
    assert order.state == state and order.source_state == said


@pytest.mark.parametrize(
    ("fields", "habits", "code"),
    [
        ({"currency": "тг"}, {}, "KZT"),
        ({"currency": "", "total": "5 ₺"}, {}, "TRY"),
        ({"currency": ""}, {"currency": "KRW"}, "KRW"),
    ],
)
def test_the_currency_of_an_order(fields: dict[str, str], habits: dict[str, str], code: str) -> None:
    assert an_order(habits=habits, **{"total": "5", **fields}).currency == code


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"total": "abc"}, "total"),
        ({}, "total"),
        ({"total": "5", "currency": ""}, "currency"),
        ({"total": "5", "placed_at": "soon"}, "placed_at"),
        ({"total": "5", "currency": "coins"}, "currency"),
        ({"product": "Tea", "quantity": "many"}, "quantity"),
        ({"number": "", "total": "5"}, ""),
    ],
)
def test_unreadable_orders_name_the_cell(fields: dict[str, str], at: str) -> None:
    with pytest.raises(BadInput) as caught:
        an_order(**fields)
    assert caught.value.at == at


def test_a_files_habits_settle_open_cells() -> None:
    order = an_order(total="1,234", placed_at="05/06/2024", habits={"total": ",", "placed_at": "mdy"})
    assert order.total == Decimal("1.234") and order.placed_at == datetime(2024, 5, 6, tzinfo=UTC)


def test_a_product_row() -> None:
    product = rows.product(
        Payload({"sku": "A1", "name": "Tea", "price": "1.234,50 ₺", "stock": "5", "active": "нет"})
    )
    assert (product.external_id, product.price, product.currency) == ("sku:A1", Decimal("1234.50"), "TRY")
    assert product.stock == 5 and not product.active


@pytest.mark.parametrize(
    "fields", [{"price": "5"}, {"name": "Tea", "price": "much"}, {"name": "Tea", "active": "so-so"}]
)
def test_unreadable_products_are_told(fields: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        rows.product(Payload(fields))
