"""A form that asks to be told when a product is back: the product, and a consent for this alone."""

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.web_capture.conftest import Pages, Rows
from tests.web_capture.forms.made import CONSENT, published, said, send, with_forms
from web_capture.forms import routes as form_routes
from web_capture.forms import spec as form_spec
from web_capture.forms import store as forms
from web_capture.forms.reading import BadForm
from web_capture.limits import Limit

CONSENTS = "SELECT channel, purpose, given, text, form, ip FROM consents ORDER BY id"
EVENTS = "SELECT kind, data, profile_id, customer_id FROM timeline ORDER BY id"
MUG = {"sku": "MUG", "name": "A mug", "url": "https://shop.example/p/MUG"}
WORDS = {"title": "Tell me when it is back", "text": "One letter, then never again.", "button": "Tell me"}


@pytest.fixture
def client(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(form_routes, "PER_ADDRESS", Limit(0.5))
    with_forms(client.app)
    return client


def asking(engine: Engine, pages: Pages, **more: Any) -> Any:
    """A live form that asks."""
    kind = more.pop("kind", "embedded")
    return published(engine, pages.id, kind, **WORDS | {"back_in_stock": True, "consents": []} | more)


def test_asking_names_the_product_and_allows_one_letter(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = asking(engine, pages)
    answer = send(pages.client, said(form, pages.write_key, consent=[], product=MUG))
    assert answer.json() == {"ok": True, "coupon": None}
    lead, asked = rows(EVENTS)
    assert (lead["kind"], asked["kind"]) == ("web.lead", "web.back_in_stock_asked")
    assert asked["data"]["products"] == [MUG]
    assert asked["profile_id"] == lead["profile_id"] and asked["customer_id"]
    assert rows(CONSENTS) == [
        {"channel": "email", "purpose": "back_in_stock", "given": True, "ip": "testclient",
         "text": "Tell me when it is back One letter, then never again. [Tell me]",
         "form": "Spring, version 1"}
    ]  # fmt: skip
    assert rows("SELECT email_consent FROM customers WHERE live") == [{"email_consent": None}]


def test_same_submission_asks_once(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = asking(engine, pages)
    for _time in range(2):
        assert send(pages.client, said(form, pages.write_key, consent=[], product=MUG)).json()["ok"]
        assert len(rows(EVENTS)) == 2 and len(rows(CONSENTS)) == 1


def test_a_ticked_box_is_about_other_letters(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = asking(engine, pages, consents=[{"channel": "email", "text": CONSENT, "required": False}])
    send(pages.client, said(form, pages.write_key, product=MUG))
    found = {row["purpose"]: row["text"] for row in rows(CONSENTS)}
    assert found.keys() == {"marketing", "back_in_stock"} and found["marketing"] == CONSENT


@pytest.mark.parametrize(
    "product", [{}, {"name": "A mug"}, {"sku": " "}, {"sku": "x" * 301}, {"sku": "\0"}, {"price": "1"}]
)
def test_without_a_product_nothing_is_asked(
    engine: Engine, pages: Pages, rows: Rows, product: dict[str, str]
) -> None:
    form = asking(engine, pages)
    answer = send(pages.client, said(form, pages.write_key, consent=[], product=product))
    assert answer.status_code == 422 and "which product" in answer.json()["errors"][0]["message"]
    assert rows(EVENTS) == []


def test_a_form_of_another_kind_asks_nothing(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = published(engine, pages.id)
    send(pages.client, said(form, pages.write_key, product=MUG))
    assert [row["kind"] for row in rows(EVENTS)] == ["web.lead"]
    assert [row["purpose"] for row in rows(CONSENTS)] == ["marketing"]


def test_a_page_can_not_ask_for_somebody(pages: Pages, rows: Rows) -> None:
    consent = [{"channel": "email", "purpose": "back_in_stock", "given": True}]
    traits = {"email": "boris@example.org", "consent": consent}
    call = {"event": "Back In Stock Requested", "messageId": "m-1", "anonymousId": "d-1",
            "context": {"traits": traits}, "properties": MUG}  # fmt: skip
    assert pages.client.post("/v1/track", json=call, auth=(pages.write_key, "")).status_code == 200
    assert [row["kind"] for row in rows(EVENTS)] == ["web.event"]
    assert rows(CONSENTS) == []


def test_it_has_to_ask_for_an_e_mail() -> None:
    phone = [{"type": "phone", "label": "Phone", "required": True}]
    start = forms.start("embedded") | {"consents": [], "fields": phone, "back_in_stock": True}
    with pytest.raises(BadForm) as caught:
        form_spec.checked("embedded", start)
    assert list(caught.value.errors) == ["back_in_stock"]
    with pytest.raises(BadForm) as caught:
        form_spec.checked("embedded", forms.start("embedded") | {"back_in_stock": True})
    assert list(caught.value.errors) == ["consent_email"], "a box that must be ticked to be told"
    assert "back_in_stock" not in form_spec.checked("embedded", start | {"back_in_stock": "yes"})
