"""Writing into MoySklad: once, whole, and never over what somebody changed meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import responses

from connectors.accounting.moysklad.connector import Moysklad
from connectors.base import Change, Overtaken, Raw
from foundation.errors import BadInput, Misconfigured
from foundation.records import Address, Invoice, Line, Payment, Person, Product
from tests.connectors.accounting.moysklad_account import PRICE, RUB, Account, connect, identity, reference

CHAI = Person(
    external_id="", kind="company", name="Чайный дом", company="ООО Чайный дом", emails=("a@chai.example",),
    phones=("+74951234567", "+74951234568"), tax_number="7707083893", registration_number="770701001",
    addresses=(Address(line="Сретенка, 5", city="Москва", postcode="107045", country="RU"),),
    tags=("опт",), note="Платит",
)  # fmt: skip
TEA = Product(external_id="", name="Чай", sku="TEA", barcode="4600000000015", price=Decimal("125.50"),
              currency="RUB")  # fmt: skip


@pytest.fixture
def account() -> Iterator[Account]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = Account()
        made.rows["country"] = [{"id": identity(643), "code": "643", "name": "Россия"}]
        made.open(mocked)
        yield made


def understood(connector: Moysklad, stream: str, raw: Raw) -> Any:
    [found] = connector.normalise(stream, raw, connector.settings)
    return found


def write(stream: str, record: Any, external_id: str = "", **change: Any) -> Any:
    connector = connect(stock="none")
    raw = connector.push(stream, Change(key="k-1", record=record, external_id=external_id, **change))
    return understood(connector, stream, raw)


def sent(account: Account, method: str) -> list[Any]:
    return [body for said, _, _, body in account.calls if said == method]


def a_bill(**change: Any) -> Invoice:
    lines = (
        Line(position=1, product_id=identity(1), quantity=Decimal(20), unit_price=Decimal("125.50"),
             discount=Decimal(251), tax=Decimal("376.50"), total=Decimal(2259)),
        Line(position=2, product_id=identity(2), unit_price=Decimal("325.50"), total=Decimal("325.50")),
    )  # fmt: skip
    made = Invoice(
        external_id="", number="WEB-1", customer_id=identity(9), currency="RUB", total=Decimal("2584.50"),
        lines=lines, issued_at=datetime(2026, 2, 19, 21, 30, tzinfo=UTC),
        due_at=datetime(2026, 3, 1, 15, tzinfo=UTC),
    )  # fmt: skip
    return msgspec.structs.replace(made, **change)


def test_a_counterparty_comes_back_as_it_was_written(account: Account) -> None:
    found = write("counterparties", CHAI)
    for name in ("kind", "name", "company", "emails", "phones", "tax_number", "registration_number", "tags",
                 "note", "addresses"):  # fmt: skip
        assert getattr(found, name) == getattr(CHAI, name), name


def test_the_same_key_makes_one_object(account: Account) -> None:
    assert write("counterparties", CHAI).external_id == write("counterparties", CHAI).external_id
    assert len(account.rows["counterparty"]) == 1
    first, second = sent(account, "POST")
    assert first == second and first["syncId"]


def test_a_person_keeps_the_parts_of_the_name(account: Account) -> None:
    boris = Person(external_id="", given_name="Борис", family_name="Петров", birthday=date(1985, 7, 14))
    found = write("counterparties", boris)
    assert (found.kind, found.name, found.given_name) == ("person", "Петров Борис", "Борис")
    assert found.birthday == boris.birthday


def test_numbers_go_where_the_region_has_them(account: Account) -> None:
    connector = connect(region="kz")
    record = msgspec.structs.replace(CHAI, tax_number="990440003434")
    raw = connector.push("counterparties", Change(key="1", record=record))
    found = understood(connector, "counterparties", raw)
    assert (found.tax_number, found.tax_kind) == ("990440003434", "kz.bin")
    assert sent(account, "POST")[0]["companyType"] == "legalKZ"


def test_only_the_named_fields_are_written(account: Account) -> None:
    account.add("counterparty", 1, name="Old", email="old@x.example", companyType="entrepreneur", inn="1")
    found = write("counterparties", CHAI, identity(1), fields=("name", "phones", "kind"))
    assert sent(account, "PUT") == [
        {"companyType": "entrepreneur", "name": "Чайный дом", "phone": "+74951234567, +74951234568"}
    ]
    assert (found.name, found.emails) == ("Чайный дом", ("old@x.example",))


def test_a_legal_address_is_never_taken_away(account: Account) -> None:
    account.add("counterparty", 1, name="x", companyType="legal", legalAddress="Вавилова 19")
    write("counterparties", CHAI, identity(1), fields=("addresses",))
    [body] = sent(account, "PUT")
    assert list(body) == ["legalAddressFull"] and body["legalAddressFull"]["street"] == "Сретенка, 5"
    bare = msgspec.structs.replace(CHAI, addresses=())
    account.rows["counterparty"][0] |= {"actualAddress": "Сретенка 5"}
    write("counterparties", bare, identity(1), fields=("addresses",))
    assert sent(account, "PUT")[-1] == {"actualAddress": ""}


def test_what_is_made_is_made_whole(account: Account) -> None:
    found = write("counterparties", CHAI, fields=("phones",))
    assert (found.name, found.emails, found.phones) == (CHAI.name, CHAI.emails, CHAI.phones)


def test_what_changed_meanwhile_is_not_written_over(account: Account) -> None:
    row = account.add("counterparty", 1, name="x", companyType="legal")
    with pytest.raises(Overtaken):
        write("counterparties", CHAI, identity(1), version="2026-01-01 00:00:00.000")
    with pytest.raises(Overtaken):
        write("counterparties", CHAI, identity(1), version="whatever")
    with pytest.raises(Overtaken):
        write("counterparties", CHAI, identity(99))
    assert not sent(account, "PUT")
    write("counterparties", CHAI, identity(1), fields=("name",), version=row["updated"])
    [there] = connect().fetch("counterparties", [identity(1)])
    assert there.version_at is not None
    write("counterparties", CHAI, identity(1), fields=("name",), version=there.version_at.isoformat())
    [there] = connect().fetch("counterparties", [identity(1)])
    write("counterparties", CHAI, identity(1), fields=("name",), version=there.version_hash.hex())
    assert len(sent(account, "PUT")) == 3


def test_an_item_comes_back_as_it_was_written(account: Account) -> None:
    found = write("nomenclature", TEA)
    assert (found.name, found.sku, found.barcode, found.price, found.currency) == (
        "Чай", "TEA", "4600000000015", Decimal("125.50"), "RUB",
    )  # fmt: skip
    assert account.rows["product"][0]["salePrices"][0]["value"] == 12550


def test_other_prices_and_barcodes_stay(account: Account) -> None:
    coin = reference("currency", RUB)
    account.add("product", 1, article="A", barcodes=[{"code128": "X"}, {"ean8": "12345670"}], salePrices=[
        {"value": 100, "currency": coin, "priceType": {"id": PRICE, "name": "Цена продажи"}},
        {"value": 90, "currency": coin, "priceType": {"id": "2", "name": "Опт"}},
    ])  # fmt: skip
    assert write("nomenclature", TEA, identity(1), fields=("price", "barcode")).price == Decimal("125.5")
    row = account.rows["product"][0]
    assert [one["value"] for one in row["salePrices"]] == [12550, 90]
    assert row["barcodes"] == [{"ean13": "4600000000015"}, {"code128": "X"}]
    assert "name" not in row


def test_an_unknown_currency_is_refused(account: Account) -> None:
    with pytest.raises(BadInput, match="'EUR'"):
        write("nomenclature", msgspec.structs.replace(TEA, currency="EUR"))


def test_an_invoice_comes_back_as_it_was_written(account: Account) -> None:
    account.add("product", 1, name="Чай")
    account.add("service", 2, name="Доставка")
    bill = a_bill()
    found = write("invoices", bill)
    [body] = sent(account, "POST")
    assert [line["assortment"]["meta"]["type"] for line in body["positions"]] == ["product", "service"]
    assert [(line["price"], line["discount"], line["vat"]) for line in body["positions"]] == [
        (12550, 10.0, 20), (32550, 0.0, 0),
    ]  # fmt: skip
    assert body["organization"]["meta"]["type"] == "organization"
    for name in ("number", "customer_id", "currency", "state", "issued_at", "due_at"):
        assert getattr(found, name) == getattr(bill, name), name
    for ours, theirs in zip(bill.lines, found.lines, strict=True):
        for name in ("product_id", "quantity", "unit_price", "discount", "tax", "total"):
            assert getattr(ours, name) == getattr(theirs, name), name


def test_a_line_of_no_item_is_the_service_of_that_name(account: Account) -> None:
    account.add("product", 1)
    line = Line(position=2, name="Доставка", unit_price=Decimal(50), total=Decimal(50))
    bill = a_bill(lines=(a_bill().lines[0], line))
    with pytest.raises(BadInput, match="make a service “Доставка” there"):
        write("invoices", bill)
    account.add("service", 2, name="Доставка")
    assert [one.product_id for one in write("invoices", bill).lines] == [identity(1), identity(2)]


def test_an_invoice_can_be_unposted_without_its_lines(account: Account) -> None:
    account.add("product", 1, name="Чай")
    account.add("product", 2, name="Доставка")
    made = write("invoices", a_bill())
    bill = a_bill(lines=(Line(position=1, name="Ours only"),), state="draft")
    assert write("invoices", bill, made.external_id, fields=("state",)).state == "draft"
    assert sent(account, "PUT") == [{"applicable": False}]


@pytest.mark.parametrize(("change", "words"), [
    ({"lines": (Line(position=1, name="Ours only"),)}, "lines/1"),
    ({"state": "cancelled"}, "state"), ({"customer_id": ""}, "customer_id"),
])  # fmt: skip
def test_what_moysklad_cannot_hold_is_refused(account: Account, change: Any, words: str) -> None:
    account.add("product", 1)
    account.add("product", 2)
    with pytest.raises(BadInput, match=words):
        write("invoices", a_bill(**change))
    assert not sent(account, "POST")


def test_one_of_several_companies_must_be_named(account: Account) -> None:
    account.add("product", 1)
    account.add("product", 2)
    account.rows["organization"].append({"id": identity(77), "name": "ИП Чай"})
    with pytest.raises(Misconfigured, match="“ООО Чай”, “ИП Чай”"):
        write("invoices", a_bill())
    connect(organization="ип чай", stock="none").push("invoices", Change(key="1", record=a_bill()))
    assert sent(account, "POST")[0]["organization"]["meta"]["href"].endswith(identity(77))


def test_a_payment_is_linked_to_its_invoice(account: Account) -> None:
    money = Payment(external_id="", customer_id=identity(9), currency="RUB", amount=Decimal("100.50"),
                    invoice_id=identity(5), paid_at=datetime(2026, 3, 1, 9, tzinfo=UTC))  # fmt: skip
    found = write("payments", money)
    for name in ("customer_id", "currency", "amount", "invoice_id", "paid_at"):
        assert getattr(found, name) == getattr(money, name), name
    assert sent(account, "POST")[0]["operations"][0]["linkedSum"] == 10050
    with pytest.raises(BadInput, match="came in"):
        write("payments", msgspec.structs.replace(money, amount=Decimal(-1)))


def test_a_refusal_says_which_field(account: Account) -> None:
    said = {"errors": [{"error": "слишком длинно", "parameter": "name", "code": 3000}]}
    account.before = lambda request: (400, {}, json.dumps(said)) if request.method == "POST" else None
    with pytest.raises(BadInput, match="слишком длинно") as refused:
        write("counterparties", CHAI)
    assert refused.value.at == "name"


def test_what_was_written_is_pulled_as_the_same(account: Account) -> None:
    """So that what comes back of our own writing is no change."""
    account.add("product", 1, name="Чай")
    account.add("service", 2, name="Доставка")
    for stream, record in (("counterparties", CHAI), ("invoices", a_bill())):
        written = connect().push(stream, Change(key="1", record=record))
        [pulled] = [raw for page in connect().pull(stream, None) for raw in page.records]
        assert pulled == written
