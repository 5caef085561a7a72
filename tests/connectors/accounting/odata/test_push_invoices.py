"""Writing invoices: heads with their references, whole tables, posting."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import requests

from foundation.errors import BadInput, Misconfigured, Temporary
from foundation.records import Invoice, Line
from tests.connectors.accounting.odata.onec_base import OneCBase, connect
from tests.connectors.accounting.odata.writing_into import (
    GOODS,
    INVOICES,
    PARTIES,
    furnish,
    make,
    read,
    ref,
    writes,
)


@pytest.fixture(autouse=True)
def furnished(base: OneCBase) -> None:
    furnish(base)


def bill(customer: str, *products: str, **fields: Any) -> Invoice:
    lines = tuple(
        Line(
            position=n, product_id=p, name="Чай", quantity=Decimal("1.5"), unit_price=Decimal(80),
            total=Decimal(120), tax=Decimal(20),
        )
        for n, p in enumerate(products, 1)
    )  # fmt: skip
    typed = {
        "external_id": "our-7", "number": "7", "customer_id": customer, "currency": "RUB",
        "total": Decimal(120) * len(products), "lines": lines,
        "issued_at": datetime(2026, 3, 31, 20, 30, tzinfo=UTC), **fields,
    }  # fmt: skip
    return Invoice(**typed)


def test_an_invoice_is_made_whole(base: OneCBase) -> None:
    party, tea = base.add(PARTIES), base.add(GOODS)
    contract = base.add("Catalog_ДоговорыКонтрагентов", Owner_Key=party, ВидДоговора="СПокупателем")
    base.add("Catalog_ДоговорыКонтрагентов", Owner_Key=party, ВидДоговора="СПоставщиком")
    connector = connect()
    raw = connector.push("invoices", make(bill(party, tea)))
    row = base.sets[INVOICES][raw.external_id]
    assert row["Date"] == "2026-03-31T23:30:00", "wall time of the base"
    assert (row["Организация_Key"], row["ВалютаДокумента_Key"]) == (ref(3), ref(4))
    assert row["ДоговорКонтрагента_Key"] == contract and row["Posted"] is False
    line = row["Товары"][0]
    assert (line["Номенклатура"], line["Номенклатура_Type"]) == (tea, "StandardODATA.Catalog_Номенклатура")
    assert (line["LineNumber"], line["Количество"], line["СтавкаНДС"]) == ("1", 1.5, "НДС20")
    found = read(connector, "invoices", raw)
    assert (found.customer_id, found.total, found.lines[0].total) == (party, 120, 120)


def test_an_invoice_names_its_order_where_the_base_has_a_field_for_it(base: OneCBase) -> None:
    base.schema[INVOICES]["НомерЗаказа"] = "String"
    connector = connect()
    raw = connector.push("invoices", make(bill(base.add(PARTIES), base.add(GOODS), order_number="1042")))
    assert base.sets[INVOICES][raw.external_id]["НомерЗаказа"] == "1042"
    assert read(connector, "invoices", raw).order_number == "1042"


def test_the_lines_of_an_invoice_are_replaced_whole(base: OneCBase) -> None:
    party, tea, coffee = base.add(PARTIES), base.add(GOODS), base.add(GOODS)
    raw = connect().push("invoices", make(bill(party, tea, tea)))
    change = make(bill(party, coffee), external_id=raw.external_id, fields=("lines",))
    connect().push("invoices", change)
    row = base.sets[INVOICES][raw.external_id]
    assert [line["Номенклатура"] for line in row["Товары"]] == [coffee] and row["СуммаДокумента"] == 120


def test_services_stay_among_services(base: OneCBase) -> None:
    base.schema[INVOICES]["Услуги"] = dict(base.schema[INVOICES]["Товары"])
    party, tea, work = base.add(PARTIES), base.add(GOODS), base.add(GOODS)
    raw = connect().push("invoices", make(bill(party, tea)))
    line = {"Номенклатура": work, "Номенклатура_Type": "StandardODATA.Catalog_Номенклатура", "Сумма": 1}
    base.touch(INVOICES, raw.external_id, Услуги=[line])
    connect().push("invoices", make(bill(party, tea, work), external_id=raw.external_id, fields=("lines",)))
    row = base.sets[INVOICES][raw.external_id]
    assert [r["Номенклатура"] for r in row["Товары"]] == [tea]
    assert [r["Номенклатура"] for r in row["Услуги"]] == [work]


def test_posting_is_asked_for(base: OneCBase) -> None:
    party, tea = base.add(PARTIES), base.add(GOODS)
    raw = connect(post_invoices=True).push("invoices", make(bill(party, tea)))
    assert base.sets[INVOICES][raw.external_id]["Posted"] is True
    assert '"Posted":true' in raw.payload


def test_an_answer_lost_in_posting_makes_no_second_invoice(base: OneCBase) -> None:
    party, tea = base.add(PARTIES), base.add(GOODS)

    def cut(request: Any) -> None:
        if "/Post?" in request.url:
            base.before = lambda request: None
            raise requests.ConnectionError("the line is cut")

    base.before = cut
    with pytest.raises(Temporary):
        connect(post_invoices=True).push("invoices", make(bill(party, tea)))
    raw = connect(post_invoices=True).push("invoices", make(bill(party, tea)))
    assert list(base.sets[INVOICES]) == [raw.external_id] and '"Posted":true' in raw.payload


def test_a_composite_counterparty_is_written_with_its_kind(base: OneCBase) -> None:
    schema = base.schema[INVOICES]
    del schema["Контрагент_Key"]
    schema |= {"Контрагент": "String", "Контрагент_Type": "String"}
    party, tea = base.add(PARTIES), base.add(GOODS)
    for _ in range(2):  # the second try finds what the first has made
        raw = connect().push("invoices", make(bill(party, tea)))
    row = base.sets[INVOICES][raw.external_id]
    assert (row["Контрагент"], row["Контрагент_Type"]) == (party, "StandardODATA.Catalog_Контрагенты")
    assert len(base.sets[INVOICES]) == 1


def test_several_organisations_are_a_question(base: OneCBase) -> None:
    base.add("Catalog_Организации", Ref_Key=ref(30), Description="Они")
    party, tea = base.add(PARTIES), base.add(GOODS)
    with pytest.raises(Misconfigured, match=r"Which organisation .* Мы is .* Они is"):
        connect().push("invoices", make(bill(party, tea)))
    said = f'{{"invoices": {{"constants": {{"Организация_Key": "{ref(30)}"}}}}}}'
    raw = connect(mapping=said).push("invoices", make(bill(party, tea)))
    assert base.sets[INVOICES][raw.external_id]["Организация_Key"] == ref(30)


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"customer_id": "our-1"}, "write the counterparty first"), ({"currency": "EUR"}, "no currency EUR")],
)
def test_what_an_invoice_needs_is_named(base: OneCBase, fields: Any, why: str) -> None:
    party, tea = base.add(PARTIES), base.add(GOODS)
    with pytest.raises(BadInput, match=why):
        connect().push("invoices", make(msgspec.structs.replace(bill(party, tea), **fields)))
    assert writes(base) == []
