"""Words of the letters' pages: kinds of blocks with what is asked of each, purposes, languages."""

from dataclasses import dataclass

from babel import Locale

from email_campaigns.letters import starters
from foundation.text import _

OFFERED = (*starters.LANGUAGES, "de", "es", "fr", "it", "pt-BR", "uk", "uz", "az", "ka", "zh", "ja", "ar")


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a block: its control and label; `options` of a choice."""

    name: str
    control: str  # line area code number tick choice lines; long and pick: a line and a choice across
    label: str
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()


def kinds() -> dict[str, str]:
    """Names of the kinds of blocks."""
    return {
        "heading": _("Heading"), "text": _("Text"), "button": _("Button"), "image": _("Picture"),
        "divider": _("Line"), "spacer": _("Space"), "columns": _("Columns"), "products": _("Products"),
        "cart": _("Cart"), "order": _("Order"), "coupon": _("Coupon"), "footer": _("Footer"),
        "mjml": _("MJML"),
    }  # fmt: skip


def asked() -> dict[str, tuple[Asked, ...]]:
    """What the editor asks of each kind of block."""
    align = Asked("align", "choice", _("Alignment"), options=(
        ("left", _("left")), ("center", _("in the middle")), ("right", _("right"))))  # fmt: skip
    marks = _("**bold**, *slanted*, [words](https://…), a line that begins with “- ” is a list.")
    limit = Asked("limit", "number", _("At most"))
    button = Asked("button", "line", _("Words of its button"), _("Empty: ours, in the letter's language."))
    return {
        "heading": (
            Asked("text", "long", _("Heading")),
            Asked("level", "choice", _("Size"),
                options=(("1", _("large")), ("2", _("middle")), ("3", _("small")))),
            align,
        ),
        "text": (Asked("text", "area", _("Text"), marks), align),
        "button": (Asked("label", "line", _("Words")), Asked("url", "long", _("Leads to")), align),
        "image": (
            Asked("url", "long", _("Address of the picture"), _("A web address: https://…")),
            Asked("alt", "long", _("In words"),
                _("For those who don't see it, and for programs that show none.")),
            Asked("link", "long", _("Leads to")),
            Asked("width", "number", _("Width in pixels"), _("0: as wide as there is room.")),
        ),
        "divider": (),
        "spacer": (Asked("height", "number", _("Height in pixels")),),
        "columns": (),
        "products": (
            Asked("source", "pick", _("Which"), options=(
                ("chosen", _("those of the SKUs below")), ("viewed", _("those the customer looked at")),
                ("product", _("the one the letter is about")))),
            Asked("skus", "lines", _("SKUs, one a line")), limit, button,
        ),
        "cart": (limit, button),
        "order": (limit, Asked("totals", "tick", _("with its sums"))),
        "coupon": (Asked("code", "line", _("Code")), Asked("note", "long", _("Below it"))),
        "footer": (
            Asked("company", "line", _("Company")), Asked("address", "long", _("Postal address")),
            Asked("reason", "long", _("Why people get this letter")),
            Asked("unsubscribe", "tick", _("a way to unsubscribe")),
            Asked("preferences", "tick", _("a way to choose what to get")),
            Asked("view", "tick", _("the letter in the browser")),
        ),
        "mjml": (Asked("source", "code", _("MJML"), _("mj-section or what stands in a column.")),),
    }  # fmt: skip


def purposes() -> tuple[tuple[str, str], ...]:
    """What letters are for."""
    return (
        ("marketing", _("marketing: needs consent and a way to unsubscribe")),
        ("transactional", _("transactional: an order, an invoice, a confirmation")),
    )


def languages(locale: str, known: tuple[str, ...] = ()) -> dict[str, str]:
    """Names of languages for whoever reads `locale`; those known besides the usual ones."""
    reader = Locale.parse(locale)
    names = {}
    for tag in dict.fromkeys((*known, *OFFERED)):
        try:
            names[tag] = Locale.parse(tag, sep="-").get_display_name(reader) or tag
        except (ValueError, LookupError):
            names[tag] = tag
    return names
