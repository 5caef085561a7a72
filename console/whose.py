"""Whose a captured event is, in words: a visitor, somebody a browser claims to be, a customer, a crawler."""

import re
from typing import NamedTuple

from console.captured import cut, short
from foundation.text import _

BROWSERS = ("lead", "visitor")  # kinds of profiles that nobody vouched for
_LEAD = re.compile(r"(?P<device>.*?)\|[uep]:(?P<said>.*)", re.DOTALL)  # see web_capture.people


class Who(NamedTuple):
    """A name for a list and a mark beside it; either may be empty."""

    name: str
    mark: str = ""
    color: str = ""


def who(
    kind: str | None, external_id: str | None, customer: str | None, bot: str | None = None, *,
    proved: bool = False,
) -> Who:  # fmt: skip
    """The profile of an event; `customer` is what its card is called."""
    mark = Who("", *_bot_mark(bot)) if bot else Who("")
    match kind:
        case None:
            return mark if bot else Who(_("nobody named"))
        case "visitor":
            return mark._replace(name=_("visitor %s") % short(external_id or ""))
        case "lead" if not proved:
            return Who(cut(customer or claim(external_id or "")), _("unverified"), "warn")
        case "lead":
            return Who(cut(customer or claim(external_id or "")))
    return Who(cut(customer or external_id or ""))


def _bot_mark(bot: str) -> tuple[str, str]:
    return (_("crawler") if bot in ("crawler", "no_user_agent") else _("looks like a program")), "warn"


def device_of(kind: str, external_id: str) -> str:
    """The device's id that a profile's external id holds; empty for a customer."""
    if kind == "lead":
        found = _LEAD.fullmatch(external_id)
        return found["device"] if found else ""
    return external_id if kind == "visitor" else ""


def claim(external_id: str) -> str:
    """What a lead says of itself: its user id, e-mail or phone."""
    found = _LEAD.fullmatch(external_id)
    return found["said"] if found else external_id


def bots() -> dict[str, str]:
    """Why an event is no person's, by the word the timeline keeps."""
    return {
        "crawler": _("Its browser's name is that of a known crawler, so it belongs to nobody."),
        "no_user_agent": _("It came without a browser's name, as programs do, so it belongs to nobody."),
        "webdriver": _("Its browser says that a program drives it."),
        "headless": _("Its browser has no window, as programs' browsers have."),
        "screen": _("It names a screen of a size that doesn't exist."),
    }
