"""Everything the invented shop knows, as its REST API answers it: customers, goods, orders, refunds."""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from foundation.clock import now
from kartoteka.demo.names import GOODS, RATES
from kartoteka.demo.people import Human, careless, crowd, person

Thing = dict[str, Any]

CURRENCY = "KZT"  # of the price list
DEVICE = "_kartoteka_device"  # under which an order keeps the browser that it came from
STATES = ("completed", "processing", "on-hold", "pending", "cancelled", "refunded", "failed")
STATE_WEIGHTS = (73, 9, 3, 3, 8, 1, 3)


class Purchase(NamedTuple):
    """What somebody buys in the storefront, paid in the shop's own currency."""

    account: int  # 0: a guest
    human: Human
    goods: Mapping[int, int]  # product -> pieces
    device: str = ""


def stamp(at: datetime) -> str:
    """An instant the way the shop writes it: whole seconds, no zone."""
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def times(name: str, at: datetime | None) -> Thing:
    """Both fields the shop has for an instant; its own zone is five hours ahead of UTC."""
    if at is None:
        return {name: None, f"{name}_gmt": None}
    return {name: stamp(at + timedelta(hours=5)), f"{name}_gmt": stamp(at)}


def postal(human: Human, *, contact: bool) -> Thing:
    """A billing address (with `contact`) or a shipping address."""
    address: Thing = {
        "first_name": human.given,
        "last_name": human.family,
        "company": human.company,
        "address_1": human.street,
        "address_2": "",
        "city": human.city,
        "state": "",
        "postcode": human.postcode,
        "country": human.country.code,
    }
    return {**address, "email": human.email, "phone": human.phone} if contact else address


def note_of(device: str) -> list[Thing]:
    """What an order's metadata says of the browser that it came from."""
    return [{"id": 1, "key": DEVICE, "value": device}] if device else []


def shipping_of(goods: float, currency: str) -> float:
    """What the courier costs; nothing for a large order."""
    return 0.0 if goods > 20_000 * RATES[currency] else round(1500 * RATES[currency], 2)


class Company:
    """The shop's memory. Everything follows from the seed, so two demos show the same people."""

    def __init__(self, people: int = 3000, orders: int = 7000, seed: int = 20260101) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - invented people, not secrets
        self.today = now().replace(microsecond=0)
        self.humans = crowd(people, self.dice)
        self.products = {index: self.product(index, *good) for index, good in enumerate(GOODS, 1)}
        self.customers = {index: self.customer(index, human) for index, human in enumerate(self.humans, 1)}
        self.guests = [person(self.dice) for _ in range(max(1, people // 4))]
        self.orders: dict[int, Thing] = {}
        self.refunds: dict[int, list[Thing]] = {}
        moments = sorted(self.past(900) for _ in range(orders))
        for number, placed in enumerate(moments, 10_001):
            order = self.orders[number] = self.order(number, placed)
            if number % 5 == 0 and self.today - placed < timedelta(days=14):
                account = order["customer_id"]
                order["meta_data"] = note_of(f"account-{account}" if account else f"guest-{number}")

    def past(self, days: float) -> datetime:
        """An instant in the last days; the nearer the likelier, for a shop that grows."""
        return self.today - timedelta(seconds=int(days * 86_400 * self.dice.random() ** 1.6) + 60)

    def product(self, number: int, category: str, name: str, price: int) -> Thing:
        """One item of the price list, in tenge."""
        made = self.today - timedelta(days=950)
        return {
            "id": number, "name": name, "slug": f"item-{number}", "type": "simple",
            "status": "publish", "sku": f"{category[:3].upper()}-{number:03}", "price": str(price),
            "regular_price": str(price), "sale_price": "", "permalink": f"https://shop.example/p/{number}",
            "stock_quantity": self.dice.randrange(0, 400), "manage_stock": True, "stock_status": "instock",
            "categories": [{"id": 1, "name": category, "slug": category.lower()}], "images": [],
            "variations": [], "meta_data": [], **times("date_created", made), **times("date_modified", made),
        }  # fmt: skip

    def customer(self, number: int, human: Human) -> Thing:
        """An account of the shop."""
        made = self.past(950)
        return {
            "id": number, "email": human.email, "first_name": human.given, "last_name": human.family,
            "role": "customer", "username": f"customer-{number}", "is_paying_customer": True,
            "billing": postal(human, contact=True), "shipping": postal(human, contact=False),
            "avatar_url": "", "meta_data": [],
            **times("date_created", made), **times("date_modified", made),
        }  # fmt: skip

    def buyer(self) -> tuple[int, Human]:
        """Who places the next order: an account, an account holder not signed in, or a stranger."""
        draw = self.dice.random()
        if draw < 0.66:
            number = 1 + int(len(self.humans) * self.dice.random() ** 1.7)
            return number, self.humans[number - 1]
        if draw < 0.84:
            return 0, careless(self.dice.choice(self.humans), self.dice)
        return 0, careless(self.dice.choice(self.guests), self.dice)

    def basket(self) -> dict[int, int]:
        """What somebody may put into one order."""
        chosen = self.dice.sample(
            sorted(self.products), self.dice.choices((1, 2, 3, 4, 6), (38, 30, 18, 9, 5))[0]
        )
        return {number: self.dice.choices((1, 2, 3, 5), (70, 20, 7, 3))[0] for number in chosen}

    def lines(self, goods: Mapping[int, int], currency: str) -> Iterator[Thing]:
        """The lines of one order, priced in its currency."""
        for position, (number, count) in enumerate(goods.items(), 1):
            product = self.products[number]
            price = round(int(product["price"]) * RATES[currency], 0 if currency == "KRW" else 2)
            total = f"{price * count:.2f}"
            yield {
                "id": position, "name": product["name"], "product_id": number, "variation_id": 0,
                "quantity": count, "tax_class": "", "subtotal": total, "subtotal_tax": "0.00", "total": total,
                "total_tax": "0.00", "taxes": [], "meta_data": [], "sku": product["sku"], "price": price,
            }  # fmt: skip

    def bought(self) -> tuple[Purchase, str]:
        """What the next order is, and the currency of it."""
        account, human = self.buyer()
        return Purchase(account, human, self.basket()), human.country.currency

    def order(
        self, number: int, placed: datetime, state: str | None = None, bought: Purchase | None = None
    ) -> Thing:
        """One order with its lines, shipping, and what became of it; invented unless `bought` says it."""
        (account, human, chosen, device), currency = (bought, CURRENCY) if bought else self.bought()
        lines = list(self.lines(chosen, currency))
        goods = sum(float(line["total"]) for line in lines)
        shipping = shipping_of(goods, currency)
        old = self.today - placed > timedelta(days=14)
        state = state or (
            self.dice.choices(STATES, STATE_WEIGHTS)[0] if old else self.dice.choice(STATES[:4])
        )
        paid = (
            min(placed + timedelta(minutes=3), self.today)
            if state in ("completed", "processing", "refunded")
            else None
        )
        done = placed + timedelta(days=4) if state in ("completed", "refunded") and old else None
        changed = max(placed, paid or placed, done or placed)
        refund = goods + shipping if state == "refunded" else 0.0
        return {
            "id": number, "parent_id": 0, "number": str(number), "order_key": f"wc_order_{number:x}",
            "created_via": "checkout", "version": "10.7.0", "status": state, "currency": currency,
            "prices_include_tax": True, "discount_total": "0.00", "discount_tax": "0.00",
            "shipping_total": f"{shipping:.2f}", "shipping_tax": "0.00", "cart_tax": "0.00",
            "total": f"{goods + shipping:.2f}", "total_tax": "0.00", "customer_id": account,
            "customer_ip_address": "", "customer_note": "", "billing": postal(human, contact=True),
            "shipping": postal(human, contact=False), "payment_method": "card",
            "payment_method_title": "Card", "transaction_id": "", "meta_data": note_of(device),
            "line_items": lines, "tax_lines": [], "fee_lines": [],
            "shipping_lines": [{"id": 1, "method_title": "Courier", "method_id": "flat_rate",
                                "total": f"{shipping:.2f}", "total_tax": "0.00", "taxes": []}],
            "coupon_lines": [], "refunds": self.refund(number, refund, changed),
            **times("date_created", placed), **times("date_modified", changed),
            **times("date_paid", paid), **times("date_completed", done),
        }  # fmt: skip

    def refund(self, number: int, amount: float, at: datetime) -> list[Thing]:
        """The refund of an order: negative in the order, positive where refunds are listed."""
        if not amount:
            return []
        total = f"{amount:.2f}"
        self.refunds[number] = [
            {"id": 900_000 + number, "parent_id": number, "amount": total, "reason": "Returned",
             "refunded_by": 1, "refunded_payment": False, "meta_data": [], "line_items": [],
             "shipping_lines": [], "tax_lines": [], "fee_lines": [], **times("date_created", at)},
        ]  # fmt: skip
        return [{"id": 900_000 + number, "reason": "Returned", "total": f"-{total}"}]
