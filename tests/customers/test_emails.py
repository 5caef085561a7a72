"""E-mail addresses: which are one mailbox, which name nobody, which can't be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.emails import parse


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna.Petrova+shop@Gmail.com", "annapetrova@googlemail.com"),
        ("anna-petrova@ya.ru", "anna.petrova@yandex.kz"),
        ("anna+1@mail.ru", "anna@mail.ru"),
        ("anna+news@outlook.com", "anna@outlook.com"),
        ("anna+x@hotmail.co.uk", "anna@hotmail.co.uk"),
        ("anna+x@icloud.com", "anna@icloud.com"),
        ("anna+x@naver.com", "anna@naver.com"),
        ("an.na+x@proton.me", "anna@protonmail.com"),
        ("иван@почта.рф", "ИВАН@xn--80a1acny.xn--p1ai"),
        (" mailto:anna@shop.kz ", "<anna@shop.kz>"),
    ],
)
def test_spellings_of_one_mailbox_agree(one: str, other: str) -> None:
    assert parse(one).key == parse(other).key != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna.petrova@mail.ru", "annapetrova@mail.ru"),
        ("anna@mail.ru", "anna@bk.ru"),
        ("anna+a@firm.de", "anna+b@firm.de"),
    ],
)
def test_other_mailboxes_stay_apart(one: str, other: str) -> None:
    assert parse(one).key != parse(other).key


def test_display_form_keeps_its_letters() -> None:
    assert parse("Anna.Petrova+shop@GMAIL.com").shown == "Anna.Petrova+shop@gmail.com"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "needs a name"),
        ("anna", "needs a name"),
        ("@shop.kz", "needs a name"),
        ("anna@", "needs a name"),
        ("a@b@c.kz", "more than one @"),
        ("anna@shop", "no dot"),
        ("anna@shop..kz", "characters or dots"),
        ("anna@shop.kz.", "characters or dots"),
        ("anna.@shop.kz", "before the @"),
        ("an..na@shop.kz", "before the @"),
        ("an na@shop.kz", "before the @"),
        ("anna(comment)@shop.kz", "before the @"),
        ("anna@shop.kz, boris@shop.kz", "more than one @"),
        ('"anna"@shop.kz', "before the @"),
        ("anna@127.0.0.1", "ends in a number"),
        ("anna@[127.0.0.1]", "characters or dots"),
        ("anna@-shop.kz", "characters or dots"),
        ("a" * 290 + "@shop.kz", "longer than 254"),
        ("a" * 65 + "@shop.kz", "before the @"),
        ("anna\x00@shop.kz", "before the @"),
        ("anna@почта\u0301\u200d.рф", "international name"),
        ("+tag@gmail.com", "nothing is left"),
    ],
)
def test_unusable_address_says_why(address: str, reason: str) -> None:
    email = parse(address)
    assert email.key == ""
    assert reason in email.problem


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("info@firm.kz", "role"),
        ("Sales2@firm.de", "role"),
        ("no-reply@shop.com", "role"),
        ("buh@firm.ru", "role"),
        ("бухгалтерия@фирма.рф", "role"),
        ("muhasebe@firma.com.tr", "role"),
        ("no@no.no", "placeholder"),
        ("test@test.ru", "placeholder"),
        ("none@gmail.com", "placeholder"),
        ("x1y2z3@privaterelay.appleid.com", "relay"),
        ("abc123@marketplace.amazon.de", "relay"),
        ("anna@example.org", ""),
        ("maria.info@mail.ru", ""),
    ],
)
def test_mailboxes_of_nobody_are_known(address: str, what: str) -> None:
    email = parse(address)
    assert email.key
    assert email.names_nobody == what


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    email = parse(text)
    assert bool(email.key) != bool(email.problem)


@given(st.emails())
def test_key_is_its_own_key(address: str) -> None:
    key = parse(address).key
    assert parse(key).key == key or not key
