"""A WooCommerce shop in memory, with the habits of the real one that matter to a reader.

Windows exclude their ends, ties have no order, pages hold a hundred, the trash is in no list of the living.
"""

import copy
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

from connectors.shops.woocommerce import ShopSettings, WooCommerce

ADDRESS = "https://shop.example"
API = f"{ADDRESS}/wp-json/wc/v3/"
Answer = tuple[int, dict[str, str], str]


class WooShop:
    """Lists by name; `before` is called with each request and may change the shop or answer instead."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {
            n: [] for n in ("customers", "orders", "products", "webhooks")
        }
        self.refunds: dict[int, list[dict[str, Any]]] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.before: Callable[[PreparedRequest], Answer | None] = lambda request: None
        self.totals = True

    def open(self, mocked: responses.RequestsMock) -> None:
        for method in ("GET", "POST"):
            mocked.add_callback(method, re.compile(re.escape(API) + ".*"), callback=self.answer)

    def answer(self, request: PreparedRequest) -> Answer:
        parts = urlsplit(request.url or "")
        path = parts.path.partition("/wc/v3/")[2]
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append((str(request.method), path, params))
        if special := self.before(request):
            return special
        if path == "webhooks/batch":
            return self._batch(json.loads(request.body or b"{}"))
        name, _, rest = path.partition("/")
        if rest.endswith("/refunds"):
            return _json(self.refunds.get(int(rest.split("/")[0]), []))
        if rest:
            found = [row for row in self.lists[name] if str(row["id"]) == rest]
            gone = {"code": "woocommerce_rest_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}
            return _json(found[0]) if found else _json(gone, 404)
        return self._list(name, params)

    def _list(self, name: str, params: dict[str, str]) -> Answer:
        rows = [row for row in self.lists[name] if _listed(name, row, params)]
        if name != "webhooks" and params.get("orderby") == "modified":
            rows.sort(key=lambda row: (row["date_modified_gmt"], -row["id"]))  # ties: not the order of ids
        else:
            rows.sort(key=lambda row: int(row["id"]))
        start, size = int(params.get("offset", 0)), int(params.get("per_page", 10))
        headers = {"X-WP-Total": str(len(rows))} if self.totals else {}
        page = copy.deepcopy(rows[start : start + size])
        if fields := params.get("_fields"):
            page = [{f: row[f] for f in fields.split(",") if f in row} for row in page]
        return 200, headers, json.dumps(page)

    def _batch(self, body: dict[str, list[dict[str, Any]]]) -> Answer:
        hooks = self.lists["webhooks"]
        for made in body.get("create", []):
            hooks.append({"id": len(hooks) + 1, **made})
        for changed in body.get("update", []):
            next(hook for hook in hooks if hook["id"] == changed["id"]).update(changed)
        return _json({"create": body.get("create", []), "update": body.get("update", [])})


def connect(**settings: Any) -> WooCommerce:
    """A connector of the shop that doesn't wait between calls."""
    chosen = ShopSettings(**{"address": ADDRESS, "key": "ck_1", "secret": "cs_1", **settings})
    return WooCommerce(chosen, WooCommerce.make_http(chosen, per_second=None, sleep=lambda seconds: None))


def an_order(number: int, modified: str = "2026-01-01T10:00:00", **fields: Any) -> dict[str, Any]:
    """A paid order as REST v3 gives it."""
    return {
        "id": number, "number": str(number), "status": "processing", "currency": "KZT", "total": "1120.00",
        "total_tax": "120.00", "discount_total": "0.00", "shipping_total": "0.00", "customer_id": 7,
        "date_created_gmt": "2026-01-01T09:00:00", "date_modified_gmt": modified,
        "date_paid_gmt": "2026-01-01T09:01:00", "refunds": [],
        "billing": {
            "first_name": "Anna", "last_name": "Ivanova", "email": "anna@example.kz", "country": "KZ",
        },
        "line_items": [
            {"id": 1, "name": "Tea", "product_id": 3, "quantity": 2, "sku": "T-1", "price": 500,
             "subtotal": "1000.00", "subtotal_tax": "120.00", "total": "1000.00", "total_tax": "120.00"},
        ],
        **fields,
    }  # fmt: skip


def _listed(name: str, row: dict[str, Any], params: dict[str, str]) -> bool:
    if name in ("customers", "webhooks"):
        wanted = params.get("include")
        return wanted is None or str(row["id"]) in wanted.split(",")
    state = params.get("status", "any")
    if (row["status"] != state) if state != "any" else row["status"] in ("trash", "auto-draft"):
        return False
    if "include" in params and str(row["id"]) not in params["include"].split(","):
        return False
    at = row["date_modified_gmt"]
    after, before = params.get("modified_after", ""), params.get("modified_before", "9999")
    return after < at < before and params.get("after", "") < row["date_created_gmt"]


def _json(thing: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(thing)
