"""Documents: orders with what hangs on them, invoices, payments. Others have no record of ours."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from connectors.accounting.commerceml import parties
from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.lines import discounts, lines_of, taxes
from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.requisites import Asked
from connectors.accounting.commerceml.splitting import operation, prefixed
from connectors.accounting.commerceml.states import Told, invoice_state, order_state
from connectors.accounting.commerceml.values import fold
from foundation.errors import BadInput
from foundation.records import Address, AnyRecord, Gone, Happening, Invoice, Order, Payment, Person, Shipment

CURRENCIES = {
    "RU": "RUB",
    "KZ": "KZT",
    "BY": "BYN",
    "UZ": "UZS",
    "UA": "UAH",
    "KG": "KGS",
    "AM": "AMD",
    "GE": "GEL",
}
_BUYERS = tuple(fold(role) for role in ("Покупатель", "Плательщик", "Получатель", "Buyer", "Комиссионер"))
_SELLERS = tuple(fold(role) for role in ("Продавец", "Saler", "Seller", "Комитент"))
_PAID_AT, _PAID_BY = (
    ("Дата оплаты по 1С", "Дата оплаты"),
    ("Номер оплаты по 1С", "Номер платежного документа"),
)
_SHIPPED_AT = ("Дата отгрузки по 1С", "Дата отгрузки")


def records(node: Node, external_id: str, habits: Habits) -> list[AnyRecord]:
    """The records of one document and of those below it; none for kinds we keep nothing of."""
    kind = operation(node.raw("ХозОперация"))
    document = _Document(node, external_id, habits)
    if kind == "order":
        return document.order()
    if kind == "invoice":
        return document.invoice()
    if kind in ("payment", "refund"):
        return document.payment(kind)
    return []


class _Document:
    def __init__(self, node: Node, external_id: str, habits: Habits) -> None:
        self.node = node
        self.habits = habits
        self.external_id = external_id
        self.number = node.said("Номер") or external_id
        node.raw("Ид")
        self.currency = node.currency("Валюта") or habits.currency or CURRENCIES.get(habits.country, "")
        self.asked = Asked(node)
        self.at = node.instant("Дата", "Время", habits.zone)
        self.deleted = node.flag("ПометкаУдаления") is True or self.asked.flag("ПометкаУдаления") is True

    def order(self) -> list[AnyRecord]:
        """The order, its payments and invoices below it."""
        node, asked = self.node, self.asked
        self._need_currency()
        lines, delivery = lines_of(node)
        tax, _ = taxes(node)
        total = node.number("Сумма")
        if total is None:
            total = sum((line.total for line in lines), delivery)
        buyer = self._buyer()
        payments, below, shipments = self._below(buyer.external_id, total)
        told = self._told(total, payments)
        told = msgspec.structs.replace(told, shipped=told.shipped or bool(shipments))
        note = node.said("Комментарий")
        place = asked.said("Адрес доставки")
        order = Order(
            external_id=self.external_id,
            number=self.number,
            state=order_state(told, self.habits.statuses),
            source_state=told.source,
            currency=self.currency,
            total=total,
            discount=discounts(node)[0] + sum((line.discount for line in lines), Decimal(0)),
            shipping=delivery,
            tax=tax or sum((line.tax for line in lines), Decimal(0)),
            refunded=-sum((p.amount for p in payments if p.amount < 0), Decimal(0)),
            customer_id=buyer.external_id,
            customer=buyer,
            lines=lines,
            delivery=Address(line=place) if place else None,
            note=note,
            happenings=tuple(self._happenings(told, total, shipments)),
            shipments=tuple(shipments),
            placed_at=self.at,
            changed_at=told.changed_at,
            extra=asked.rest() | parties.left_over(node),
        )
        return [order, *payments, *below]

    def invoice(self) -> list[AnyRecord]:
        """A bill and who it is for."""
        self._need_currency()
        node = self.node
        lines, delivery = lines_of(node)
        total = node.number("Сумма")
        if total is None:
            total = sum((line.total for line in lines), delivery)
        buyer = self._buyer()
        payments, below, _shipments = self._below(buyer.external_id, total)
        told = self._told(total, payments)
        paid = sum((p.amount for p in payments), Decimal(0))
        invoice = Invoice(
            external_id=self.external_id,
            number=self.number,
            customer_id=buyer.external_id,
            currency=self.currency,
            total=total,
            paid=total if told.paid and not paid else paid,
            state=invoice_state(told),
            order_number=node.said("Основание", "ДокументОснование"),
            lines=lines,
            issued_at=self.at,
            due_at=node.instant("СрокПлатежа", "СрокПлатежа", self.habits.zone),
            changed_at=told.changed_at,
        )
        return [buyer, invoice, *payments, *below]

    def payment(self, kind: str) -> list[AnyRecord]:
        """Money that came (or went back) and whose it was; nothing for a payment that is only planned."""
        if self.asked.flag("Оплачен", "Проведен") is False:
            return []
        buyer = self._buyer()
        found = self._payment(kind, buyer.external_id, self.node.said("Основание", "ДокументОснование"))
        return [buyer, found] if isinstance(found, Payment) else [found] if found else []

    def _payment(self, kind: str, customer_id: str, order: str) -> Payment | Gone | None:
        if self.deleted:
            return Gone(external_id=self.external_id, what="payment")
        amount = self.node.number("Сумма")
        if amount is None or self.asked.flag("Оплачен") is False:
            return None
        self._need_currency()
        return Payment(
            external_id=self.external_id,
            customer_id=customer_id,
            currency=self.currency,
            amount=-abs(amount) if kind == "refund" else amount,
            number=self.number,
            order_number=order,
            paid_at=self.at,
        )

    def _below(
        self, customer_id: str, total: Decimal
    ) -> tuple[list[Payment], list[AnyRecord], list[Shipment]]:
        """Payments of this document, other records of those below it, and what went out."""
        payments: list[Payment] = []
        others: list[AnyRecord] = []
        shipments: list[Shipment] = []
        for node in (
            *self.node.all("ПодчиненныеДокументы", "ПодчиненныйДокумент"),
            *self.node.all("ПодчиненныеДокументы", "Документ"),
        ):
            kind = operation(node.raw("ХозОперация"))
            below = _Document(node, prefixed(kind, node.said("Ид", "Номер")), self.habits)
            below.currency = below.currency or self.currency
            if kind in ("payment", "refund") and below.external_id:
                node.said("Основание")
                found = below._payment(kind, customer_id, self.number)
                if isinstance(found, Payment):
                    payments.append(found)
                elif found:
                    others.append(found)
            elif kind == "invoice" and below.external_id:
                others += [one for one in below.invoice() if not isinstance(one, Person)]
            elif kind == "shipment":
                shipments += below._shipment(self.currency)
        payments += self._plain_payments(customer_id)
        return payments or self._payment_told(customer_id, total), others, shipments

    def _shipment(self, currency: str) -> list[Shipment]:
        """What went out, unless it is only planned or taken back; its sum in the order's currency alone."""
        self.node.said("Основание")
        total = self.node.number("Сумма")
        lines, _ = lines_of(self.node)
        if self.deleted or self.asked.flag("Отгружен", "Проведен") is False:
            return []
        told = total if self.currency == currency else None
        return [
            Shipment(external_id=self.external_id, number=self.number, at=self.at, total=told, lines=lines)
        ]

    def _plain_payments(self, customer_id: str) -> Iterator[Payment]:
        """The payments of 2.09, listed in the document."""
        for i, node in enumerate(self.node.all("Оплаты", "Оплата"), 1):
            amount = node.number("СуммаОплаты", "Сумма")
            number = node.said("НомерДокумента") or node.said("НомерТранзакции")
            if amount is not None:
                yield Payment(
                    external_id=f"payment:{self.external_id}:{number or i}",
                    customer_id=customer_id,
                    currency=self.currency,
                    amount=amount,
                    number=number,
                    order_number=self.number,
                    paid_at=node.instant("ДатаОплаты", "ДатаОплаты", self.habits.zone),
                )

    def _payment_told(self, customer_id: str, total: Decimal) -> list[Payment]:
        """The one payment that requisites tell of: 1C writes its date only when all is paid."""
        at = self.asked.instant(self.habits.zone, *_PAID_AT)
        number = self.asked.said(*_PAID_BY) if at and total and not self.deleted else ""
        if not number:
            return []
        return [
            Payment(
                external_id=f"payment:{self.external_id}:{number}", customer_id=customer_id,
                currency=self.currency, amount=total, number=number, order_number=self.number, paid_at=at,
            )
        ]  # fmt: skip

    def _told(self, total: Decimal, payments: list[Payment]) -> Told:
        asked, zone = self.asked, self.habits.zone
        paid_at, shipped_at = asked.instant(zone, *_PAID_AT), asked.instant(zone, *_SHIPPED_AT)
        whole = sum((payment.amount for payment in payments), Decimal(0))
        return Told(
            deleted=self.deleted,
            cancelled=asked.flag("Отменен", "Отменён") is True,
            shipped=shipped_at is not None or asked.flag("Отгружен") is True,
            paid=paid_at is not None or asked.flag("Оплачен", "Заказ оплачен") is True or 0 < total <= whole,
            code=asked.said("Статуса заказа ИД", "Статус заказа ИД"),
            source=asked.said("Статус заказа"),
            paid_at=paid_at,
            shipped_at=shipped_at,
            changed_at=asked.instant(zone, "Дата изменения статуса"),
        )

    def _happenings(self, told: Told, total: Decimal, shipments: Sequence[Shipment]) -> Iterator[Happening]:
        if self.at:
            yield Happening(kind="placed", at=self.at, key="placed", amount=total)
        if told.paid_at:
            yield Happening(kind="paid", at=told.paid_at, key="paid", amount=total)
        if told.shipped_at:
            yield Happening(kind="shipped", at=told.shipped_at, key="shipped")
            return
        for one in shipments:
            if one.at:
                yield Happening(
                    kind="shipped",
                    at=one.at,
                    key=f"shipped:{one.external_id}",
                    amount=one.total,
                    note=one.number,
                )

    def _buyer(self) -> Person:
        """Who buys: by their role, else whoever isn't the seller; a document may name nobody."""
        found = [*self.node.all("Контрагенты", "Контрагент"), *self.node.all("ПредприятиеВДокументе")]
        roles = [
            fold(next((c.text for c in one.all("Роль")), one.attributes.get(fold("Роль"), "")))
            for one in found
        ]
        chosen = next((one for one, role in zip(found, roles, strict=True) if role in _BUYERS), None)
        if chosen is None:
            chosen = next((one for one, role in zip(found, roles, strict=True) if role not in _SELLERS), None)
        if chosen is None:
            return Person(external_id=f"document:{self.external_id}", guest=True, country=self.habits.country)
        own = chosen.raw("Ид", "Идентификатор", "Контрагент") or f"document:{self.external_id}"
        return parties.person(chosen, own, self.habits)

    def _need_currency(self) -> None:
        if not self.currency:
            raise BadInput("the document names no currency: set the connection's", "Валюта")
