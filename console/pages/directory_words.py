"""What directories say, in the reader's language: fields, reasons, states."""

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
    }


def whats() -> dict[str, str]:
    """The directories there are."""
    return {"counterparties": _("Counterparties"), "nomenclature": _("Nomenclature")}


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
