"""A connection's mapping and its preview."""

import json
from typing import Any

import pytest

from connectors import registry
from connectors.accounting.odata import mapping
from connectors.accounting.odata.connector import OneCOData
from connectors.accounting.odata.preview import preview
from connectors.base import raw_json
from foundation.errors import BadInput
from tests.connectors.accounting.odata.test_records import fixture, party, read

TYPED = {"address": "https://1c.example/b", "user": "u"}


def test_what_is_named_is_replaced_and_the_rest_stays() -> None:
    said = json.dumps({"counterparties": {"fields": {"tax_number": "КодНалогоплательщика", "name": ["Имя"]}}})
    found = mapping.read(said, "RU")["counterparties"]
    assert found.fields["tax_number"] == ("КодНалогоплательщика",) and found.fields["name"] == ("Имя",)
    assert found.fields["registration_number"] == ("КПП",)
    assert mapping.read(said, "RU")["invoices"] == mapping.read("", "RU")["invoices"]
    assert (
        read("counterparties", party(КодНалогоплательщика="7707083893"), mapping=said).tax_number
        == "7707083893"
    )


def test_each_country_has_its_own_numbers() -> None:
    numbers = {
        c: mapping.read("", c)["counterparties"].fields["tax_number"][0] for c in ("RU", "KZ", "BY", "UZ")
    }
    assert numbers == {"RU": "ИНН", "KZ": "ИдентификационныйКодЛичности", "BY": "УНП", "UZ": "ИНН"}


@pytest.mark.parametrize(
    ("said", "at", "why"),
    [
        ("{", "mapping", "no JSON"),
        ("[" * 9_000, "mapping", "no JSON"),
        ("[]", "mapping", "object of streams"),
        ('{"orders": {}}', "mapping", "no stream “orders”"),
        ('{"invoices": 1}', "mapping/invoices", "object"),
        ('{"invoices": {"fields": {"sum": ["A"]}}}', "mapping/invoices/fields/sum", "no such field"),
        ('{"invoices": {"fields": {"total": 7}}}', "mapping/invoices", "array"),
        ('{"invoices": {"fields": {"total": ["A or 1"]}}}', "mapping/invoices/fields/total", "name in 1C"),
        ('{"invoices": {"colour": "red"}}', "mapping/invoices", "colour"),
        ('{"invoices": {"entities": ["../secret"]}}', "mapping/invoices/entities", "name in 1C"),
        ('{"invoices": {"entities": []}}', "mapping/invoices", "needed"),
        ('{"invoices": {"names": {"X_Key": ["Catalog_X"]}}}', "mapping/invoices", "needed"),
        ('{"counterparties": {"expand": {"X": "Y"}}}', "mapping/counterparties/entities", "name in 1C"),
        ('{"invoices": {"order": ["Date desc"]}}', "mapping/invoices", "name in 1C"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_at_its_place(said: str, at: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        registry.parse_settings(OneCOData, {**TYPED, "mapping": said})
    assert caught.value.at == at


@pytest.mark.parametrize(("name", "value"), [("zone", "Mars/Olympus"), ("page_size", 0), ("country", "XX")])
def test_settings_that_cannot_be_used_are_named(name: str, value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        registry.parse_settings(OneCOData, {**TYPED, name: value})
    assert caught.value.at == name


def test_preview_shows_where_each_value_is_from() -> None:
    found = preview("", "RU", "Europe/Moscow", "invoices", raw_json("1", fixture("invoices", 0)))
    shown = {one.field: (one.found_at, one.value) for one in found.fields}
    assert shown["total"] == ("СуммаДокумента", "1440.0")
    assert shown["currency"] == ("@names/ВалютаДокумента_Key", "643")
    assert shown["due_at"][0] == "СрокОплаты" and shown["tax_in"] == ("СуммаВключаетНДС", "true")
    assert {one.field: one.value for one in found.line}["name"] == "Чай зелёный 100 г"
    assert found.record["total"] == "1440.0" and not found.problem
    assert "ДоговорКонтрагента_Key" in found.unused and "Number" not in found.unused


def test_preview_shows_contacts() -> None:
    found = preview("", "RU", "Europe/Moscow", "counterparties", raw_json("1", fixture("counterparties", 0)))
    shown = {one.field: one.value for one in found.fields}
    assert shown["emails"] == "info@romashka.example, buh@romashka.example"
    assert shown["phones"] == "+7 (495) 111-22-33, 8 916 000-00-01"


def test_preview_says_what_is_wrong_and_never_fails() -> None:
    row = fixture("payments", 0)
    assert "no JSON" in preview("{", "RU", "UTC", "payments", raw_json("1", row)).problem
    assert "left out" in preview("", "RU", "UTC", "payments", raw_json("1", row | {"Posted": False})).problem
    wrong = preview("", "RU", "UTC", "payments", raw_json("1", row | {"СуммаДокумента": "?"}))
    assert "/amount" in wrong.problem and wrong.fields
    assert "time zone" in preview("", "RU", "Mars", "payments", raw_json("1", row)).problem
    assert preview("", "RU", "UTC", "orders", raw_json("1", row)).problem


def test_every_country_to_choose_has_a_currency() -> None:
    country = next(field for field in registry.form_fields(OneCOData) if field.name == "country")
    assert {code for code, _ in country.choices} == set(mapping.CURRENCIES)
