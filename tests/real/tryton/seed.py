"""Fills a fresh base: a company with its books, a tax of 20 %, three products, three parties with invoices.

Runs in Tryton's own Python: seed.py INFO PORT PASSWORD CONFIG; writes INFO.
"""
# ruff: noqa: E402 - its tools can be imported only once the base is known

import datetime as dt
import json
import sys
from decimal import Decimal

from proteus import Model
from proteus import config as proteus_config

out, port, password, config = sys.argv[1:]
proteus_config.set_trytond("acc", user="admin", config_file=config)

from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency

find = Model.get

firm = find("party.party")(name="Deneme A.Ş.")
number = firm.identifiers.new()
number.type, number.code = "tr_vat", "4540536920"
firm.save()
create_company(party=firm, currency=get_currency("EUR"))
company = get_company()
create_chart(company)
set_fiscalyear_invoice_sequences(create_fiscalyear(company)).click("create_period")
accounts = get_accounts(company)
tax = create_tax(Decimal(".20"))
tax.name = tax.description = "KDV 20%"
tax.save()
term = create_payment_term()
term.save()
category = find("product.category")(
    name="Goods", accounting=True, account_expense=accounts["expense"], account_revenue=accounts["revenue"]
)
category.customer_taxes.append(tax)
category.save()
(unit,) = find("product.uom").find([("name", "=", "Unit")])
method = find("account.invoice.payment.method")(
    name="Cash", credit_account=accounts["cash"], debit_account=accounts["cash"]
)
(method.journal,) = find("account.journal").find([("type", "=", "cash")])
method.save()

goods = []
for code, name, price in (
    ("SAM-3", "Самовар 3 л", "120"), ("CAY-1", "Çay bardağı", "2.50"), ("KIM-1", "김치 항아리", "45"),
):  # fmt: skip
    template = find("product.template")(
        name=name, default_uom=unit, type="goods", list_price=Decimal(price), account_category=category
    )
    template.products[0].suffix_code = code
    template.save()
    goods.append(template.products[0])

people = (
    ("Yılmaz Ticaret Ltd. Şti.", "tr_vat", "4540536920", "muhasebe@yilmaz.example", "+905320000001"),
    ("ООО «Ромашка»", "ru_vat", "7707083893", "buh@romashka.example", "+77010000002"),
    ("주식회사 김치", "kr_vat", "1168200276", "kim@example.org", "+821000000004"),
)
for place, (name, kind, code, mail, phone) in enumerate(people):
    party = find("party.party")(name=name)
    number = party.identifiers.new()
    number.type, number.code = kind, code
    for way, value in (("email", mail), ("phone", phone)):
        mechanism = party.contact_mechanisms.new()
        mechanism.type, mechanism.value = way, value
    address = party.addresses[0] if party.addresses else party.addresses.new()
    address.street, address.city, address.postal_code = f"Street {place}", "İstanbul", "34000"
    party.save()
    invoice = find("account.invoice")(type="out", party=party, payment_term=term, reference=f"WEB-{place}")
    line = invoice.lines.new()
    line.product, line.quantity = goods[place], place + 1
    line.unit_price = goods[place].template.list_price
    invoice.save()
    invoice.invoice_date = dt.date.today()
    invoice.click("post" if place else "validate_invoice")

(admin,) = find("res.user").find([("login", "=", "admin")])
key = find("res.user.application")(user=admin, application="rest")
key.save()
info = {
    "base": f"http://127.0.0.1:{port}", "database": "acc", "user": "admin", "password": password,
    "key": key.key,
}  # fmt: skip
with open(out, "w", encoding="utf-8") as file:
    json.dump(info, file, indent=1)
