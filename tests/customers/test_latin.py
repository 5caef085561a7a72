"""Scripts in Latin letters, and words without the freedoms of spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.latin import korean_sound, latin, sound


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Дмитрий  Щукин", "dmitriy shchukin"),
        ("Гүлнар Қайратқызы", "gulnar kayratkyzy"),
        ("İbrahim Çığ", "ibrahim cig"),
        ("Müller Weiß", "muller weiss"),
        ("김경숙", "gimgyeongsuk"),
        ("محمد", "mhmd"),
        ("", ""),
    ],
)
def test_scripts_become_latin(text: str, typed: str) -> None:
    assert latin(text) == typed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dmitriy", "dmitrij"),
        ("kuznetsov", "kuznecov"),
        ("yuliya", "iuliia"),
        ("alexey", "aleksei"),
        ("artyom", "artem"),
        ("mueller", "muller"),
        ("yevgeny", "evgenij"),
        ("khasan", "hasan"),
    ],
)
def test_spellings_sound_alike(one: str, other: str) -> None:
    assert sound(one) == sound(other)


@pytest.mark.parametrize(
    ("one", "other"), [("zhanna", "yana"), ("ivanov", "ivanova"), ("marina", "maria"), ("oleg", "olga")]
)
def test_other_names_sound_otherwise(one: str, other: str) -> None:
    assert sound(one) != sound(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("gyoungsook", "gyeongsuk"), ("lee", "i"), ("park", "bak"), ("choi", "choe"), ("hyun", "hyeon")],
)
def test_korean_romanisations_sound_alike(one: str, other: str) -> None:
    assert korean_sound(one) == korean_sound(other)


@given(st.text(max_size=40))
def test_any_text_becomes_lower_case_ascii(text: str) -> None:
    assert latin(text).isascii()
    assert latin(text) == latin(text).lower()
