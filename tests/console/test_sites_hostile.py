"""Every field of captured events is an attack: nothing of it runs, asks, navigates or breaks a page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.routes import ROUTES
from console.tables import User
from foundation import jobs
from kartoteka import app as whole
from sync import context
from tests import browser as browsers
from tests.console.capturing import Shop
from tests.console.test_browser import enter
from tests.console.test_forms import hostile
from tests.console.test_hostile import PAYLOADS as MARKUP

pytestmark = pytest.mark.browser

PAYLOADS = [
    *MARKUP,
    "<script src=data:,alert(1)></script>",
    "<script src=//evil.example/x.js></script>",
    "<script type=module>import 'data:text/javascript,alert(1)'</script>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<link rel=preload as=script href=/static/0/app.js onload=alert(1)>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>1</script></svg>#x'/>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    '"></a></bdi></span></li></ul></main><script>alert(1)</script>',
    '" data-live="//evil.example" data-stream="//evil.example" data-copy="x',
    "<button data-pause=events form=x formaction=javascript:alert(1)>x</button>",
    " \t\n javascript:alert(1)//",
    "JaVaScRiPt:alert(document.domain)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "https://evil.example/\"onmouseover=alert(1)//",
    "https://evil.example/' autofocus onfocus='alert(1)",
    "https://user:pass@evil.example:99999/%zz?<b>#</script>",
    "http://[::1/<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "{% raw %}{{ self.__init__.__globals__ }}{% endraw %}",
    "\u2028alert(1)\u2029alert(2)",
    "\u202e\u2066\u2067evil\u2069 txt.exe",
    "a\u0300" * 400,
    "x" * 9_000,
    "سلام" * 200,
    "👩‍👩‍👧‍👦" * 60,
    "\ud800lone",
    "event: end\ndata: {}\n\nevent: row\ndata: {}\n\n",
    "';alert(1);//\\';alert(1);//\";alert(1)",
]  # fmt: skip
TRAP = """
window.trapped = [];
addEventListener("securitypolicyviolation",
  (e) => trapped.push(`csp ${e.violatedDirective} ${e.blockedURI}`));
for (const name of ["alert", "confirm", "prompt", "open", "msgbox"])
  window[name] = () => { trapped.push(name); };
"""
ODD = """(() => {
  const odd = [...document.querySelectorAll(
    "iframe:not(#preview[src^='/forms/'][src$='/preview']), img, object, embed, base, style, math,"
    + " meta[http-equiv], animate, svg:not(.icon, .ring), main link,"
    + " main script:not([src^='/static/'][src$='/form_builder.js'])"
  )].map((e) => e.outerHTML.slice(0, 200));
  for (const e of document.querySelectorAll("*"))
    for (const { name } of e.attributes)
      if (name.startsWith("on") || name === "style" || name === "srcdoc") odd.push(`${e.tagName} ${name}`);
  for (const e of document.querySelectorAll("[href], [src], [action], [formaction]")) {
    const said = ["href", "src", "action"].map((name) => e.getAttribute(name)).find((one) => one !== null);
    if (/^(#|\\/(?!\\/))/.test(said ?? "formaction")) continue;
    const rel = ["noopener", "nofollow", "noreferrer"].every((one) => e.rel.split(" ").includes(one));
    if (e.tagName !== "A" || !/^https?:\\/\\//i.test(said) || !rel) odd.push(`${e.tagName} to ${said}`);
  }
  if (!document.querySelector("h1")?.checkVisibility()) odd.push("no heading to be seen");
  if (!document.querySelector("nav.rail")?.checkVisibility()) odd.push("no rail to be seen");
  return odd.concat(window.trapped);
})()"""


@dataclass
class Trapped:
    """A window whose every misstep is written down."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watching = browsers.watch(self.page, self.address)
        self.page.add_init_script(TRAP)
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.on("popup", lambda popup: self.wrong.append(popup.url))

    def open(self, path: str) -> None:
        """Look at a page; what it did wrong is kept."""
        answer = self.page.goto(self.address + path)
        if answer is None or answer.status != 200:
            self.wrong.append(f"{path}: {answer and answer.status}")
        self.look(path)

    def look(self, path: str) -> None:
        """Judge the page as it stands."""
        found = [*self.page.evaluate(ODD), *self.watching.wrong]
        if (wider := browsers.overflow(self.page)) > 0:
            found.append(f"{wider} pixels too wide")
        self.wrong += [f"{path}: {one}" for one in found]
        self.watching.wrong.clear()


@pytest.fixture
def client(engine: Engine, shop: Shop) -> Iterator[TestClient]:
    """The whole application, for what arrives at the collector."""
    with TestClient(whole.make(context.current(), engine), base_url="http://localhost") as opened:
        yield opened


@pytest.fixture
def address(app: Starlette, shop: Shop) -> Iterator[str]:
    with browsers.serve(app) as address:
        yield address


def world(said: str) -> list[dict[str, Any]]:
    """One event of each kind in which every field says the same."""
    device = f"{uuid4().hex[:6]}{said}"[:100]
    page = {"url": said, "path": said, "title": said, "referrer": said, "search": said}
    linked = page | {"url": f"https://shop.example/{said}", "referrer": f"https://r.example/{said}"}
    campaign = dict.fromkeys(("source", "medium", "name", "term", "content"), said)
    context_ = {"page": page, "campaign": campaign, "userAgent": said, "locale": said, "timezone": said,
                "library": {"name": said, "version": said}, "ip": said, "click": {"gclid": said}}  # fmt: skip
    names = (
        "product_id",
        "sku",
        "name",
        "brand",
        "category",
        "variant",
        "coupon",
        "url",
        "image_url",
        "price",
    )
    product = dict.fromkeys(names, said) | {"price": 5, "quantity": said}
    purchase = dict.fromkeys(("order_id", "cart_id", "currency", "coupon", "query", "step", "list_id"), said)
    purchase |= {"products": [product, said], said: said, "properties": {said: [said]}}
    traits = dict.fromkeys(("name", "firstName", "lastName", "phone", "city", "company", "birthday"), said)
    traits |= {"email": f"{uuid4().hex[:8]}@mail.example", "address": said, said: said}
    base = {"anonymousId": device, "context": context_, "timestamp": said, "integrations": {said: said}}
    tracks = ("Product Added", "Order Completed", "Products Searched", "Coupon Denied", "Product List Viewed",
              "Checkout Started", "Promotion Clicked", said)  # fmt: skip
    return [
        base | {"type": "page", "name": said, "category": said, "properties": page},
        base | {"type": "page", "properties": linked, "context": {**context_, "page": linked}},
        base | {"type": "screen", "name": said, "properties": page},
        *(base | {"type": "track", "event": name, "properties": purchase} for name in tracks),
        base
        | {"type": "track", "event": "Lead", "properties": traits, "context": {**context_, "page": linked}},
        base | {"type": "identify", "userId": said, "traits": traits},
        base | {"type": "group", "groupId": said, "traits": traits, "userId": said},
        base | {"type": "alias", "previousId": said, "userId": said},
    ]


def send(client: TestClient, shop: Shop, events: list[dict[str, Any]], *, secret: bool = False) -> None:
    """Through the collector, each as a batch of its own; what it refuses becomes a sample."""
    key = shop.keys.secret_key if secret else shop.keys.write_key
    for event in events:
        text_ = (
            msgspec.json.encode({"writeKey": key, "batch": [event]}) if _fits(event) else _loose(key, event)
        )
        agent = str(event["context"]["userAgent"]).encode("utf-8", "replace").replace(b"\n", b" ")[:500]
        client.post(
            "/v1/batch", content=text_, headers={b"user-agent": agent, b"origin": b"https://shop.example"}
        )


def _fits(event: dict[str, Any]) -> bool:
    try:
        return bool(msgspec.json.encode(event))
    except (UnicodeEncodeError, msgspec.EncodeError):
        return False


def _loose(key: str, event: dict[str, Any]) -> bytes:
    """With lone surrogates as escapes, which only loose encoders write."""
    return json.dumps({"writeKey": key, "batch": [event]}).encode()


def test_nothing_captured_runs(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, client: TestClient
) -> None:
    assert len(set(PAYLOADS)) >= 50
    for number, said in enumerate(PAYLOADS):
        send(client, shop, world(said), secret=number % 5 == 4)
        refused = {
            "writeKey": shop.keys.write_key,
            "batch": [{"type": said[:1000].encode("utf-8", "replace").decode()}],
        }
        client.post("/v1/batch", json=refused, headers={"origin": "https://evil.example/<b>"})
    jobs.run_until_idle(engine)
    asked = [hostile(engine, shop.id, said) for said in MARKUP]
    trapped = Trapped(enter(chromium, address, engine, owner, "phone"), address)
    paths = places(engine, shop) + [path + page for path in asked for page in ("", "/results")]
    assert len(paths) > 3 * len(PAYLOADS)
    for path in paths:
        trapped.open(path)
    trapped.page.context.close()
    assert trapped.wrong == []


def places(engine: Engine, shop: Shop) -> list[str]:
    """Each page that shows captured values, for each payload."""
    kinds = ("web.page", "web.order_completed", "web.identify", "web.event")
    with engine.connect() as connection:
        events = connection.execute(
            text("SELECT id, profile_id FROM timeline WHERE kind = ANY(:kinds) ORDER BY id"),
            {"kinds": list(kinds)},
        ).all()
        cards = connection.scalars(text("SELECT id FROM customers WHERE live ORDER BY id")).all()
        wrong = connection.scalars(text("SELECT id FROM problems ORDER BY id LIMIT 50")).all()
    here, profiles = shop.here, sorted({str(row.profile_id) for row in events if row.profile_id})
    lists = ["/sites", here, f"{here}/live", f"{here}/visitors", f"{here}/sources", "/customers", "/problems"]
    lists += {"/carts", "/attribution"} & {getattr(route, "path", "") for route in ROUTES}
    older = max(row.id for row in events)
    lists += [f"{here}/live?before={place}" for place in range(older, 0, -50)]
    return [
        *lists,
        *(f"{here}/events/{row.id}" for row in events[::2]),
        *(f"{here}/visitors/{profile}" for profile in profiles[::2]),
        *(f"/customers/{card}" for card in cards[::2]),
        *(f"/problems/{one}" for one in wrong),
        *(f"/customers/{card}?tab={tab}" for card in cards[1::4] for tab in ("profiles", "links")),
    ]


def test_nothing_streamed_runs(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, client: TestClient
) -> None:
    trapped = Trapped(enter(chromium, address, engine, owner, "phone"), address)
    trapped.open(f"{shop.here}/live")
    for said in PAYLOADS:
        send(client, shop, world(said)[-5:-3])
    jobs.run_until_idle(engine)
    expect(trapped.page.locator("#events > li").nth(60)).to_be_visible()
    trapped.look("the stream")
    trapped.page.context.close()
    assert trapped.wrong == []
