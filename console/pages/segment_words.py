"""How the builder of segments calls operators, periods and units."""

from foundation.text import _


def ops() -> dict[str, str]:
    """Operators as a person reads them."""
    return {
        "=": _("is"),
        "!=": _("is not"),
        "<": _("is less than"),
        "<=": _("is at most"),
        ">": _("is more than"),
        ">=": _("is at least"),
        "in": _("is one of"),
        "not in": _("is none of"),
        "contains": _("contains"),
        "starts with": _("starts with"),
        "has": _("has"),
        "set": _("is known"),
        "not set": _("is not known"),
        "during": _("lies in a period"),
    }


def periods() -> dict[str, str]:
    """Kinds of periods."""
    return {
        "": _("at any time"),
        "last": _("in the last …"),
        "ago": _("more than … ago"),
        "since": _("since"),
        "before": _("before"),
        "between": _("between"),
        "next": _("in the next …"),
    }


def units() -> dict[str, str]:
    """Units of time."""
    return {"minutes": _("minutes"), "hours": _("hours"), "days": _("days"), "weeks": _("weeks")}


def choices() -> dict[str, str]:
    """Values to choose from."""
    return {
        "person": _("person"),
        "company": _("company"),
        "given": _("given"),
        "withdrawn": _("withdrawn"),
        "open": _("open"),
        "paid": _("paid"),
        "shipped": _("shipped"),
        "completed": _("completed"),
        "refunded": _("refunded"),
        "abandoned": _("given up"),
    }
