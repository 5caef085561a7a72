"""Products: names, units, prices and rests in every shape they come in."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.records import unread
from foundation.records import Product
from tests.connectors.accounting.commerceml.cml import (
    GOOD,
    catalogue,
    file,
    landed,
    offers,
    one,
    records,
)


def product(*files: str, **options: Any) -> Product:
    found: Product = one(records(*files, **options), Product)
    return found


def good(inner: str) -> str:
    return catalogue(f"<Товар><Ид>g</Ид><Наименование>Стол</Наименование>{inner}</Товар>")


def offer(inner: str) -> str:
    return offers(f"<Предложение><Ид>g</Ид><Наименование>Стол</Наименование>{inner}</Предложение>")


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ('<БазоваяЕдиница Код="796 " НаименованиеПолное="Штука">шт</БазоваяЕдиница>', "шт"),
        (
            '<БазоваяЕдиница Код="166"><Пересчет><Единица>796</Единица></Пересчет>меш</БазоваяЕдиница>',
            "меш",
        ),
        ('<БазоваяЕдиница Код="715" НаименованиеПолное="Пара"><Пересчет/></БазоваяЕдиница>', "пар"),
        ('<БазоваяЕдиница Код="XX" НаименованиеПолное="Ведро"/>', "Ведро"),
        ("<БазоваяЕдиница>796 </БазоваяЕдиница>", "шт"),
        ("<БазоваяЕдиница>4321</БазоваяЕдиница>", "4321"),
        ("<Единица><НаименованиеКраткое>л</НаименованиеКраткое><Код>112</Код></Единица>", "л"),
        ("<БазоваяЕдиница/>", ""),
        ("", ""),
    ],
)
def test_units_in_all_their_shapes(unit: str, name: str) -> None:
    assert product(good(unit)).unit == name


def test_a_bare_code_is_named_by_the_classifier() -> None:
    units = (
        "<Классификатор><ЕдиницыИзмерения><ЕдиницаИзмерения><Код>4321</Код><НаименованиеКраткое>бухта"
        "</НаименованиеКраткое></ЕдиницаИзмерения></ЕдиницыИзмерения></Классификатор>"
    )
    assert product(file(units), good("<БазоваяЕдиница>4321 </БазоваяЕдиница>")).unit == "бухта"


@pytest.mark.parametrize(
    ("rest", "stock"),
    [
        ("<Количество>377</Количество>", "377"),
        ("<Количество>-1.00</Количество>", "-1.00"),
        ("<Количество> 1\u00a0500,5 </Количество>", "1500.5"),
        ("<Количество/>", None),
        ("<Количество>много</Количество>", None),
        (
            '<Склад ИдСклада="1" КоличествоНаСкладе="2"/><Склад ИдСклада="2" КоличествоНаСкладе="5"/>',
            "7",
        ),
        ('<Количество>9</Количество><Склад ИдСклада="1" КоличествоНаСкладе="2"/>', "9"),
        (
            "<Остатки><Остаток><Склад><Ид>1</Ид><Количество>2</Количество></Склад></Остаток>"
            "<Остаток><Склад><Ид>2</Ид><Количество>4</Количество></Склад></Остаток></Остатки>",
            "6",
        ),
        ("<Остатки><Остаток><Количество>8</Количество></Остаток></Остатки>", "8"),
        ("", None),
    ],
)
def test_rests_in_all_their_shapes(rest: str, stock: str | None) -> None:
    assert product(offer(rest)).stock == (None if stock is None else Decimal(stock))


PRICES = (
    "<Цены><Цена><Представление>90 руб</Представление><ИдТипаЦены>o</ИдТипаЦены><ЦенаЗаЕдиницу>90"
    "</ЦенаЗаЕдиницу><Валюта>руб.</Валюта></Цена><Цена><ИдТипаЦены>r</ИдТипаЦены><ЦенаЗаЕдиницу>1 200,50"
    "</ЦенаЗаЕдиницу></Цена></Цены>"
)
TYPES = (
    "<ТипыЦен><ТипЦены><Ид>r</Ид><Наименование>Розничная</Наименование><Валюта>KZT</Валюта></ТипЦены>"
    "<ТипЦены><Ид>o</Ид><Наименование>Оптовая</Наименование><Валюта>RUB</Валюта></ТипЦены></ТипыЦен>"
)


def test_the_first_kind_of_price_counts_and_lends_its_currency() -> None:
    text = offers(
        f"<Предложение><Ид>g</Ид><Наименование>Стол</Наименование>{PRICES}</Предложение>", before=TYPES
    )
    found = product(text)
    assert (found.price, found.currency) == (Decimal("1200.50"), "KZT")
    raw = landed(text)["g"]
    assert "price/Предложение/Цены/Цена/ЦенаЗаЕдиницу: 90" in unread(raw.payload)


def test_a_person_may_choose_the_kind_of_price() -> None:
    text = offers(
        f"<Предложение><Ид>g</Ид><Наименование>Стол</Наименование>{PRICES}</Предложение>", before=TYPES
    )
    for chosen in ("Оптовая", "o", "оптовая "):
        found = product(text, habits=Habits(price_type=chosen))
        assert (found.price, found.currency) == (Decimal(90), "RUB")


def test_without_a_classifier_the_first_price_counts() -> None:
    found = product(offer(PRICES))
    assert (found.price, found.currency) == (Decimal(90), "RUB")


def test_a_price_without_currency_takes_the_connections() -> None:
    text = offer("<Цены><Цена><ЦенаЗаЕдиницу>5</ЦенаЗаЕдиницу></Цена></Цены>")
    assert product(text, habits=Habits(currency="BYN")).currency == "BYN"


def test_a_price_that_is_no_number_is_listed() -> None:
    text = offer("<Цены><Цена><ЦенаЗаЕдиницу>договорная</ЦенаЗаЕдиницу></Цена></Цены>")
    assert product(text).price is None
    assert "price/Предложение/Цены/Цена/ЦенаЗаЕдиницу: договорная" in unread(landed(text)["g"].payload)


def test_prices_and_rests_wait_for_their_product() -> None:
    waiting = offers("<Предложение><Ид>g-1</Ид><Количество>2</Количество></Предложение>")
    assert records(waiting) == []
    assert unread(landed(waiting)["g-1"].payload) == ["rest/Предложение/Количество: 2"]
    assert product(waiting, catalogue(GOOD)).stock == 2


def test_a_variant_is_named_by_its_offer_and_a_product_by_its_good() -> None:
    text = GOOD.replace("g-1", "g-1#c")
    variant = offers("<Предложение><Ид>g-1#c</Ид><Наименование>Стол (синий)</Наименование></Предложение>")
    assert product(catalogue(text), variant).name == "Стол (синий)"
    whole = variant.replace("g-1#c", "g-1")
    assert product(catalogue(GOOD), whole).name == "Стол"


def test_text_escaped_twice_is_read_once_more() -> None:
    text = good("").replace("Стол", "Стол &amp;quot;Ёж&amp;quot; &amp;amp; Ко &amp;lt;b&amp;gt;")
    assert product(text).name == 'Стол "Ёж" & Ко <b>'


def test_names_lose_no_break_blanks_and_what_nobody_sees() -> None:
    assert product(good("").replace("Стол", "  Стол\u00a0\u200bдубовый\n ")).name == "Стол дубовый"


def test_a_product_without_name_takes_its_long_one() -> None:
    text = catalogue(
        "<Товар><Ид>g</Ид><Наименование/><ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Полное "
        "наименование</Наименование><Значение>Стол большой</Значение></ЗначениеРеквизита>"
        "</ЗначенияРеквизитов></Товар>"
    )
    assert product(text).name == "Стол большой"


def test_pictures_lose_their_caption() -> None:
    found = product(good("<Картинка/><Картинка>import_files/a.jpg#вид</Картинка><Картинка>b.jpg</Картинка>"))
    assert found.image == "import_files/a.jpg"


def test_what_no_field_took_is_listed() -> None:
    text = good(
        "<Описание>Дуб</Описание><СтавкиНалогов><СтавкаНалога><Ставка>Без НДС</Ставка></СтавкаНалога>"
        '</СтавкиНалогов><Вес единица="кг">3</Вес><НомерВерсии>AAA=</НомерВерсии><Артикул/>'
    )
    assert unread(landed(text)["g"].payload) == [
        "good/Товар/Описание: Дуб",
        "good/Товар/СтавкиНалогов/СтавкаНалога/Ставка: Без НДС",
        "good/Товар/Вес/@единица: кг",
        "good/Товар/Вес: 3",
    ]


def test_version_1_in_attributes() -> None:
    text = file(
        '<Каталог><Группа Идентификатор="g" Наименование="Мебель"/><Товар Идентификатор="7"'
        ' ИдентификаторВКаталоге="77" Наименование="Стул" Единица="шт" Родитель="g"><ЗначениеСвойства'
        ' ИдентификаторСвойства="Артикул" Значение="С-1"/></Товар></Каталог><ПакетПредложений>'
        '<Предложение ИдентификаторТовара="7" Цена="5.50" Валюта="РУБ" Количество="4"/></ПакетПредложений>',
        version="1.0",
        namespace="",
    )
    found = product(text)
    assert (found.name, found.sku, found.unit, found.category) == ("Стул", "77", "шт", "Мебель")
    assert (found.price, found.currency, found.stock) == (Decimal("5.50"), "RUB", Decimal(4))
