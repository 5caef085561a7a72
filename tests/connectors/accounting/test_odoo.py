"""What Odoo's rows mean."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounting.odoo.connector import Odoo, OdooSettings
from connectors.base import Raw, raw_json
from foundation.errors import BadInput
from foundation.records import Gone

FIXTURES = Path(__file__).parents[2] / "fixtures" / "odoo"
SETTINGS = OdooSettings(address="https://odoo.example", api_key="k")
STREAMS = [stream.name for stream in Odoo.streams]


def read(stream: str, thing: Any, **settings: Any) -> Any:
    chosen = OdooSettings(**{"address": "https://odoo.example", "api_key": "k", **settings})
    [found] = Odoo.normalise(stream, raw_json("1", thing), chosen)
    return found


def things(stream: str) -> list[Any]:
    return list(json.loads((FIXTURES / f"{stream}.json").read_text("utf-8")))


def fixture(stream: str, number: int, **change: Any) -> Any:
    return read(stream, {**things(stream)[number], **change})


def test_a_company_is_read_whole() -> None:
    tea = fixture("counterparties", 0)
    assert (tea.kind, tea.name, tea.company) == ("company", "Teehaus GmbH", "Teehaus GmbH")
    assert tea.emails == ("office@teehaus.example", "rechnung@teehaus.example")
    assert (tea.tax_number, tea.tax_kind) == ("DE136695976", "eu.vat")
    assert (tea.registration_number, tea.country, tea.language) == ("HRB 1234", "DE", "en-US")
    assert tea.note == "Zahlt pünktlich & gern" and tea.tags == ("Wholesale", "Berlin")
    assert tea.changed_at == datetime(2026, 2, 10, 9, 30, 15, tzinfo=UTC)


def test_places_of_a_company_are_its_addresses_and_its_people_are_not() -> None:
    tea = fixture("counterparties", 0)
    assert [(a.line, a.city, a.region) for a in tea.addresses] == [
        ("Unter den Linden 5, Hof 2", "Berlin", "Berlin"), ("Hafenstr. 1", "Hamburg", ""),
    ]  # fmt: skip
    assert "anna@teehaus.example" not in tea.emails
    assert tea.extra["contacts"] == "Anna Schmidt Buchhaltung anna@teehaus.example +49 30 123457"


def test_a_person_without_a_number() -> None:
    boris = fixture("counterparties", 1)
    assert (boris.kind, boris.company, boris.tax_number, boris.tax_kind) == ("person", "", "", "")
    assert boris.phones == ("+7 916 123-45-67", "+7 916 000-00-00")


@pytest.mark.parametrize(("country", "kind"), [("RU", "ru.inn"), ("KZ", ""), ("US", "")])
def test_kinds_of_numbers_are_told_by_the_country(country: str, kind: str) -> None:
    assert fixture("counterparties", 2, country_code=country).tax_kind == kind
    assert read("counterparties", things("counterparties")[1], country="kz").country == "KZ"


def test_floats_become_money() -> None:
    tea, mug, delivery = (fixture("nomenclature", n) for n in range(3))
    assert (tea.price, tea.currency, tea.stock, tea.sku) == (Decimal("12.55"), "EUR", 41, "TEA-100")
    assert (mug.name, mug.price, mug.stock) == ("Mug (blue)", Decimal("4.1"), 0)
    assert (delivery.active, delivery.stock) == (False, None)
    assert read("nomenclature", things("nomenclature")[0], stock="qty_available").stock == 44
    assert read("nomenclature", things("nomenclature")[0], stock="none").stock is None


def test_an_invoice_is_read_whole() -> None:
    found = fixture("invoices", 0)
    assert (found.number, found.order_number, found.state) == ("INV/2026/00017", "WEB-1041", "open")
    assert (found.total, found.paid, found.currency) == (Decimal("258.45"), 100, "EUR")
    assert found.customer_id == "41"  # the company, not the person there that it is addressed to
    assert found.issued_at == datetime(2026, 2, 20, tzinfo=UTC)
    tea, delivery = found.lines
    assert (tea.product_id, tea.sku, tea.name) == ("7", "TEA-100", "Black tea")
    assert (tea.unit_price, tea.discount) == (Decimal("12.55"), Decimal("25.10"))
    assert (tea.tax, tea.total) == (Decimal("37.65"), Decimal("225.90"))
    assert (delivery.product_id, delivery.name, delivery.tax) == ("", "Delivery to the door", 0)


def test_days_are_those_of_the_company() -> None:
    found = read("invoices", things("invoices")[0], zone="Asia/Almaty")
    assert found.issued_at == datetime(2026, 2, 19, 19, tzinfo=UTC)
    with pytest.raises(ValueError, match="Nowhere"):
        OdooSettings(address="x", api_key="k", zone="Nowhere")


def test_states_of_invoices() -> None:
    found = [fixture("invoices", n) for n in range(5)]
    assert [one.state for one in found] == ["open", "paid", "draft", "cancelled", "cancelled"]
    assert [one.paid for one in found] == [100, 1200, 0, 10, 0]
    assert (found[2].number, found[2].total, found[2].currency) == ("73", 15000, "KRW")
    assert found[1].lines[0].name == "Black tea, 100 g"


def test_payments_have_signs() -> None:
    first, second, third = (fixture("payments", n) for n in range(3))
    assert (first.amount, first.invoice_id, first.customer_id) == (100, "71", "41")
    assert (second.amount, second.invoice_id) == (220, "")  # for two invoices: what each got stands there
    assert third.amount == -50
    assert all(isinstance(fixture("payments", n), Gone) for n in (3, 4))


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_gone_is_gone(stream: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    [found] = Odoo.normalise(stream, Raw("7", "{}", at, gone=True), SETTINGS)
    assert isinstance(found, Gone) and (found.external_id, found.at) == ("7", at)


@pytest.mark.parametrize("change", [
    {"amount_total": "much"}, {"amount_total": True}, {"amount_total": 1e300}, {"id": False}, {"id": -1},
    {"currency_id": False}, {"currency_id": [1, "Euro"]},
    {"partner_id": False, "commercial_partner_id": False},
    {"lines": [{"quantity": 1e-14, "price_total": 1e14}]},
])  # fmt: skip
def test_bad_invoices_say_where(change: Any) -> None:
    with pytest.raises(BadInput):
        fixture("invoices", 0, **change)


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '"x"', "1", "[" * 20_000, '"\ud800"'])
def test_a_broken_payload_is_bad_input(payload: str) -> None:
    with pytest.raises(BadInput):
        Odoo.normalise("invoices", Raw("1", payload), SETTINGS)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(STREAMS), st.data())
def test_normalise_never_stumbles(stream: str, data: st.DataObject) -> None:
    """Whatever stands in a field, and wherever: a record or BadInput."""
    thing = json.loads(json.dumps(data.draw(st.sampled_from(things(stream)))))
    for _ in range(data.draw(st.integers(1, 4))):
        parts = [*(thing.get("lines") or []), *(thing.get("people") or [])]
        place = data.draw(st.sampled_from([thing, *(one for one in parts if isinstance(one, dict))]))
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(_ANYTHING)
        if not all(isinstance(thing.get(name, []), list) for name in ("lines", "people")):
            break
    try:
        found = Odoo.normalise(stream, raw_json("1", thing), SETTINGS)
    except BadInput:
        return
    assert msgspec.json.encode(found)
