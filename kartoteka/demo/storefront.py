"""The invented shop's own pages: shelves, cart, checkout, account, and the snippet's line in their head.

Drawn by the server as most shops are. What happens is said in the data layer in Google Analytics 4's words.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jinja2
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kartoteka.demo.company import CURRENCY, Purchase, Thing, shipping_of
from kartoteka.demo.names import KAZAKH
from kartoteka.demo.people import Human
from kartoteka.demo.shop import Shop
from kartoteka.demo.visitors import Visitors

COOKIE, MOST_SESSIONS, MOST_PIECES = "samal", 2_000, 20
ACCOUNTS = 24  # of those there are, to choose from
_HERE = Path(__file__).parent
_PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True)
_PAGES.filters["money"] = lambda amount: f"{round(float(amount)):,}\N{NO-BREAK SPACE}₸".replace(",", "\u202f")


@dataclass
class Session:
    """What the shop remembers of a browser."""

    token: str
    cart: dict[int, int] = field(default_factory=dict)
    customer: int = 0
    order: int = 0
    layer: list[Thing] = field(default_factory=list)  # for the data layer of the next page
    calls: list[list[Any]] = field(default_factory=list)  # of the snippet, on the next page


class Storefront:
    """All pages of the shop."""

    def __init__(self, shop: Shop, visitors: Visitors) -> None:
        self.shop, self.company, self.visitors = shop, shop.company, visitors
        self.sessions: dict[str, Session] = {}

    def routes(self) -> list[BaseRoute]:
        """The addresses of the pages."""
        post = ["POST"]
        return [
            Route("/", self.shelves),
            Route("/shop.css", self.style),
            Route("/product/{number:int}", self.product),
            Route("/cart", self.cart),
            Route("/cart", self.change_cart, methods=post),
            Route("/checkout", self.checkout),
            Route("/checkout", self.order, methods=post),
            Route("/thanks", self.thanks),
            Route("/account", self.account),
            Route("/account", self.sign_in, methods=post),
            Route("/contact", self.contact),
            Route("/contact", self.write, methods=post),
        ]

    # -- looking ---------------------------------------------------------------------------------------

    async def shelves(self, request: Request) -> Response:
        """All goods, those of a category, or those that a search finds."""
        wanted, shelf = request.query_params.get("q", "").strip()[:80], request.query_params.get("shelf", "")
        goods = list(self.company.products.values())
        names = list(dict.fromkeys(shelf_of(one) for one in goods))
        found = [
            one
            for one in goods
            if (not shelf or shelf_of(one) == shelf) and wanted.lower() in one["name"].lower()
        ]
        items = [item_of(one) for one in found[:12]]
        layer: Thing = {
            "event": "view_item_list",
            "ecommerce": {"item_list_id": shelf or "all", "items": items},
        }
        if wanted:
            layer = {"event": "view_search_results", "search_term": wanted}
        title = shelf if shelf in names else "All goods"
        return self.page(request, "shelves", title, [layer], goods=found, names=names, shelf=shelf, q=wanted)

    async def product(self, request: Request) -> Response:
        """One item."""
        product = self.company.products.get(request.path_params["number"])
        if product is None:
            return self.page(request, "missing", "Not here", status=404)
        layer = {"event": "view_item", "ecommerce": ecommerce({product["id"]: product}, {product["id"]: 1})}
        near = [one for one in self.company.products.values() if shelf_of(one) == shelf_of(product)]
        near = [one for one in near if one is not product][:4]
        return self.page(request, "product", product["name"], [layer], product=product, near=near)

    async def contact(self, request: Request) -> Response:
        """The contact form."""
        return self.page(request, "contact", "Write to us", sent="sent" in request.query_params)

    async def write(self, _: Request) -> Response:
        """Somebody wrote; nobody at an invented shop reads it, but the snippet has heard."""
        return RedirectResponse("/contact?sent=1", 303)

    async def style(self, _: Request) -> Response:
        """The style sheet."""
        return FileResponse(_HERE / "templates" / "shop.css", media_type="text/css")

    # -- buying ----------------------------------------------------------------------------------------

    async def cart(self, request: Request) -> Response:
        """What is in the cart."""
        cart = self.session(request).cart
        layer = [{"event": "view_cart", "ecommerce": self.contents(cart)}] if cart else []
        return self.page(request, "cart", "Your cart", layer)

    async def change_cart(self, request: Request) -> Response:
        """Put so many more of an item in, or with `set` exactly so many."""
        form, session = await request.form(), self.session(request)
        number, count = whole(form, "product"), whole(form, "quantity")
        if number not in self.company.products:
            return RedirectResponse("/cart", 303)
        had = session.cart.pop(number, 0)
        count = min(count if "set" in form else had + max(count, 1), MOST_PIECES)
        if count:
            session.cart[number] = count
        if count != had:
            event = "add_to_cart" if count > had else "remove_from_cart"
            moved = self.contents({number: abs(count - had)})
            session.layer.append({"event": event, "ecommerce": moved})
        return self.kept(RedirectResponse("/cart", 303), session)

    async def checkout(self, request: Request) -> Response:
        """Where to send it."""
        session = self.session(request)
        if not session.cart:
            return RedirectResponse("/cart", 303)
        layer = [{"event": "begin_checkout", "ecommerce": self.contents(session.cart)}]
        return self.page(request, "checkout", "Checkout", layer)

    async def order(self, request: Request) -> Response:
        """The order is placed in the company, and its webhook goes out."""
        form, session = await request.form(), self.session(request)
        if not session.cart:
            return RedirectResponse("/cart", 303)
        human = Human(
            KAZAKH, said(form, "first_name"), said(form, "last_name"), said(form, "email"),
            said(form, "phone"), said(form, "city"), "050000", said(form, "street"),
        )  # fmt: skip
        bought = Purchase(session.customer, human, dict(session.cart), device_in(request))
        order = self.shop.place_order("processing", bought)
        goods = self.contents(session.cart)
        paid = {
            "transaction_id": str(order["id"]), "shipping": float(order["shipping_total"]),
            **goods, "value": float(order["total"]),
        }  # fmt: skip
        session.layer.append({"event": "purchase", "ecommerce": paid})
        session.order, session.cart = order["id"], {}
        return RedirectResponse("/thanks", 303)

    async def thanks(self, request: Request) -> Response:
        """The order is there."""
        order = self.company.orders.get(self.session(request).order)
        if order is None:
            return RedirectResponse("/", 303)
        return self.page(request, "thanks", "Thank you", order=order)

    # -- who it is -------------------------------------------------------------------------------------

    async def account(self, request: Request) -> Response:
        """Choose whom to be."""
        people = [one for one in self.company.customers.values() if not one["billing"]["company"]]
        return self.page(request, "account", "Your account", people=people[:ACCOUNTS])

    async def sign_in(self, request: Request) -> Response:
        """Be one of the company's customers; the shop's server vouches for it to the hub. 0: be nobody."""
        session, number = self.session(request), whole(await request.form(), "customer")
        customer = self.company.customers.get(number)
        session.customer = number if customer else 0
        if customer is None:
            session.calls.append(["reset"])
        elif self.visitors.hub is not None:
            traits = {
                "email": customer["email"],
                "firstName": customer["first_name"],
                "lastName": customer["last_name"],
            }
            mark = self.visitors.hub.sign(str(number), customer["email"])
            session.calls.append(["identify", str(number), traits, mark])
        return self.kept(RedirectResponse("/account", 303), session)

    # -- all pages -------------------------------------------------------------------------------------

    def session(self, request: Request) -> Session:
        """What is remembered of this browser; a new one is remembered from now on."""
        known = self.sessions.get(request.cookies.get(COOKIE, ""))
        if known is None:
            known = Session(secrets.token_urlsafe(16))
            self.sessions[known.token] = known
            if len(self.sessions) > MOST_SESSIONS:
                del self.sessions[next(iter(self.sessions))]
        return known

    @staticmethod
    def kept(response: Response, session: Session) -> Response:
        """The answer, with the name under which the browser is remembered."""
        response.set_cookie(COOKIE, session.token, httponly=True, samesite="lax")
        return response

    def contents(self, cart: dict[int, int]) -> Thing:
        """Goods as the data layer has them."""
        return ecommerce(self.company.products, cart)

    def page(
        self, request: Request, name: str, title: str, layer: list[Thing] | None = None, status: int = 200,
        **values: Any,
    ) -> Response:  # fmt: skip
        """A page with all that stands around it."""
        session, hub = self.session(request), self.visitors.hub
        products = self.company.products
        goods = sum(int(products[number]["price"]) * count for number, count in session.cart.items())
        shown = _PAGES.get_template(f"{name}.html").render(
            title=title, hub=hub, layer=[*session.layer, *(layer or ())], calls=session.calls,
            lines=[(products[number], count) for number, count in session.cart.items()], total=goods,
            shipping=shipping_of(goods, CURRENCY), count=sum(session.cart.values()),
            customer=self.company.customers.get(session.customer),
            letter=hub.form("embedded") if hub else None, **values,
        )  # fmt: skip
        session.layer, session.calls = [], []
        return self.kept(HTMLResponse(shown, status), session)


def shelf_of(product: Thing) -> str:
    """The category of an item."""
    return str(product["categories"][0]["name"])


def item_of(product: Thing, count: int = 1) -> Thing:
    """An item as Google Analytics 4 has it."""
    return {
        "item_id": str(product["id"]), "item_name": product["name"], "item_category": shelf_of(product),
        "price": int(product["price"]), "quantity": count,
    }  # fmt: skip


def ecommerce(products: dict[int, Thing], cart: dict[int, int]) -> Thing:
    """Goods and their sum as Google Analytics 4 has them."""
    items = [item_of(products[number], count) for number, count in cart.items()]
    value = sum(one["price"] * one["quantity"] for one in items)
    return {"currency": CURRENCY, "value": value, "items": items}


def device_in(request: Request) -> str:
    """The snippet's name for this browser, which the order keeps; empty when its owner said no."""
    said_name = unquote(request.cookies.get("_k", ""))
    usable = said_name.isascii() and said_name.isprintable() and len(said_name) <= 100
    return said_name if usable and said_name != "deny" else ""


def said(form: FormData, name: str) -> str:
    """What was written into a field, without the space around it."""
    value = form.get(name)
    return value.strip()[:120] if isinstance(value, str) else ""


def whole(form: FormData, name: str) -> int:
    """A whole number that was written into a field; 0 for anything else."""
    value = said(form, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 0
