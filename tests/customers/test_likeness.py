"""How alike two words of a name are."""

import pytest

from customers.likeness import DIFFERENT, INITIAL, SAME, SLIP, korean_likeness, likeness


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("olga", "olia", SAME),
        ("sasha", "aleksandr", SAME),
        ("sasha", "aleksandra", SAME),
        ("bob", "robert", SAME),
        ("a", "anna", INITIAL),
        ("kudachov", "kudahcov", SLIP),
        ("semashov", "semashv", SLIP),
        ("oakn", "okan", SLIP),
        ("rudinskaia", "rudniskai", SLIP),
        ("aleksandr", "aleksandra", DIFFERENT),
        ("ivanov", "ivanova", DIFFERENT),
        ("marina", "maria", DIFFERENT),
        ("anna", "inna", DIFFERENT),
        ("kim", "kin", DIFFERENT),
        ("b", "anna", DIFFERENT),
    ],
)
def test_words_compare(one: str, other: str, how: int) -> None:
    assert likeness(one, other) == likeness(other, one) == how


def test_korean_words_compare_by_sound() -> None:
    assert korean_likeness("gyoungsook", "gyeongsuk") == SAME
    assert korean_likeness("gyeongsuk", "gyeonghui") == DIFFERENT
