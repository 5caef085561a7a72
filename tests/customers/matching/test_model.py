"""The shipped model and what it says of named people."""

import pytest

from customers.matching import compare
from customers.matching.model import AND, NEVER, probability, shipped
from customers.matching.prepared import Prepared
from customers.matching.words import by_comparison, sentence, words
from foundation.records import PersonKind
from tests.customers.matching.people import counted, firm, record

STRANGERS = [
    record(f"{given} {family}") for given in ("Ivan", "Olga", "Ali") for family in ("Petrov", "Kaya")
] * 9


def weight(one: Prepared, other: Prepared) -> float:
    return shipped().weigh(one, other, counted(one, other, *STRANGERS))


def test_weights_are_for_comparisons_and_levels_there_are() -> None:
    for kind, levels in compare.LEVELS.items():
        weights = shipped().weights(kind)
        assert weights.kind == kind
        for term, bits in weights.bits.items():
            for level in bits:
                for part, said in zip(term.split(AND), level.split(AND), strict=True):
                    assert said in levels[part]


def test_contributions_add_up() -> None:
    one = record("Ольга Семокина", email="olga.semokina@mail.ru", phone="+79650974816")
    other = record("Semokina Olga", email="olga.semokina@mail.ru")
    counts = counted(one, other, *STRANGERS)
    why = shipped().why(one, other, counts)
    assert sum(part.bits for part in why) == pytest.approx(shipped().weigh(one, other, counts))
    assert sum(part.bits for part in by_comparison(why)) == pytest.approx(sum(part.bits for part in why))
    assert "the same e-mail" in sentence(why)


def test_same_person_in_two_scripts_is_certain() -> None:
    one = record("Дмитрий Лисников", email="lisnikov.d@gmail.com", phone="8 (912) 345-67-89")
    other = record("LISNIKOV Dmitry", email="l.isnikovd@googlemail.com", phone="+79123456789")
    assert weight(one, other) > shipped().automatic


def test_couple_with_everything_in_common_is_two_people() -> None:
    home = {"phone": "+79123456789", "place": ("ул. Лесная, 5, кв. 7", "Дубна", "141980"), "device": "v1"}
    one = record("Андрей Елисеев", email="eliseev@mail.ru", **home)
    other = record("Ольга Елисеева", email="eliseev@mail.ru", **home)
    assert weight(one, other) < shipped().best


def test_namesakes_with_nothing_else_are_never_certain() -> None:
    assert weight(record("Ivan Petrov", email="ip77@uni.edu"), record("Ivan Petrov", email="q9@web.org")) < 0


def test_person_and_company_are_never_one() -> None:
    assert (
        weight(record("Ali Kaya", email="ali@f.com"), firm("Firma", name="Ali Kaya", email="ali@f.com"))
        == NEVER
    )


def test_weight_does_not_depend_on_the_order() -> None:
    one = record(
        "Anna Krylova", email="anna.krylova18321@yandex.ru", place=("Солнечная 127, 172", "Енисейск", "")
    )
    other = record("Апна Крылова", email="anna-krylova18321@yandex.ru", phone="+7 929 309 66 31")
    assert weight(one, other) == weight(other, one)


def test_probability_of_bits() -> None:
    assert probability(0) == 0.5
    assert probability(1) == pytest.approx(2 / 3)
    assert probability(-1e9) == pytest.approx(0)
    assert probability(1e9) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["person", "company"])
def test_every_level_that_weighs_has_words_of_its_own(kind: PersonKind) -> None:
    for name, levels in compare.LEVELS[kind].items():
        said = [words(name, level) for level in levels if level in shipped().weights(kind).bits.get(name, {})]
        assert len(set(said)) == len(said) and all(text for _, text in said)
