"""Telephone numbers in the habits of several countries."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customers.phones import parse, search_digits, split


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("8 (701) 234-56-78", "KZ", "+77012345678"),
        ("701 234 56 78", "KZ", "+77012345678"),
        ("+7 701 234 56 78", "RU", "+77012345678"),
        ("8-10-49-178-8825000", "RU", "+491788825000"),
        ("00 49 170 1496135", "", "+491701496135"),
        ("8 (495) 123-45-67 доб. 12", "RU", "+74951234567"),
        ("+1 206 960-3059 ext 5", "", "+12069603059"),
        ("(303) 903-9520", "", "+13039039520"),
        ("010-6393-3711", "", "+821063933711"),
        ("0533 492 95 56", "", "+905334929556"),
        ("0177/0936539", "DE", "+491770936539"),
        ("7.7012345678E+10", "KZ", "+77012345678"),
        ("77012345678.0", "KZ", "+77012345678"),
        ("+44 20 7946 0958", "", "+442079460958"),
    ],
)
def test_habits_of_countries(text: str, country: str, e164: str) -> None:
    assert parse(text, country).e164 == e164


@pytest.mark.parametrize(
    ("e164", "country"), [("+77012345678", "KZ"), ("+77272501234", "KZ"), ("+79161234567", "RU")]
)
def test_seven_is_two_countries(e164: str, country: str) -> None:
    assert parse(e164).country == country


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("12", "KZ", "7 to 15 digits"),
        ("1" * 30, "KZ", "7 to 15 digits"),
        ("1" * 300, "KZ", "longer than"),
        ("7.7E+10", "KZ", "last digits are lost"),
        ("701 234 56 78", "", "without its country code"),
        ("0000000", "KZ", "no such number"),
        ("call me maybe", "KZ", "7 to 15 digits"),
    ],
)
def test_unusable_number_says_why(text: str, country: str, reason: str) -> None:
    phone = parse(text, country)
    assert phone.e164 == ""
    assert reason in phone.problem


@pytest.mark.parametrize("text", ["8 800 000 00 00", "+7 999 999 99 99", "8 777 777 77 77"])
def test_filled_in_numbers_are_placeholders(text: str) -> None:
    assert parse(text, "KZ").placeholder


def test_cell_with_several_numbers_splits() -> None:
    assert split("+7 701 234 56 78; 8 702 345 67 89,87032223344") == [
        "+7 701 234 56 78", "8 702 345 67 89", "87032223344"
    ]  # fmt: skip


def test_search_finds_whole_national_and_endings() -> None:
    assert search_digits("+77012345678") == ("77012345678", "7012345678", "2345678", "5678")


@given(st.text(max_size=80), st.sampled_from(["", "KZ", "RU", "DE", "ZZ"]))
def test_any_text_is_read(text: str, country: str) -> None:
    phone = parse(text, country)
    assert bool(phone.e164) != bool(phone.problem)


@given(st.sampled_from(["KR", "DE"]), st.from_regex(r"0[1-9][0-9]{5,11}", fullmatch=True))
@example("DE", "049704878")
@example("KR", "0853020364")
def test_a_zero_before_a_number_is_cut_as_the_library_does(country: str, text: str) -> None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        assert not parse(text, country).e164
        return
    slow = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert parse(text, country).e164 == (slow if phonenumbers.is_valid_number(number) else "")


@given(st.sampled_from(["RU", "KZ", "TR", "US", "KR", "DE"]), st.integers(10**6, 10**12))
def test_quick_way_agrees_with_numbering_plans(country: str, number: int) -> None:
    quick = parse(str(number), country).e164
    try:
        slow = phonenumbers.parse(str(number), country)
    except phonenumbers.NumberParseException:
        return
    if quick and phonenumbers.is_valid_number(slow):
        assert quick == phonenumbers.format_number(slow, phonenumbers.PhoneNumberFormat.E164)
