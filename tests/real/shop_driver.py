"""Fills a real Vendure shop through its own APIs, as staff and buyers would: registered customers, guests,
orders, refunds, cancellations, edits and deletions. Used by the real-server tests and by the main bar."""

import itertools
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

FAIL = "__typename ... on ErrorResult { errorCode message }"
ORDER = "__typename ... on Order { id code totalWithTax state } ... on ErrorResult { errorCode message }"

NAMES = [
    ("Ayşe", "Yılmaz", "TR", "+90 532 1{:06d}"), ("Иван", "Петров", "KZ", "+7 701 1{:06d}"),
    ("민준", "김", "KR", "+82 10 2{:07d}"), ("Jürgen", "Müller", "DE", "+49 151 2{:07d}"),
    ("Айгүл", "Серікова", "KZ", "+7 702 2{:06d}"), ("Emre", "Şahin", "TR", "+90 533 3{:06d}"),
]  # fmt: skip


LOG_IN = f'mutation($e: String!) {{ login(username: $e, password: "secret1") {{ {FAIL} }} }}'
CUSTOMER = (
    'mutation($i: CreateCustomerInput!) { createCustomer(input: $i, password: "secret1") '
    f"{{ ... on Customer {{ id }} {FAIL} }} }}"
)
ADDRESS = (
    "mutation($c: ID!, $i: CreateAddressInput!) { createCustomerAddress(customerId: $c, input: $i) { id } }"
)
LINES = "query($i: ID!) { order(id: $i) { lines { id quantity } payments { id amount } } }"
FULFIL = (
    "mutation($i: FulfillOrderInput!) { addFulfillmentToOrder(input: $i) "
    f"{{ ... on Fulfillment {{ id }} {FAIL} }} }}"
)
MOVE_PARCEL = (
    "mutation($i: ID!, $s: String!) { transitionFulfillmentToState(id: $i, state: $s) "
    f"{{ ... on Fulfillment {{ id }} {FAIL} }} }}"
)
REFUND = (
    f"mutation($i: RefundOrderInput!) {{ refundOrder(input: $i) {{ ... on Refund {{ id state }} {FAIL} }} }}"
)
SETTLE = (
    "mutation($i: SettleRefundInput!) { settleRefund(input: $i) "
    f"{{ ... on Refund {{ id state }} {FAIL} }} }}"
)
CANCEL = (
    f"mutation($i: CancelOrderInput!) {{ cancelOrder(input: $i) {{ ... on Order {{ id state }} {FAIL} }} }}"
)
EDIT = (
    "mutation($i: UpdateCustomerInput!) { updateCustomer(input: $i) "
    f"{{ ... on Customer {{ id }} {FAIL} }} }}"
)
EDIT_ADDRESS = "mutation($i: UpdateAddressInput!) { updateCustomerAddress(input: $i) { id } }"

_DECLARED = {"who": "$who: CreateCustomerInput!", "where": "$where: CreateAddressInput!"}


def _add(name: str, line: tuple[str, int]) -> str:
    return f"{name}: addItemToOrder(productVariantId: {line[0]}, quantity: {line[1]}) {{ {ORDER} }}"


class ShopError(Exception):
    """The shop said no."""


class Api:
    """One session of one of the shop's two APIs."""

    def __init__(self, base: str, path: str, headers: dict[str, str] | None = None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers or {})
        self._url = f"{base}/{path}"

    def __call__(self, query: str, **variables: Any) -> Any:
        answer = self._session.post(self._url, json={"query": query, "variables": variables}, timeout=60)
        said = answer.json()
        if said.get("errors"):
            raise ShopError(str(said["errors"]))
        if token := answer.headers.get("vendure-auth-token"):
            self._session.headers["Authorization"] = f"Bearer {token}"
        for value in said["data"].values():
            if isinstance(value, dict) and value.get("errorCode"):
                raise ShopError(f"{value['errorCode']}: {value['message']}")
        return said["data"]

    def close(self) -> None:
        self._session.close()


@dataclass
class Buyer:
    """A registered customer, or a guest (no id until the first order)."""

    given: str
    family: str
    email: str
    phone: str
    country: str
    id: str = ""

    @property
    def who(self) -> dict[str, Any]:
        return {
            "firstName": self.given, "lastName": self.family,
            "emailAddress": self.email, "phoneNumber": self.phone,
        }  # fmt: skip

    @property
    def address(self) -> dict[str, Any]:
        return {
            "fullName": f"{self.given} {self.family}", "streetLine1": f"Street {self.email[:12]}",
            "city": "Ankara", "postalCode": "06000", "countryCode": self.country, "phoneNumber": self.phone,
        }  # fmt: skip


@dataclass
class Placed:
    """An order as the shop answered it when it was placed."""

    id: str
    code: str
    total: int
    buyer: Buyer
    guest: bool


@dataclass
class Filled:
    """What `Driver.fill` made."""

    buyers: list[Buyer] = field(default_factory=list)
    orders: list[Placed] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    shipped: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Truth:
    """The shop's own books: customers as (e-mail, family name, guest), orders as (code, state, total, given
    back), money in minor units."""

    customers: dict[str, tuple[str, str, bool]]
    orders: dict[str, tuple[str, str, int, int]]


def _back(order: Any) -> int:
    refunds = (refund for payment in order["payments"] for refund in payment["refunds"])
    return sum(refund["total"] for refund in refunds if refund["state"] == "Settled")


class Driver:
    """Acts on a shop started by start-vendure.sh; `info` is what that printed. Safe from several threads."""

    def __init__(self, info: dict[str, str], seed: int = 1, threads: int = 4) -> None:
        self.info = info
        self.random = random.Random(seed)
        self.threads = threads
        self._admins = threading.local()
        self._number = itertools.count(1)
        self._run = f"{seed:04d}"
        with self.session() as shop:
            products = shop("{ products { items { variants { id } } } }")["products"]["items"]
        self.variants = [variant["id"] for product in products for variant in product["variants"]]
        self.shipping = ""

    @contextmanager
    def session(self, path: str = "shop-api") -> Iterator[Api]:
        api = Api(self.info["base"], path)
        try:
            yield api
        finally:
            api.close()

    def admin(self, query: str, **variables: Any) -> Any:
        """A call of the Admin API (one session per thread; the key would cost 0.2 s of bcrypt a call)."""
        if not hasattr(self._admins, "api"):
            self._admins.api = Api(self.info["base"], "admin-api")
            self._admins.api(
                f"mutation($u: String!, $p: String!) {{ login(username: $u, password: $p) {{ {FAIL} }} }}",
                u=self.info["username"], p=self.info["password"],
            )  # fmt: skip
        return self._admins.api(query, **variables)

    def person(self) -> Buyer:
        """An invented person nobody else has."""
        n = next(self._number)
        given, family, country, phone = NAMES[n % len(NAMES)]
        return Buyer(given, family, f"p{self._run}x{n}@example.org", phone.format(n), country)

    def register(self, buyer: Buyer) -> Buyer:
        """Staff create the customer with an address."""
        buyer.id = self.admin(CUSTOMER, i=buyer.who)["createCustomer"]["id"]
        self.admin(ADDRESS, c=buyer.id, i={**buyer.address, "defaultShippingAddress": True})
        return buyer

    def order(
        self, buyer: Buyer, lines: Iterable[tuple[str, int]], coupon: str = "", pay: bool = True
    ) -> Placed:
        """The buyer (a guest when they have no id) fills a cart and, unless `pay` is off, pays.

        Everything after the first line is one request: mutations of a document run in order.
        """
        guest = not buyer.id
        first, *others = lines
        with self.session() as shop:
            if not guest:
                shop(LOG_IN, e=buyer.email)
            last = shop(f"mutation {{ {_add('line', first)} }}")["line"]
            steps = [_add(f"line{n}", line) for n, line in enumerate(others)]
            if guest:
                steps.append(f"setCustomerForOrder(input: $who) {{ {FAIL} }}")
            if coupon:
                steps.append(f'applyCouponCode(couponCode: "{coupon}") {{ {FAIL} }}')
            if pay:
                steps += self._check_out(shop)
            if steps:
                said = self._steps(shop, steps, who=buyer.who, where=buyer.address)
                last = next((thing for thing in reversed(said.values()) if "totalWithTax" in thing), last)
            return Placed(last["id"], last["code"], last["totalWithTax"], buyer, guest)

    def _steps(self, shop: Api, steps: list[str], **known: Any) -> Any:
        body = " ".join(steps)
        used = [name for name in known if f"${name}" in body]
        declared = f"({', '.join(_DECLARED[name] for name in used)})" if used else ""
        return shop(f"mutation{declared} {{ {body} }}", **{name: known[name] for name in used})

    def _check_out(self, shop: Api) -> list[str]:
        if not self.shipping:
            self.shipping = shop("{ eligibleShippingMethods { id } }")["eligibleShippingMethods"][0]["id"]
        return [
            f"setOrderShippingAddress(input: $where) {{ {FAIL} }}",
            f"setOrderShippingMethod(shippingMethodId: [{self.shipping}]) {{ {FAIL} }}",
            f'transitionOrderToState(state: "ArrangingPayment") {{ {FAIL} }}',
            f'addPaymentToOrder(input: {{ method: "dummy", metadata: {{}} }}) {{ {ORDER} }}',
        ]

    def ship(self, order_id: str, deliver: bool = False) -> None:
        """Staff ship everything of an order, and deliver it when asked."""
        lines = self.admin(LINES, i=order_id)["order"]["lines"]
        words = {"method": "Post", "trackingCode": f"TRACK-{order_id}"}
        handler = {
            "code": "manual-fulfillment",
            "arguments": [{"name": name, "value": value} for name, value in words.items()],
        }
        parts = [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in lines]
        made = self.admin(FULFIL, i={"lines": parts, "handler": handler})["addFulfillmentToOrder"]
        for state in ("Shipped", "Delivered")[: 2 if deliver else 1]:
            self.admin(MOVE_PARCEL, i=made["id"], s=state)

    def refund(self, order_id: str, amount: int | None = None) -> int:
        """Staff give money back (all of it when no amount is named) and mark it settled; answers how much."""
        payment = self.admin(LINES, i=order_id)["order"]["payments"][0]
        amount = payment["amount"] if amount is None else amount
        wish = {"paymentId": payment["id"], "amount": amount, "lines": [], "shipping": 0, "adjustment": 0}
        made = self.admin(REFUND, i={**wish, "reason": "changed mind"})["refundOrder"]
        if made["state"] != "Settled":
            self.admin(SETTLE, i={"id": made["id"], "transactionId": f"back-{made['id']}"})
        return amount

    def cancel(self, order_id: str) -> None:
        """Staff cancel an order."""
        self.admin(CANCEL, i={"orderId": order_id, "reason": "out of stock"})

    def edit_customer(self, customer_id: str, **changes: str) -> None:
        """Staff change fields of a customer."""
        self.admin(EDIT, i={"id": customer_id, **changes})

    def edit_address(self, customer_id: str, **changes: str) -> None:
        """Staff change the first address of a customer (which does not move the customer's change time)."""
        query = "query($i: ID!) { customer(id: $i) { addresses { id } } }"
        first = self.admin(query, i=customer_id)["customer"]["addresses"][0]
        self.admin(EDIT_ADDRESS, i={"id": first["id"], **changes})

    def delete_customer(self, customer_id: str) -> None:
        """Staff delete a customer."""
        self.admin("mutation($i: ID!) { deleteCustomer(id: $i) { result message } }", i=customer_id)

    def truth(self) -> Truth:
        """What the shop itself says it holds, asked without our connector (while nobody changes anything)."""
        customers = self._all("customers", "", "id emailAddress lastName user { id }")
        orders = self._all(
            "orders", "filter: { active: { eq: false }, orderPlacedAt: { isNull: false } }",
            "id code state totalWithTax customer { id } payments { refunds { state total } }",
        )  # fmt: skip
        return Truth(
            {one["id"]: (one["emailAddress"], one["lastName"], one["user"] is None) for one in customers},
            {one["id"]: (one["code"], one["state"], one["totalWithTax"], _back(one)) for one in orders},
        )

    def _all(self, name: str, rule: str, fields: str) -> list[Any]:
        found: list[Any] = []
        while True:
            options = f"options: {{ take: 500, skip: {len(found)}, sort: {{ id: ASC }} {rule} }}"
            page = self.admin(f"{{ page: {name}({options}) {{ totalItems items {{ {fields} }} }} }}")["page"]
            found += page["items"]
            if len(found) >= page["totalItems"] or not page["items"]:
                return found

    def each(self, act: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        """Do something with each thing, in parallel sessions; results in order."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(act, things))

    def fill(
        self, customers: int = 300, orders: int = 1000, *, guests: float = 0.3, refunds: float = 0.05,
        cancellations: float = 0.04, shipments: float = 0.2, edits: float = 0.1, deletions: int = 5,
    ) -> Filled:  # fmt: skip
        """Customers and orders in these numbers, then what happens to them later (shares of each)."""
        made = Filled()
        made.buyers = self.each(self.register, [self.person() for _ in range(customers)])
        plans: dict[str, list[Any]] = {}
        for plan in (self._plan(made.buyers, guests) for _ in range(orders)):
            plans.setdefault(plan[0].email, []).append(plan)
        # one buyer's sessions share one cart in this shop, so a buyer orders one by one
        placed = self.each(lambda own: [self.order(*plan) for plan in own], plans.values())
        made.orders = [order for own in placed for order in own]
        ids = [order.id for order in made.orders]
        self.random.shuffle(ids)
        cuts = [int(orders * share) for share in (refunds, cancellations, shipments)]
        made.refunded = ids[: cuts[0]]
        made.cancelled = ids[cuts[0] : cuts[0] + cuts[1]]
        made.shipped = ids[cuts[0] + cuts[1] : sum(cuts)]
        self.each(self.refund, made.refunded)
        self.each(self.cancel, made.cancelled)
        self.each(lambda order_id: self.ship(order_id, deliver=int(order_id) % 2 == 0), made.shipped)
        chosen = self.random.sample([buyer.id for buyer in made.buyers], int(customers * edits) + deletions)
        made.deleted, made.edited = chosen[:deletions], chosen[deletions:]
        self.each(lambda one: self.edit_customer(one, lastName=f"Edited {one}"), made.edited)
        self.each(self.delete_customer, made.deleted)
        return made

    def _plan(self, buyers: list[Buyer], guests: float) -> tuple[Buyer, list[tuple[str, int]], str]:
        buyer = self.person() if self.random.random() < guests else self.random.choice(buyers)
        lines = self.random.sample(self.variants, self.random.randint(1, min(3, len(self.variants))))
        coupon = "WELCOME10" if self.random.random() < 0.1 else ""
        return buyer, [(variant, self.random.randint(1, 3)) for variant in lines], coupon
