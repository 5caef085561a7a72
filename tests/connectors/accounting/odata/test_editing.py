"""A mapping edited line by line."""

import json

import pytest

from connectors.accounting.odata import editing, mapping
from foundation.errors import BadInput


def test_what_differs_is_kept_and_nothing_else() -> None:
    typed = editing.lines("", "RU", "invoices") | {"fields.total": "Итого,  Всего", "line.tax": ""}
    made = editing.change("", "RU", "invoices", typed)
    assert json.loads(made) == {"invoices": {"fields": {"total": ["Итого", "Всего"]}, "line": {"tax": []}}}
    assert mapping.read(made, "RU")["invoices"].fields["total"] == ("Итого", "Всего")
    assert editing.lines(made, "RU", "invoices")["fields.total"] == "Итого, Всего"


def test_back_to_stock_leaves_nothing() -> None:
    made = editing.change("", "KZ", "counterparties", {"entities": "Catalog_Партнеры", "fields.name": "X"})
    assert json.loads(made)["counterparties"]["entities"] == ["Catalog_Партнеры"]
    assert editing.change(made, "KZ", "counterparties", editing.lines("", "KZ", "counterparties")) == "{}"


def test_what_has_no_line_stays() -> None:
    said = '{"invoices": {"constants": {"Организация_Key": "x"}}, "payments": {"fields": {"amount": ["A"]}}}'
    made = json.loads(editing.change(said, "RU", "invoices", {"fields.number": "Номер"}))
    assert made["invoices"] == {"constants": {"Организация_Key": "x"}, "fields": {"number": ["Номер"]}}
    assert made["payments"] == {"fields": {"amount": ["A"]}}


def test_a_line_that_cannot_be_used_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        editing.change("", "RU", "invoices", {"fields.total": "Сумма'"})
    assert caught.value.at == "mapping/invoices/fields/total"
