"""Writing into Tryton: nothing twice, nothing over another's change, nothing deleted that may be needed."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.accounting.tryton.connector import Tryton
from connectors.base import Change, Overtaken, Raw
from foundation.errors import BadInput, Misconfigured, Permanent
from foundation.records import Address, Invoice, Line, Payment, Person, Product
from tests.connectors.accounting.test_tryton import DOORS, connect, plugged, things
from tests.connectors.accounting.tryton_base import Refused, TrytonBase, tagged

SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EUR = {"id": 1, "code": "EUR"}
RATE = {"__class__": "Decimal", "decimal": "0.20"}
TAX = {"id": 5, "type": "percentage", "rate": RATE, "parent": None, "group": None}
CATEGORY = {"id": 1, "name": "Goods", "account_revenue": 99, "customer_taxes": [TAX]}


def account(number: int, **types: Any) -> dict[str, Any]:
    return {"id": number, "closed": False, "type": {"id": 1, **types}}


@pytest.fixture
def base() -> Iterator[TrytonBase]:
    """A base with books to write invoices into."""
    products = copy.deepcopy(things("products"))
    for product in products:
        product["template"]["account_category"] = CATEGORY
        product["template"]["products"] = [product["id"]]
        product.update(prefix_code="", suffix_code=product["code"])
    made = TrytonBase(
        party__party=things("parties"),
        party__address=[],
        product__product=products,
        product__template=[{**p["template"], "products": [p]} for p in products],
        product__category=[{"id": 1, "accounting": True}],
        product__uom=[{"id": 1, "symbol": "u", "name": "Unit"}, {"id": 2, "symbol": "kg", "name": "Kilo"}],
        account__invoice=things("invoices"),
        account__journal=[{"id": 3, "type": "cash"}, {"id": 1, "type": "revenue"}],
        account__account=[account(39, receivable=True), account(99, revenue=True), account(98, revenue=True)],
        account__configuration=[
            {"id": 1, "default_account_receivable": None, "default_category_account_revenue": 99}
        ],
        account__tax=[TAX, {**TAX, "id": 6, "rate": {"__class__": "Decimal", "decimal": "0.10"}}],
        currency__currency=[EUR, {"id": 2, "code": "USD"}],
        country__country=[{"id": 3, "code": "KZ"}],
        ir__lang=[{"id": 4, "code": "tr"}],
    )  # fmt: skip
    with plugged(made):
        yield made


def push(stream: str, record: Any, connector: Tryton | None = None, **change: Any) -> Raw:
    connector = connector or connect()
    return connector.push(stream, Change(**{"key": "k-1", "record": record, **change}))


def read(stream: str, raw: Raw) -> Any:
    [record] = Tryton.normalise(stream, raw, None)
    return record


def made(base: TrytonBase) -> list[str]:
    return [
        method
        for method, _ in base.calls
        if method.endswith(".create") or re.fullmatch(r"POST [^/]*", method)
    ]


AIGUL = Person(
    external_id="", kind="company", name="Айгүл", company="Айгүл ЖШС",
    tax_number="980440001234", tax_kind="kz.bin",
    emails=("buh@aigul.example", "a@aigul.example"), phones=("+77010000009",), language="tr",
    addresses=(Address(line="Абай 1", city="Алматы", postcode="050000", country="KZ"),),
)  # fmt: skip


# parties


@DOORS
def test_party_is_made_whole(base: TrytonBase, keys: dict[str, str]) -> None:
    found = read("parties", push("parties", AIGUL, connect(**keys)))
    assert (found.name, found.tax_number, found.kind) == ("Айгүл ЖШС", "980440001234", "company")
    assert (found.emails, found.phones) == (AIGUL.emails, AIGUL.phones)
    row = base.models["party.party"][int(found.external_id)]
    assert row["lang"]["id"] == 4 and row["addresses"][0]["country"]["id"] == 3
    assert row["addresses"][0]["street"] == "Абай 1" and row["addresses"][0]["postal_code"] == "050000"


@DOORS
def test_same_key_makes_nothing_twice(base: TrytonBase, keys: dict[str, str]) -> None:
    connector = connect(**keys)
    for stream, record in (("parties", AIGUL), ("products", TEAPOT), ("invoices", BILL)):
        first = push(stream, record, connector)
        before = made(base)
        assert push(stream, record, connector).external_id == first.external_id
        assert made(base) == before
        assert push(stream, record, connector, key="k-2").external_id != first.external_id


def test_tax_number_gets_its_type(base: TrytonBase) -> None:
    for kind, name in (("ru.inn", "ru_vat"), ("tr.vkn", "tr_vat"), ("eu.vat", "eu_vat"), ("", None)):
        raw = push("parties", Person(external_id="", name="x", tax_number="1", tax_kind=kind), key=f"k{kind}")
        assert json.loads(raw.payload)["identifiers"][0]["type"] == name


def test_nameless_one_is_called_by_the_address(base: TrytonBase) -> None:
    assert (
        read("parties", push("parties", Person(external_id="", emails=("a@b.example",)))).name
        == "a@b.example"
    )
    human = Person(external_id="", given_name="Ayşe", family_name="Ak")
    assert read("parties", push("parties", human, key="k-2")).name == "Ayşe Ak"


def test_unknown_country_stops_no_new_party(base: TrytonBase) -> None:
    base.models["country.country"] = {}
    assert read("parties", push("parties", AIGUL)).addresses[0].city == "Алматы"
    with pytest.raises(BadInput, match="import countries"):
        push("parties", AIGUL, external_id="11", fields=("addresses",))
    with pytest.raises(BadInput, match="language"):
        push("parties", Person(external_id="", name="x", language="kk"), key="k-9")


def test_only_named_fields_are_written(base: TrytonBase) -> None:
    push("parties", AIGUL, external_id="11", fields=("name",))
    [values] = [params[1] for method, params in base.calls if method == "model.party.party.write"]
    assert values == {"name": "Айгүл ЖШС"}


def ways(base: TrytonBase, party: int) -> dict[str, tuple[bool, Any]]:
    found = base.models["party.party"][party]["contact_mechanisms"]
    return {way["value"]: (bool(way["active"]), way.get("sequence")) for way in found}


def test_what_is_no_longer_said_is_archived(base: TrytonBase) -> None:
    """Deleting it would take it out of old invoices."""
    record = Person(external_id="12", name="x")
    fields = ("emails", "phones", "tax_number")
    found = read("parties", push("parties", record, external_id="12", fields=fields))
    assert (found.emails, found.phones, found.tax_number) == ((), (), "")
    assert ways(base, 12) == {
        "buh@vasilek.example": (False, None), "old@vasilek.example": (False, None),
        "+7 495 000-00-12": (False, None),
    }  # fmt: skip


def test_new_contact_takes_the_place_of_the_old_one(base: TrytonBase) -> None:
    emails = ("new@vasilek.example", "BUH@vasilek.example", "old@vasilek.example")
    record = Person(external_id="12", name="x", emails=emails, phones=("+77010000012", "+74950000012"))
    push("parties", record, external_id="12", fields=("emails", "phones"))
    found = base.models["party.party"][12]["contact_mechanisms"]
    assert [(way["id"], way["value"], way.get("sequence")) for way in found if way["id"] < 100] == [
        (4, "BUH@vasilek.example", 2), (5, "old@vasilek.example", None), (6, "+74950000012", 2),
    ]  # fmt: skip
    emails = ("only@vasilek.example",)
    record = Person(external_id="12", name="x", emails=emails)
    assert read("parties", push("parties", record, external_id="12", fields=("emails",))).emails == emails
    assert ways(base, 12)["only@vasilek.example"] == (True, 1)
    assert found[0]["value"] == "only@vasilek.example"  # in its own row, the others archived
    assert sum(bool(way["active"]) for way in found if way["type"] == "email") == 1


def test_address_is_written_in_its_place(base: TrytonBase) -> None:
    places = (Address(line="Yeni 1", city="Antalya", country="TR"), Address(line="Depo", city="Kemer"))
    record = Person(external_id="11", name="x", addresses=places)
    found = read("parties", push("parties", record, external_id="11", fields=("addresses",)))
    assert [place.line for place in found.addresses] == ["Yeni 1", "Depo"]
    first = base.models["party.party"][11]["addresses"][0]
    assert first["id"] == 1 and first["postal_code"] is None and first["country"] == {"id": 3, "code": "TR"}


def test_tax_number_is_put_in_place_of_the_old_one(base: TrytonBase) -> None:
    record = Person(external_id="14", name="x", tax_number="980440009999", tax_kind="kz.bin")
    push("parties", record, external_id="14", fields=("tax_number",))
    known = {i["id"]: i["code"] for i in base.models["party.party"][14]["identifiers"]}
    assert known == {4: "kartoteka:o-14", 5: "980440009999"}
    unknown = Person(external_id="11", name="x", tax_number="1234567890")
    push("parties", unknown, external_id="11", fields=("tax_number",))
    [kept] = base.models["party.party"][11]["identifiers"]
    assert (kept["type"], kept["code"]) == ("tr_vat", "1234567890")
    push("parties", record, external_id="13", fields=("tax_number",))
    assert base.models["party.party"][13]["identifiers"][0]["code"] == "980440009999"


# versions


@DOORS
def test_change_on_the_other_side_overtakes(base: TrytonBase, keys: dict[str, str]) -> None:
    connector = connect(**keys)
    [raw] = connector.fetch("parties", ["11"])
    version = raw.version_at.isoformat() if raw.version_at else ""
    base.models["party.party"][11]["addresses"][0]["write_date"] = tagged(base.now)
    with pytest.raises(Overtaken):
        push("parties", AIGUL, connector, external_id="11", version=version)
    assert base.models["party.party"][11]["name"] == "Akdeniz Çay Ltd. Şti."
    [raw] = connector.fetch("parties", ["11"])
    version = raw.version_at.isoformat() if raw.version_at else ""
    assert (
        read("parties", push("parties", AIGUL, connector, external_id="11", version=version)).name
        == "Айгүл ЖШС"
    )


def test_change_between_look_and_write_overtakes(base: TrytonBase) -> None:
    """The server itself compares the times that were read."""

    def touch(base: TrytonBase) -> None:
        if base.calls[-1][0].endswith(".write"):
            base.models["party.party"][11]["write_date"] = tagged(base.now + timedelta(seconds=9))

    base.before = touch
    with pytest.raises(Overtaken):
        push("parties", AIGUL, external_id="11", fields=("name",))
    stamps = next(params[2]["_timestamp"] for method, params in base.calls if method.endswith("party.write"))
    assert {name.partition(",")[0] for name in stamps} == {"party.party"}


def test_deleted_one_overtakes(base: TrytonBase) -> None:
    with pytest.raises(Overtaken, match="no longer there"):
        push("parties", AIGUL, external_id="999")


@pytest.mark.parametrize("change", [{"external_id": "x1"}, {"external_id": "11", "version": "yesterday"}])
def test_odd_changes_are_refused(base: TrytonBase, change: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        push("parties", AIGUL, **change)


def test_payments_are_not_written(base: TrytonBase) -> None:
    with pytest.raises(Permanent, match="takes no payments"):
        push("payments", Payment(external_id="", customer_id="11", currency="EUR", amount=Decimal(1)))


def test_refusal_is_told_in_their_words(base: TrytonBase) -> None:
    def refuse(base: TrytonBase) -> None:
        if base.calls[-1][0].endswith(".create"):
            raise Refused("UserError", ['The number "1" for party "x" is not valid.', "", None])

    base.before = refuse
    with pytest.raises(BadInput, match="is not valid"):
        push("parties", AIGUL)


# products


TEAPOT = Product(
    external_id="", name="Чайник", sku="TEA-1", price=Decimal("10.50"), currency="EUR", unit="kg",
    barcode="4006381333931",
)  # fmt: skip


@DOORS
def test_product_is_made_with_its_template(base: TrytonBase, keys: dict[str, str]) -> None:
    connector = connect(**keys)
    push("products", TEAPOT, connector)
    row = base.models["product.template"][25]
    assert (row["name"], row["default_uom"], row["account_category"]) == ("Чайник", 2, 1)
    assert row["list_price"] == {"__class__": "Decimal", "decimal": "10.50"}
    assert row["products"][0]["suffix_code"] == "TEA-1"
    assert [code["code"] for code in row["products"][0]["identifiers"]] == ["4006381333931", "kartoteka:k-1"]


def test_which_of_two_categories_is_not_guessed(base: TrytonBase) -> None:
    base.models["product.category"][2] = {"id": 2, "accounting": True}
    push("products", TEAPOT)
    assert "account_category" not in base.models["product.template"][25]


def written(base: TrytonBase) -> dict[str, Any]:
    [values] = [params[1] for method, params in base.calls if method == "model.product.template.write"]
    return dict(values)


def test_product_is_changed_in_one_step(base: TrytonBase) -> None:
    record = Product(
        external_id="21", name="Чайник", sku="TEA-2", price=Decimal(9), currency="EUR", active=False
    )
    push("products", record, external_id="21")
    assert written(base) == {
        "name": "Чайник", "list_price": {"__class__": "Decimal", "decimal": "9"},
        "products": [
            ["write", [21], {"suffix_code": "TEA-2", "identifiers": [["delete", [1]]], "active": False}]
        ],
    }  # fmt: skip


def test_price_of_a_variant_is_its_own(base: TrytonBase) -> None:
    base.models["product.product"][21]["template"]["products"] = [21, 24]
    record = Product(external_id="21", name="Другой", price=Decimal(9))
    push("products", record, external_id="21", fields=("price",))
    assert written(base) == {
        "products": [["write", [21], {"list_price": {"__class__": "Decimal", "decimal": "9"}}]]
    }
    with pytest.raises(BadInput, match="2 variants"):
        push("products", record, external_id="21", fields=("name",))


def test_own_price_of_the_only_variant_is_kept_up(base: TrytonBase) -> None:
    push(
        "products", Product(external_id="24", name="x", price=Decimal(9)), external_id="24", fields=("price",)
    )
    assert written(base)["products"][0][2] == {"list_price": {"__class__": "Decimal", "decimal": "9"}}


def test_series_before_8_has_one_price_for_all_variants(base: TrytonBase) -> None:
    base.old = True
    record = Product(external_id="24", name="x", price=Decimal(9))
    push("products", record, external_id="24", fields=("price",))
    assert written(base) == {"list_price": {"__class__": "Decimal", "decimal": "9"}}
    base.models["product.product"][24]["template"]["products"] = [24, 25]
    with pytest.raises(BadInput, match="2 variants"):
        push("products", record, external_id="24", fields=("price",))


def test_number_keeps_the_prefix_of_its_template(base: TrytonBase) -> None:
    base.models["product.product"][21].update(prefix_code="SAM", suffix_code="-5")
    push("products", Product(external_id="21", name="x", sku="SAM-6"), external_id="21", fields=("sku",))
    assert written(base) == {"products": [["write", [21], {"suffix_code": "-6"}]]}
    with pytest.raises(BadInput, match="begin with “SAM”"):
        push("products", Product(external_id="21", name="x", sku="TEA"), external_id="21", fields=("sku",))


def test_price_in_another_currency_is_refused(base: TrytonBase) -> None:
    with pytest.raises(BadInput, match="aren't in KZT"):
        push("products", Product(external_id="", name="x", price=Decimal(1), currency="KZT"))


def test_barcode_is_put_in_place(base: TrytonBase) -> None:
    for number, wanted in (
        (21, ["write", [1], {"code": "96385074"}]),
        (22, ["create", [{"type": "ean", "code": "96385074"}]]),
    ):
        base.calls.clear()
        record = Product(external_id="", name="x", barcode="96385074")
        push("products", record, external_id=str(number), fields=("barcode",))
        assert written(base)["products"][0][2] == {"identifiers": [wanted]}


# invoices


def line(total: str, tax: str = "0", quantity: str = "1", **more: Any) -> Line:
    return Line(position=1, total=Decimal(total), tax=Decimal(tax), quantity=Decimal(quantity), **more)


BILL = Invoice(
    external_id="", number="", customer_id="11", currency="EUR", total=Decimal("42.00"), order_number="WEB-9",
    issued_at=datetime(2026, 3, 9, 22, 0, tzinfo=UTC),
    lines=(line("36.00", "6.00", "3", product_id="21", name="Самовар"), line("6.00", name="Kargo")),
)  # fmt: skip


@DOORS
def test_draft_is_made_whole(base: TrytonBase, keys: dict[str, str]) -> None:
    raw = push("invoices", BILL, connect(**keys))
    row = base.models["account.invoice"][int(raw.external_id)]
    wanted = {"type": "out", "invoice_address": 1, "company": 1, "journal": 1,
              "account": 39, "payment_term": None, "reference": "WEB-9",
              "invoice_date": {"__class__": "date", "year": 2026, "month": 3, "day": 9}}  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert row["party"]["id"] == 11 and row["currency"]["code"] == "EUR"
    first, second = row["lines"]
    assert (first["product"], first["unit"], first["account"], first["taxes"]) == (21, 1, 99, [["add", [5]]])
    assert first["unit_price"]["decimal"] == "10.0000" and first["quantity"] == 3.0
    assert (second["account"], second["taxes"], second["description"]) == (99, [["add", []]], "Kargo")
    assert "product" not in second and first["note"] == "kartoteka:k-1"


def test_party_has_its_own_account_and_terms(base: TrytonBase) -> None:
    base.models["party.party"][11].update(account_receivable=40, customer_payment_term=2)
    row = base.models["account.invoice"][int(push("invoices", BILL).external_id)]
    assert (row["account"], row["payment_term"]) == (40, 2)


def test_party_without_an_address_gets_an_empty_one(base: TrytonBase) -> None:
    record = Invoice(**{**{n: getattr(BILL, n) for n in BILL.__struct_fields__}, "customer_id": "16"})
    raw = push("invoices", record)
    assert base.models["account.invoice"][int(raw.external_id)]["invoice_address"] == 1
    assert base.models["party.address"][1]["party"]["id"] == 16


def bill(*lines: Line, **changes: Any) -> Invoice:
    return Invoice(**{**{n: getattr(BILL, n) for n in BILL.__struct_fields__}, "lines": lines, **changes})


def test_tax_is_found_by_its_rate(base: TrytonBase) -> None:
    raw = push("invoices", bill(line("110.00", "10.00", product_id="21"), line("12.00", "2.00")))
    first, second = base.models["account.invoice"][int(raw.external_id)]["lines"]
    assert first["taxes"] == [["add", [6]]] and second["taxes"] == [["add", [5]]]
    with pytest.raises(BadInput, match=r"0 taxes in Tryton make 18.00 %"):
        push("invoices", bill(line("118.00", "18.00")), key="k-3")
    base.models["account.tax"][7] = {**TAX, "id": 7}
    with pytest.raises(BadInput, match=r"2 taxes"):
        push("invoices", bill(line("12.00", "2.00")), key="k-4")
    base.models["account.tax"][7]["group"] = {"id": 1, "kind": "purchase"}
    push("invoices", bill(line("12.00", "2.00")), key="k-5")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"customer_id": ""}, "no party"), ({"customer_id": "999"}, "no party 999"),
        ({"currency": "KZT"}, "currency"), ({"lines": ()}, "without lines"),
        ({"lines": (line("1", product_id="999"),)}, "no product 999"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(base: TrytonBase, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        push("invoices", bill(*BILL.lines, **changes) if "lines" not in changes else bill(*changes["lines"]))
    assert made(base) == []


def test_account_that_nobody_chose_is_asked_for(base: TrytonBase) -> None:
    base.models["account.configuration"][1]["default_category_account_revenue"] = None
    with pytest.raises(Misconfigured, match="default category account revenue"):
        push("invoices", BILL)


def test_draft_can_be_changed_and_keeps_its_key(base: TrytonBase) -> None:
    connector = connect()
    raw = push("invoices", BILL, connector)
    row = base.models["account.invoice"][int(raw.external_id)]
    push(
        "invoices",
        bill(line("5.00", name="Kargo"), order_number="WEB-10"),
        connector,
        external_id=raw.external_id,
    )
    assert row["reference"] == "WEB-10" and [x["description"] for x in row["lines"]] == ["Kargo"]
    assert row["lines"][0]["note"] == "kartoteka:k-1"


def test_posted_invoice_is_left_alone(base: TrytonBase) -> None:
    with pytest.raises(BadInput, match="only drafts"):
        push("invoices", BILL, external_id="32")
