"""The invented shop on loopback: a small server that answers the WooCommerce REST v3 API from memory.

It keeps the habits that matter to a connector: pages by number with totals in headers, change filters for
orders and products but not for customers, webhooks that are signed, never retried, and switched off after
five failures in a row.
"""

import base64
import binascii
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.clock import now
from kartoteka.demo.company import CURRENCY, Company, Purchase, Thing, times
from kartoteka.demo.hooks import Hooks

KEY, SECRET = "ck_demo", "cs_demo"
PREFIX = "/wp-json/wc/v3"


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON as the shop sends it."""
    return Response(msgspec.json.encode(value), status, headers, "application/json; charset=UTF-8")


def refusal(code: str, message: str, status: int) -> Response:
    """An error in the shop's own form."""
    return answer({"code": code, "message": message, "data": {"status": status}}, status)


class KeyCheck:
    """Lets in who brings the consumer key: Basic, or in the query as over plain HTTP."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 in the shop's own words without the key."""
        if scope["type"] == "http" and not self.allowed(Request(scope)):
            text = "Consumer key is missing or wrong."
            await refusal("woocommerce_rest_authentication_error", text, 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    def allowed(request: Request) -> bool:
        """Whether the request carries the demo shop's key in one of the three ways."""
        query = request.query_params
        if query.get("oauth_consumer_key") == KEY:
            return True
        if (query.get("consumer_key"), query.get("consumer_secret")) == (KEY, SECRET):
            return True
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            return scheme.lower() == "basic" and base64.b64decode(value) == f"{KEY}:{SECRET}".encode()
        except binascii.Error:
            return False


class Shop:
    """The shop: a company, its webhooks, and one lock around both."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.hooks = Hooks()
        self.lock = threading.RLock()
        self.removed_orders: set[int] = set()

    def touch(self, resource: str, event: str, thing: Thing) -> None:
        """Note a change now and tell the webhooks."""
        thing.update(times("date_modified", now()))
        self.hooks.tell(resource, event, thing)

    def place_order(self, state: str = "processing", bought: Purchase | None = None) -> Thing:
        """Somebody buys something at this moment."""
        with self.lock:
            self.company.today = now().replace(microsecond=0)
            number = max(self.company.orders, default=10_000) + 1
            order = self.company.orders[number] = self.company.order(
                number, self.company.today, state, bought
            )
            self.touch("order", "created", order)
            return order

    def move_order(self, number: int, state: str) -> Thing:
        """The shop's staff moves an order on."""
        with self.lock:
            order = self.company.orders[number]
            order["status"] = state
            if state == "completed":
                order.update(times("date_completed", now()))
            if state == "refunded":
                order["refunds"] = self.company.refund(number, float(order["total"]), now())
            self.touch("order", "updated", order)
            return order

    def remove_order(self, number: int) -> None:
        """An order is deleted for good; all the webhook says is its id."""
        with self.lock:
            del self.company.orders[number]
            self.hooks.tell("order", "deleted", {"id": number})

    def change_customer(self, number: int, **fields: str) -> Thing:
        """An account holder edits their own data."""
        with self.lock:
            customer = self.company.customers[number]
            customer.update(fields)
            self.touch("customer", "updated", customer)
            return customer

    # -- the API -------------------------------------------------------------------------------------

    def listing(self, request: Request) -> Response:
        """One page of orders, customers or products."""
        with self.lock:
            kind = request.path_params["kind"]
            things = list(getattr(self.company, kind).values())
            query = request.query_params
            for name, field, later in (
                ("modified_after", "date_modified_gmt", True),
                ("modified_before", "date_modified_gmt", False),
                ("after", "date_created_gmt", True),
                ("before", "date_created_gmt", False),
            ):
                if (limit := query.get(name)) and not (kind == "customers" and name.startswith("modified")):
                    edge = limit.removesuffix("Z").removesuffix("+00:00")[:19]
                    things = [one for one in things if (one[field] > edge if later else one[field] < edge)]
            if wanted := query.get("include"):
                ids = {int(part) for part in wanted.split(",") if part.isdigit()}
                things = [one for one in things if one["id"] in ids]
            if kind != "customers" and (state := query.get("status", "any")) != "any":
                things = [one for one in things if one["status"] == state]
            if email := query.get("email"):
                things = [one for one in things if one["email"].lower() == email.lower()]
            return self.page(
                request, sorted(things, key=self.order_by(request), reverse=self.newest(request))
            )

    @staticmethod
    def newest(request: Request) -> bool:
        """Lists come newest first unless asked otherwise."""
        return request.query_params.get("order", "desc") == "desc"

    @staticmethod
    def order_by(request: Request) -> Any:
        """The sort key the query names."""
        field = {"modified": "date_modified_gmt", "date": "date_created_gmt"}.get(
            request.query_params.get("orderby", "date"), "id"
        )
        return lambda one: (one[field], one["id"])

    def page(self, request: Request, things: list[Thing]) -> Response:
        """Cut a page by number and say in headers how many there are."""
        query = request.query_params
        size = min(100, max(1, int(query.get("per_page", "10"))))
        number = max(1, int(query.get("page", "1")))
        start = int(query["offset"]) if "offset" in query else (number - 1) * size
        chosen = things[start : start + size]
        if fields := query.get("_fields"):
            names = fields.split(",")
            chosen = [{name: one[name] for name in names if name in one} for one in chosen]
        pages = -(-len(things) // size)
        headers = {"X-WP-Total": str(len(things)), "X-WP-TotalPages": str(pages)}
        if start + size < len(things):
            following = request.url.include_query_params(page=number + 1)
            headers["Link"] = f'<{following}>; rel="next"'
        return answer(chosen, headers=headers)

    def single(self, request: Request) -> Response:
        """One order, customer or product."""
        with self.lock:
            kind, number = request.path_params["kind"], request.path_params["number"]
            thing = getattr(self.company, kind).get(number)
            if thing is None:
                return refusal(f"woocommerce_rest_{kind[:-1]}_invalid_id", "Invalid ID.", 404)
            return answer(thing)

    def refunds(self, request: Request) -> Response:
        """The refunds of an order, amounts positive."""
        with self.lock:
            return self.page(request, self.company.refunds.get(request.path_params["number"], []))

    def status(self, request: Request) -> Response:
        """What a connection test reads."""
        environment = {"home_url": str(request.base_url), "version": "10.7.0", "wp_version": "6.8"}
        return answer({"environment": environment, "settings": {"currency": CURRENCY}})

    async def webhooks(self, request: Request) -> Response:
        """List the webhooks, or add one; a new one gets its unsigned ping."""
        if request.method == "GET":
            return self.page(request, self.hooks.shown())
        return answer(self.hooks.add(await request.json()), 201)

    async def webhook_batch(self, request: Request) -> Response:
        """Create, change and remove several webhooks in one request."""
        wanted = await request.json()
        made = [self.hooks.add(one) for one in wanted.get("create", [])]
        changed = [self.hooks.change(int(one["id"]), one, remove=False) for one in wanted.get("update", [])]
        gone = [self.hooks.change(int(one), None, remove=True) for one in wanted.get("delete", [])]
        return answer({"create": made, "update": changed, "delete": gone})

    async def webhook(self, request: Request) -> Response:
        """Read, change or remove one webhook."""
        body = await request.json() if request.method in ("PUT", "POST") else None
        hook = self.hooks.change(request.path_params["number"], body, remove=request.method == "DELETE")
        if hook is None:
            return refusal("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
        return answer(hook)

    def app(self, more: Sequence[BaseRoute] = ()) -> Starlette:
        """The ASGI application of the shop: its API, and what else it serves."""
        api = [
            Route("/system_status", self.status),
            Route("/webhooks", self.webhooks, methods=["GET", "POST"]),
            Route("/webhooks/batch", self.webhook_batch, methods=["POST", "PUT"]),
            Route("/webhooks/{number:int}", self.webhook, methods=["GET", "PUT", "POST", "DELETE"]),
            Route("/orders/{number:int}/refunds", self.refunds),
            Route("/{kind:str}", self.listing),
            Route("/{kind:str}/{number:int}", self.single),
        ]
        return Starlette(routes=[Mount(PREFIX, routes=api, middleware=[Middleware(KeyCheck)]), *more])
