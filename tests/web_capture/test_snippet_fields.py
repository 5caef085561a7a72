"""What the snippet must not take for the visitor's: blank and others' fields, lists of products."""

import json

import pytest

from tests.web_capture.snippet_world import address, chromium, context, hub, page, shop, visit, world

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser
STOP = "<script>addEventListener('submit', event => event.preventDefault())</script>"


def sent(page, hub, shop, address, fields):
    """The lead of a form that was sent, None when it was none."""
    shop.body["/"] = f'{STOP}<form id="lead">{fields}<button>Send</button></form>'
    visit(page, address)
    page.evaluate("document.querySelector('form').requestSubmit()")
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    found = hub.events("Form Submitted")
    return {name: value for name, value in found[0]["properties"].items() if value} if found else None


def test_blank_fields_wipe_nothing(page, hub, shop, address):
    fields = (
        '<input name="email" type="email" value="anna@p.kz"><input name="first_name" value="Anna">'
        '<input name="email_confirm"><input name="billing_first_name">'
    )
    lead = sent(page, hub, shop, address, fields)
    assert lead == {"form": "lead", "email": "anna@p.kz", "firstName": "Anna"}


@pytest.mark.parametrize("name", ["recipient_email", "friend_email", "gift_email", "shipping_email"])
def test_anothers_mailbox_is_no_lead(page, hub, shop, address, name):
    fields = f'<input name="sender_email" value="buyer@p.kz"><input name="{name}" value="friend@p.kz">'
    lead = sent(page, hub, shop, address, fields)
    assert lead is not None
    assert lead["email"] == "buyer@p.kz"


@pytest.mark.parametrize("name", ["ssn_last4", "mothers_maiden_name", "passport_name"])
def test_private_names_stay_in_the_page(page, hub, shop, address, name):
    fields = f'<input name="email" value="anna@p.kz"><input name="{name}" value="private words">'
    assert "private words" not in json.dumps(sent(page, hub, shop, address, fields))
    assert "private words" not in json.dumps(hub.messages())


def test_address_of_a_street_is_no_mailbox(page, hub, shop, address):
    fields = '<input name="mailing_address" value="Abay st 1"><input name="email" value="anna@p.kz">'
    lead = sent(page, hub, shop, address, fields)
    assert lead == {"form": "lead", "email": "anna@p.kz"}


def markup(*nodes):
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


def viewed(page, hub, shop, address, *nodes):
    shop.body["/"] = markup(*nodes)
    visit(page, address)
    page.wait_for_load_state()
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    return [one["properties"] for one in hub.events("Product Viewed")]


def test_list_of_products_is_no_products_page(page, hub, shop, address):
    cup, pot = ({"@type": "Product", "name": name, "sku": name} for name in ("Cup", "Pot"))
    assert viewed(page, hub, shop, address, cup, pot) == []


def test_offers_own_name_replaces_no_products(page, hub, shop, address):
    cup = {
        "@type": ["Product"],
        "name": "Cup",
        "sku": "S1",
        "offers": {"name": "Sale", "sku": "X", "price": "1"},
    }
    (said,) = viewed(page, hub, shop, address, {"@type": "WebPage"}, cup)
    assert (said["name"], said["sku"], said["price"]) == ("Cup", "S1", "1")
