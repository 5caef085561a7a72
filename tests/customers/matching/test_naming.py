"""How names compare, in five scripts and as people mistype them."""

import pytest

from customers.matching import naming
from customers.matching.naming import name_of
from foundation.records import Person


def level(one: str, other: str) -> str:
    return naming.compare(*(name_of(Person(external_id="1", name=name)) for name in (one, other))).level


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("Дмитрий Кузнецов", "KUZNETSOV Dmitry", "same"),
        ("Гүлнар Оспанханова", "Gulnar Ospankhanova", "same"),
        ("Hüseyin Çakır", "Huseyin Cakir", "same"),
        ("김경숙", "Kim Gyoung Sook", "same"),
        ("박주재", "Ju Jae Bak", "same"),
        ("윤선은", "Suhn Eun Yoon", "same"),
        ("Jürgen Müller", "Juergen Mueller", "same"),
        ("Stephanie Dawson", "Stephnie Dawson", "slip"),
        ("Erdal Sauer", "Edal Sauer", "near"),
        ("Отто Краузе", "О. Краузе", "initial"),
        ("Ксения Веренская", "Ксюша", "part"),
        ("Аня", "Анна", "one"),
        ("И.П. Борицская Юлия", "Юлия Борицская", "same"),
        ("Иван Петров", "Мария Сидорова", "different"),
        ("John Smith", "", "unknown"),
    ],
)
def test_names_compare(one: str, other: str, wanted: str) -> None:
    assert level(one, other) == level(other, one) == wanted


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ybrbnby ktjybl", "Никитин Леонид"),
        ("fufamz thijdf", "Агафья Ершова"),
        (",tkjyjd .hbq tujhjdbx", "Белонов Юрий Егорович"),
        ("tctytdf әctk heckfyjdyf", "Есенева Әсел Руслановна"),
    ],
)
def test_wrong_keyboard_layout_is_read_as_meant(typed: str, meant: str) -> None:
    assert level(typed, meant) == "same"


@pytest.mark.parametrize("name", ["Lynch Tom", "Schwartz Bernd", "Smith, John", "O'Brien Pat", "J. Todd"])
def test_ordinary_latin_names_stay(name: str) -> None:
    assert (
        name_of(Person(external_id="1", name=name)).words
        == name_of(Person(external_id="1", name=name.replace(",", ""))).words
    )
    assert all(word.isascii() for word in name_of(Person(external_id="1", name=name)).words)


def test_couple_with_one_family_name_is_no_slip() -> None:
    assert level("Иванов Саша", "Иванова Саша") not in ("same", "slip", "near")
