"""What directories say, in the reader's language: fields, reasons, states."""

from collections.abc import Sequence

from foundation.text import _


def fields() -> dict[str, str]:
    """The names of compared fields."""
    return {
        "name": _("Name"),
        "tax_number": _("Tax number"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "country": _("Country"),
        "city": _("City"),
        "address": _("Address"),
        "language": _("Language"),
        "birthday": _("Birthday"),
        "sku": _("Code"),
        "barcode": _("Barcode"),
        "price": _("Price"),
        "unit": _("Unit"),
        "category": _("Category"),
        "total": _("Total"),
        "currency": _("Currency"),
        "cancelled": _("Cancelled"),
        "order_number": _("Order number"),
        "external_id": _("External id"),
        "card": _("The card they share"),
        "made": _("Made there by us"),
    }


def reasons() -> dict[str, str]:
    """Why something becomes of a field; the keys are those of `sync.directories.merge`."""
    return {
        "equal": _("both sides say the same"),
        "only_they": _("nobody else says anything of it"),
        "empty_there": _("it is empty there"),
        "empty_here": _("it is empty here"),
        "only_here": _("only our side changed it"),
        "only_there": _("only the other side changed it"),
        "owner_here": _("our side owns the field"),
        "owner_there": _("the other side owns the field"),
        "newest_here": _("our change is the newer one"),
        "newest_there": _("their change is the newer one"),
        "both": _("both sides changed it"),
        "first": _("the two differ at the first meeting"),
        "cleared_here": _("it was emptied here"),
        "cleared_there": _("it was emptied there"),
        "undone": _("what had been done about it was undone"),
        "person": _("a person decided"),
        "kept": _("a person lets both stand"),
        "read_only_there": _("it can't be changed there any more; if theirs wins, both stay as they are"),
        "read_only_here": _("it was changed there; if theirs wins, both stay as they are"),
        "refused": _("the ledger refused it; if theirs wins, both stay as they are"),
    }


def whats() -> dict[str, str]:
    """The directories there are."""
    return {
        "counterparties": _("Counterparties"),
        "nomenclature": _("Nomenclature"),
        "invoices": _("Invoices"),
    }


def creates(what: str) -> list[tuple[str, str]]:
    """What of a directory may be made there, and how that is called."""
    if what == "counterparties":
        return [("none", _("nobody")), ("companies", _("companies")), ("all", _("everybody"))]
    if what == "invoices":
        return [
            ("none", _("none")), ("companies", _("of orders of companies")), ("all", _("of every order")),
        ]  # fmt: skip
    return [("none", _("nothing")), ("all", _("everything"))] if what == "nomenclature" else []


def waits(why: Sequence[str | int]) -> str:
    """Why an order has no invoice in the ledger yet."""
    key, *said = why
    words = {
        "card": _("Nobody knows whose order it is."),
        "buyer": _("The buyer isn't there yet."),
        "buyers": _("The buyer is {0} counterparties there."),
        "goods": _("{0} of its goods have no partner there: {1}"),
        "lines": _("Its lines don't add up to what it costs."),
        "billed": _("There is an invoice with its number already."),
        "refused": _("It was not taken: {0}"),
    }
    return words[str(key)].format(*said)


def states() -> dict[str, tuple[str, str]]:
    """How a pair stands: its word and the class of its tag."""
    return {
        "linked": (_("pair"), "good"),
        "made": (_("made there"), "info"),
        "waiting": (_("in doubt"), "warn"),
        "refused": (_("no pair"), ""),
        "only_there": (_("only there"), ""),
        "only_here": (_("only here"), ""),
        "several": (_("several there"), "warn"),
        "gone": (_("gone there"), ""),
        "busy": (_("on its way"), "info"),
    }


def shows() -> dict[str, str]:
    """The filters of a directory."""
    return {
        "all": _("All"),
        "differs": _("Differ"),
        "waiting": _("Waiting"),
        "only_there": _("Only there"),
        "only_here": _("Only here"),
    }


def acts() -> dict[str, str]:
    """What a plan does with a field."""
    return {
        "take": _("comes here"),
        "push": _("goes there"),
        "agree": _("is the same by now"),
        "conflict": _("waits for you"),
    }


def nothing(what: str) -> dict[str, str]:
    """Why a filter of a directory shows nothing."""
    here = _("Whatever is here has its pair there.")
    if what == "invoices":
        here = _("Each order that the rules below want billed has its invoice there, or one in doubt.")
    return {
        "all": _("The other side has nothing yet, or has not been pulled."),
        "differs": _("What is a pair says the same on both sides, field by field."),
        "waiting": _("No pair is in doubt, and no field waits for you."),
        "only_there": _("Whatever stands there has its pair here."),
        "only_here": here,
    }


def sums() -> list[tuple[str, str]]:
    """The counts of a plan in the order they matter: its key, and what it counts."""
    return [
        ("taken", _("Values that come here")),
        ("pushed", _("Values that go there")),
        ("linked", _("New pairs")),
        ("made", _("Made there")),
        ("conflicts", _("Fields that wait")),
        ("waiting", _("Pairs in doubt")),
        ("unready", _("Orders that wait")),
        ("stuck", _("Can't be written")),
        ("same", _("Equal pairs")),
    ]


def done() -> dict[str, str]:
    """The counts of a run that was applied."""
    return {
        "linked": _("New pairs"),
        "taken": _("Values that came here"),
        "pushed": _("Values sent there"),
        "agreed": _("Values found equal"),
        "made": _("Made there"),
        "conflicts": _("Fields that wait"),
        "waiting": _("Pairs in doubt"),
        "gone": _("Marked as gone"),
    }


def sent() -> dict[str, tuple[str, str]]:
    """How far a value got that had to be sent: its word and the class of its tag."""
    return {
        "waiting": (_("on its way"), "info"),
        "sent": (_("on its way"), "info"),
        "done": (_("written"), "good"),
        "failed": (_("refused there"), "bad"),
        "overtaken": (_("somebody was faster there"), "warn"),
        "cancelled": (_("cancelled"), ""),
    }
