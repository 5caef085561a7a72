"""What the accountant of the invented company has in 1C: counterparties, goods, invoices, payments.

Typed in by hand over the years, so it says nearly what the shop says, and not everywhere the same.
"""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import phonenumbers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from kartoteka.demo.base import NOBODY, Base
from kartoteka.demo.company import Company, Thing
from kartoteka.demo.people import Human
from kartoteka.demo.shop import KeyCheck, Shop, answer

DAY = "/accountant"  # where a day of the accountant passes; asks for the shop's own key

PEOPLE, FIRMS = 60, 6  # counterparties of the shop's customers
EACH = 4  # invoices of a counterparty at most
DAYS = 240  # how far back the invoices go
TERM = timedelta(days=14)
COUNTERPARTIES, GOODS = "Catalog_Контрагенты", "Catalog_Номенклатура"
INVOICES, PAYMENTS = "Document_СчетНаОплатуПокупателю", "Document_ПоступлениеНаРасчетныйСчет"
CURRENCIES, UNITS = "Catalog_Валюты", "Catalog_КлассификаторЕдиницИзмерения"
KINDS = "Catalog_ВидыКонтактнойИнформации"
MONEY = {"KZT": "398", "RUB": "643", "TRY": "949", "KRW": "410", "EUR": "978"}
SUPPLIERS = ("ТОО «Алатау Энерго»", "АО «Городская связь»", "ИП Мукашев, аренда склада")
SERVICES = ("Доставка", "Подарочная упаковка")

_CATALOG = {"Ref_Key": "Guid", "DataVersion": "String", "DeletionMark": "Boolean", "Code": "String",
            "Description": "String"}  # fmt: skip
_GROUPED = {**_CATALOG, "Parent_Key": "Guid", "IsFolder": "Boolean", "НаименованиеПолное": "String",
            "Комментарий": "String"}  # fmt: skip
_DOCUMENT = {
    "Ref_Key": "Guid", "DataVersion": "String", "DeletionMark": "Boolean", "Number": "String",
    "Date": "DateTime", "Posted": "Boolean", "Комментарий": "String", "СуммаДокумента": "Double",
    "ВалютаДокумента_Key": "Guid",
}  # fmt: skip
SCHEMA: dict[str, dict[str, Any]] = {
    COUNTERPARTIES: {
        **_GROUPED, "БИН": "String", "ЮридическоеФизическоеЛицо": "String",
        "КонтактнаяИнформация": {"LineNumber": "Int64", "Тип": "String", "Вид_Key": "Guid",
                                 "Представление": "String", "АдресЭП": "String", "НомерТелефона": "String"},
    },
    GOODS: {**_GROUPED, "Артикул": "String", "ЕдиницаИзмерения_Key": "Guid"},
    CURRENCIES: _CATALOG,
    UNITS: _CATALOG,
    KINDS: {**_CATALOG, "PredefinedDataName": "String"},
    INVOICES: {
        **_DOCUMENT, "Контрагент_Key": "Guid", "СрокОплаты": "DateTime", "СуммаВключаетНДС": "Boolean",
        "НомерЗаказа": "String",
        "Товары": {"LineNumber": "Int64", "Номенклатура_Key": "Guid", "Содержание": "String",
                   "Количество": "Double", "Цена": "Double", "Сумма": "Double"},
    },
    PAYMENTS: {
        **_DOCUMENT, "ВидОперации": "String", "Контрагент_Key": "Guid",
        "РасшифровкаПлатежа": {"LineNumber": "Int64", "СчетНаОплату_Key": "Guid", "СуммаПлатежа": "Double"},
    },
}  # fmt: skip


class Books:
    """The base and what was typed into it."""

    def __init__(self, company: Company, seed: int = 31) -> None:
        self.company = company
        self.dice = random.Random(seed)  # noqa: S311 - invented figures, not secrets
        self.base = Base(SCHEMA)
        self.parties: dict[int, str] = {}  # the shop's account -> the counterparty
        self.unpaid: list[str] = []
        self.numbers = itertools.count(1)
        self._references()
        self.goods = {number: self._good(number, thing) for number, thing in company.products.items()}
        for name in SERVICES:
            self.base.add(GOODS, self._ref(), Description=name, НаименованиеПолное=name)
        bought = []
        for account, orders in self._buyers():
            self._party(account, company.humans[account - 1])
            bought += orders
        for order in sorted(bought, key=lambda one: int(one["id"])):
            self._invoice(self.parties[order["customer_id"]], order)
        for name in SUPPLIERS:
            self._write_party(name, company=True, tax=self._tax("БИН"))

    def _ref(self) -> str:
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    def _references(self) -> None:
        self.money = {
            code: self.base.add(CURRENCIES, self._ref(), Code=number, Description=code)
            for code, number in MONEY.items()
        }
        self.piece = self.base.add(UNITS, self._ref(), Code="796", Description="шт")
        self.kinds = {
            name: self.base.add(KINDS, self._ref(), Description=words, PredefinedDataName=name)
            for name, words in (("EmailКонтрагента", "E-mail"), ("ТелефонКонтрагента", "Телефон"))
        }

    def _good(self, number: int, thing: Thing) -> str:
        """An item as the accountant has it: two under longer names, one without its article; two missing."""
        name = thing["name"] + (", шт." if number in (7, 15) else "")
        if number in (33, 37):
            return ""
        return self.base.add(
            GOODS, self._ref(), Description=name, НаименованиеПолное=name,
            Артикул="" if number == 21 else thing["sku"], ЕдиницаИзмерения_Key=self.piece,
        )  # fmt: skip

    def _buyers(self) -> Iterator[tuple[int, list[Thing]]]:
        """Accounts that are invoiced, with their orders of these months, the latest buyers first."""
        since = f"{self.company.today - timedelta(days=DAYS):%Y-%m-%dT%H:%M:%S}"
        bought: dict[int, list[Thing]] = {}
        for order in reversed(self.company.orders.values()):
            done = order["status"] in ("completed", "processing")
            if order["customer_id"] and done and order["date_created_gmt"] > since:
                bought.setdefault(order["customer_id"], []).append(order)
        firms = [one for one in bought if self.company.humans[one - 1].company]
        people = [one for one in bought if not self.company.humans[one - 1].company]
        for account in (*people[:PEOPLE], *firms[:FIRMS]):
            yield account, bought[account][:EACH]

    def _party(self, account: int, human: Human) -> None:
        """A counterparty: some with another telephone than the shop has or none, some family first."""
        place = len(self.parties)
        phone = international(human.phone, human.country.code)
        if place % 16 == 3:
            phone = renumbered(phone, "17")
        name = human.company or f"{human.given} {human.family}"
        if place % 12 == 5 and not human.company:
            name = f"{human.family} {human.given}"
        self.parties[account] = self._write_party(
            name, company=bool(human.company), email=human.email, phone="" if place % 8 == 6 else phone,
            tax=self._tax("БИН" if human.company else "ИИН") if human.country.code == "KZ" else "",
        )  # fmt: skip

    def _write_party(
        self, name: str, *, company: bool, email: str = "", phone: str = "", tax: str = ""
    ) -> str:
        contacts = [
            ("АдресЭлектроннойПочты", "EmailКонтрагента", email),
            ("Телефон", "ТелефонКонтрагента", phone),
        ]
        rows = [
            {"LineNumber": str(line), "Тип": kind, "Вид_Key": self.kinds[sort], "Представление": said,
             "АдресЭП": said if "@" in said else "", "НомерТелефона": "" if "@" in said else said}
            for line, (kind, sort, said) in enumerate((one for one in contacts if one[2]), 1)
        ]  # fmt: skip
        return self.base.add(
            COUNTERPARTIES, self._ref(), Description=name, НаименованиеПолное=name, БИН=tax,
            ЮридическоеФизическоеЛицо="ЮридическоеЛицо" if company else "ФизическоеЛицо",
            КонтактнаяИнформация=rows,
        )  # fmt: skip

    def _tax(self, kind: str) -> str:
        """An invented БИН or ИИН whose check digit is right."""
        while True:
            begun = f"{self.dice.randrange(60, 100)}{self.dice.randrange(1, 13):02}"
            begun += "40" if kind == "БИН" else f"{self.dice.randrange(1, 20):02}4"
            body = begun + str(self.dice.randrange(10**6, 10**7))[: 11 - len(begun)]
            check = sum(place * int(sign) for place, sign in enumerate(body, 1)) % 11
            if check < 10:
                return f"{body}{check}"

    def _invoice(self, party: str, order: Thing) -> None:
        """An invoice for an order, and what of it was paid: mostly all, some in part, some nothing."""
        issued = datetime.fromisoformat(order["date_created"])
        lines = [
            {"LineNumber": str(place), "Номенклатура_Key": self.goods[one["product_id"]] or NOBODY,
             "Содержание": one["name"], "Количество": one["quantity"], "Цена": one["price"],
             "Сумма": float(one["total"])}
            for place, one in enumerate(order["line_items"], 1)
        ]  # fmt: skip
        if cost := float(order["shipping_total"]):
            lines.append(
                {"LineNumber": str(len(lines) + 1), "Номенклатура_Key": NOBODY, "Содержание": SERVICES[0],
                 "Количество": 1, "Цена": cost, "Сумма": cost}
            )  # fmt: skip
        total = float(order["total"])
        ref = self.base.add(
            INVOICES, self._ref(), Number=f"СМ-{next(self.numbers):06}", Date=order["date_created"],
            Posted=True, СуммаДокумента=total, Контрагент_Key=party, СуммаВключаетНДС=True,
            ВалютаДокумента_Key=self.money[order["currency"]], Товары=lines,
            СрокОплаты=(issued + TERM).isoformat(), НомерЗаказа=order["number"],
        )  # fmt: skip
        late = self.company.today - datetime.fromisoformat(order["date_created_gmt"] + "+00:00") > TERM
        draw = self.dice.random()
        share = (1.0 if draw < 0.84 else 0.4 if draw < 0.92 else 0) if late else (1.0 if draw < 0.4 else 0)
        if not share:
            self.unpaid.append(ref)
        else:
            self._pay(ref, round(total * share, 2), issued + timedelta(days=self.dice.randrange(1, 12)))

    def _pay(self, invoice: str, amount: float, at: datetime | None) -> None:
        row = self.base.rows[INVOICES][invoice]
        today = (self.company.today + timedelta(hours=5)).replace(tzinfo=None)
        self.base.add(
            PAYMENTS, self._ref(), ВидОперации="ОплатаПокупателя", Posted=True,
            Date=min(at or today, today).isoformat(),
            ВалютаДокумента_Key=row["ВалютаДокумента_Key"], Контрагент_Key=row["Контрагент_Key"],
            СуммаДокумента=amount,
            РасшифровкаПлатежа=[{"LineNumber": "1", "СчетНаОплату_Key": invoice, "СуммаПлатежа": amount}],
        )  # fmt: skip

    # -- a day of the accountant -----------------------------------------------------------------------

    def work(self, shop: Shop) -> None:
        """In the base telephones, names, an invoice paid, a new counterparty; in the shop telephones, too."""
        with shop.lock, self.base.lock:
            accounts = [one for one in self.parties if not self.company.humans[one - 1].company][1::4]
            for account in accounts[:3]:
                self._ring(self.parties[account])
            for account in accounts[1:4]:
                customer = self.company.customers[account]
                customer["billing"]["phone"] = renumbered(customer["billing"]["phone"], "36")
                shop.touch("customer", "updated", customer)
            for account in accounts[4:6]:
                row = self.base.rows[COUNTERPARTIES][self.parties[account]]
                name = " ".join(reversed(row["Description"].split(" ", 1)))
                self.base.change(COUNTERPARTIES, row["Ref_Key"], Description=name)
            if self.unpaid:
                row = self.base.rows[INVOICES][self.unpaid[0]]
                self._pay(row["Ref_Key"], row["СуммаДокумента"], None)
            self._write_party("ТОО «Новая Чайная»", company=True, tax=self._tax("БИН"))

    def _ring(self, party: str) -> None:
        """Another telephone of a counterparty."""
        rows = self.base.rows[COUNTERPARTIES][party]["КонтактнаяИнформация"]
        changed = [
            {**one, "Представление": renumbered(one["Представление"], "48")}
            if one["Тип"] == "Телефон"
            else one
            for one in rows
        ]
        self.base.change(COUNTERPARTIES, party, КонтактнаяИнформация=changed)

    def routes(self, shop: Shop) -> list[BaseRoute]:
        """The base's own address, and the private one at which the runner lets a day pass."""

        def pass_day(request: Request) -> Response:
            self.work(shop)
            return answer({})

        day = Mount(DAY, routes=[Route("/", pass_day, methods=["POST"])], middleware=[Middleware(KeyCheck)])
        return [*self.base.routes(), day]


def international(phone: str, country: str) -> str:
    """A telephone number as an accountant types it."""
    number = phonenumbers.parse(phone, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def renumbered(phone: str, ending: str) -> str:
    """Another number of the same place."""
    return phone[:-2] + (ending if phone[-2:] != ending else "92")
