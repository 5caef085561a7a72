"""Numbers, dates and currencies as they are really written; nothing raises."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounting.commerceml import values


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("231.7400", "231.7400"),
        (" \n 377\t", "377"),
        ("-1.00", "-1.00"),
        ("23 000", "23000"),
        ("1\u00a0234\u202f567,89", "1234567.89"),
        ("−5", "-5"),
        ("18%", "18"),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_numbers(said: str, number: str) -> None:
    assert values.number(said) == Decimal(number)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Скидка",
        "1,2,3",
        "1.2.3",
        "NaN",
        "Infinity",
        "1e5",
        "--1",
        "9" * 50,
        "9" * 16,
        "٣",
        "1_0",
        "Без НДС",
    ],
)
def test_what_is_no_number(said: str) -> None:
    assert values.number(said) is None


@pytest.mark.parametrize(
    ("said", "clock", "at"),
    [
        ("2026-03-01", "10:20:30", "2026-03-01T07:20:30"),
        ("2026-03-01", "", "2026-02-28T21:00:00"),
        ("2014-06-01T0:36:33", "", "2014-05-31T20:36:33"),
        ("2022-10-31UTC02:25:50", "", "2022-10-30T23:25:50"),
        ("2026-04-22T18:30:00+00:00", "", "2026-04-22T18:30:00"),
        ("2016-11-03T13:33:34.021+03:00", "", "2016-11-03T10:33:34"),
        ("2016-11-03+03:00", "", "2016-11-02T21:00:00"),
        ("2016-11-03T13:33:34Z", "", "2016-11-03T13:33:34"),
        ("11.02.2021 18:45:21", "", "2021-02-11T15:45:21"),
        ("2007-10-16 15:51:58", "", "2007-10-16T11:51:58"),
        ("2026-03-01", "25:61:00", "2026-02-28T21:00:00"),
        ("0001-01-01T00:00:00", "", None),
        ("2026-02-30", "", None),
        ("T", "", None),
        ("", "10:00:00", None),
    ],
)
def test_instants_on_the_wall_of_moscow(said: str, clock: str, at: str | None) -> None:
    found = values.instant(said, clock, "Europe/Moscow")
    assert found == (datetime.fromisoformat(at).replace(tzinfo=UTC) if at else None)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("RUB", "RUB"), ("руб", "RUB"), ("руб.", "RUB"), ("РУБ", "RUB"), ("643", "RUB"), ("RUR", "RUB"),
        ("грн", "UAH"), ("тг.", "KZT"), ("KZT", "KZT"), ("398", "KZT"), ("usd", "USD"), ("XTS", "XTS"),
        ("тугрики", ""), ("", ""), ("12", ""), ("ABCD", ""),
    ],
)  # fmt: skip
def test_currencies(said: str, code: str) -> None:
    assert values.currency(said) == code


def test_names_fold_to_what_they_mean() -> None:
    assert values.fold("Статус заказа") == values.fold("СтатусЗаказа") == values.fold("cтатус заказa")
    assert values.fold("Дата по 1C") == values.fold("Дата по 1С")
    assert values.fold("Оплачен") != values.fold("Отгружен")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Иван\u00a0Проверочкин ", "Иван Проверочкин"),
        ("a &quot;b&quot;", 'a "b"'),
        ("a &amp;quot;", "a &quot;"),  # once more, not until nothing is left
        ("R&D &unknown; &copy", "R&D &unknown; &copy"),
        ("&#1057;", "С"),
        ("a\x00\u200bb", "ab"),
    ],
)
def test_texts(said: str, text: str) -> None:
    assert values.clean(said) == text


@pytest.mark.parametrize(
    ("said", "told"),
    [("true", True), ("Да", True), (" false ", False), ("нет", False), ("", None), ("T", None)],
)
def test_flags(said: str, told: bool | None) -> None:
    assert values.flag(said) is told


def test_days() -> None:
    assert values.day("1980-02-03T00:00:00") == date(1980, 2, 3)
    assert values.day("3.2.1980") == date(1980, 2, 3)
    assert values.day("0001-01-01") is None


@given(st.text(), st.text(max_size=20))
def test_nothing_raises(said: str, clock: str) -> None:
    values.number(said)
    values.currency(said)
    values.flag(said)
    values.instant(said, clock, "Asia/Almaty")
    assert values.clean(said) == values.clean(said).strip()


@given(
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?([+-][0-9]{2}:?[0-9]{2})?",
        fullmatch=True,
    )
)
def test_no_date_raises(said: str) -> None:
    found = values.instant(said, "", "Asia/Tashkent")
    assert found is None or found.tzinfo is UTC
