"""Orders for 1C: what it needs to tell buyers and goods apart, numbers it can add up, bytes it can read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.accounting.commerceml.writing import DELIVERY, Profile, info_document, orders_document
from connectors.accounting.commerceml.writing_goods import Catalogue, catalogue_document, offers_document
from foundation.records import Address, Happening, Line, Order, Person, Product

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
XSD = Path(__file__).parents[5] / "shared/data/onec/xsd/commerceml-2.09.xsd"
HOME = Address(line="Мира 1", city="Москва", postcode="101000", country="RU")


def order(number="W-1", **changes):
    given = {
        "external_id": f"id-{number}",
        "number": number,
        "state": "open",
        "currency": "RUB",
        "total": Decimal("1050.50"),
        "shipping": Decimal(50),
        "customer_id": "guest:7",
        "customer": Person(external_id="guest:7", given_name="Анна", family_name="Ли", emails=("a@b.ru",)),
        "lines": (
            Line(
                position=1,
                product_id="5d0b#77",
                sku="A-1",
                name="Чай",
                quantity=Decimal(2),
                unit_price=Decimal("525.25"),
                discount=Decimal(50),
                total=Decimal("1000.50"),
            ),
        ),
        "billing": HOME,
        "placed_at": datetime(2026, 2, 28, 21, 30, tzinfo=UTC),
    }
    return Order(**(given | changes))


def read(document):
    return etree.fromstring(document)


def texts(document, path):
    return read(document).xpath(f"{path}/text()")


def requisites(document):
    pairs = read(document).xpath("//Документ/ЗначенияРеквизитов/ЗначениеРеквизита")
    return {pair.findtext("Наименование"): pair.findtext("Значение") for pair in pairs}


def test_guests_are_never_one_buyer_and_stay_the_same_buyer():
    nameless = [order(str(n), customer_id="", customer=None) for n in range(3)]
    document = orders_document([*nameless, order(), order("W-2")], Profile(), AT)
    ids = texts(document, "//Контрагент/Ид")
    assert len(set(ids[:3])) == 3 and ids[3:] == ["guest:7", "guest:7"]
    assert texts(document, "//Контрагент/Роль") == ["Покупатель"] * 5


def test_ids_too_long_for_1c_are_replaced_by_the_same_short_one():
    long = "g" * 200
    first, second, other = (
        texts(orders_document([order(customer_id=who)], Profile(), AT), "//Контрагент/Ид")[0]
        for who in (long, long, long + "x")
    )
    assert first == second != other and len(first) <= 80


def test_a_company_has_its_numbers_and_the_person_who_orders():
    firm = Person(
        external_id="9", kind="company", company="ООО Ромашка", tax_number="7701234567",
        registration_number="770101001", given_name="Пётр", family_name="Ким", phones=("+74951234567",),
    )  # fmt: skip
    party = read(orders_document([order(customer=firm)], Profile(), AT)).find(".//Контрагент")
    assert party.findtext("ОфициальноеНаименование") == "ООО Ромашка" == party.findtext("Наименование")
    assert (party.findtext("ИНН"), party.findtext("КПП")) == ("7701234567", "770101001")
    assert party.findtext("ЮридическийАдрес/Представление") == "101000, Россия, Москва, Мира 1"
    assert party.findtext("Представители/Представитель/Контрагент/Наименование") == "Ким Пётр"
    assert party.find("ПолноеНаименование") is None


def test_a_number_that_is_no_kpp_is_not_written_as_one():
    firm = Person(external_id="9", kind="company", company="ТОО", registration_number="123")
    assert not texts(orders_document([order(customer=firm)], Profile(), AT), "//КПП")


def test_a_person_has_the_address_where_each_configuration_looks_for_it():
    party = read(orders_document([order()], Profile(), AT)).find(".//Контрагент")
    assert party.findtext("АдресРегистрации/Представление") == party.findtext("Адрес/Представление")
    assert (party.findtext("Фамилия"), party.findtext("Имя")) == ("Ли", "Анна")


def test_half_a_name_is_not_split_into_an_empty_half():
    alone = Person(external_id="1", name="Анна", given_name="Анна")
    document = orders_document([order(customer=alone)], Profile(), AT)
    assert texts(document, "//ПолноеНаименование") == ["Анна"] and not texts(document, "//Имя")


def test_times_are_those_on_the_wall_of_1c():
    document = orders_document([order()], Profile(zone="Asia/Almaty"), AT)
    assert (texts(document, "//Документ/Дата"), texts(document, "//Время")) == (["2026-03-01"], ["02:30:00"])


def test_lines_go_by_the_ids_1c_knows_and_unknown_ones_have_none():
    own = Line(position=1, product_id="5d0b#77", name="Чай", total=Decimal(1))
    document = orders_document([order(lines=(own, Line(position=2, sku="B", name="Мёд")))], Profile(), AT)
    assert texts(document, "//Товар/Ид") == ["5d0b#77", DELIVERY]


@pytest.mark.parametrize("delivery_line", [True, False])
@pytest.mark.parametrize("total", ["1050.50", "1000", "1200.07"])
def test_what_1c_adds_up_comes_to_the_sum(delivery_line, total):
    document = orders_document([order(total=Decimal(total))], Profile(delivery_line=delivery_line), AT)
    lines = sum(map(Decimal, texts(document, "//Товар/Сумма")))
    costs = sum(map(Decimal, texts(document, "//Документ/ДопРасходы/ДопРасход/Сумма")))
    off = sum(map(Decimal, texts(document, "//Документ/Скидки/Скидка/Сумма")))
    assert lines + costs - off == Decimal(total) == Decimal(texts(document, "//Документ/Сумма")[0])
    assert (texts(document, "//Товар/Ид")[1:] == [DELIVERY]) is delivery_line


def test_a_price_comes_to_the_sum_of_its_line():
    untaxed = Line(position=1, name="Чай", quantity=Decimal(3), unit_price=Decimal(10), total=Decimal(36))
    assert texts(orders_document([order(lines=(untaxed,))], Profile(), AT), "//ЦенаЗаЕдиницу")[0] == "12.00"


def test_numbers_have_a_dot_and_no_exponent():
    line = Line(position=1, quantity=Decimal("1E+3"), unit_price=Decimal("0.1050"), total=Decimal(105))
    item = read(orders_document([order(lines=(line,))], Profile(), AT)).find(".//Товар")
    assert [item.findtext(tag) for tag in ("ЦенаЗаЕдиницу", "Количество", "Сумма")] == [
        "0.105",
        "1000",
        "105.00",
    ]


def test_the_unit_code_keeps_its_blank_in_each_shape():
    old = read(orders_document([order()], Profile(), AT)).find(".//БазоваяЕдиница")
    assert (old.get("Код"), old.text) == ("796 ", "шт")
    new = orders_document([order()], Profile(version="3.1"), AT)
    assert texts(new, "//Единица/Код") == ["796 ", "796 "] and not texts(new, "//БазоваяЕдиница")


@pytest.mark.parametrize(
    ("version", "container", "boxed"),
    [("3.1", None, True), ("2.05", None, False), ("2.05", True, True), ("3.1", False, False)],
)
def test_containers_hold_an_order_each_where_they_are_wanted(version, container, boxed):
    document = read(orders_document([order(), order("2")], Profile(version=version, container=container), AT))
    assert [len(box) for box in document.findall("Контейнер")] == ([1, 1] if boxed else [])
    assert len(document.findall("Документ")) == (0 if boxed else 2)


def test_requisites_say_the_state_under_the_names_1c_knows():
    paid = Happening(kind="paid", at=AT, key="paid")
    told = requisites(orders_document([order(state="paid", happenings=(paid,))], Profile(), AT))
    assert told["Заказ оплачен"] == "true" and told["Дата оплаты"] == "2026-03-01 12:30:00"
    assert told["Статус заказа"] == "[paid] Оплачен" and told["Статуса заказа ИД"] == "paid"
    assert "Компания" not in told
    assert told["Отменен"] == "false" and told["Адрес доставки"] == "101000, Россия, Москва, Мира 1"


def test_the_company_a_person_named_is_told_and_stays_a_person():
    person = Person(external_id="1", given_name="Анна", family_name="Ли", company="ООО Ромашка")
    document = orders_document([order(customer=person)], Profile(), AT)
    assert requisites(document)["Компания"] == "ООО Ромашка" and texts(document, "//ПолноеНаименование")


@pytest.mark.parametrize(
    ("state", "off", "final"),
    [("cancelled", "true", "true"), ("refunded", "false", "true"), ("failed", "false", "false")],
)
def test_orders_that_are_off_are_not_paid_whatever_happened_before(state, off, final):
    paid = Happening(kind="paid", at=AT, key="paid")
    told = requisites(orders_document([order(state=state, happenings=(paid,))], Profile(), AT))
    assert (told["Отменен"], told["Финальный статус"], told["Заказ оплачен"]) == (off, final, "false")
    assert "Дата оплаты" not in told


@pytest.mark.parametrize("encoding", ["utf-8-bom", "utf-8", "windows-1251"])
def test_bytes_are_what_the_declaration_says(encoding):
    strange = order(note="Тест 😀 қазақ & <b>")
    document = orders_document([strange], Profile(encoding=encoding), AT)
    assert texts(document, "//Документ/Комментарий") == ["Тест 😀 қазақ & <b>"]
    assert document.startswith(b"\xef\xbb\xbf") is (encoding == "utf-8-bom")
    assert (b"&#128512;" in document) is (encoding == "windows-1251")


def test_no_orders_are_a_whole_document():
    assert read(orders_document([], Profile(), AT)).tag == "КоммерческаяИнформация"


@given(st.text(), st.text(), st.text(max_size=20))
def test_no_text_breaks_the_file_of_the_others(name, note, number):
    poison = order(number, note=note, customer=Person(external_id=name, name=name, emails=(note,)))
    for encoding in ("utf-8-bom", "windows-1251"):
        document = orders_document([poison, order("good")], Profile(encoding=encoding), AT)
        assert texts(document, "//Документ/Номер")[-1] == "good"


@pytest.mark.skipif(not XSD.exists(), reason="the schema is not beside the tree")
@pytest.mark.parametrize("kind", ["person", "company"])
def test_an_order_keeps_the_schema_that_strict_bases_check(kind):
    buyer = Person(
        external_id="7", kind=kind, company="ООО Ромашка", given_name="Анна", family_name="Ли",
        tax_number="7701234567", registration_number="770101001", phones=("+79001234567",),
        emails=("a@b.ru",), note="ждёт",
    )  # fmt: skip
    full = order(customer=buyer, total=Decimal(900), tax=Decimal(150), note="Позвонить")
    document = (
        orders_document([full], Profile(version="2.05"), AT).replace(b"796 ", b"796").decode("utf-8-sig")
    )
    spaced = document.replace(
        "<КоммерческаяИнформация", '<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"'
    )
    thing = etree.fromstring(spaced.encode())
    for name in set(thing.attrib) - {"ВерсияСхемы", "ДатаФормирования"}:
        del thing.attrib[name]  # Bitrix has them, the schema hasn't
    for mail in thing.iter("{*}Контакты"):
        for contact in mail.iter("{*}Тип"):
            contact.text = "Телефон рабочий"  # the schema's own list lacks what all sites send
    for speaker in list(thing.iter("{*}Представители")):
        speaker.getparent().remove(speaker)  # written as Bitrix does, which 1C knows better than the schema
    schema = etree.XMLSchema(etree.parse(XSD))
    schema.assertValid(thing)


def test_the_list_of_states_is_named_with_a_latin_letter():
    document = info_document(Profile(encoding="windows-1251"), payments=[("card", "Картой")])
    tags = [child.tag for child in read(document)]
    assert tags[0].encode() == b"C" + "татусы".encode() and tags[1:] == ["ПлатежныеСистемы", "СлужбыДоставки"]
    assert texts(document, "/*/*[1]/Элемент/Ид")[:2] == ["cart", "open"]
    assert texts(document, "//ПлатежныеСистемы/Элемент/Название") == ["Картой"]


@dataclass(frozen=True)
class Settings:
    zone: str = "Asia/Almaty"
    encoding: str = "windows-1251"
    version: str = ""
    container: str = "yes"
    delivery_line: str = "no"


def test_a_profile_is_what_the_settings_say_and_usual_elsewhere():
    profile = Profile.of(Settings())
    assert (profile.zone, profile.encoding, profile.version) == ("Asia/Almaty", "windows-1251", "2.05")
    assert (profile.container, profile.delivery_line) == (True, False)
    assert Profile.of(object()) == Profile() == Profile.of(Settings("", "", "", "auto", "yes"))


GOODS = (
    Product(
        external_id="1", name="Чай", sku="A", barcode="4600", price=Decimal("10.5"), stock=Decimal(3),
        category="Еда / Чай",
    ),
    Product(external_id="2", name="Стол", category="Дом", active=False),
)  # fmt: skip


@pytest.mark.parametrize(("version", "space"), [("2.05", ""), ("2.09", "2"), ("3.1", "3")])
def test_the_catalogue_has_its_groups_and_goods(version, space):
    document = read(catalogue_document(GOODS, Profile(version=version), AT))
    assert etree.QName(document).namespace == (f"urn:1C.ru:commerceml_{space}" if space else None)
    names = document.xpath("//*[local-name()='Группа']/*[local-name()='Наименование']/text()")
    assert names == ["Дом", "Еда", "Чай"]
    goods = document.findall(".//{*}Товар")
    assert [good.findtext("{*}Наименование") for good in goods] == ["Чай", "Стол"]
    group = document.xpath("//*[local-name()='Группа' and *[text()='Чай']]/*[local-name()='Ид']/text()")
    assert [goods[0].findtext("{*}Группы/{*}Ид")] == group
    assert [good.get("Статус") for good in goods] == [None, "Удален"]
    assert document.find("{*}Каталог").get("СодержитТолькоИзменения") == "true"


def test_offers_tell_prices_and_rests_and_keep_silent_about_the_unknown():
    document = read(offers_document(GOODS, Profile(), AT, catalogue=Catalogue(price="p"), whole=True))
    offers = document.findall(".//Предложение")
    assert offers[0].findtext("Цены/Цена/ЦенаЗаЕдиницу") == "10.50"
    assert offers[0].findtext("Цены/Цена/ИдТипаЦены") == "p" == document.findtext(".//ТипЦены/Ид")
    assert offers[0].findtext("Количество") == "3"
    assert offers[1].find("Цены") is None and offers[1].find("Количество") is None
    assert document.find("ПакетПредложений").get("СодержитТолькоИзменения") == "false"
