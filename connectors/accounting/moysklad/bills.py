"""What MoySklad's invoices and payments mean in our vocabulary: pure and patient."""

from decimal import Decimal
from typing import Literal

from connectors.accounting.moysklad.records import currency
from connectors.accounting.moysklad.values import (
    CENT,
    FOUR,
    Thing,
    id_of,
    identifier,
    instant,
    kind_of,
    money,
    part,
    parts,
)
from connectors.values import number, rounded, text
from foundation.errors import BadInput
from foundation.records import Gone, Invoice, Line, Payment

OUTGOING = frozenset({"paymentout", "cashout"})
_HUNDRED = Decimal(100)


def invoice(thing: Thing) -> Invoice:
    """An invoice to a customer; one that isn't posted is a draft."""
    total, paid = money(thing.get("sum"), "/sum"), money(thing.get("payedSum"), "/payedSum")
    state: Literal["draft", "open", "paid"] = "paid" if paid >= total > 0 else "open"
    return Invoice(
        external_id=identifier(thing.get("id")),
        number=text(thing.get("name")) or identifier(thing.get("id")),
        customer_id=_agent(thing),
        currency=_currency(thing),
        total=total,
        paid=paid,
        state="draft" if thing.get("applicable") is False else state,
        order_number=text(part(thing, "customerOrder").get("name")),
        lines=tuple(_line(n, p, thing) for n, p in enumerate(parts(thing, "positions"), 1)),
        issued_at=instant(thing.get("moment")),
        due_at=instant(thing.get("paymentPlannedMoment")),
        changed_at=instant(thing.get("updated")),
    )


def payment(thing: Thing) -> Payment | Gone:
    """Money from a customer, or given back to one; what isn't posted and what goes to suppliers is none."""
    operations = parts(thing, "operations")
    out = kind_of(thing) in OUTGOING
    if thing.get("applicable") is False or (out and not _of_kind(operations, "salesreturn")):
        return Gone(external_id=identifier(thing.get("id")), what="payment", at=instant(thing.get("updated")))
    invoices, orders = _of_kind(operations, "invoiceout"), _of_kind(operations, "customerorder")
    amount = money(thing.get("sum"), "/sum")
    return Payment(
        external_id=identifier(thing.get("id")),
        customer_id=_agent(thing),
        currency=_currency(thing),
        amount=-amount if out else amount,
        number=text(thing.get("name")),
        # money for several invoices is nobody's in particular: what each got is on the invoice
        invoice_id=id_of(invoices[0]) if len(invoices) == 1 else "",
        order_number=text(orders[0].get("name")) if len(orders) == 1 else "",
        paid_at=instant(thing.get("moment")),
    )


def linked_invoices(thing: Thing) -> list[str]:
    """The invoices a payment was for."""
    return [found for one in _of_kind(parts(thing, "operations"), "invoiceout") if (found := id_of(one))]


def _of_kind(operations: list[Thing], kind: str) -> list[Thing]:
    return [one for one in operations if kind_of(one) == kind]


def _agent(thing: Thing) -> str:
    return identifier(id_of(part(thing, "agent")), "/agent")


def _currency(thing: Thing) -> str:
    code = currency(part(part(thing, "rate"), "currency"))
    if not code:
        raise BadInput("a currency with a code of three letters was expected", "/rate/currency")
    return code


def _line(position: int, thing: Thing, whole: Thing) -> Line:
    """A line with its tax in, whichever way the prices of the invoice are meant."""
    at = f"/positions/{position - 1}"
    quantity, price = number(thing.get("quantity"), f"{at}/quantity"), number(thing.get("price"), at)
    discount, rate = number(thing.get("discount"), f"{at}/discount"), number(thing.get("vat"), f"{at}/vat")
    taxed = whole.get("vatEnabled") is not False and thing.get("vatEnabled") is not False
    share = rate / _HUNDRED if taxed and 0 < rate <= _HUNDRED else Decimal(0)
    added = share if whole.get("vatIncluded") is False else Decimal(0)
    unit = price / _HUNDRED * (1 + added)
    before = unit * quantity
    total = rounded(before * (1 - discount / _HUNDRED), CENT, at)
    item = part(thing, "assortment")
    return Line(
        position=position,
        product_id=id_of(item),
        sku=text(item.get("article")) or text(item.get("code")),
        name=text(item.get("name")),
        quantity=quantity,
        unit_price=rounded(unit, FOUR, at),
        discount=rounded(before, CENT, at) - total,
        tax=rounded(total * share / (1 + share), CENT, at),
        total=total,
    )
