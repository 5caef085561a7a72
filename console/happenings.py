"""What a timeline row says to a person: a sentence, a colour, an amount, a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from console import captured, letter_told
from foundation.text import _


@dataclass(frozen=True)
class Told:
    """One line of a timeline. `text` may hold links; everything from outside in it is escaped."""

    dot: str
    text: Markup
    amount: str | None = None
    currency: str | None = None
    why: str = ""


def _sentences() -> dict[str, tuple[str, str]]:
    """Kind -> (colour, sentence); %s stands for the order or the invoice."""
    return {
        "order.placed": ("order", _("Order %s placed")),
        "order.paid": ("order", _("Order %s paid")),
        "order.shipped": ("order", _("Order %s shipped")),
        "order.delivered": ("order", _("Order %s delivered")),
        "order.completed": ("order", _("Order %s completed")),
        "order.refunded": ("alert", _("Money given back for order %s")),
        "order.cancelled": ("bad", _("Order %s cancelled")),
        "order.failed": ("bad", _("Payment of order %s failed")),
        "order.cart": ("alert", _("Cart %s begun")),
        "invoice.issued": ("order", _("Invoice %s issued")),
        "invoice.paid": ("order", _("Invoice %s paid")),
        "invoice.cancelled": ("bad", _("Invoice %s cancelled")),
        "payment.received": ("order", _("Payment received %s")),
        "payment.returned": ("alert", _("Money given back %s")),
    }


def kinds() -> list[tuple[str, str]]:
    """Kinds of shops' and sites' timeline rows, each with its name."""
    orders = [(kind, " ".join((sentence % "").split())) for kind, (_dot, sentence) in _sentences().items()]
    return orders + captured.decided() + captured.kinds()


def tell(kind: str, data: Mapping[str, Any]) -> Told:
    """The line for a timeline row; a kind nobody taught us is shown by its name."""
    if captured.knows(kind):
        line = captured.told(kind, data)
        return Told(line.dot, line.text, line.amount, line.currency)
    if letter_told.knows(kind):
        letter = letter_told.told(kind, data)
        return Told(letter.dot, letter.text, why=letter.why)
    dot, sentence = _sentences().get(kind, ("order" if kind.startswith("order.") else "", ""))
    number = str(data.get("number") or "")
    if sentence:
        text = Markup(sentence.replace("%s", "{}")).format(_order_link(data, number))  # noqa: S704
    elif kind.startswith("order."):
        what = kind.removeprefix("order.").replace("_", " ")
        text = Markup("{} {}: {}").format(_("Order"), _order_link(data, number), what)
    else:
        text = Markup("{}").format(str(data.get("title") or kind.replace(".", " ").replace("_", " ")))
    return Told(dot, text, data.get("amount"), data.get("currency"), str(data.get("note") or ""))


def _order_link(data: Mapping[str, Any], number: str) -> Markup | str:
    for what in ("order", "invoice"):
        if data.get(what):
            link = Markup('<a href="/{}s/{}">{}</a>')
            return link.format(what, data[what], number or _("without a number"))
    return number
