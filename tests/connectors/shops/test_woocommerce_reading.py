"""Walking a shop's lists: nothing is lost, whatever happens meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Page
from foundation.errors import Misconfigured, Permanent, Temporary
from tests.connectors.shops.woo_shop import WooShop, an_order, connect

START = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[WooShop]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = WooShop()
        made.open(mocked)
        yield made


def stamp(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def ids(pages: list[Page]) -> list[str]:
    return [raw.external_id for page in pages for raw in page.records]


def test_first_pull_reads_every_order(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 251)]
    pages = list(connect().pull("orders", None))
    assert sorted(map(int, ids(pages))) == list(range(1, 251))
    assert pages[-1].cursor == stamp(250) and pages[0].total == 250


def test_later_pull_overlaps_by_a_minute(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 301)]
    pages = list(connect().pull("orders", stamp(300)))
    assert 60 <= len(ids(pages)) <= 100
    assert "300" in ids(pages) and pages[-1].cursor == stamp(300)


def test_empty_pull_keeps_the_cursor(shop: WooShop) -> None:
    assert [page.cursor for page in connect().pull("orders", stamp(5))][-1] == stamp(5)


def test_a_crowded_second_loses_nothing(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(5)) for n in range(1, 351)] + [an_order(400, stamp(6))]
    found = ids(list(connect().pull("orders", None)))
    assert sorted(set(map(int, found))) == [*range(1, 351), 400]


def test_equal_times_at_a_page_border(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n // 3)) for n in range(1, 401)]
    found = ids(list(connect().pull("orders", None)))
    assert sorted(map(int, found)) == list(range(1, 401))


def test_orders_edited_between_pages_are_kept(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 301)]

    def edit(request: Any) -> None:
        if len(shop.calls) in (2, 3):  # what was read already moves to the end and all pages shift
            for order in shop.lists["orders"][:60]:
                order["date_modified_gmt"] = stamp(1000 + len(shop.calls))

    shop.before = edit
    found = ids(list(connect().pull("orders", None)))
    assert set(map(int, found)) == set(range(1, 301))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=340), st.data())
def test_no_order_is_ever_skipped(seconds: list[int], data: st.DataObject) -> None:
    shop = WooShop()
    shop.lists["orders"] = [an_order(n, stamp(s)) for n, s in enumerate(sorted(seconds), 1)]
    ticks = iter(range(100, 10_000))

    def edit(request: Any) -> None:
        if len(shop.calls) < 8 and data.draw(st.booleans()):
            victim = data.draw(st.sampled_from(shop.lists["orders"]))
            victim["date_modified_gmt"] = stamp(next(ticks))

    shop.before = edit
    with responses.RequestsMock() as mocked:
        shop.open(mocked)
        mocked.assert_all_requests_are_fired = False
        latest: dict[str, str] = {}
        for page in connect().pull("orders", None):
            for raw in page.records:
                latest[raw.external_id] = json.loads(raw.payload)["date_modified_gmt"]
    assert latest == {str(o["id"]): o["date_modified_gmt"] for o in shop.lists["orders"]}


def test_a_cached_page_stops_the_walk(shop: WooShop) -> None:
    first = [an_order(n, stamp(n)) for n in range(1, 101)]
    shop.before = lambda request: (200, {"X-WP-Total": "500"}, json.dumps(first))
    with pytest.raises(Temporary, match="same page again"):
        list(connect().pull("orders", None))


def test_a_cached_customer_page_stops_the_sweep(shop: WooShop) -> None:
    first = [{"id": n} for n in range(1, 101)]
    shop.before = lambda request: (200, {"X-WP-Total": "500"}, json.dumps(first))
    with pytest.raises(Temporary, match="same page again"):
        list(connect().pull("customers", None))


def test_an_empty_page_in_the_middle(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 251)]
    shop.before = lambda request: (200, {"X-WP-Total": "250"}, "[]") if len(shop.calls) == 2 else None
    with pytest.raises(Temporary, match="empty page"):
        list(connect().pull("orders", None))


def test_pages_thinned_by_a_plugin_go_on(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 251)]
    shop.totals = False
    shop.before = lambda request: (
        (200, {}, json.dumps([an_order(n, stamp(n)) for n in range(1, 98)])) if len(shop.calls) == 1 else None
    )
    found = ids(list(connect().pull("orders", None)))
    assert set(map(int, found)) == set(range(1, 251))


def test_orders_without_any_time_end_plainly(shop: WooShop) -> None:
    rows = [an_order(n, date_modified_gmt=None, date_created_gmt=None) for n in range(1, 101)]
    shop.before = lambda request: (200, {"X-WP-Total": "900"}, json.dumps(rows))
    with pytest.raises(Temporary):
        list(connect().pull("orders", None))


def test_a_time_in_the_future_is_no_cursor(shop: WooShop, clock: Any) -> None:
    shop.lists["orders"] = [an_order(1, stamp(1)), an_order(2, "2099-01-01T00:00:00")]
    pages = list(connect().pull("orders", None))
    assert ids(pages) == ["1", "2"]
    assert str(pages[-1].cursor) < "2090"


def test_rows_without_an_id_are_bad(shop: WooShop) -> None:
    rows = [an_order(1), {"status": "processing"}, "nonsense"]
    shop.before = lambda request: (200, {"X-WP-Total": "3"}, json.dumps(rows))
    [page] = connect().pull("orders", None)
    assert [raw.external_id for raw in page.records] == ["1"]
    assert len(page.bad) == 2 and "nonsense" in page.bad[1].payload


def test_the_trash_is_read_as_gone(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(1, stamp(1)), an_order(2, stamp(2), status="trash")]
    records = {raw.external_id: raw for page in connect().pull("orders", stamp(3)) for raw in page.records}
    assert records["2"].gone and not records["1"].gone


def test_reading_the_trash_keeps_the_cursor(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(2, stamp(900), status="trash"), an_order(1, stamp(950))]
    first, *_ = connect().pull("orders", stamp(3))
    assert first.records[0].gone and first.cursor == stamp(3)


def test_refunds_are_fetched_where_there_are_some(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(1), an_order(2, refunds=[{"id": 9, "reason": "", "total": "-5.00"}])]
    shop.refunds[2] = [{"id": 9, "amount": "5.00", "date_created_gmt": "2026-01-02T00:00:00"}]
    [page] = connect().pull("orders", None)
    assert [path for _, path, _ in shop.calls if "refunds" in path] == ["orders/2/refunds"]
    payloads = {raw.external_id: json.loads(raw.payload) for raw in page.records}
    assert payloads["2"]["refund_objects"][0]["id"] == 9 and "refund_objects" not in payloads["1"]


def test_unchanged_order_has_the_same_hash(shop: WooShop) -> None:
    shop.lists["products"] = [{**an_order(1), "status": "publish", "related_ids": [1, 2]}]
    before = next(iter(connect().pull("products", None))).records[0]
    shop.lists["products"][0]["related_ids"] = [2, 1]
    after = next(iter(connect().pull("products", None))).records[0]
    assert before.version_hash == after.version_hash


def test_customers_are_swept_whole(shop: WooShop) -> None:
    shop.lists["customers"] = [{"id": n, "email": f"c{n}@example.kz"} for n in range(1, 231)]
    pages = list(connect().pull("customers", None))
    assert sorted(map(int, ids(pages))) == list(range(1, 231))
    assert pages[-1].cursor is None and pages[0].cursor is not None
    assert {params["role"] for _, _, params in shop.calls} == {"all"}


def test_a_sweep_goes_on_where_it_stopped(shop: WooShop) -> None:
    shop.lists["customers"] = [{"id": n} for n in range(1, 351)]
    first = next(iter(connect().pull("customers", None)))
    rest = list(connect().pull("customers", first.cursor))
    assert set(map(int, ids([first, *rest]))) == set(range(1, 351))
    assert len(ids(rest)) < 260


@pytest.mark.parametrize("victims", [(0, 1), (40, 60), (99, 100), (0, 100)])
def test_deleted_customers_hide_no_others(shop: WooShop, victims: tuple[int, int]) -> None:
    shop.lists["customers"] = [{"id": n} for n in range(1, 331)]

    def delete(request: Any) -> None:
        if len(shop.calls) == 2:
            del shop.lists["customers"][slice(*victims)]

    shop.before = delete
    found = ids(list(connect().pull("customers", None)))
    assert set(map(int, found)) == set(range(1, 331))


def test_a_choking_shop_gets_smaller_pages(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 151)]

    def choke(request: Any) -> Any:
        large = shop.calls[-1][2]["per_page"] == "100"
        return (
            (500, {}, json.dumps({"code": "internal_server_error", "message": "memory"})) if large else None
        )

    shop.before = choke
    found = ids(list(connect().pull("orders", None)))
    assert set(map(int, found)) == set(range(1, 151))


def test_a_maintenance_page_is_temporary(shop: WooShop) -> None:
    shop.before = lambda request: (200, {"Content-Type": "text/html"}, "<html>Briefly unavailable</html>")
    with pytest.raises(Temporary, match="web page"):
        list(connect().pull("orders", None))


def test_an_object_instead_of_a_list(shop: WooShop) -> None:
    shop.before = lambda request: (200, {}, '{"code": "odd"}')
    with pytest.raises(Temporary, match="no list"):
        list(connect().pull("products", None))


def test_fetch_tells_gone_from_there(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(1), an_order(2, status="trash")]
    found = {raw.external_id: raw.gone for raw in connect().fetch("orders", ["1", "2", "3", "not-a-number"])}
    assert found == {"1": False, "2": True, "3": True, "not-a-number": True}


def test_fetch_asks_for_fifty_at_once(shop: WooShop) -> None:
    shop.lists["customers"] = [{"id": n} for n in range(1, 121)]
    found = list(connect().fetch("customers", [str(n) for n in range(1, 121)]))
    assert len(found) == 120 and len(shop.calls) == 3


def test_fetch_of_a_missing_route_is_an_error(shop: WooShop) -> None:
    missing = json.dumps({"code": "rest_no_route", "message": "No route"})
    shop.before = lambda request: (404, {}, missing) if "/orders/5" in str(request.url) else None
    with pytest.raises(Permanent, match="no WooCommerce REST API"):
        list(connect().fetch("orders", ["5"]))


def test_drafts_are_not_landed(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(1), an_order(2, status="checkout-draft")]
    assert ids(list(connect().pull("orders", None))) == ["1"]


def test_a_key_that_dies_midway_asks_a_person(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 251)]
    refusal = json.dumps({"code": "woocommerce_rest_cannot_view", "message": "Sorry."})
    shop.before = lambda request: (401, {}, refusal) if len(shop.calls) > 1 else None
    pages = connect().pull("orders", None)
    assert len(next(pages).records) == 100
    with pytest.raises(Misconfigured) as caught:
        next(pages)
    assert caught.value.setting == "key"


def test_listing_is_light_and_without_drafts(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, stamp(n)) for n in range(1, 150)]
    shop.lists["orders"][3]["status"] = "checkout-draft"
    entries = list(connect().listing("orders"))
    assert len(entries) == 148 and entries[0].day_at == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert all(params["_fields"] for _, _, params in shop.calls)


def test_listing_begins_at_a_day(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(n, date_created_gmt=f"2026-01-0{n}T00:00:00") for n in range(1, 6)]
    since = datetime(2026, 1, 3, tzinfo=UTC)
    assert [entry.external_id for entry in connect().listing("orders", since)] == ["3", "4", "5"]
    shop.lists["customers"] = shop.lists["orders"]
    assert [entry.external_id for entry in connect().listing("customers", since)] == ["3", "4", "5"]


def test_check_counts_what_it_reached(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(1)]
    assert connect().check() == "Reached shop.example: 1 orders, 0 customers."


def test_check_names_a_wrong_key(shop: WooShop) -> None:
    refusal = json.dumps(
        {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."}
    )
    shop.before = lambda request: (401, {}, refusal)
    with pytest.raises(Misconfigured, match="you cannot list resources") as caught:
        connect().check()
    assert caught.value.setting == "key" and "wp-json/wc/v3/orders" in str(caught.value)


def test_check_finds_a_dropped_header(shop: WooShop) -> None:
    refusal = json.dumps({"message": "Consumer key is missing."})
    shop.before = lambda request: None if "consumer_key" in str(request.url) else (401, {}, refusal)
    with pytest.raises(Misconfigured, match="drops the Authorization header") as caught:
        connect().check()
    assert caught.value.setting == "sign_in"
    assert connect(sign_in="address").check().startswith("Reached")


def test_check_names_plain_permalinks(shop: WooShop) -> None:
    shop.before = lambda request: (404, {}, "<html>not found</html>")
    with pytest.raises(Misconfigured, match="Permalinks") as caught:
        connect().check()
    assert caught.value.setting == "address"


def test_check_names_an_old_version(shop: WooShop) -> None:
    shop.before = lambda request: (400, {}, '{"code": "rest_invalid_param"}')
    with pytest.raises(Misconfigured, match=r"5\.8"):
        connect().check()


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("shop.example", "https://shop.example/wp-json/wc/v3/"),
        ("https://shop.example/", "https://shop.example/wp-json/wc/v3/"),
        ("https://shop.example/kz/wp-admin/index.php", "https://shop.example/kz/wp-json/wc/v3/"),
        ("https://shop.example/wp-json/wc/v3/orders", "https://shop.example/wp-json/wc/v3/"),
    ],
)
def test_any_address_of_the_shop_will_do(typed: str, base: str) -> None:
    assert connect(address=typed).http.base_url == base
