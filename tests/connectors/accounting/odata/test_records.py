"""What a row of 1C means."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from connectors.accounting.odata.connector import OneCOData, OneCSettings
from connectors.base import Raw, raw_json
from foundation.errors import BadInput
from foundation.records import Gone, Invoice, Payment, Person, Product

FIXTURES = Path(__file__).parents[3] / "fixtures" / "odata"
REF = "5e2b1c40-11aa-11ee-9c01-00155d0a{:04x}"
STREAMS = ("counterparties", "nomenclature", "invoices", "payments")


def settings(**changes: Any) -> OneCSettings:
    return OneCSettings(**{"address": "https://1c.example/b", "user": "u", **changes})


def read(stream: str, thing: Any, **changes: Any) -> Any:
    found = OneCOData.normalise(stream, raw_json("1", thing), settings(**changes))
    return found[0] if found else None


def fixture(stream: str, place: int) -> Any:
    return json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))[place]


def party(**fields: Any) -> dict[str, Any]:
    return {"Ref_Key": REF.format(1), "Description": "Имя", "НаименованиеПолное": "Полное имя", **fields}


def test_a_company_with_its_contacts() -> None:
    found = read("counterparties", fixture("counterparties", 0))
    assert isinstance(found, Person) and found.kind == "company" and found.name == ""
    assert (found.external_id, found.company) == (REF.format(1), "ООО «Ромашка»")
    assert (found.tax_number, found.tax_kind, found.registration_number) == (
        "7707083893",
        "ru.inn",
        "773601001",
    )
    assert found.emails == ("info@romashka.example", "buh@romashka.example")
    assert found.phones == ("+7 (495) 111-22-33", "8 916 000-00-01")
    assert [(a.line, a.city) for a in found.addresses] == [
        ("117997, Москва г, Вавилова ул, дом 19", "Москва")
    ]
    assert found.extra == {"code": "000000001"} and found.country == "RU"


def test_a_sole_trader_is_a_person_and_a_group_is_nobody() -> None:
    anna = read("counterparties", fixture("counterparties", 1))
    assert (anna.kind, anna.name, anna.company) == ("person", "Иванова Анна Петровна ИП", "")
    nameless = read("counterparties", fixture("counterparties", 2))
    assert nameless.company == "Без номера" and nameless.tax_kind == ""
    assert read("counterparties", fixture("counterparties", 3)) is None


@pytest.mark.parametrize(
    ("country", "fields", "number", "tax_kind", "kind"),
    [
        ("KZ", {"ИдентификационныйКодЛичности": "123456789012"}, "123456789012", "kz.bin", "company"),
        ("KZ", {"ИИН": "", "ИНН": "850101300123"}, "850101300123", "kz.iin", "person"),
        ("BY", {"УНП": "190000001"}, "190000001", "by.unp", "company"),
        ("BY", {"ИНН": "190000001"}, "190000001", "by.unp", "company"),
        ("UZ", {"СТИР": "301234567"}, "301234567", "uz.stir", "company"),
        ("UZ", {"ИНН": "31234567890123"}, "31234567890123", "uz.pinfl", "person"),
        ("RU", {"ИНН": "500100732259"}, "500100732259", "ru.inn", "person"),
        ("RU", {"ЮрФизЛицо": "ИндивидуальныйПредприниматель"}, "", "", "person"),
        ("KG", {"ИНН": "01234567890123"}, "01234567890123", "", "company"),
    ],
)  # fmt: skip
def test_national_numbers(country: str, fields: Any, number: str, tax_kind: str, kind: str) -> None:
    found = read("counterparties", party(**fields), country=country)
    assert (found.tax_number, found.tax_kind, found.kind) == (number, tax_kind, kind)


def test_contacts_of_trade_management_stand_with_the_partner() -> None:
    row = party(Партнер={"КонтактнаяИнформация": [{"Тип": "Телефон", "Представление": "+998 71 200-00-00"}]})
    assert read("counterparties", row).phones == ("+998 71 200-00-00",)


def test_an_item_with_the_names_of_what_it_refers_to() -> None:
    tea = read("nomenclature", fixture("nomenclature", 0))
    assert isinstance(tea, Product)
    assert (tea.name, tea.sku, tea.unit, tea.category) == ("Чай зелёный 100 г", "T-100", "шт", "Чай")
    assert tea.price is None, "prices stand in registers"


def test_an_invoice_in_wall_time_of_its_base() -> None:
    found = read("invoices", fixture("invoices", 0))
    assert isinstance(found, Invoice) and found.state == "open"
    assert found.customer_id == REF.format(1) and found.currency == "RUB" and found.total == 1440
    assert found.issued_at == datetime(2026, 3, 31, 20, 30, tzinfo=UTC)
    assert found.due_at == datetime(2026, 4, 9, 21, tzinfo=UTC)
    tea, delivery = found.lines
    assert (tea.product_id, tea.quantity, tea.unit_price, tea.tax) == (REF.format(20), 3, 400, 200)
    assert (delivery.product_id, delivery.name, delivery.total) == ("", "Доставка", 240)
    assert read("invoices", fixture("invoices", 0), zone="Asia/Almaty").issued_at == datetime(
        2026, 3, 31, 18, 30, tzinfo=UTC
    )


def test_tax_on_top_and_a_draft_and_no_due_day() -> None:
    found = read("invoices", fixture("invoices", 1))
    assert (found.state, found.currency, found.due_at) == ("draft", "KZT", None)
    assert found.lines[0].total == Decimal(112) and found.lines[0].product_id == REF.format(20)
    row = fixture("invoices", 1)
    row["ЦенаВключаетНДС"] = not row.pop("СуммаВключаетНДС")
    assert read("invoices", row).lines[0].total == 100, "another configuration's name of the same"


def test_an_invoice_to_nobody_is_none() -> None:
    assert read("invoices", fixture("invoices", 2)) is None


def test_goods_and_services_are_one_list() -> None:
    row = fixture("invoices", 0) | {"Услуги": [{"Содержание": "Монтаж", "Количество": 1, "Сумма": "7,5"}]}
    lines = read("invoices", row).lines
    assert [line.position for line in lines] == [1, 2, 3] and lines[2].total == Decimal("7.5")


def test_payments_name_their_payer_and_invoice() -> None:
    bank, cash = (read("payments", fixture("payments", n)) for n in (0, 1))
    assert isinstance(bank, Payment) and isinstance(cash, Payment)
    assert (bank.customer_id, bank.amount, bank.invoice_id) == (REF.format(1), 1440, REF.format(30))
    assert (cash.customer_id, cash.amount, cash.invoice_id) == (REF.format(2), Decimal("99.9"), "")
    assert bank.paid_at == datetime(2026, 4, 1, 21, tzinfo=UTC) and bank.number == "0000-000040"


@pytest.mark.parametrize("place", [2, 3])
def test_money_of_others_is_no_payment(place: int) -> None:
    assert read("payments", fixture("payments", place)) is None


def test_a_reference_to_another_kind_of_object_is_none() -> None:
    """A composite field may hold an employee or an order: a reference alone doesn't say which."""
    employee = {"Контрагент_Type": "StandardODATA.Catalog_ФизическиеЛица"}
    assert read("payments", fixture("payments", 0) | employee) is None
    asset = {"Номенклатура": REF.format(5), "Номенклатура_Type": "StandardODATA.Catalog_ОсновныеСредства"}
    found = read("invoices", fixture("invoices", 0) | {"Товары": [asset]})
    assert found.lines[0].product_id == ""


def test_money_given_back_is_negative() -> None:
    row = fixture("payments", 0) | {"@entity": "Document_СписаниеСРасчетногоСчета"}
    assert read("payments", row | {"ВидОперации": "ВозвратПокупателю"}).amount == -1440
    assert read("payments", row | {"ВидОперации": "ОплатаПоставщику"}) is None


def test_a_receipt_that_is_not_posted_is_no_money_yet() -> None:
    assert read("payments", fixture("payments", 0) | {"Posted": False}) is None


def test_currencies() -> None:
    row = fixture("payments", 0)
    assert read("payments", row | {"@names": {"ВалютаДокумента_Key": "840"}}).currency == "USD"
    assert read("payments", row | {"@names": {"ВалютаДокумента_Key": "kzt"}}).currency == "KZT"
    with pytest.raises(BadInput, match="Catalog_Валюты"):
        read("payments", row | {"@names": {}})
    bare = {name: value for name, value in row.items() if name not in ("@names", "ВалютаДокумента_Key")}
    assert read("payments", bare, country="UZ").currency == "UZS"


def test_a_mark_of_deletion_is_gone() -> None:
    found = OneCOData.normalise("invoices", Raw("1", "{}", gone=True), settings())
    assert found == [Gone(external_id="1", what="invoice")]


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00", "0026-03-31T00:00:00", "", None, "31.03.2026", 7])
def test_empty_and_impossible_dates_are_none(date: Any) -> None:
    assert read("invoices", fixture("invoices", 0) | {"Date": date}).issued_at is None


@pytest.mark.parametrize("wrong", ["NaN", "1e40", "много", True, [1]])
def test_what_is_no_amount_is_refused_with_its_place(wrong: Any) -> None:
    row = fixture("invoices", 0)
    row["Товары"][0]["Сумма"] = wrong
    with pytest.raises(BadInput) as caught:
        read("invoices", row)
    assert caught.value.at == "/lines/1/total"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | st.just(REF.format(3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@how(max_examples=150, deadline=None)
@given(st.data())
def test_no_row_breaks_the_reader(data: st.DataObject) -> None:
    """Any value in any field gives a record, nothing, or BadInput."""
    stream = data.draw(st.sampled_from(STREAMS))
    row = fixture(stream, 0)
    for name in data.draw(st.lists(st.sampled_from(sorted(row)), max_size=4)):
        row[name] = data.draw(JSON)
    if row.get("Товары") and isinstance(row["Товары"], list) and data.draw(st.booleans()):
        row["Товары"] = [*row["Товары"], data.draw(JSON)]
    try:
        found = OneCOData.normalise(stream, Raw("1", json.dumps(row)), settings())
    except BadInput:
        return
    assert len(found) <= 1


@how(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_payload_breaks_the_reader(payload: str) -> None:
    for stream in STREAMS:
        with pytest.raises(BadInput):
            OneCOData.normalise(stream, Raw("1", f"{payload}x"), settings())
