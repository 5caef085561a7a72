"""What MoySklad's objects mean."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounting.moysklad.connector import Moysklad, MoyskladSettings
from connectors.base import Raw, raw_json
from foundation.errors import BadInput
from foundation.records import Gone

FIXTURES = Path(__file__).parents[2] / "fixtures" / "moysklad"
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "apis" / "moysklad"
SETTINGS = MoyskladSettings(token="t")
STREAMS = [stream.name for stream in Moysklad.streams]


def read(stream: str, thing: Any, **settings: Any) -> Any:
    chosen = MoyskladSettings(token="t", **settings)
    found = Moysklad.normalise(stream, raw_json("1", thing), chosen)
    return found[0] if found else None


def things(stream: str) -> list[Any]:
    return list(json.loads((FIXTURES / f"{stream}.json").read_text("utf-8")))


def fixture(stream: str, number: int, **change: Any) -> Any:
    return read(stream, {**things(stream)[number], **change})


def test_a_company_is_read_whole() -> None:
    chai = fixture("counterparties", 0)
    assert (chai.kind, chai.name) == ("company", 'ООО "Чайный дом"')
    assert chai.company.startswith("Общество") and chai.registration_number == "770701001"
    assert (chai.tax_number, chai.tax_kind) == ("7707083893", "ru.inn")
    assert chai.emails == ("office@chai.example", "buh@chai.example")
    assert chai.phones == ("+7 495 123-45-67", "+7 495 123-45-68")
    assert [a.line for a in chai.addresses] == ["Москва, Сретенка 5", "ул Вавилова, 19"]
    legal = chai.addresses[1]
    assert (legal.city, legal.region, legal.postcode, legal.country) == ("Москва", "г Москва", "117312", "RU")
    assert chai.tags == ("опт", "москва") and chai.note == "Платит в срок"


def test_people_of_a_company_lend_it_no_addresses() -> None:
    chai = fixture("counterparties", 0)
    assert "anna@chai.example" not in chai.emails
    assert chai.extra["contacts"] == "Анна Иванова бухгалтер anna@chai.example +7 916 000-00-01"


def test_times_are_moscow_wall_time() -> None:
    assert fixture("counterparties", 0).changed_at == datetime(2026, 2, 10, 9, 30, 15, 250_000, UTC)
    assert fixture("counterparties", 1).changed_at == datetime(2026, 2, 10, 21, 10, tzinfo=UTC)
    assert fixture("counterparties", 1).birthday == date(1985, 7, 14)


def test_a_person_has_a_name_of_three_parts() -> None:
    boris = fixture("counterparties", 1)
    assert (boris.kind, boris.company) == ("person", "")
    assert (boris.given_name, boris.family_name, boris.middle_name) == ("Борис", "Петров", "Ильич")


def test_kazakh_requisites_have_their_own_place() -> None:
    samal = fixture("counterparties", 2)
    assert (samal.tax_number, samal.tax_kind, samal.country) == ("990440003434", "kz.bin", "KZ")
    assert samal.addresses[0].line == "пр. Абая, 10, 4" and samal.addresses[0].country == "KZ"


def test_a_number_without_region_is_read_by_the_country() -> None:
    assert read("counterparties", things("counterparties")[0], country="kz").tax_kind == ""


def test_anybody_is_nobody() -> None:
    assert fixture("counterparties", 4) is None
    assert fixture("counterparties", 4, inn="7707083893") is not None


def test_kopecks_become_money() -> None:
    tea = fixture("nomenclature", 0)
    assert (tea.price, tea.currency, tea.stock) == (Decimal("125.50"), "RUB", 41)
    assert (tea.sku, tea.barcode, tea.unit, tea.category) == ("TEA-100", "4600000000015", "шт", "Чай/Чёрный")
    assert fixture("nomenclature", 2).price == Decimal("333.3333")
    assert (fixture("nomenclature", 3).price, fixture("nomenclature", 3).currency) == (None, "")


def test_a_type_of_price_may_be_chosen() -> None:
    assert read("nomenclature", things("nomenclature")[0], price_type="опт").price == 99
    assert read("nomenclature", things("nomenclature")[0], price_type="Другая").price is None


def test_a_variant_takes_from_its_product() -> None:
    mug = fixture("nomenclature", 1)
    assert (mug.price, mug.currency, mug.unit, mug.category, mug.stock) == (450, "KZT", "шт", "Посуда", 0)
    assert fixture("nomenclature", 2).stock is None


def test_an_invoice_is_read_whole() -> None:
    found = fixture("invoices", 0)
    assert (found.number, found.order_number, found.state) == ("00017", "WEB-1041", "open")
    assert (found.total, found.paid, found.currency) == (Decimal("2584.50"), 1000, "RUB")
    assert found.issued_at == datetime(2026, 2, 19, 21, 30, tzinfo=UTC)
    assert found.due_at == datetime(2026, 3, 1, 15, tzinfo=UTC)
    tea, delivery = found.lines
    assert (tea.unit_price, tea.discount, tea.total) == (Decimal("125.50"), 251, 2259)
    assert tea.tax == Decimal("376.50") and (delivery.tax, delivery.total) == (0, Decimal("325.50"))
    assert sum(line.total for line in found.lines) == found.total
    assert (tea.product_id, tea.sku) == (things("nomenclature")[0]["id"], "TEA-100")


def test_tax_on_top_is_part_of_the_price() -> None:
    found = fixture("invoices", 1)
    [line] = found.lines
    assert (line.unit_price, line.total, line.tax, line.discount) == (120, 1200, 200, 0)
    assert found.state == "paid" and line.total == found.total


def test_what_is_not_posted_is_a_draft() -> None:
    found = fixture("invoices", 2)
    assert (found.state, found.currency, found.total) == ("draft", "KZT", Decimal("5.01"))
    assert isinstance(fixture("payments", 4), Gone)


def test_payments_have_signs() -> None:
    first, second, third, fourth = (fixture("payments", n) for n in range(4))
    assert (first.amount, first.invoice_id) == (1000, things("invoices")[0]["id"])
    assert (second.amount, second.invoice_id) == (2200, "")  # for two invoices: what each got stands there
    assert third.amount == -500 and isinstance(fourth, Gone)


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_gone_is_gone(stream: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    [found] = Moysklad.normalise(stream, Raw("7", "{}", at, gone=True), SETTINGS)
    assert isinstance(found, Gone) and (found.external_id, found.at) == ("7", at)


@pytest.mark.parametrize("change", [
    {"sum": "much"}, {"sum": True}, {"sum": 1e300}, {"id": None}, {"agent": {}}, {"rate": {}},
    {"rate": {"currency": {"isoCode": "крб"}}},
    {"positions": {"rows": [{"quantity": 1e14, "price": 1e16}]}},
])  # fmt: skip
def test_bad_invoices_say_where(change: Any) -> None:
    with pytest.raises(BadInput):
        fixture("invoices", 0, **change)


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '"x"', "1", "[" * 20_000, '"\ud800"'])
def test_a_broken_payload_is_bad_input(payload: str) -> None:
    with pytest.raises(BadInput):
        Moysklad.normalise("invoices", Raw("1", payload), SETTINGS)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(STREAMS), st.data())
def test_normalise_never_stumbles(stream: str, data: st.DataObject) -> None:
    """Whatever stands in a field, and wherever: a record or BadInput."""
    thing = data.draw(st.sampled_from(things(stream)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = thing = dict(thing)
        while True:
            name = data.draw(st.sampled_from(sorted(place)))
            inner = place[name]
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                place[name] = [dict(inner[0]), *inner[1:]]
                inner = place[name][0]
            elif isinstance(inner, dict) and inner:
                inner = place[name] = dict(inner)
            if not (isinstance(inner, dict) and inner) or data.draw(st.booleans()):
                place[name] = data.draw(_ANYTHING)
                break
            place = inner
    try:
        found = Moysklad.normalise(stream, raw_json("1", thing), SETTINGS)
    except BadInput:
        return
    assert msgspec.json.encode(found)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded answers are not beside the repository")
@pytest.mark.parametrize(("stream", "name"), [
    ("counterparties", "counterparty_list"), ("nomenclature", "product_list"),
    ("invoices", "invoiceout_list"), ("payments", "paymentin_list"),
])  # fmt: skip
def test_recorded_answers_are_read(stream: str, name: str) -> None:
    rows = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))["rows"]
    for row in rows:
        row.setdefault("rate", {"currency": {}})["currency"] |= {"isoCode": "RUB"}
        assert read(stream, row) is not None or row["name"] == "Розничный покупатель"


def test_sign_in_is_in_the_headers() -> None:
    token = Moysklad.make_http(MoyskladSettings(token=" t-1 ", region="kz"))
    assert token.headers["Authorization"] == "Bearer t-1" and token.headers["Accept-Encoding"] == "gzip"
    assert token.headers["X-Lognex-Accept-Region"] == "kz"
    with pytest.raises(ValueError, match="token"):
        MoyskladSettings(login="a@b")
