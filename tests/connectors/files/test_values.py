"""Cells as values, in the habits of several countries."""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files import values
from foundation.errors import BadInput


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("1 234,56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1\u00a0234\u202f567,8", "1234567.8"),
        ("1'234.50", "1234.50"),
        ("(12)", "-12"),
        ("(1 500,00 ₽)", "-1500.00"),
        ("-5", "-5"),
        ("−5,5", "-5.5"),
        ("5-", "-5"),
        ("₺ -15", "-15"),
        ("12 345 ₸", "12345"),
        ("тг 100", "100"),
        ("1 500 руб.", "1500"),
        ("250 грн", "250"),
        ("₺1.234,50", "1234.50"),
        ("100 TL", "100"),
        ("₩25,000", "25000"),
        ("25,000원", "25000"),
        ("$12.50", "12.50"),
        ("12.50 USD", "12.50"),
        ("1E3", "1E+3"),
        ("1.234.567", "1234567"),
        ("0", "0"),
        ("1,234", "1234"),
        ("1.234", "1.234"),
        ("12,5", "12.5"),
        (".5", "0.5"),
    ],
)
def test_amounts_of_many_habits(said: str, number: str) -> None:
    assert values.decimal(said) == Decimal(number)


@pytest.mark.parametrize("said", ["", " ", "-", "—", "n/a", "NULL", "нет"])
def test_nothing_is_no_number(said: str) -> None:
    assert values.decimal(said) is None


@pytest.mark.parametrize(
    "said", ["abc", "1,2,3", "12.34.56", "100%", "5 kg", "1e999", "9" * 20, "=1+1", "10-20"]
)
def test_what_is_no_number_is_told(said: str) -> None:
    with pytest.raises(BadInput):
        values.decimal(said)


@pytest.mark.parametrize(
    ("said", "mark", "number"), [("1,234", ",", "1.234"), ("1.234", ",", "1234"), ("1.234", ".", "1.234")]
)
def test_a_column_settles_open_numbers(said: str, mark: str, number: str) -> None:
    assert values.is_open_number(said) and values.decimal(said, mark) == Decimal(number)


@pytest.mark.parametrize(
    ("column", "mark"),
    [
        (["1,234", "12,50"], ","),
        (["1.234", "1.234,50"], ","),
        (["1,234", "5.5"], "."),
        (["₩1,234,000"], "."),
        (["1,234", "5,678"], ""),
        ([], ""),
        (["100", "200"], ""),
    ],
)
def test_the_decimal_mark_by_evidence(column: list[str], mark: str) -> None:
    assert values.decimal_mark(column) == mark


@given(
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False), st.sampled_from([" ", "\u00a0", ".", "'", ""])
)
def test_grouped_amounts_come_back(number: Decimal, group: str) -> None:
    written = f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", group)
    assert values.decimal(written) == number


@given(st.text(max_size=20))
def test_any_text_is_a_value_or_told(text: str) -> None:
    for read in (values.decimal, values.day, values.instant, values.flag):
        with contextlib.suppress(BadInput):
            read(text)
    values.clean(text).encode()
    values.currency_in(text)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("31.12.2024", (2024, 12, 31)),
        ("31/12/2024", (2024, 12, 31)),
        ("12/31/2024", (2024, 12, 31)),
        ("2024-12-31", (2024, 12, 31)),
        ("2024/12/31", (2024, 12, 31)),
        ("20241231", (2024, 12, 31)),
        ("2024년 12월 31일", (2024, 12, 31)),
        ("2024. 12. 31.", (2024, 12, 31)),
        ("2024年12月31日", (2024, 12, 31)),
        ("31.12.24", (2024, 12, 31)),
        ("1.2.70", (1970, 2, 1)),
        ("45657", (2024, 12, 31)),
        ("45657.75", (2024, 12, 31)),
        ("31 декабря 2024 г.", (2024, 12, 31)),
        ("5 Ocak 2024", (2024, 1, 5)),
        ("Jan 5, 2024", (2024, 1, 5)),
        ("5. März 2024", (2024, 3, 5)),
        ("5 қаңтар 2024", (2024, 1, 5)),
        ("05.06.2024", (2024, 6, 5)),
        ("2024-12-31T23:59:59Z", (2024, 12, 31)),
        ("31.12.2024 23:30", (2024, 12, 31)),
        ("31.12.2024 г.", (2024, 12, 31)),
    ],
)
def test_days_of_many_habits(said: str, day: tuple[int, int, int]) -> None:
    assert values.day(said) == date(*day)


@pytest.mark.parametrize("said", ["", "00.00.0000", "0000-00-00", "0000-00-00 00:00:00", "-"])
def test_zero_days_are_none(said: str) -> None:
    assert values.day(said) is None


@pytest.mark.parametrize(
    "said", ["29.02.1999", "31.04.2024", "2024-13-01", "32.01.2024", "soon", "1.1.1", "12345678"]
)
def test_days_no_calendar_has(said: str) -> None:
    with pytest.raises(BadInput):
        values.day(said)


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (["05/06/2024", "12/31/2024"], "mdy"),
        (["05/06/2024", "31/12/2024"], "dmy"),
        (["05/06/2024"], ""),
        (["2024-01-01"], ""),
        (["13/01/2024", "01/14/2024"], ""),
    ],
)
def test_the_order_of_dates_by_evidence(column: list[str], order: str) -> None:
    assert values.date_order(column) == order


def test_a_column_settles_open_dates() -> None:
    assert values.is_open_date("05/06/2024") and not values.is_open_date("05/05/2024")
    assert values.day("05/06/2024", "mdy") == date(2024, 5, 6)
    assert values.day("31/12/2024", "mdy") == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("said", "hour", "minute"),
    [
        ("31.12.2024 23:30", 18, 30),
        ("12/31/2024 11:30 PM", 18, 30),
        ("2024-12-31 오후 3:05", 10, 5),
        ("2024-12-31T10:00:00Z", 10, 0),
        ("2024-12-31T10:00:00+03:00", 7, 0),
        ("2024-12-31 10:00:00.123", 5, 0),
        ("45657.5", 7, 0),
        ("2024-12-31, 12:15 am", -1, -1),
    ],
)
def test_times_are_of_the_files_zone(said: str, hour: int, minute: int) -> None:
    found = values.instant(said, "", "Asia/Almaty")
    assert found is not None and found.tzinfo is UTC
    if hour >= 0:
        assert found == datetime(2024, 12, 31, hour, minute, tzinfo=UTC)
    else:
        assert found == datetime(2024, 12, 30, 19, 15, tzinfo=UTC)


def test_no_such_time_is_told() -> None:
    with pytest.raises(BadInput, match="no time"):
        values.instant("31.12.2024 25:00")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("yes", True),
        ("Да", True),
        ("EVET", True),
        ("иә", True),
        ("예", True),
        ("Ja", True),
        ("1", True),
        ("✓", True),
        ("subscribed", True),
        ("given", True),
        ("withdrawn", False),
        ("no", False),
        ("нет", False),
        ("Hayır", False),
        ("жоқ", False),
        ("아니오", False),
        ("nein", False),
        ("0", False),
        ("unsubscribed", False),
        ("cleaned", False),
        ("", None),
        ("n/a", None),
    ],
)
def test_answers_in_six_languages(said: str, answer: bool | None) -> None:
    assert values.flag(said) is answer


def test_no_answer_is_told() -> None:
    with pytest.raises(BadInput, match="maybe"):
        values.flag("maybe")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("₸", "KZT"),
        ("тг.", "KZT"),
        ("тг", "KZT"),
        ("грн", "UAH"),
        ("₺", "TRY"),
        ("TL", "TRY"),
        ("руб.", "RUB"),
        ("₩", "KRW"),
        ("원", "KRW"),
        ("€", "EUR"),
        ("usd", "USD"),
        ("KZT", "KZT"),
        ("cats", ""),
    ],
)
def test_currencies_by_sign_and_word(said: str, code: str) -> None:
    assert values.currency(said) == code


def test_the_currency_beside_an_amount() -> None:
    assert values.currency_in("1 500,00 ₸") == "KZT" and values.currency_in("1500") == ""


@pytest.mark.parametrize(
    ("said", "lost"),
    [("7.7011E+10", True), ("7,7011E+10", True), ("7.7011234567E+10", False), ("+7701", False)],
)
def test_rounded_phones_are_noticed(said: str, lost: bool) -> None:
    assert values.digits_lost(said) is lost


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("  a\u00a0b\n c ", "a b c"),
        ("A\u200bnna\u202e", "Anna"),
        ("'=1+1", "=1+1"),
        ("'+7701", "+7701"),
        ("'quoted'", "'quoted'"),
        ("\ufeffid", "id"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("\udcff", ""),
    ],
)
def test_cells_are_cleaned(said: str, plain: str) -> None:
    assert values.clean(said) == plain
