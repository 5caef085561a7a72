"""Names of several scripts: which can be one person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.names import NAMELESS, NameForm, agreement, compatible, form
from foundation.records import Person


def person(name: str = "", given: str = "", family: str = "", middle: str = "") -> NameForm:
    return form(Person(external_id="1", name=name, given_name=given, family_name=family, middle_name=middle))


def company(name: str) -> NameForm:
    return form(Person(external_id="1", kind="company", company=name))


SAME = [
    ("Дмитрий Кузнецов", "Dmitrij Kuznecov"),
    ("Дмитрий Кузнецов", "KUZNETSOV Dmitry"),
    ("Кузнецов Дмитрий Станиславович", "дмитрий кузнецов"),
    ("Оля Рудинская", "Рудинская Ольга"),
    ("Фёдор Семёнов", "Федор Семенов"),
    ("Алексей Иванов", "Alexey Ivanov"),
    ("Hüseyin Çakır", "Huseyin Cakir"),
    ("İbrahim Işık", "ibrahim isik"),
    ("Гүлнар Оспанханова", "Gulnar Ospankhanova"),
    ("Сәуле Сүлейменева", "Сулейменева Сауле"),
    ("김경숙", "Kim Gyoung Sook"),
    ("김경숙", "경숙 김"),
    ("박성현", "Sunghyeon Park"),
    ("오현주", "Hyunju Oh"),
    ("Jürgen Müller", "Juergen Mueller"),
    ("Stephanie Dawson", "Stephnie B. Dawson"),
    ("William Smith", "Bill Smith"),
    ("ИП Черокова Елена Петровна", "Черокова Елена"),
    ("Perez, Paula", "Paula Perez"),
    ("O'Brien Sean", "Sean OBrien"),
]
SCANTY = [
    ("Анна", "Анна Иванова"),
    ("Сухухов С.А.", "Сергей Александрович Сухухов"),
    ("", "Анна Иванова"),
    ("Клиент", "Анна Иванова"),
    ("John Smith Jr", "John Smith"),
]
DIFFERENT = [
    ("Анна Иванова", "Мария Иванова"),
    ("Анна Иванова", "Анна Петрова"),
    ("Александр Иванов", "Александра Иванова"),
    ("Иван Иванов", "Ивана Иванова"),
    ("Марина Ким", "Мария Ким"),
    ("Юлия Ким", "Юлиан Ким"),
    ("Алина Ким", "Полина Ким"),
    ("Иванов Иван Петрович", "Иванов Иван Сергеевич"),
    ("Сухухов С.А.", "Сухухов Иван"),
    ("John Smith Jr", "John Smith Sr"),
    ("김경숙", "김경희"),
    ("김경숙", "이경숙"),
    ("Mehmet Yılmaz", "Ahmet Yılmaz"),
    ("Иванова", "Анна"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_person_is_recognised(one: str, other: str) -> None:
    assert agreement(person(one), person(other)) == 2


@pytest.mark.parametrize(("one", "other"), SCANTY)
def test_scanty_name_says_little(one: str, other: str) -> None:
    assert agreement(person(one), person(other)) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_people_are_told_apart(one: str, other: str) -> None:
    assert not compatible(person(one), person(other))


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("ООО «Ромашка»", "Ромашка ООО", 2),
        ("ТОО «Арай Групп»", "Aray Grupp LLP", 2),
        ("Güneşumut İnşaat Ltd. Şti.", "GUNESUMUT INSAAT", 2),
        ("Müller Logistik GmbH & Co. KG", "Mueller Logistik", 2),
        ("주식회사 동양한솔테크", "Dongyanghansoltekeu Inc.", 2),
        ("Сфера Юпитер", "ООО «Сфераюпитер»", 2),
        ("ООО «Юпитер Опт»", "ООО «Юпитер»", 1),
        ("ООО «Юпитер»", "ООО «Ромашка»", 0),
        ("ООО «Юпитер Опт»", "ООО «Юпитер Сервис»", 0),
    ],
)
def test_companies_compare_without_legal_form(one: str, other: str, level: int) -> None:
    assert agreement(company(one), company(other)) == level


def test_person_is_never_company() -> None:
    assert not compatible(person("Юпитер"), company("Юпитер"))


def test_name_parts_compare_with_whole_name() -> None:
    assert agreement(person(given="현정", family="이"), person("이현정")) == 2
    assert agreement(person(given="이", family="현정"), person("이현정")) == 2
    assert (
        agreement(person(given="Ерлан", family="Курманев", middle="Даниярович"), person("Курманев Ерлан"))
        == 2
    )


@given(st.text(max_size=60))
def test_any_text_agrees_with_itself(text: str) -> None:
    assert compatible(person(text), person(text))
    assert compatible(person(text), NAMELESS)


@given(st.sampled_from([name for pair in SAME + DIFFERENT for name in pair]), st.sampled_from(DIFFERENT))
def test_agreement_has_no_direction(one: str, others: tuple[str, str]) -> None:
    for other in others:
        assert agreement(person(one), person(other)) == agreement(person(other), person(one))
