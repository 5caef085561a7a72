"""An order becomes an invoice in each ledger that takes one: its buyer, its item, its delivery, its sum."""

from decimal import Decimal

import pytest
import responses

from connectors.http import Http
from foundation.database import transaction
from sync import connections
from sync.directories import keeping
from tests.connectors.accounting import moysklad_account as moysklad
from tests.connectors.accounting import odoo_database as odoo
from tests.connectors.accounting.odata import onec_base, writing_into
from tests.sync.directories.billing import rule
from tests.sync.directories.conftest import World

LINES = [("s1", "Tea", "100.00", "16.67")]


class Odoo(odoo.Database):
    """An Odoo with one item."""

    typed = ("odoo", {"address": odoo.ADDRESS, "api_key": "k"})

    def furnish(self):
        self.add("account.tax", 1, amount=20.0)
        self.add("product.product", 7, name="Tea", default_code="TEA", lst_price=100.0)

    def bill(self):
        [move] = self.rows["account.move"].values()
        lines = sorted(
            (row for row in self.rows["account.move.line"].values() if row["move_id"] == move["id"]),
            key=lambda row: row["id"],
        )
        items = [(row["product_id"], Decimal(str(row["price_total"]))) for row in lines]
        return items == [(7, 100), (False, 20)] and (move["state"], move["invoice_origin"]) == ("draft", "R1")


class Moysklad(moysklad.Account):
    """A MoySklad with one item and its delivery."""

    typed = ("moysklad", {"token": "t", "stock": "none"})

    def furnish(self):
        self.rows["currency"].append({"id": moysklad.identity(978), "isoCode": "EUR", "name": "euro"})
        self.add("product", 7, name="Tea", article="TEA")
        self.add("service", 8, name="Delivery")

    def bill(self):
        [invoice] = self.rows["invoiceout"]
        items = [
            (one["assortment"]["meta"]["href"].rpartition("/")[2], one["price"])
            for one in invoice["positions"]["all"]
        ]
        return (
            items == [(moysklad.identity(7), 10000), (moysklad.identity(8), 2000)]
            and not invoice["applicable"]
        )


class OneC(onec_base.OneCBase):
    """A 1C base with one item."""

    typed = (
        "onec_odata",
        {"address": onec_base.ADDRESS, "user": onec_base.USER, "password": onec_base.PASSWORD},
    )

    def furnish(self):
        writing_into.furnish(self)
        self.add("Catalog_Валюты", Code="978")
        self.item = self.add(writing_into.GOODS, Description="Tea", Артикул="TEA")

    def bill(self):
        [invoice] = self.sets[writing_into.INVOICES].values()
        rows = [row for name, value in invoice.items() if isinstance(value, list) for row in value]
        items = [(row.get("Номенклатура", ""), Decimal(str(row["Сумма"]))) for row in rows]
        return items == [(self.item, 100), ("", 20)] and not invoice["Posted"]


@pytest.fixture(params=[Odoo, Moysklad, OneC])
def billing(request, engine, sealer, shop, connection, sync_context, monkeypatch):
    monkeypatch.setattr(Http, "_wait_turn", lambda self: None)  # ledgers in memory need no rest between calls
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        ledger = request.param()
        ledger.open(mocked)
        ledger.furnish()
        with transaction(engine) as session:
            there = connections.create(session, sealer, ledger.typed[0], "Books", ledger.typed[1])
            keeping.add(session, there.id, "counterparties")
            for what in ("nomenclature", "invoices"):
                keeping.add(session, there.id, what, connection.id)
        world = World(engine, shop, ledger, connection.id, there.id)
        rule(world, "counterparties", creates="all")
        rule(world, creates="all")
        yield world


def test_an_order_becomes_an_invoice_and_comes_back_as_no_change(billing):
    billing.shop.customer(1)
    billing.shop.put("products", "s1", name="Tea", sku="TEA")
    billing.shop.order(1, buyer=1, total="120.00", shipping="20.00", tax="20.00", lines=LINES)
    billing.pull()
    billing.sync()
    billing.pull()
    billing.sync()
    billing.pull()
    assert billing.rows(billing.plan()) == [] and billing.ledger.bill()
    billing.shop.order(1, total="110.00", lines=[("s1", "Tea", "90.00", "15.00")], tax="18.33")
    billing.pull()
    billing.sync()
    billing.pull()
    assert billing.rows(billing.plan()) == []
