"""Documents: orders and their states, what was paid, invoices, and lines that don't add up."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.records import unread
from connectors.accounting.commerceml.states import read_statuses
from foundation.errors import BadInput
from foundation.records import Gone, Invoice, Order, Payment, Person
from tests.connectors.accounting.commerceml.cml import RUSSIAN, file, landed, one, records

BUYER = (
    "<Контрагенты><Контрагент><Ид>s</Ид><Роль>Продавец</Роль></Контрагент><Контрагент><Ид>k</Ид>"
    "<Наименование>Ёж</Наименование><Роль>Покупатель</Роль></Контрагент></Контрагенты>"
)


def asked(**values: str) -> str:
    inner = "".join(
        f"<ЗначениеРеквизита><Наименование>{name.replace('_', ' ')}</Наименование>"
        f"<Значение>{value}</Значение></ЗначениеРеквизита>"
        for name, value in values.items()
    )
    return f"<ЗначенияРеквизитов>{inner}</ЗначенияРеквизитов>"


def paper(inner: str = "", kind: str = "Заказ товара", money: str = "100.00", own: str = "7") -> str:
    return (
        f"<Документ><Ид>{own}</Ид><Номер>N-{own}</Номер><Дата>2026-03-01</Дата><Время>10:20:30</Время>"
        f"<ХозОперация>{kind}</ХозОперация><Роль>Продавец</Роль><Валюта>руб</Валюта><Курс>1</Курс>"
        f"<Сумма>{money}</Сумма>{BUYER}{inner}</Документ>"
    )


def line(inner: str) -> str:
    return f"<Товары><Товар><Ид>g#c</Ид><Наименование>Стол</Наименование>{inner}</Товар></Товары>"


def order(inner: str = "", habits: Habits = RUSSIAN, **options: str) -> Order:
    found: Order = one(records(file(paper(inner, **options)), habits=habits), Order)
    return found


def payments(inner: str = "", **options: str) -> list[Payment]:
    return [r for r in records(file(paper(inner, **options))) if isinstance(r, Payment)]


def test_an_order_with_its_buyer() -> None:
    found = order("<Комментарий>Звонить</Комментарий><Номер1С>ТД-1   </Номер1С>")
    assert (found.external_id, found.number, found.currency, found.total) == (
        "7",
        "N-7",
        "RUB",
        Decimal("100.00"),
    )
    assert found.placed_at == datetime(2026, 3, 1, 7, 20, 30, tzinfo=UTC)
    assert found.customer_id == "k" and found.customer is not None and found.customer.name == "Ёж"
    assert (found.note, found.extra["Номер1С"]) == ("Звонить", "ТД-1")


STATES = [
    ({}, "open"),
    ({"Проведен": "true"}, "open"),
    ({"Отменен": "true", "Отгружен": "true"}, "cancelled"),
    ({"ПометкаУдаления": "true"}, "cancelled"),
    ({"Дата_отгрузки_по_1С": "2026-03-02T00:00:00"}, "shipped"),
    ({"Дата_отгрузки_по_1С": "T", "Дата_оплаты_по_1С": "Т"}, "open"),
    ({"Дата_отгрузки_по_1C": "2026-03-02"}, "shipped"),
    ({"Дата_оплаты_по_1С": "2026-03-02T00:00:00"}, "paid"),
    ({"Дата_оплаты_по_1С": "0001-01-01T00:00:00"}, "open"),
    ({"Отгружен": "Да"}, "shipped"),
    ({"Оплачен": "true", "Отгружен": "false"}, "paid"),
    ({"Статус_заказа": "[F] Доставлен"}, "completed"),
    ({"СтатусЗаказа": "Выполнен"}, "completed"),
    ({"Статус_заказа": "[Z] Собирается"}, "open"),
    ({"Статус_заказа": "[N] Принят", "Отгружен": "true"}, "shipped"),
]


@pytest.mark.parametrize(("values", "state"), STATES)
def test_states_by_the_strongest_signal(values: dict[str, str], state: str) -> None:
    assert order(asked(**values)).state == state


@pytest.mark.parametrize(
    "values",
    [{"Статуса_заказа_ИД": "Z"}, {"Статус_заказа": "[Z] Собирается"}, {"Статус_заказа": "собирается"}],
)
def test_a_person_says_what_statuses_mean(values: dict[str, str]) -> None:
    habits = Habits(currency="RUB", statuses=read_statuses("Z = paid; Собирается=paid"))
    assert order(asked(**values), habits).state == "paid"


def test_a_deleted_order_is_cancelled_and_stays() -> None:
    text = file(paper("<ПометкаУдаления>true</ПометкаУдаления>"))
    assert one(records(text), Order).state == "cancelled"


def test_requisites_without_their_wrapper_are_read() -> None:
    bare = asked(Отменен="true").replace("<ЗначенияРеквизитов>", "").replace("</ЗначенияРеквизитов>", "")
    assert order(bare).state == "cancelled"


def test_what_nobody_asked_for_is_kept_by_its_name() -> None:
    found = order(asked(Способ_доставки="Курьер", Адрес_доставки="Мира, 5"))
    assert found.extra["Способ доставки"] == "Курьер"
    assert found.delivery is not None and found.delivery.line == "Мира, 5"


LINES = [
    ("<ЦенаЗаЕдиницу>5.00</ЦенаЗаЕдиницу><Количество>3.00</Количество><Сумма>15.00</Сумма>", "3", "5", "15"),
    ("<Цена>5</Цена><Количество>3</Количество><Сумма/>", "3", "5", "15"),
    ("<Цена>5</Цена><Количество>3</Количество><Сумма>0</Сумма>", "3", "5", "15"),
    ("<Количество>4</Количество><Сумма>10</Сумма>", "4", "2.5", "10"),
    (
        "<Цена>100</Цена><Количество>1</Количество><Сумма>90</Сумма><Скидки><Скидка><Сумма>10</Сумма>"
        "<УчтеноВСумме>true</УчтеноВСумме></Скидка></Скидки>", "1", "100", "90",
    ),
    (
        "<Цена>100</Цена><Количество>1</Количество><Сумма>100</Сумма><Скидки><Скидка><Сумма>10</Сумма>"
        "<УчтеноВСумме>false</УчтеноВСумме></Скидка></Скидки>", "1", "100", "90",
    ),
    (
        "<Цена>100</Цена><Количество>1</Количество><Сумма>100</Сумма><Скидки><Скидка><Сумма>Скидка</Сумма>"
        "</Скидка></Скидки>", "1", "100", "100",
    ),
    (
        "<Цена>100</Цена><Количество>1</Количество><Сумма>100</Сумма><Налоги><Налог><Сумма>20</Сумма>"
        "<УчтеноВСумме>false</УчтеноВСумме></Налог></Налоги>", "1", "100", "120",
    ),
    ("<Цена>x</Цена><Количество>y</Количество><Сумма>z</Сумма>", "1", "0", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("inner", "quantity", "price", "total"), LINES)
def test_lines_that_need_not_add_up(inner: str, quantity: str, price: str, total: str) -> None:
    (found,) = order(line(inner)).lines
    assert (found.product_id, found.quantity, found.unit_price, found.total) == (
        "g#c", Decimal(quantity), Decimal(price), Decimal(total),
    )  # fmt: skip


def test_a_date_that_is_none_is_not_kept() -> None:
    assert "Дата оплаты по 1С" not in order(asked(Дата_оплаты_по_1С="T")).extra


def test_the_word_in_place_of_a_sum_is_kept() -> None:
    found = order(line("<Скидки><Скидка><Сумма>Скидка</Сумма></Скидка></Скидки>"))
    assert found.extra["Товары/Товар/Скидки/Скидка/Сумма"] == "Скидка"


def test_answers_that_are_none_are_kept() -> None:
    found = order(
        asked(Оплачен="частично", Дата_оплаты_по_1С="завтра", Номер_оплаты_по_1С="9", Отгружен="нет")
    )
    assert (found.extra["Оплачен"], found.extra["Дата оплаты по 1С"]) == ("частично", "завтра")
    assert found.extra["Номер оплаты по 1С"] == "9"
    assert "Отгружен" not in found.extra


def test_the_delivery_line_is_the_shipping() -> None:
    goods = (
        "<Товары><Товар><Ид>ORDER_DELIVERY</Ид><Цена>34</Цена><Количество>1</Количество><Сумма>34</Сумма></Товар>"
        "<Товар><Ид>g</Ид><Цена>66</Цена><Количество>1</Количество><Сумма>66</Сумма></Товар></Товары>"
    )
    found = order(goods)
    assert found.shipping == 34 and [(x.position, x.product_id) for x in found.lines] == [(1, "g")]


def test_a_sum_that_is_missing_is_that_of_the_lines() -> None:
    assert order(line("<Цена>5</Цена><Количество>3</Количество>"), money="").total == 15


BELOW = "<ПодчиненныеДокументы>{}</ПодчиненныеДокументы>"


def below(kind: str, money: str, inner: str = "", own: str = "p1") -> str:
    return (
        f"<ПодчиненныйДокумент><Ид>{own}</Ид><Дата>2026-03-04</Дата><ХозОперация>{kind}</ХозОперация>"
        f"<Сумма>{money}</Сумма>{inner}</ПодчиненныйДокумент>"
    )


def test_payments_below_an_order_pay_it() -> None:
    inner = BELOW.format(
        below("Выплата безналичных денег", "60") + below("Эквайринговая операция", "40", own="p2")
        + below("Возврат наличных денег", "5", own="p3")
    )  # fmt: skip
    found = order(inner)
    assert found.refunded == 5 and found.state == "open"  # 95 of 100 are left with us
    assert [(p.external_id, p.amount, p.order_number, p.customer_id) for p in payments(inner)] == [
        ("payment:p1", Decimal(60), "N-7", "k"),
        ("payment:p2", Decimal(40), "N-7", "k"),
        ("payment:p3", Decimal(-5), "N-7", "k"),
    ]
    assert order(BELOW.format(below("Выплата наличных денег", "100"))).state == "paid"


def test_a_shipment_below_an_order_ships_it() -> None:
    assert order(BELOW.format(below("Отпуск товара", "100"))).state == "shipped"


def test_shipments_say_what_left_and_when() -> None:
    goods = line("<Количество>2</Количество><Сумма>40</Сумма>")
    found = order(
        BELOW.format(
            below("Отпуск товара", "40", goods, own="s1")
            + below("Отпуск товара", "60", "<ПометкаУдаления>true</ПометкаУдаления>", own="s2")
            + below("Отпуск товара", "9", asked(Проведен="false"), own="s3")
            + below("Отпуск товара", "5", "<Валюта>USD</Валюта>", own="s4")
        )
    )
    first, abroad = found.shipments
    assert (first.external_id, first.total, abroad.total) == ("shipment:s1", 40, None)
    assert [(one.name, one.quantity, one.total) for one in first.lines] == [("Стол", 2, 40)]
    assert [(one.key, one.at, one.note) for one in found.happenings if one.kind == "shipped"] == [
        ("shipped:shipment:s1", first.at, first.number), ("shipped:shipment:s4", abroad.at, abroad.number),
    ]  # fmt: skip
    whole = order(
        BELOW.format(below("Отпуск товара", "40")) + asked(Дата_отгрузки_по_1С="2026-03-05T12:00:00")
    )
    assert [one.key for one in whole.happenings if one.kind == "shipped"] == ["shipped"]


def test_planned_payments_are_no_money() -> None:
    inner = BELOW.format(below("Выплата наличных денег", "100", asked(Оплачен="false")))
    assert payments(inner) == [] and order(inner).state == "open"


def test_deleted_payments_are_gone() -> None:
    inner = BELOW.format(below("Выплата наличных денег", "9", "<ПометкаУдаления>true</ПометкаУдаления>"))
    found = records(file(paper(inner)))
    assert Gone(external_id="payment:p1", what="payment") in found


def test_the_payments_of_209() -> None:
    inner = (
        "<Оплаты><Оплата><НомерДокумента>12</НомерДокумента><ДатаОплаты>2026-03-05</ДатаОплаты>"
        "<СуммаОплаты>100</СуммаОплаты></Оплата></Оплаты>"
    )
    (found,) = payments(inner)
    assert (found.external_id, found.amount) == ("payment:7:12", 100)
    assert found.paid_at == datetime(2026, 3, 4, 21, tzinfo=UTC)
    assert order(inner).state == "paid"


def test_requisites_tell_of_a_whole_payment() -> None:
    (found,) = payments(asked(Номер_оплаты_по_1С="ТД-9  ", Дата_оплаты_по_1С="2026-03-05T12:00:00"))
    assert (found.external_id, found.amount) == ("payment:7:ТД-9", Decimal("100.00"))
    assert payments(asked(Номер_оплаты_по_1С="ТД-9", Дата_оплаты_по_1С="T")) == []


def test_a_payment_that_comes_alone() -> None:
    found = records(file(paper("<Основание>N-1</Основание>", kind="Выплата безналичных денег", own="p1")))
    payment = one(found, Payment)
    assert (payment.external_id, payment.order_number, payment.amount) == (
        "payment:p1",
        "N-1",
        Decimal("100.00"),
    )
    assert one(found, Person).external_id == payment.customer_id == "k"


def test_an_invoice_with_whom_it_is_for() -> None:
    found = records(
        file(paper("<СрокПлатежа>2026-03-10</СрокПлатежа>" + line("<Цена>5</Цена>"), kind="Счет на оплату"))
    )
    invoice = one(found, Invoice)
    assert (invoice.external_id, invoice.number, invoice.state) == ("invoice:7", "N-7", "open")
    assert invoice.due_at == datetime(2026, 3, 9, 21, tzinfo=UTC) and len(invoice.lines) == 1
    assert one(found, Person).external_id == invoice.customer_id
    assert isinstance(found[0], Person)  # a bill can't come before whom it is for


def test_invoices_are_paid_and_cancelled() -> None:
    def read(inner: str) -> Invoice:
        found: Invoice = one(records(file(paper(inner, kind="Счет на оплату"))), Invoice)
        return found

    paid = read(asked(Оплачен="true"))
    assert (paid.state, paid.paid) == ("paid", Decimal("100.00"))
    partly = read(BELOW.format(below("Выплата наличных денег", "40")))
    assert (partly.state, partly.paid) == ("open", 40)
    assert read("<ПометкаУдаления>true</ПометкаУдаления>").state == "cancelled"


@pytest.mark.parametrize("kind", ["Отпуск товара", "Переоценка товаров", "Возврат товара"])
def test_other_documents_have_no_record_and_are_listed(kind: str) -> None:
    text = file(paper(kind=kind))
    assert records(text) == []
    (raw,) = landed(text).values()
    assert "document/Документ/Сумма: 100.00" in unread(raw.payload)


def test_a_document_without_counterparty_has_a_guest_of_its_own() -> None:
    first, second = (order(own=own) for own in ("1", "2"))
    assert first.customer_id == second.customer_id == "k"
    alone = file(paper().replace(BUYER, ""))
    found = one(records(alone), Order)
    assert found.customer_id == "document:7" and found.customer is not None and found.customer.guest


def test_a_counterparty_without_id_is_nobody_elses() -> None:
    found = one(records(file(paper().replace("<Ид>k</Ид>", ""))), Order)
    assert found.customer_id == "document:7"


@pytest.mark.parametrize(
    ("country", "currency"), [("KZ", "KZT"), ("BY", "BYN"), ("UZ", "UZS"), ("RU", "RUB")]
)
def test_a_document_without_currency_has_that_of_its_country(country: str, currency: str) -> None:
    text = file(paper().replace("<Валюта>руб</Валюта>", ""))
    assert one(records(text, habits=Habits(country=country)), Order).currency == currency
    with pytest.raises(BadInput, match="currency"):
        records(text, habits=Habits())


def test_version_1_in_attributes() -> None:
    text = file(
        '<Документ Номер="3" Дата="2008-01-02" Время="10:00:00" ХозОперация="Order" Сумма="10" Валюта="руб."'
        ' Комментарий="да"><ПредприятиеВДокументе Контрагент="s" Роль="Saler"/><ПредприятиеВДокументе'
        ' Контрагент="k" Роль="Buyer"/><ТоварнаяПозиция Товар="7" Единица="шт" Количество="2" Цена="5"'
        ' Сумма="10"/></Документ>',
        version="1.0",
        namespace="",
    )
    found = one(records(text), Order)
    assert (found.external_id, found.customer_id, found.total, found.note) == ("3", "k", 10, "да")
    assert (found.lines[0].product_id, found.lines[0].quantity) == ("7", 2)
    assert found.placed_at == datetime(2008, 1, 2, 7, tzinfo=UTC)


def test_nothing_of_an_order_is_unread() -> None:
    text = file(paper(asked(Чужое="x") + line("<Цена>5</Цена><Действие>Изменить</Действие>")))
    assert unread(landed(text)["7"].payload) == []


@pytest.mark.parametrize("text", ["F", "F = sent", "= paid", "F = paid; X"])
def test_statuses_that_make_no_sense_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="write a status"):
        read_statuses(text)
