"""A shop that offers the server side of 1C's exchange: we call it as 1C does.

The shop gives each order until it is acknowledged, and only then looks for newer ones. So `mode=success` is
said when every page has landed: a pull goes on after a page only when that page is kept. A pull that ends
before gets the same orders again. Nothing but `orders` can be asked for; goods are only sent. It lives beside
1C's own connector because both read and write the same documents.
"""

import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import msgspec

from connectors.accounting.commerceml.client import Client, Kind, Refused, over_http
from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.outgoing import Profile
from connectors.accounting.commerceml.parts import Names, Piece, merge
from connectors.accounting.commerceml.reading import read
from connectors.accounting.commerceml.records import normalise
from connectors.accounting.commerceml.states import read_statuses
from connectors.accounting.commerceml.values import currency
from connectors.accounting.commerceml.writing_goods import Catalogue, catalogue_document, offers_document
from connectors.base import Bad, Change, Connector, Page, Raw, Stream, setting
from connectors.http import Http
from foundation import clock
from foundation.errors import BadInput, Permanent
from foundation.records import AnyRecord, Product

LARGEST = 64_000_000  # bytes of one answer
OLD = "none"  # the version of shops that are told none


@dataclasses.dataclass(frozen=True)
class SiteSettings:
    """Where the shop's exchange is, and what it expects of a 1C."""

    address: str = setting(
        "Exchange address", placeholder="https://shop.example/bitrix/admin/1c_exchange.php",
        help="As it is typed into 1C. Not beside a 1C that fetches the same orders.",
    )  # fmt: skip
    user: str = setting("User")
    password: str = setting("Password", secret=True)
    zone: str = setting("Time zone", default="Europe/Moscow", placeholder="Asia/Almaty")
    country: str = setting("Country", default="RU", placeholder="KZ", help="Two letters.")
    currency: str = setting("Currency", default="RUB", help="Of prices and orders that don't name theirs.")
    statuses: str = setting(
        "Statuses", default="", placeholder="F = completed; P = paid",
        help="What the order statuses of this shop mean, by code or text, separated by semicolons.",
    )  # fmt: skip
    version: str = setting(
        "CommerceML version", default="2.08", help="Told to the shop; old shops are told none.",
        choices=(("2.08", "2.08"), ("none", "None"), ("2.09", "2.09"), ("2.10", "2.10"), ("3.1", "3.1")),
    )  # fmt: skip
    encoding: str = setting(
        "Encoding of files", default="utf-8-bom",
        choices=(("utf-8-bom", "UTF-8 with a mark"), ("utf-8", "UTF-8"), ("windows-1251", "windows-1251")),
    )  # fmt: skip
    catalogue: str = setting("Catalogue", default="kartoteka", help="Its id in the shop, for goods we send.")
    price_type: str = setting("Kind of price", default="retail", help="Its id in the shop.")

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(f"there is no time zone “{self.zone}”") from error
        if self.currency and not currency(self.currency):
            raise ValueError(f"there is no currency “{self.currency}”")
        read_statuses(self.statuses)


class CommerceMLSite(Connector):
    """The connector; see the module's text."""

    kind = "commerceml_site"
    title = "Shop with a 1C exchange"
    role = "shop"
    summary = "Orders of any shop that offers an exchange with 1C, and goods sent to it; we speak as 1C."
    Settings = SiteSettings
    streams = (
        Stream(name="orders", title="Orders", what="order", listable=False, lasting=True),
        Stream(
            name="products", title="Products", what="product", listable=False, lasting=True,
            writes=("name", "sku", "barcode", "price", "stock", "category"),
        ),
    )  # fmt: skip
    fixtures = "commerceml_site"

    settings: SiteSettings

    @classmethod
    def make_http(cls, settings: SiteSettings, **options: Any) -> Http:
        """An Http of the shop's host; what follows in the address goes into each call."""
        parts = urlsplit(settings.address)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.scheme else settings.address
        headers = {"Accept": "*/*"}
        return Http(
            origin, headers=headers, credential="password", max_bytes=LARGEST, deadline=120, **options
        )

    def check(self) -> str:
        """Sign in and ask for the terms."""
        client = self._begin("sale")
        packed = "takes archives" if client.zip else "takes no archives"
        return f"Reached the exchange; it {packed}, {client.limit:,} bytes at once."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Orders until the shop has no more of them; acknowledged when the last page is kept."""
        if stream != "orders":
            return
        client = self._begin("sale")
        seen: set[Raw | Bad] = set()
        while True:
            found, trouble = _read(client.query())
            fresh = [one for one in found if one not in seen]  # old shops give the same until acknowledged
            if fresh:
                seen.update(fresh)
                raws = tuple(one for one in fresh if isinstance(one, Raw))
                bad = tuple(one for one in fresh if isinstance(one, Bad))
                yield Page(raws, clock.now().isoformat(), bad=bad)
            if trouble:
                raise Permanent(f"The shop's orders can't be read to their end: {trouble}")
            if not fresh:
                break
        if seen:
            client.acknowledge()

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: SiteSettings) -> Sequence[AnyRecord]:
        """The records of one document or product."""
        habits = Habits(
            zone=settings.zone,
            country=settings.country.upper(),
            currency=currency(settings.currency),
            price_type=settings.price_type,
            statuses=read_statuses(settings.statuses),
        )
        return normalise("documents" if stream == "orders" else stream, raw, habits)

    def push(self, stream: str, change: Change) -> Raw:
        """Send one product as a change of the catalogue, and its price and rest; answers what was sent."""
        if stream != "products" or not isinstance(change.record, Product):
            return super().push(stream, change)
        own = change.external_id or str(uuid5(NAMESPACE_URL, change.key))
        product = msgspec.structs.replace(change.record, external_id=own, image="")
        now, profile = clock.now(), Profile.of(self.settings)
        if profile.version == OLD:
            profile = Profile(encoding=profile.encoding, zone=profile.zone)
        catalogue = Catalogue(
            id=self.settings.catalogue, name=self.settings.catalogue, price=self.settings.price_type,
            price_name=self.settings.price_type, currency=currency(self.settings.currency) or "RUB",
        )  # fmt: skip
        files = {
            "import.xml": catalogue_document([product], profile, now, catalogue=catalogue),
            "offers.xml": offers_document([product], profile, now, catalogue=catalogue),
        }
        client = self._begin("catalog")
        client.upload(files)
        for name in files:
            try:
                client.load(name)
            except Refused as error:
                raise BadInput(f"the shop doesn't take it: “{error.said}”", f"product {own}") from error
        return _as_read(files.values(), own)

    def _begin(self, kind: Kind) -> Client:
        """A conversation of a kind, signed in."""
        client = Client(
            over_http(self.http, self.settings.address), kind, self.settings.user, self.settings.password
        )
        client.sign_in()
        client.init("" if self.settings.version == OLD else self.settings.version)
        return client


def _read(document: bytes) -> tuple[list[Raw | Bad], str]:
    """The documents of an answer and those that can't be used, and why the rest can't be read, if so."""
    raws: dict[str, Raw] = {}
    bad: list[Bad] = []
    trouble = ""
    names = Names()
    try:
        for found in read(io.BytesIO(document), names):
            if isinstance(found, Bad):
                bad.append(found)
            elif isinstance(found, Piece) and found.part == "document":
                raws[found.external_id] = merge(None, [found], names)
    except BadInput as error:
        trouble = str(error)
    return [*raws.values(), *bad], trouble


def _as_read(files: Any, external_id: str) -> Raw:
    """What the shop has now, in the words it was told."""
    names, pieces = Names(), list[Piece]()
    for content in files:
        pieces += [one for one in read(io.BytesIO(content), names) if isinstance(one, Piece)]
    return merge(None, [one for one in pieces if one.external_id == external_id], names)
