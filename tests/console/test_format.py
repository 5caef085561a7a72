"""Money, times and cells as a person reads them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from console.format import Reader, initials, safe_cell
from console.happenings import tell
from console.templating import breakable, link, outline, pretty
from foundation import clock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("412900.0000"), "KZT", "₸412,900"),
        (Decimal("84.5"), "EUR", "€84.50"),
        (Decimal("-12.30"), "USD", "-$12.30"),
        (Decimal("214000"), "KRW", "₩214,000"),
        ("1234567.89", "RUB", "₽1,234,567.89"),
        (Decimal("1.234"), "KWD", "KWD\xa01.234"),
        (Decimal("3"), "ZZZ", "ZZZ\xa03"),
        (Decimal("7"), "", "7"),
        (None, "EUR", "–"),
        ("12,5O", "EUR", "12,5O"),
    ],
)
def test_money_carries_its_sign(amount: Decimal | str | None, currency: str, text: str) -> None:
    assert Reader().money(amount, currency) == text


@pytest.mark.parametrize(
    ("said", "text"), [("151840", "151,840"), ("-937.5", "-937.5"), ("0.12345", "0.12345"), ("dear", "dear")]
)
def test_amount_is_told_to_its_last_digit(said: str, text: str) -> None:
    assert Reader().amount(said) == text


def test_money_follows_the_language() -> None:
    assert Reader("ru").money(Decimal("1234.5"), "RUB") == "1\xa0234,50\xa0₽"


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (timedelta(seconds=-20), "20 seconds ago"),
        (timedelta(minutes=-3), "3 minutes ago"),
        (timedelta(hours=-5), "5 hours ago"),
        (timedelta(days=-6, hours=-3), "6 days ago"),
        (timedelta(days=-8), "22 Feb"),
        (timedelta(days=-400), "26 Jan 2025"),
        (timedelta(hours=2), "in 2 hours"),
    ],
)
def test_relative_within_a_week_then_the_date(gap: timedelta, text: str) -> None:
    with clock.hold(NOON):
        assert Reader().relative(NOON + gap) == text


def test_days_turn_at_the_readers_midnight() -> None:
    late = datetime(2026, 3, 1, 20, 30, tzinfo=UTC)
    with clock.hold(NOON):
        assert Reader(zone="UTC").day(late) == "Yesterday"
        assert Reader(zone="Asia/Almaty").day(late) == "Today"
        assert Reader(zone="Asia/Almaty").clock(late) == "01:30"
        assert Reader().day(date(2025, 3, 1)) == "1 March 2025"


def test_exact_instant_is_on_hover() -> None:
    tag = Reader(zone="Asia/Almaty").ago(NOON)
    assert 'datetime="2026-03-02T12:00:00Z"' in tag
    assert "Monday, 2 March 2026, 17:00:00 (Asia/Almaty)" in tag
    assert Reader().ago(None) == "–"


def test_unknown_zone_reads_as_utc() -> None:
    assert Reader(zone="Mars/Olympus").clock(NOON) == "12:00"


def test_names_of_places_and_phones() -> None:
    reader = Reader()
    assert (reader.country("kz"), reader.country("??")) == ("Kazakhstan", "??")
    assert (reader.language("kk"), reader.language("xx")) == ("Kazakh", "xx")
    assert (reader.phone("+77015550199"), reader.phone("not one")) == ("+7 701 555 0199", "not one")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Анна Юдина", "АЮ"),
        ("김민수", "김"),
        ("ООО «Ромашка»", "ОР"),
        ("", "?"),
        ("«»", "?"),
        ("a b c", "AC"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_cell_is_no_formula(sign: str) -> None:
    assert safe_cell(f"{sign}1+1") == f"'{sign}1+1"


def test_numbers_stay_numbers() -> None:
    assert (safe_cell(Decimal("-5")), safe_cell(None), safe_cell("plain")) == ("-5", "", "plain")


def test_happening_escapes_what_it_tells() -> None:
    told = tell("order.paid", {"order": '"><script>', "number": "<b>", "amount": "5", "currency": "EUR"})
    assert "<script>" not in told.text and "<b>" not in told.text and "&lt;b&gt;" in told.text
    assert tell("order.odd_thing", {"number": "<i>"}).text == "Order &lt;i&gt;: odd thing"
    assert tell("<x>.y", {}).text == "&lt;x&gt; y"


def test_payload_is_set_out_and_cut() -> None:
    assert pretty('{"b":1}') == '{\n  "b": 1\n}'
    assert pretty("no json") == "no json"
    assert pretty(None) == ""
    assert len(pretty("x" * 50_000)) < 20_010
    assert pretty("[" * 100_000).startswith("[[[")
    assert outline({"a": NOON}).startswith("{")


def test_addresses_break_behind_the_at() -> None:
    assert breakable("a@<b>") == "a@<wbr>&lt;b&gt;"
    assert breakable("plain") == "plain"


def test_links_leave_out_what_is_empty() -> None:
    assert link("/x", a="", b=None, c="1 2") == "/x?c=1+2"
    assert link("/x") == "/x"
