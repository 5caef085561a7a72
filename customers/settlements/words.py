"""The texts of a statement, in the language being spoken: a customer reads them."""

from customers.settlements.accounts import Entry
from foundation.text import _


def labels() -> dict[str, str]:
    """The texts that don't depend on what is in it."""
    return {
        "title": _("Statement of mutual settlements"),
        "period": _("Period"),
        "us": _("Our company"),
        "counterparty": _("Counterparty"),
        "tax_number": _("Tax number"),
        "address": _("Address"),
        "currency": _("Currency"),
        "date": _("Date"),
        "document": _("Document"),
        "source": _("Source"),
        "due": _("To be paid by"),
        "charged": _("Charged"),
        "paid": _("Paid"),
        "balance": _("Balance"),
        "opening": _("Opening balance"),
        "turnover": _("Turnover of the period"),
        "closing": _("Closing balance"),
        "nothing": _("Nothing was charged or paid in this period, and nothing was owed."),
        "ours": _("For us"),
        "theirs": _("For the counterparty"),
    }


def document(entry: Entry) -> str:
    """What a line is called."""
    said = {
        "invoice": _("Invoice %(number)s") if entry.number else _("Invoice without a number"),
        "payment": _("Payment %(number)s") if entry.number else _("Payment"),
        "returned": _("Money given back %(number)s") if entry.number else _("Money given back"),
        "settled": _("Invoice %(number)s paid, as the accounts say"),
        "order": _("Order %(number)s"),
        "order_settled": _("Order %(number)s paid, as the accounts say"),
        "shipment": _("Shipment %(number)s") if entry.number else _("Shipment"),
        "shipment_settled": _("Shipment %(number)s paid, as the accounts say"),
    }[entry.kind] % {"number": entry.number}
    if entry.order_number:
        said += ", " + _("order %(number)s") % {"number": entry.order_number}
    return said


def closing(owed: bool | None, ours: str = "", theirs: str = "", day: str = "") -> str:
    """Who owes whom in the end, by name where both have one; None when nobody does."""
    if owed is None:
        return _("Nothing is owed by either side.")
    if ours and theirs:
        debtor, creditor = (theirs, ours) if owed else (ours, theirs)
        said = {"day": day, "debtor": debtor, "creditor": creditor}
        return _("On %(day)s %(debtor)s owes %(creditor)s:") % said
    return _("The counterparty owes us:") if owed else _("We owe the counterparty:")


def missing(letters: str) -> str:
    """What a document says in which some letters have no font."""
    return _("No font here has these letters, which stand as boxes: %(letters)s") % {"letters": letters}
