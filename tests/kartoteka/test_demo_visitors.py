"""The invented shop's visitors: a lifelike past, a live present, orders that know their browser."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from datetime import datetime, timedelta

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from foundation.clock import now
from kartoteka.demo.browsing import new_visitor
from kartoteka.demo.company import Company
from kartoteka.demo.hub import FormNote, Hub
from kartoteka.demo.shop import Shop
from kartoteka.demo.visitors import DAYS, TOLD_AT, Visitors, device_of
from tests.serving import served

FORMS = (FormNote("f1", "Letter", "embedded", "Yes."), FormNote("f2", "Pot", "slide", "Yes."))


@pytest.fixture(scope="module")
def visitors():
    shop = Shop(Company(people=300, orders=2000))
    yield Visitors(shop, every=0)
    shop.hooks.stop()
    shop.hooks.thread.join(10)


@pytest.fixture
def hub():
    """A hub that notes what it is told: each call's key, agent and messages."""
    calls = []

    async def batch(request):
        body = json.loads(await request.body())
        calls.append((request.headers["authorization"], request.headers["user-agent"], body["batch"]))
        return JSONResponse({})

    with served(Starlette(routes=[Route("/v1/batch", batch, methods=["POST"])])) as address:
        yield Hub(address, "http://127.0.0.1:1", "site", "wk", "sk", FORMS), calls


def named(messages, event):
    return [one for one in messages if one.get("event") == event]


def moment(message):
    return datetime.fromisoformat(message["timestamp"])


@pytest.fixture
def past(visitors, hub):
    return visitors.history(hub[0])


def test_history_covers_the_last_days(past):
    assert now() - timedelta(days=DAYS + 1) < moment(past[0]) < now() - timedelta(days=DAYS - 3)
    assert moment(past[-1]) < now()
    assert [moment(one) for one in past] == sorted(moment(one) for one in past)


def test_history_has_all_kinds(past):
    assert {one["type"] for one in past} == {"page", "track", "identify"}
    assert {"Product Added", "Cart Viewed", "Checkout Started", "Form Submitted"} <= {
        one.get("event") for one in past
    }


def test_visits_come_from_everywhere(past):
    said = " ".join(one["context"]["page"]["url"] + one["context"]["page"]["referrer"] for one in past)
    assert all(word in said for word in ("utm_source=instagram", "gclid=", "yclid=", "www.google.com"))


def test_past_orders_are_those_of_the_company(visitors, past):
    placed = named(past, "Order Completed")
    assert len(placed) == len(visitors.ordered()) > 3
    for one in placed:
        order = visitors.shop.company.orders[int(one["properties"]["order_id"])]
        assert device_of(order) == one["anonymousId"]
        assert order["total"] == one["properties"]["total"]
        assert moment(one) == datetime.fromisoformat(order["date_created_gmt"] + "+00:00")


def test_sign_in_is_vouched_for(past):
    signed = [one for one in past if one["type"] == "identify"]
    assert signed
    for one in signed:
        said = f"{one['userId']}\n{one['traits']['email'].lower()}"
        proof = hmac.new(b"sk", said.encode(), hashlib.sha256).hexdigest()
        assert one["context"]["kartoteka"]["signature"] == proof


def test_account_holders_order_signed_in(visitors, past):
    signed = {one["anonymousId"] for one in past if one["type"] == "identify"}
    with_account = {device_of(one) for one in visitors.ordered() if one["customer_id"]}
    assert with_account
    assert with_account <= signed


def test_consent_says_when(past):
    for one in named(past, "Form Submitted"):
        assert [tick["at"] for tick in one["properties"]["consent"]] == [one["timestamp"]]


def test_message_ids_are_unique(past):
    assert len({one["messageId"] for one in past}) == len(past)


def test_crawlers_come_with_the_public_key(visitors, hub):
    told, calls = hub
    assert visitors.begin(told) == sum(len(batch) for *_, batch in calls)
    crawlers = [agent for key, agent, _ in calls if key == "Basic d2s6"]
    assert len(crawlers) == 3
    assert all("bot" in agent.lower() for agent in crawlers)
    assert {key for key, *_ in calls} == {"Basic d2s6", "Basic c2s6"}


def test_live_order_knows_its_browser(visitors, hub):
    told, calls = hub
    visitors.hub = told
    before = set(visitors.shop.company.orders)
    for _ in range(1500):
        visitors.step()
    bought = named([one for *_, batch in calls for one in batch], "Order Completed")
    orders = [visitors.shop.company.orders[int(one["properties"]["order_id"])] for one in bought]
    assert bought
    assert {one["id"] for one in orders} == set(visitors.shop.company.orders) - before
    assert [device_of(order) for order in orders] == [one["anonymousId"] for one in bought]
    assert {key for key, *_ in calls} == {"Basic d2s6"}


def test_guest_stays_the_same_person(visitors):
    guest = new_visitor(visitors.dice)
    orders = [visitors.place(guest, {1: 1}) for _ in range(8)]
    assert len({order["billing"]["email"] for order in orders}) == 1
    for _ in range(200):
        visitors.aim(guest)
    assert guest.customer is None


def test_shop_is_told_with_its_key_only(visitors, hub):
    told, calls = hub
    with served(visitors.shop.app(visitors.routes())) as address:
        body = msgspec.json.encode(told)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{address}{TOLD_AT}", body), timeout=30)
        assert refused.value.code == 401
        refused.value.close()
        assert not calls
        key = "?consumer_key=ck_demo&consumer_secret=cs_demo"
        with urllib.request.urlopen(f"{address}{TOLD_AT}{key}", body, timeout=30) as answer:
            assert json.loads(answer.read())["events"] == sum(len(batch) for *_, batch in calls) > 300
