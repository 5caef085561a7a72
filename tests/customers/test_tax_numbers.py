"""Tax and business numbers: their kinds and check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.tax_numbers import parse


@pytest.mark.parametrize(
    ("text", "country", "kind", "value"),
    [
        ("7707083893", "RU", "ru.inn", "7707083893"),
        ("ИНН 7707083893 / 773601001", "", "ru.inn", "7707083893"),
        ("БИН 050642955749", "", "kz.bin", "050642955749"),
        ("641201493103", "KZ", "kz.iin", "641201493103"),
        ("VKN: 3842318805", "", "tr.vkn", "3842318805"),
        ("10000000146", "TR", "tr.tckn", "10000000146"),
        ("539-86-55778", "", "kr.brn", "5398655778"),
        ("DE353761019", "", "eu.vat", "DE353761019"),
        ("353761019", "DE", "eu.vat", "DE353761019"),
        ("82-4899585", "", "us.ein", "824899585"),
        ("200988541", "BY", "by.unp", "200988541"),
        ("УНП 200988541", "", "by.unp", "200988541"),
        ("УНП МА1953684", "", "by.unp", "MA1953684"),  # typed in Cyrillic, as on the certificate
        ("MA1953684", "BY", "by.unp", "MA1953684"),
        ("301234567", "UZ", "uz.stir", "301234567"),
        ("ИНН 301234567", "UZ", "uz.stir", "301234567"),
        ("СТИР: 301 234 567", "", "uz.stir", "301234567"),
        ("31210932040247", "UZ", "uz.pinfl", "31210932040247"),  # the example of the resolution
        ("ПИНФЛ 40201902050010", "", "uz.pinfl", "40201902050010"),
        # a base of one country has counterparties of the others
        ("7707083893", "KZ", "ru.inn", "7707083893"),
        ("7707083893 ", "BY", "ru.inn", "7707083893"),
        ("050642955749", "BY", "kz.bin", "050642955749"),
    ],
)
def test_kinds_are_told_apart(text: str, country: str, kind: str, value: str) -> None:
    number = parse(text, country)
    assert (number.kind, number.value, number.valid) == (kind, value, True)


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("7707083894", "RU", "check digits are wrong"),
        ("050642955748", "KZ", "check digits are wrong"),
        ("0000000000", "RU", "to have something there"),
        ("123", "RU", "fit no tax number of RU"),
        ("n/a", "", "fit no tax number of any country"),
        ("200988542", "BY", "check digits are wrong"),
        ("101234567", "UZ", "check digits are wrong"),
        ("31210932040248", "UZ", "check digits are wrong"),
        ("20201199000120", "", "check digits are wrong"),  # of Kyrgyzstan, as long
        ("773601001", "RU", "fit no tax number of RU"),  # КПП
        ("200988541", "", "fit no tax number of any country"),  # nine digits are anybody's
        ("200988541", "KZ", "fit no tax number of KZ"),
        ("123456789", "BY", "to have something there"),
    ],
)
def test_wrong_number_is_no_key(text: str, country: str, reason: str) -> None:
    number = parse(text, country)
    assert not number.valid
    assert reason in number.problem


def test_kind_named_by_source_decides() -> None:
    assert parse("641201493103", kind="kz.iin").kind == "kz.iin"
    assert not parse("641201493103", kind="kz.bin").valid
    assert parse("301234567", kind="uz.stir").valid
    # … unless it is one of another length: ledgers have one field for all countries
    assert parse("7707083893", "KZ", "kz.iin").kind == "ru.inn"
    assert parse("7707083893", "UZ", "uz.stir").kind == "ru.inn"


@given(st.text(max_size=60), st.sampled_from(["", "KZ", "RU", "BY", "UZ", "DE", "TR", "KR", "US"]))
def test_any_text_is_read(text: str, country: str) -> None:
    number = parse(text, country)
    assert number.valid != bool(number.problem)


@pytest.mark.parametrize("number", ["050642955749", "641201493103", "090340379654", "050640017084"])
def test_check_digit_of_bin_is_one_of_ten(number: str) -> None:
    right = [last for last in "0123456789" if parse(number[:11] + last, "KZ").valid]
    assert right == [number[11]]
