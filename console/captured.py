"""What a captured event says to a person: a sentence, a colour, an amount, the page it happened on.

Every value is a stranger's: it is escaped, cut, kept from turning the text around, and linked only if it is
the address of a web page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from foundation.text import _
from web_capture.values import web_address

PREFIX = "web."
LONGEST = 120  # characters of a title or name in a sentence
_LINK = Markup('<a href="{}" rel="noopener nofollow noreferrer" target="_blank">{}</a>')
_SUMS = ("total", "revenue", "value", "subtotal")


@dataclass(frozen=True)
class Line:
    """A captured event in a list."""

    dot: str
    text: Markup
    amount: str | None = None
    currency: str | None = None

    @property
    def plain(self) -> str:
        """The sentence without its links."""
        return self.text.striptags()


def _sentences() -> dict[str, tuple[str, str, str]]:
    """Kind -> (colour, sentence with %s for what it is about, the same when nothing is named)."""
    return {
        "page": ("", _("Opened “%s”"), _("Opened a page")),
        "screen": ("", _("Opened the screen “%s”"), _("Opened a screen")),
        "identify": ("info", _("Said who they are: %s"), _("Said who they are")),
        "group": ("info", _("Named their company: %s"), _("Named their company")),
        "alias": ("info", _("Went on under another id, before: %s"), _("Went on under another id")),
        "lead": ("mail", _("Filled in a form on %s"), _("Filled in a form")),
        "event": ("", _("“%s”"), _("Did something without a name")),
        "products_searched": ("", _("Searched for “%s”"), _("Searched the shop")),
        "product_list_viewed": ("", _("Looked through the list “%s”"), _("Looked through a list")),
        "product_list_filtered": ("", _("Filtered the list “%s”"), _("Filtered a list")),
        "promotion_viewed": ("", _("Saw the promotion “%s”"), _("Saw a promotion")),
        "promotion_clicked": ("", _("Clicked the promotion “%s”"), _("Clicked a promotion")),
        "product_clicked": ("", _("Clicked “%s”"), _("Clicked a product")),
        "product_viewed": ("", _("Viewed “%s”"), _("Viewed a product")),
        "product_added": ("link", _("Added to cart: %s"), _("Added a product to the cart")),
        "product_removed": ("alert", _("Removed from cart: %s"), _("Removed a product from the cart")),
        "cart_updated": ("link", _("Changed the cart: %s"), _("Changed the cart")),
        "cart_viewed": ("link", _("Looked at the cart: %s"), _("Looked at the cart")),
        "checkout_started": ("link", _("Began the checkout: %s"), _("Began the checkout")),
        "checkout_step_viewed": ("link", _("Came to checkout step %s"), _("Came to a checkout step")),
        "checkout_step_completed": ("link", _("Finished checkout step %s"), _("Finished a checkout step")),
        "payment_info_entered": ("link", _("Chose how to pay: %s"), _("Entered how to pay")),
        "order_updated": ("order", _("Changed order %s"), _("Changed an order")),
        "order_completed": ("order", _("Ordered: order %s"), _("Ordered")),
        "order_refunded": ("alert", _("Money given back for order %s"), _("Money given back")),
        "order_cancelled": ("bad", _("Order %s cancelled"), _("An order cancelled")),
        "coupon_entered": ("", _("Entered the coupon %s"), _("Entered a coupon")),
        "coupon_applied": ("good", _("The coupon %s was taken"), _("A coupon was taken")),
        "coupon_denied": ("alert", _("The coupon %s was refused"), _("A coupon was refused")),
        "coupon_removed": ("", _("Took the coupon %s out"), _("Took a coupon out")),
        "product_added_to_wishlist": ("link", _("Put on the wish list: %s"), _("Put on the wish list")),
        "product_removed_from_wishlist": ("", _("Taken off the wish list: %s"), _("Taken off the wish list")),
        "wishlist_product_added_to_cart": (
            "link", _("From the wish list into the cart: %s"), _("From the wish list into the cart"),
        ),
        "product_shared": ("", _("Shared “%s”"), _("Shared a product")),
        "cart_shared": ("", _("Shared the cart: %s"), _("Shared the cart")),
        "product_reviewed": ("", _("Reviewed “%s”"), _("Reviewed a product")),
        "back_in_stock_asked": ("mail", _("Asked to be told when it is back: %s"), _("Asked to be told")),
    }  # fmt: skip


def _decided() -> dict[str, tuple[str, str, str]]:
    """The same of what was worked out from captured events."""
    return {
        "cart.abandoned": ("alert", _("Left a cart behind: %s"), _("Left a cart behind")),
        "checkout.abandoned": ("alert", _("Left the checkout: %s"), _("Left the checkout")),
        "browse.abandoned": ("", _("Looked and left: %s"), _("Looked and left")),
        "cart.recovered": ("good", _("Came back and ordered: %s"), _("Came back and ordered")),
    }


def _of_forms() -> dict[str, tuple[str, str, str]]:
    """The same of our own forms, which say their name."""
    return {
        "Form Viewed": ("", _("Saw the form “%s”"), ""),
        "Form Closed": ("", _("Closed the form “%s”"), ""),
        "Form Submitted": ("mail", _("Filled in the form “%s”"), ""),
    }


def knows(kind: str) -> bool:
    """Whether a timeline row is told here."""
    return kind.startswith(PREFIX) or kind in _decided()


def kinds() -> list[tuple[str, str]]:
    """Every kind of captured event with its name, for filters."""
    named = {name: sentence for name, (_dot, _full, sentence) in _sentences().items()}
    named["event"] = _("An event of the site's own")
    return [(PREFIX + name, sentence) for name, sentence in named.items()]


def decided() -> list[tuple[str, str]]:
    """What is worked out from captured events, with its name."""
    return [(kind, bare) for kind, (_dot, _full, bare) in _decided().items()]


def told(kind: str, data: Mapping[str, Any]) -> Line:
    """The line of a captured event."""
    name = kind.removeprefix(PREFIX)
    dot, full, bare = (_sentences() | _decided()).get(name, ("", _("“%s”"), name.replace("_", " ")))
    about, linked = _about(name, data), name in ("page", "lead") or _is_of_product(name)
    if name in ("event", "lead") and (form := _form(data)):
        about, linked, (dot, full, bare) = form, False, _of_forms()[str(data["event"])]
    address = (_product(data).get("url") if _is_of_product(name) else None) or data.get("url")
    url = web_address(address) if isinstance(address, str) else ""
    text = Markup("{}").format(bare)
    if about:
        subject = Markup("<bdi>{}</bdi>").format(about)
        subject = _LINK.format(url, subject) if url and linked else subject
        text = Markup(full.replace("%s", "{}")).format(subject)  # noqa: S704 - our own sentence
    if url and not (about and linked) and path_of(url) != "/":
        path = _LINK.format(url, Markup("<bdi>{}</bdi>").format(path_of(url)))
        text += Markup(' <span class="muted small">· {}</span>').format(path)
    return Line(dot, text, *_sum(name, data))


def path_of(url: str) -> str:
    """The path of a page's address, as it is read in a sentence; empty without one."""
    try:
        return cut(urlsplit(url).path or "/") if url else ""
    except ValueError:
        return ""


def cut(said: Any, longest: int = LONGEST) -> str:
    """What was said as one short line."""
    text = " ".join(str(said).split()) if isinstance(said, str | int | float) else ""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def short(device: str) -> str:
    """A device's id, short enough for a list."""
    return device if len(device) <= 14 else f"{device[:8]}…{device[-4:]}"


def _is_of_product(name: str) -> bool:
    return name.split("_")[0] in ("product", "wishlist", "back") and not name.startswith("product_list")


def _product(data: Mapping[str, Any]) -> Mapping[str, Any]:
    products = data.get("products")
    first = products[0] if isinstance(products, list) and products else None
    return first if isinstance(first, dict) else {}


def _about(name: str, data: Mapping[str, Any]) -> str:
    """What stands for %s in the sentence."""
    said = data.get("properties")
    properties: Mapping[str, Any] = said if isinstance(said, dict) else {}
    product = _product(data)
    match name:
        case "page":
            return cut(data.get("title")) or cut(data.get("event")) or path_of(str(data.get("url") or ""))
        case "identify" | "group":
            return _person(data)
        case "alias":
            return cut(data.get("previous"))
        case "lead":
            return path_of(str(data.get("url") or ""))
        case "products_searched":
            return cut(data.get("query"))
        case "product_list_viewed" | "product_list_filtered":
            return _first(properties, "list", "category") or cut(data.get("list_id"))
        case "promotion_viewed" | "promotion_clicked":
            return _first(properties, "name", "promotion_name", "promotion_id", "creative")
        case "checkout_step_viewed" | "checkout_step_completed":
            return cut(data.get("step"))
        case "payment_info_entered":
            return cut(data.get("payment_method"))
        case "cart.abandoned" | "checkout.abandoned" | "browse.abandoned":
            return _names(data.get("lines"))
        case "cart_viewed" | "cart_updated" | "checkout_started" | "cart_shared":
            return _names(data.get("products"))
    if name.startswith("order_"):
        return cut(data.get("order_id"))
    if name.startswith("coupon_"):
        return cut(data.get("coupon"))
    if _is_of_product(name):
        return _first(product, "name", "sku", "product_id")
    return cut(data.get("event"))


def _form(data: Mapping[str, Any]) -> str:
    """The name of the form of ours that an event tells of; empty for everything else."""
    said = data.get("properties")
    ours = isinstance(said, dict) and said.get("form_id") and str(data.get("event")) in _of_forms()
    return cut(said.get("form")) if ours and isinstance(said, dict) else ""


def _person(data: Mapping[str, Any]) -> str:
    said = data.get("traits")
    traits: Mapping[str, Any] = said if isinstance(said, dict) else {}
    return _first(traits, "name", "firstName", "email", "phone") or cut(data.get("group"))


def _names(lines: Any) -> str:
    """The first products of a cart."""
    listed = [one for one in lines if isinstance(one, dict)] if isinstance(lines, list) else []
    names = [name for one in listed[:3] if (name := cut(one.get("name") or one.get("product_id"), 40))]
    more = len(listed) - len(names)
    return ", ".join(names) + (f" +{more}" if names and more > 0 else "")


def _first(said: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names if (text := cut(said.get(name)))), "")


def _sum(name: str, data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """What the event is worth: the sum it names, else its product's price for so many pieces."""
    for field in _SUMS:
        if (found := _money(data.get(field))) is not None:
            return str(found[0]), found[1]
    product = _product(data)
    price = _money(product.get("price")) if _is_of_product(name) else None
    if price is None:
        return None, None
    pieces = product.get("quantity")
    try:
        return str(price[0] * Decimal(str(pieces or 1))), price[1]
    except InvalidOperation:
        return str(price[0]), price[1]


def _money(said: Any) -> tuple[Decimal, str] | None:
    if not isinstance(said, dict):
        return None
    try:
        amount = Decimal(str(said.get("amount")))
    except InvalidOperation:
        return None
    return (amount, str(said.get("currency") or "")) if amount.is_finite() else None
