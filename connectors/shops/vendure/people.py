"""Customers, guests and addresses of a Vendure shop."""

from connectors.shops.vendure.values import Node, identifier, listed, moment, nested, text
from foundation.records import Address, Person


def person(node: Node) -> Person:
    """A customer; a guest is one without a user account."""
    user, title = node.get("user"), text(node.get("title"))
    given, family = text(node.get("firstName")), text(node.get("lastName"))
    places = _best_first(listed(node, "addresses"))
    addresses = tuple(_address(place) for place in places)
    return Person(
        external_id=identifier(node),
        guest=user is None,
        given_name=given,
        family_name=family,
        name=f"{given} {family}".strip(),
        company=next(filter(None, (text(place.get("company")) for place in places)), ""),
        emails=_some(text(node.get("emailAddress"))),
        email_verified=bool(user and user.get("verified")),
        phones=_some(text(node.get("phoneNumber"))),  # an address may carry somebody else's
        addresses=addresses,
        tags=tuple(sorted(text(group.get("name")) for group in listed(node, "groups"))),
        created_at=moment(node.get("createdAt")),
        changed_at=moment(node.get("updatedAt")),
        country=next((address.country for address in addresses if address.country), ""),
        extra={"title": title} if title else {},
    )


def _best_first(places: list[Node]) -> list[Node]:
    """Addresses with the default ones first, then as they were made, so that the order never wavers."""

    def rank(place: Node) -> tuple[bool, bool, int, str]:
        number = str(place.get("id", ""))
        return (
            not place.get("defaultBillingAddress"),
            not place.get("defaultShippingAddress"),
            len(number),
            number,
        )

    return sorted(places, key=rank)


def _address(place: Node) -> Address:
    country = place.get("country")
    code = country.get("code") if isinstance(country, dict) else place.get("countryCode")
    lines = (text(place.get("streetLine1")), text(place.get("streetLine2")))
    return Address(
        line=", ".join(filter(None, lines)),
        city=text(place.get("city")),
        region=text(place.get("province")),
        postcode=text(place.get("postalCode")),
        country=text(code).upper()[:2],
        name=text(place.get("fullName")),
        phone=text(place.get("phoneNumber")),
    )


def place(node: Node, name: str) -> Address | None:
    """An order's address; None where the buyer gave none (the API then sends one full of nulls)."""
    found = _address(nested(node, name))
    return None if found == Address() else found


def buyer(node: Node, order_id: str) -> Person:
    """The customer of an order; without one, a guest made of its addresses."""
    if node.get("customer"):
        return person(nested(node, "customer"))
    given = [address for name in ("billingAddress", "shippingAddress") if (address := place(node, name))]
    return Person(
        external_id=f"order:{order_id}",
        guest=True,
        name=next((address.name for address in given if address.name), ""),
        phones=_some(*(address.phone for address in given[:1])),
        addresses=tuple(dict.fromkeys(given)),
        country=next((address.country for address in given if address.country), ""),
    )


def _some(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))
