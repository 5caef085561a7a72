"""What the catalogue's names mean to a person, in their language; pages, docs and help are made from it."""

from foundation.text import _


def fields() -> dict[str, str]:
    """Fields of the card."""
    return {
        "name": _("Name"),
        "given_name": _("First name"),
        "family_name": _("Last name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "tax_number": _("Tax number"),
        "country": _("Country"),
        "city": _("City"),
        "language": _("Language"),
        "kind": _("Person or company"),
        "birthday": _("Birthday"),
        "tags": _("Tags"),
        "sources": _("Known from"),
        "lists": _("On the list"),
        "email_consent": _("E-mail consent"),
        "sms_consent": _("SMS consent"),
        "created": _("Card made"),
        "last_seen": _("Last seen"),
        "first_order": _("First order"),
        "last_order": _("Last order"),
        "spent": _("Bought for, in all"),
        "recency": _("RFM recency, 5 is best"),
        "frequency": _("RFM frequency, 5 is best"),
        "monetary": _("RFM money, 5 is best"),
    }


def verbs() -> dict[str, str]:
    """What happened at least once."""
    return {
        "ordered": _("Ordered"),
        "sent": _("Was sent a letter"),
        "opened": _("Opened a letter"),
        "clicked": _("Clicked in a letter"),
        "bounced": _("A letter came back"),
        "complained": _("Complained about a letter"),
        "unsubscribed": _("Unsubscribed"),
        "replied": _("Replied to a letter"),
        "scored": _("Said whether they would recommend us"),
        "visited": _("Visited the site"),
        "viewed": _("Looked at a product"),
        "added_to_cart": _("Put a product into the cart"),
        "filled_form": _("Filled in a form"),
        "event": _("An event of the site"),
        "has_cart": _("Has a cart that isn't ordered"),
        "invoiced": _("Got an invoice"),
        "owes": _("Owes: an open invoice, by its due day"),
    }


def measures() -> dict[str, str]:
    """What happenings add up to."""
    return {
        "orders.count": _("Number of orders"),
        "orders.sum": _("Sum of orders, less refunds"),
        "orders.average": _("Average order, less refunds"),
        "sent.count": _("Number of letters sent"),
        "opened.count": _("Number of letters opened"),
        "clicked.count": _("Number of links clicked"),
        "bounced.count": _("Number of letters that came back"),
        "complained.count": _("Number of complaints"),
        "unsubscribed.count": _("Number of unsubscribes"),
        "replied.count": _("Number of replies"),
        "scores.count": _("Number of answers to “would you recommend us”"),
        "scores.average": _("Would recommend us, average: 0 to 10"),
        "scores.last": _("Would recommend us, the last answer: 0 to 10"),
        "visits.count": _("Number of pages seen"),
        "visits.days": _("Number of days with a visit"),
        "views.count": _("Number of looks at products"),
        "cart_adds.count": _("Number of products put into the cart"),
        "forms.count": _("Number of forms filled in"),
        "events.count": _("Number of events"),
        "carts.count": _("Number of carts that aren't ordered"),
        "carts.items": _("Pieces in the cart"),
        "carts.value": _("Value of the cart"),
        "invoices.count": _("Number of invoices"),
        "invoices.sum": _("Sum of invoices"),
        "debts.count": _("Number of open invoices"),
        "debts.sum": _("Sum that is owed"),
    }


def filters() -> dict[str, str]:
    """What narrows happenings down."""
    return {
        "product": _("Product: SKU, id or name"),
        "category": _("Category of a product"),
        "state": _("State"),
        "shop": _("Shop: the connection's name"),
        "letter": _("Letter: its name"),
        "mailing": _("Mailing: its name"),
        "link": _("Part of the link's address"),
        "page": _("Part of the page's address"),
        "site": _("Site: its domain"),
        "event": _("Event: its name"),
    }


def groups() -> list[tuple[str, list[str]]]:
    """The names a person chooses from, in their groups."""
    letters = ("sent", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied")
    return [
        (_("Card"), [
            "name", "given_name", "family_name", "email", "phone", "country", "city", "language", "kind",
            "birthday", "tax_number", "tags", "sources", "lists", "created", "last_seen",
        ]),
        (_("Consent"), ["email_consent", "sms_consent"]),
        (_("Orders"), [
            "ordered", "orders.count", "orders.sum", "orders.average", "first_order", "last_order", "spent",
            "recency", "frequency", "monetary",
        ]),
        (_("Letters"), [
            *letters, *(f"{one}.count" for one in letters), "scored", "scores.count", "scores.average",
            "scores.last",
        ]),
        (_("On the site"), [
            "visited", "visits.count", "visits.days", "viewed", "views.count", "added_to_cart",
            "cart_adds.count", "filled_form", "forms.count", "event", "events.count",
        ]),
        (_("Carts"), ["has_cart", "carts.count", "carts.items", "carts.value"]),
        (_("Invoices"), ["invoiced", "invoices.count", "invoices.sum", "owes", "debts.count", "debts.sum"]),
    ]  # fmt: skip


def every() -> dict[str, str]:
    """Every name a condition may begin with."""
    return fields() | verbs() | measures()


def why(reason: str) -> str:
    """Why somebody entered or left."""
    return {
        "change": _("something changed or happened"),
        "time": _("time passed"),
        "version": _("the conditions were made or changed"),
        "everybody": _("everybody was looked at again"),
        "archived": _("the segment was archived"),
        "check": _("the daily check put it right"),
    }.get(reason, reason)
