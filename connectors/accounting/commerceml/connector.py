"""1C through its own exchange with sites: its files arrive at our door, we never call it.

The files are read by `reading.read`, their parts put together by `parts.merge`; what has landed is turned
into records here. A deletion mark makes goods and counterparties gone; a document with one is cancelled.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.records import normalise
from connectors.accounting.commerceml.states import read_statuses
from connectors.accounting.commerceml.values import currency
from connectors.base import Connector, Page, Raw, Stream, setting
from connectors.http import Http
from foundation.records import AnyRecord, Gone

_WHAT: dict[str, Any] = {"products": "product", "counterparties": "person", "documents": "order"}


@dataclasses.dataclass(frozen=True)
class CommerceMLSettings:
    """How the 1C behind a connection counts and what it wants to be answered."""

    zone: str = setting(
        "Time zone", default="Europe/Moscow", placeholder="Asia/Almaty",
        help="Of the clock on 1C's wall: its dates carry no zone.",
    )  # fmt: skip
    country: str = setting(
        "Country", default="RU", placeholder="KZ", help="Two letters: decides what a tax number is."
    )
    currency: str = setting("Currency", default="", help="For documents and prices that don't name theirs.")
    price_type: str = setting(
        "Kind of price", default="", placeholder="Розничная",
        help="Its name or id; empty: the first one 1C names. The others are kept beside it.",
    )  # fmt: skip
    statuses: str = setting(
        "Statuses", default="", placeholder="F = completed; P = paid",
        help="What the order statuses of this 1C mean, by code or text, separated by semicolons.",
    )  # fmt: skip
    encoding: str = setting(
        "Encoding of answers", default="utf-8-bom", help="Old configurations read windows-1251 only.",
        choices=(("utf-8-bom", "UTF-8 with a mark"), ("utf-8", "UTF-8"), ("windows-1251", "windows-1251")),
    )  # fmt: skip
    version: str = setting(
        "CommerceML version", default="", help="Of the orders we give; by itself: what 1C asks for.",
        choices=(("", "By itself"), *((v, v) for v in ("2.03", "2.05", "2.08", "2.09", "2.10", "3.1"))),
    )  # fmt: skip
    container: str = setting(
        "Orders in containers", default="auto", help="New exchange modules read nothing else.",
        choices=(("auto", "By itself"), ("yes", "Yes"), ("no", "No")),
    )  # fmt: skip
    delivery_line: bool = setting("Delivery as a line of the order", default=True)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(f"there is no time zone “{self.zone}”") from error
        if self.country and not re.fullmatch("[A-Za-z]{2}", self.country):
            raise ValueError("a country is two letters")
        if self.currency and not currency(self.currency):
            raise ValueError(f"there is no currency “{self.currency}”")
        read_statuses(self.statuses)


class CommerceML(Connector):
    """The connector; see the module's text."""

    kind = "commerceml"
    title = "1C (CommerceML)"
    role = "accounting"
    summary = "Goods, prices, rests, counterparties and orders, through 1C's own exchange with sites."
    Settings = CommerceMLSettings
    called = True
    streams = (
        Stream(name="products", title="Products", what="product", listable=False),
        Stream(name="counterparties", title="Counterparties", what="person", listable=False),
        Stream(name="documents", title="Documents", what="order", listable=False),
    )
    fixtures = "commerceml"

    settings: CommerceMLSettings

    @classmethod
    def make_http(cls, settings: CommerceMLSettings, **options: Any) -> Http:
        """1C calls us; the address is one that can't be reached."""
        return Http("https://commerceml.invalid", **options)

    def check(self) -> str:
        """Nothing can be tried from here."""
        return "1C will call: enter the exchange address, the user and the password in its site exchange."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Nothing: the files come when 1C sends them."""
        yield from ()

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: CommerceMLSettings) -> Sequence[AnyRecord]:
        """The records of a merged payload: of a document its order or invoice, the payments, the buyer."""
        if raw.gone and stream != "documents":
            return [Gone(external_id=raw.external_id, what=_WHAT[stream], at=raw.version_at)]
        return normalise(stream, raw, habits_of(settings))


def habits_of(settings: CommerceMLSettings) -> Habits:
    """What the settings say to the reading of records."""
    return Habits(
        zone=settings.zone,
        country=settings.country.upper(),
        currency=currency(settings.currency),
        price_type=settings.price_type,
        statuses=read_statuses(settings.statuses),
    )
