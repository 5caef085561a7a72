"""The invented 1C base: read and written by the connector that anybody uses, and a day that passes in it."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from starlette.applications import Starlette

from connectors.accounting.odata.connector import OneCOData, OneCSettings
from connectors.base import Change, Overtaken
from customers import tax_numbers
from foundation.errors import KartotekaError
from foundation.records import Invoice, Person, Product
from kartoteka.demo import base
from kartoteka.demo.books import COUNTERPARTIES, INVOICES, PAYMENTS, Books
from kartoteka.demo.company import Company
from kartoteka.demo.shop import Shop
from tests.serving import served


class Open:
    """The books while they are served, and a connector of them."""

    def __init__(self, books: Books, shop: Shop, address: str) -> None:
        self.books, self.shop, self.address = books, shop, address
        self.connector = self.connect()

    def connect(self, password: str = base.PASSWORD) -> OneCOData:
        settings = OneCSettings(
            address=self.address + base.PATH,
            user=base.USER,
            password=password,
            zone="Asia/Almaty",
            country="KZ",
        )
        return OneCOData(settings, OneCOData.make_http(settings, allow_private=True, attempts=1))

    def records(self, stream: str) -> list:
        """What stands there now, as records."""
        rows = [one for page in self.connector.pull(stream, None) for one in page.records]
        found = [self.connector.normalise(stream, one, self.connector.settings) for one in rows]
        return [record for some in found for record in some]


@pytest.fixture
def company():
    return Company(people=300, orders=500)


@pytest.fixture
def ledger(company):
    shop = Shop(company)
    books = Books(company)
    with served(Starlette(routes=books.routes(shop))) as address:
        yield Open(books, shop, address)
    shop.hooks.stop()
    shop.hooks.thread.join(10)


def test_the_connector_finds_all_it_needs(ledger):
    told = ledger.connector.check()
    assert f"{COUNTERPARTIES}: {len(ledger.books.base.rows[COUNTERPARTIES])}" in told
    assert "Not published" not in told and "Publish" not in told


def test_counterparties_are_the_shops_customers_and_some_more(ledger, company):
    people = ledger.records("counterparties")
    emails = {one["email"].lower() for one in company.customers.values()}
    known = [one for one in people if one.emails and one.emails[0].lower() in emails]
    assert len(known) == len(people) - 3 and {one.kind for one in people} == {"person", "company"}
    numbers = [tax_numbers.parse(one.tax_number, "KZ", one.tax_kind) for one in people if one.tax_number]
    assert len(numbers) > 3 and all(one.kind in ("kz.iin", "kz.bin") for one in numbers)
    assert all(one.valid for one in numbers), [one.problem for one in numbers]


def test_goods_are_those_of_the_shop_but_for_a_few(ledger, company):
    goods = ledger.records("nomenclature")
    skus = {one["sku"] for one in company.products.values()}
    assert len(skus - {one.sku for one in goods}) == 3  # two missing, one without its article
    assert {one.unit for one in goods if one.sku} == {"шт"}


def test_invoices_add_up_and_are_paid_open_or_paid_in_part(ledger):
    invoices = {one.external_id: one for one in ledger.records("invoices")}
    paid = Counter()
    for one in ledger.records("payments"):
        assert one.paid_at <= datetime.now(UTC) and one.customer_id == invoices[one.invoice_id].customer_id
        paid[one.invoice_id] += one.amount
    assert all(isinstance(one, Invoice) and one.state == "open" for one in invoices.values())
    for key, one in invoices.items():
        assert abs(sum(line.total for line in one.lines) - one.total) < Decimal("0.02")
        assert paid[key] <= one.total
    shares = {0 if not paid[key] else 1 if paid[key] == one.total else 0.5 for key, one in invoices.items()}
    assert shares == {0, 0.5, 1}
    numbers = sorted(invoices.values(), key=lambda one: one.number)
    assert [one.issued_at for one in numbers] == sorted(one.issued_at for one in numbers)


def test_a_change_is_written_and_one_that_came_too_late_refused(ledger):
    raw = next(one for page in ledger.connector.pull("counterparties", None) for one in page.records)
    [person] = ledger.connector.normalise("counterparties", raw, ledger.connector.settings)
    wanted = msgspec.structs.replace(person, phones=("+7 701 222 33 44",))
    version = msgspec.json.decode(raw.payload)["DataVersion"]
    ledger.books.base.change(COUNTERPARTIES, person.external_id, Комментарий="somebody was here")
    change = Change(
        record=wanted, external_id=person.external_id, fields=("phones",), key="k1", version=version
    )
    with pytest.raises(Overtaken):
        ledger.connector.push("counterparties", change)
    written = ledger.connector.push("counterparties", msgspec.structs.replace(change, version=""))
    [after] = ledger.connector.normalise("counterparties", written, ledger.connector.settings)
    assert after.phones == ("+7 701 222 33 44",) and after.emails == person.emails


@pytest.mark.parametrize(
    ("stream", "record"),
    [
        (
            "counterparties",
            Person(external_id="", kind="company", company="ТОО Новое", emails=("n@x.example",)),
        ),
        ("nomenclature", Product(external_id="", name="Kettle", sku="KET-1", unit="шт")),
    ],
)
def test_something_new_is_made_once(ledger, stream, record):
    change = Change(record=record, external_id="", key="k2")
    first = ledger.connector.push(stream, change)
    assert ledger.connector.push(stream, change).external_id == first.external_id
    assert len({one.external_id for one in ledger.records(stream)} & {first.external_id}) == 1


def test_a_day_passes_on_both_sides(ledger):
    before = {one.external_id: one for one in ledger.records("counterparties")}
    payments = len(ledger.books.base.rows[PAYMENTS])
    shop = {number: one["billing"]["phone"] for number, one in ledger.shop.company.customers.items()}
    ledger.books.work(ledger.shop)
    after = {one.external_id: one for one in ledger.records("counterparties")}
    accounts = {ref: account for account, ref in ledger.books.parties.items()}
    there = {accounts[key] for key, one in before.items() if after[key].phones != one.phones}
    here = {
        number
        for number, one in ledger.shop.company.customers.items()
        if one["billing"]["phone"] != shop[number]
    }
    assert there & here and there - here and here - there
    assert sum(after[key].name != one.name for key, one in before.items()) == 2
    assert len(after) == len(before) + 1
    assert len(ledger.books.base.rows[PAYMENTS]) == payments + 1


def test_strangers_and_nonsense_are_refused(ledger):
    with pytest.raises(KartotekaError):
        ledger.connect(password="wrong").check()
    http = ledger.connector.http
    for path in ("Catalog_Nothing?$format=json", f"{INVOICES}(guid'{base.NOBODY}')?$format=json"):
        assert http.get(path, allow=(404,)).status == 404
    for path in (
        f"{INVOICES}?$filter=Nothing eq true",
        f"{INVOICES}?$orderby=Nothing",
        f"{INVOICES}?$filter=;",
    ):
        assert http.get(path, allow=(400,)).status == 400
