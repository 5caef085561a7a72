"""How alike two words of a name are."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from customers.likeness import DIFFERENT, INITIAL, SAME, SLIP, _likeness, korean_likeness, likeness, slips


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


def test_words_that_part_at_first_sight_are_different_at_the_second() -> None:
    dice = random.Random(5)
    seen = {SAME: 0, SLIP: 0, INITIAL: 0, DIFFERENT: 0}
    for _ in range(20_000):
        one = dice.choice(("sasha", "robert", "".join(dice.choices("abc", k=dice.randint(1, 11)))))
        other = dice.choice(("bob", "aleksandr", slipped(dice, one), slipped(dice, slipped(dice, one))))
        if one != other:
            assert likeness(one, other) == _likeness(one, other), (one, other)
            seen[likeness(one, other)] += 1
    assert min(seen.values()) > 100


def slipped(dice: random.Random, word: str) -> str:
    """A letter put in, changed, left out or swapped with its neighbour, mostly at either end."""
    at, letter = dice.choice((0, len(word) - 1, dice.randrange(len(word)))), dice.choice("abcd")
    rest = word[at + 1 :]
    ways = (letter + word[at] + rest, letter + rest, rest or letter, rest[:1] + word[at] + rest[1:])
    return word[:at] + dice.choice(ways)


def test_korean_words_compare_by_sound() -> None:
    assert korean_likeness("gyoungsook", "gyeongsuk") == SAME
    assert korean_likeness("gyeongsuk", "gyeonghui") == DIFFERENT


def distance(a: str, b: str) -> int:
    """Letters left out, put in, changed or swapped, by the whole table."""
    table = [[max(i, j) if not i * j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            swapped = i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                table[i - 2][j - 2] + 1 if swapped else i + j,
            )
    return table[-1][-1]


@given(some.text("abc", max_size=9), some.text("abc", max_size=9), some.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_slips_are_those_of_the_whole_table(a: str, b: str, most: int) -> None:
    assert slips(a, b, most) == (distance(a, b) <= most)


@pytest.mark.parametrize("most", [1, 2])
def test_words_as_long_as_a_book_are_compared(most: int) -> None:
    assert slips("a" * 300_000, "a" * 299_999 + "b", most)
    assert not slips("ab" * 150_000, "ba" * 149_990, most)
