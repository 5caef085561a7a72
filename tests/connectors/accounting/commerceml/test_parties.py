"""Counterparties: what tells a company, what tax numbers are called where, contacts and addresses."""

from datetime import date
from typing import Any

import pytest

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.records import unread
from foundation.records import Gone, Person
from tests.connectors.accounting.commerceml.cml import RUSSIAN, file, landed, one, records


def package(inner: str) -> str:
    return file(f"<Контрагенты><Контрагент><Ид>k</Ид>{inner}</Контрагент></Контрагенты>", version="2.09")


def party(inner: str, habits: Habits = RUSSIAN) -> Person:
    found: Person = one(records(package(inner), habits=habits, stream="counterparties"), Person)
    return found


def test_a_company() -> None:
    found = party(
        "<Наименование>АЛЬКОР ООО </Наименование><ОфициальноеНаименование>ООО &quot;Алькор&quot;"
        "</ОфициальноеНаименование><Роль>Покупатель</Роль><ИНН> 7707083893 </ИНН><КПП>773601001</КПП>"
    )
    assert (found.kind, found.name, found.company) == ("company", "АЛЬКОР ООО", 'ООО "Алькор"')
    assert (found.tax_number, found.tax_kind, found.registration_number) == (
        "7707083893", "ru.inn", "773601001",
    )  # fmt: skip
    assert found.extra == {"Роль": "Покупатель"}


def test_a_person_with_the_parts_of_the_name() -> None:
    found = party(
        "<Наименование>Иванов И.И.</Наименование>"
        "<ПолноеНаименование>Иванов Иван Иванович</ПолноеНаименование>"
        "<Фамилия>Иванов</Фамилия><Имя>Иван</Имя><Отчество>Иванович</Отчество>"
        "<ДатаРождения>1980-02-03</ДатаРождения><ИНН/><КПП/>"
    )
    assert (found.kind, found.family_name, found.given_name, found.middle_name) == (
        "person", "Иванов", "Иван", "Иванович",
    )  # fmt: skip
    assert found.birthday == date(1980, 2, 3) and found.company == "" and found.tax_kind == ""
    assert found.name == "Иванов Иван Иванович" and found.extra == {"Наименование": "Иванов И.И."}


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ("<ОфициальноеНаименование>ООО Ёж</ОфициальноеНаименование><Имя>x</Имя>", "company"),
        ("<ПолноеНаименование>ИП Ежов</ПолноеНаименование><ИНН>500100732259</ИНН>", "person"),
        (
            "<РеквизитыЮрЛица><ОфициальноеНаименование>Ёж</ОфициальноеНаименование></РеквизитыЮрЛица>",
            "company",
        ),
        ("<РеквизитыФизЛица><Фамилия>Ежов</Фамилия></РеквизитыФизЛица>", "person"),
        ("<Наименование>Ёж</Наименование><ИНН>7707083893</ИНН>", "company"),
        ("<Наименование>Ёж</Наименование><КПП>773601001</КПП>", "company"),
        ("<Наименование>Ёж</Наименование><ОфициальноеНаименование/><КПП/>", "person"),
    ],
)
def test_what_tells_a_company_from_a_person(inner: str, kind: str) -> None:
    assert party(inner).kind == kind


@pytest.mark.parametrize(
    ("country", "number", "company", "kind"),
    [
        ("RU", "7707083893", True, "ru.inn"),
        ("KZ", "181340839110", True, "kz.bin"),
        ("KZ", "900101300123", False, "kz.iin"),
        ("KZ", "181350839110", False, "kz.bin"),
        ("BY", "100200300", True, "by.unp"),
        ("UZ", "300200100", True, "uz.stir"),
        ("UA", "12345678", True, ""),
        ("RU", "", True, ""),
    ],
)
def test_what_a_tax_number_is_called(country: str, number: str, company: bool, kind: str) -> None:
    name = "ОфициальноеНаименование" if company else "ПолноеНаименование"
    found = party(f"<{name}>Ёж</{name}><ИНН>{number}</ИНН>", Habits(country=country))
    assert (found.tax_number, found.tax_kind) == (number, kind)


def contact(kind: str, value: str, tag: str = "Тип") -> str:
    return f"<Контакт><{tag}>{kind}</{tag}><Значение>{value}</Значение></Контакт>"


def test_contacts_under_all_their_names() -> None:
    found = party(
        "<Контакты>"
        + contact("Телефон рабочий", "+7 (495) 123-45-67")
        + contact("ТелефонРабочий", "+7 495 1234567")
        + contact("Телефон мобильный", "8 916 000-00-01", "КонтактВид")
        + contact("Почта", "a@example.org, A@example.org b@example.org")
        + contact("Электронная почта", "c@example.org")
        + contact("Факс", "+7 495 7654321")
        + contact("Почта", "кв. 5")
        + "</Контакты>"
    )
    assert found.emails == ("a@example.org", "b@example.org", "c@example.org")
    assert found.phones == ("+7 (495) 123-45-67", "8 916 000-00-01")
    assert found.extra["Контакты/Контакт/Значение"] == "+7 495 7654321; кв. 5"


def field(kind: str, value: str) -> str:
    return f"<АдресноеПоле><Тип>{kind}</Тип><Значение>{value}</Значение></АдресноеПоле>"


def test_an_address_of_presentation_and_fields() -> None:
    found = party(
        "<АдресРегистрации><Представление>101000, Москва, Мясницкая, 1</Представление>"
        + field("почтовый индекс", "101000")
        + field("Страна", "РОССИЯ")
        + field("Регион", "Москва")
        + field("Населенный пункт", "Москва")
        + field("Улица", "Мясницкая")
        + "</АдресРегистрации><Адрес>Просто текст</Адрес><ФактическийАдрес/>"
    )
    first, second = found.addresses
    assert (first.line, first.city, first.postcode, first.country) == (
        "101000, Москва, Мясницкая, 1", "Москва", "101000", "RU",
    )  # fmt: skip
    assert second.line == "Просто текст" and second.country == ""


def test_an_address_of_fields_alone() -> None:
    (found,) = party(f"<Адрес>{field('Улица', 'Мира')}{field('Дом', '5')}</Адрес>").addresses
    assert found.line == "Мира, 5"


def test_a_country_nobody_knows_is_kept_as_it_stands() -> None:
    found = party(f"<Адрес>{field('Страна', '005897')}{field('Город', 'Алматы')}</Адрес>")
    assert found.addresses[0].country == "" and found.extra["Адрес/АдресноеПоле/Значение"] == "005897"


def test_accounts_and_representatives_are_kept_in_both_shapes() -> None:
    found = party(
        "<РасчетныеСчета><РасчетныйСчет><НомерСчета>1</НомерСчета><Банк><БИК>044</БИК></Банк></РасчетныйСчет>"
        "<РасчетныйСчет><НомерСчета>2</НомерСчета></РасчетныйСчет></РасчетныеСчета><Представители>"
        "<Представитель><Наименование>Анна</Наименование></Представитель><Представитель><Контрагент>"
        "<Наименование>Борис</Наименование></Контрагент></Представитель></Представители>"
    )
    assert found.extra == {
        "РасчетныеСчета/РасчетныйСчет/НомерСчета": "1; 2",
        "РасчетныеСчета/РасчетныйСчет/Банк/БИК": "044",
        "Представители/Представитель/Наименование": "Анна",
        "Представители/Представитель/Контрагент/Наименование": "Борис",
    }


def test_nothing_of_a_counterparty_is_unread() -> None:
    raw = landed(package("<Роль>Покупатель</Роль><Что-то>x</Что-то>"))["k"]
    assert unread(raw.payload) == []


def test_too_much_to_keep_is_listed() -> None:
    many = "".join(f"<Поле{i}>{i}</Поле{i}>" for i in range(300))
    raw = landed(package(many))["k"]
    assert len(party(many).extra) == 200 and len(unread(raw.payload)) == 300


def test_a_marked_counterparty_is_gone() -> None:
    found: list[Any] = records(package("<ПометкаУдаления>true</ПометкаУдаления>"), stream="counterparties")
    assert found == [Gone(external_id="k", what="person")]


def test_version_1_in_attributes() -> None:
    text = file(
        '<Контрагент Идентификатор="k" Наименование="ООО Ёж" ИНН="7707083893" КПП="773601001"/>',
        version="1.0",
        namespace="",
    )
    found = one(records(text, stream="counterparties"), Person)
    assert (found.kind, found.company, found.tax_number) == ("company", "ООО Ёж", "7707083893")
