"""How people move through the invented shop: where they come from, what they look at, how it ends."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.demo.company import CURRENCY, Thing
from kartoteka.demo.hub import Hub, Message
from kartoteka.demo.people import Human

ARRIVALS = (
    # how many of a hundred, what stands in the address, who sent them
    (25, "", ""),
    (17, "", "https://www.google.com/"),
    (7, "", "https://yandex.ru/"),
    (
        11,
        "utm_source=google&utm_medium=cpc&utm_campaign=tea-for-two&gclid={click}",
        "https://www.google.com/",
    ),
    (7, "utm_source=yandex&utm_medium=cpc&utm_campaign=ceramics&yclid={click}", "https://yandex.ru/"),
    (10, "utm_source=instagram&utm_medium=social&utm_campaign=autumn-table", "https://l.instagram.com/"),
    (5, "fbclid={click}", "https://l.facebook.com/"),
    (8, "utm_source=newsletter&utm_medium=email&utm_campaign=friday-letter", ""),
    (4, "", "https://t.me/"),
    (3, "", "https://www.naver.com/"),
    (3, "", "https://teahouse-notes.example/bowls"),
)
# what visits come to, of a hundred: gone at once, looked, cart or checkout left, signed in, letter, order
AIMS = {"leave": 18, "look": 36, "fill": 14, "check": 7, "sign": 12, "join": 7, "buy": 6}
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0"
AGENTS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
)
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # set aside for examples
LANGUAGES = ("ru-RU", "kk-KZ", "en-GB", "tr-TR", "ko-KR")
Buy = Callable[["Visitor", dict[int, int]], Thing]


@dataclass
class Visitor:
    """A browser, and who sits at it if they have ever said so."""

    device: str
    agent: str
    ip: str
    locale: str
    customer: Thing | None = None
    guest: Human | None = None

    def __post_init__(self) -> None:
        self.user = ""


def new_visitor(dice: random.Random, device: str = "", *, crawler: bool = False) -> Visitor:
    """A browser nobody has seen before."""
    return Visitor(
        device or f"n{dice.getrandbits(60)}",
        dice.choice(CRAWLERS if crawler else AGENTS),
        f"{dice.choice(NETWORKS)}.{dice.randrange(1, 255)}",
        dice.choice(LANGUAGES),
    )


class Visit:
    """One visit, told message by message; nothing of it happens before the next one is asked for."""

    def __init__(self, hub: Hub, products: Sequence[Thing], visitor: Visitor, dice: random.Random) -> None:
        self.hub, self.products, self.visitor, self.dice = hub, products, visitor, dice
        self.url, self.title, self.referrer = "", "", ""
        self.wanted: dict[int, int] = {}  # what they came for; empty: whatever they like
        self.cart: dict[int, int] = {}

    def messages(self, aim: str, buy: Buy) -> Iterator[Message]:
        """A visit that comes to what `aim` says; `buy` places the order at its end."""
        yield from self.arrive()
        if aim == "leave":
            return
        yield from self.look(self.dice.randrange(1, 4))
        if aim == "join":
            yield from self.join()
        if aim in ("sign", "buy") or self.dice.random() < 0.5:
            yield from self.sign_in()
        if aim in ("fill", "check", "buy") or (aim == "sign" and self.dice.random() < 0.5):
            yield from self.fill()
        if aim in ("check", "buy"):
            yield self.page("/checkout", "Checkout")
            yield self.track("Checkout Started", **self.contents())
        if aim == "buy":
            yield self.ordered(buy(self.visitor, self.cart))

    def crawl(self) -> Iterator[Message]:
        """A program reads page after page."""
        for product in self.dice.sample(list(self.products), 4):
            yield self.page(f"/product/{product['id']}", product["name"])

    def arrive(self) -> Iterator[Message]:
        """The first page, with whatever the visitor's way here has left in its address."""
        _, query, self.url = self.dice.choices(ARRIVALS, [one[0] for one in ARRIVALS])[0]
        query = query.format(click=f"{self.dice.getrandbits(80):x}")
        if self.dice.random() < 0.4:
            product = self.dice.choice(self.products)
            yield self.page(f"/product/{product['id']}", product["name"], query)
            yield self.viewed(product)
        else:
            yield self.page("/", "Samal", query)

    def look(self, count: int) -> Iterator[Message]:
        """Some products, found by the list or by a search."""
        chosen = self.dice.sample(list(self.products), count)
        if self.dice.random() < 0.2:
            word = chosen[0]["name"].split()[0].lower()
            yield self.page("/", "Samal", f"q={word}")
            yield self.track("Products Searched", query=word)
        for product in chosen:
            yield self.page(f"/product/{product['id']}", product["name"])
            yield self.viewed(product)

    def fill(self) -> Iterator[Message]:
        """Some of the goods go into the cart, one may be taken out again."""
        liked = self.dice.sample(list(self.products), self.dice.choice((1, 1, 2, 3)))
        wanted = self.wanted or {one["id"]: self.dice.choice((1, 1, 2)) for one in liked}
        for product in (one for one in self.products if one["id"] in wanted):
            self.cart[product["id"]] = wanted[product["id"]]
            yield self.track("Product Added", **self.line(product, self.cart[product["id"]]))
        if len(self.cart) > 2 and not self.wanted:
            gone = next(iter(self.cart))
            product = next(one for one in self.products if one["id"] == gone)
            yield self.track("Product Removed", **self.line(product, self.cart.pop(gone)))
        yield self.page("/cart", "Your cart")
        yield self.track("Cart Viewed", cart_url=f"{self.hub.shop}/cart", **self.contents())

    def join(self) -> Iterator[Message]:
        """The letter's form, filled in; a person of the company now and then."""
        form = self.hub.form(self.dice.choice(("embedded", "slide")))
        if form is None:
            return
        about = {"form_id": form.id, "form": form.name, "version": 1, "variant": "A"}
        yield self.track("Form Viewed", **about)
        known = self.visitor.customer
        email = known["email"] if known else f"reader{self.dice.randrange(10**6)}@postbag.example"
        consent = [
            {"channel": "email", "given": True, "text": form.consent, "form": f"{form.name}, version 1"}
        ]
        yield self.track("Form Submitted", email=email, consent=consent, **about)

    def sign_in(self) -> Iterator[Message]:
        """An account holder signs in, and the shop's server vouches for it; others have nothing to sign."""
        if self.visitor.customer:
            customer = self.visitor.customer
            yield self.page("/account", "Sign in")
            self.visitor.user = str(customer["id"])
            traits = {
                "email": customer["email"],
                "firstName": customer["first_name"],
                "lastName": customer["last_name"],
            }
            yield self.message("identify", self.hub.sign(self.visitor.user, customer["email"]), traits=traits)

    def ordered(self, order: Thing) -> Message:
        """The shop has the order, and its thank-you page says so."""
        products = [
            {"product_id": str(line["product_id"]), "sku": line["sku"], "name": line["name"],
             "price": line["price"], "quantity": line["quantity"]}
            for line in order["line_items"]
        ]  # fmt: skip
        self.url, self.title, self.referrer = f"{self.hub.shop}/thanks", "Thank you", self.url
        return self.track(
            "Order Completed", order_id=str(order["id"]), total=order["total"],
            shipping=order["shipping_total"], currency=order["currency"], products=products,
        )  # fmt: skip

    def viewed(self, product: Thing) -> Message:
        """A look at a product."""
        return self.track("Product Viewed", **self.line(product))

    def line(self, product: Thing, count: int = 1) -> Message:
        """A product as events have it."""
        return {
            "product_id": str(product["id"]), "sku": product["sku"], "name": product["name"],
            "category": product["categories"][0]["name"], "price": int(product["price"]), "quantity": count,
            "currency": CURRENCY, "url": f"{self.hub.shop}/product/{product['id']}",
        }  # fmt: skip

    def contents(self) -> Message:
        """What is in the cart."""
        lines = [self.line(one, self.cart[one["id"]]) for one in self.products if one["id"] in self.cart]
        total = sum(one["price"] * one["quantity"] for one in lines)
        return {"products": lines, "value": total, "currency": CURRENCY}

    def page(self, path: str, title: str, query: str = "") -> Message:
        """The next page."""
        self.referrer, self.title = self.url, title
        self.url = f"{self.hub.shop}{path}{'?' if query else ''}{query}"
        return self.message("page")

    def track(self, event: str, **properties: Any) -> Message:
        """Something happens on the page."""
        return self.message("track", event=event, properties=properties)

    def message(self, kind: str, signature: str = "", **fields: Any) -> Message:
        """What the snippet would send, but for the time."""
        page = {"url": self.url, "title": self.title, "referrer": self.referrer}
        return {
            "type": kind,
            "messageId": f"{self.visitor.device}.{self.dice.getrandbits(40):x}",
            "anonymousId": self.visitor.device,
            **({"userId": self.visitor.user} if self.visitor.user else {}),
            "context": {
                "page": page, "locale": self.visitor.locale, "ip": self.visitor.ip,
                "userAgent": self.visitor.agent, "library": {"name": "kartoteka", "version": "1"},
                **({"kartoteka": {"signature": signature}} if signature else {}),
            },
            **fields,
        }  # fmt: skip
