"""Writing into MoySklad: what is made carries a `syncId`, what is changed is looked at first."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.accounting.moysklad import writing
from connectors.accounting.moysklad.client import Client
from connectors.accounting.moysklad.names import Names
from connectors.accounting.moysklad.records import product
from connectors.accounting.moysklad.values import FOUR, id_of, kind_of, kopecks, part, parts
from connectors.base import Change, Overtaken
from connectors.values import text
from foundation.errors import BadInput, Misconfigured, Temporary
from foundation.records import Invoice, Payment, Person, Product

PRODUCT = ("name", "sku", "barcode", "price")
NEW = {"counterparties": "counterparty", "nomenclature": "product", "invoices": "invoiceout",
       "payments": "paymentin"}  # fmt: skip


class Writer:
    """Bodies of changes, and the calls that carry them."""

    def __init__(
        self, client: Client, names: Names, *, region: str, organization: str, price_type: str
    ) -> None:
        self._client, self._names = client, names
        self._region, self._organization, self._price_type = region.upper(), organization, price_type

    def write(self, stream: str, change: Change, now: Mapping[str, Any]) -> str:
        """Write a change of an object that is `now` so (empty: to be made); answers its id."""
        fields = change.fields if change.external_id else ()
        body = self._body(change, now, fields)
        if change.external_id:
            entity = kind_of(now) or NEW[stream]
            path = f"entity/{entity}/{change.external_id}"
            if body and self._client.write("PUT", path, body) is None:
                raise Overtaken(f"{entity} {change.external_id} is no longer there")
            return change.external_id
        body = {key: value for key, value in body.items() if value not in (None, "", [])}
        body["syncId"] = str(uuid5(NAMESPACE_URL, f"kartoteka:{stream}:{change.key}"))
        if stream in ("invoices", "payments"):
            body["organization"] = self._own()
        made = self._client.write("POST", f"entity/{NEW[stream]}", body)
        external_id = text(made.get("id")) if isinstance(made, dict) else ""
        if not external_id:
            raise Temporary("MoySklad took a new object and didn't say its id.")
        return external_id

    def _body(self, change: Change, now: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
        record = change.record
        if isinstance(record, Person):
            body = writing.person(record, self._names, self._region, now)
            return writing.only(body, writing.PERSON_KEYS, fields)
        if isinstance(record, Product):
            return self._product(record, now, fields or PRODUCT)
        if isinstance(record, Invoice):
            whole = not fields or "lines" in fields
            asked = writing.itemised(self._client, record) if whole else _without_lines(record)
            body = writing.invoice(asked, self._names, self._kinds)
            return writing.only(body, writing.INVOICE_KEYS, fields)
        if isinstance(record, Payment):
            return writing.only(writing.payment(record, self._names), writing.PAYMENT_KEYS, fields)
        raise BadInput(f"MoySklad takes no {type(record).__name__}")

    def _kinds(self, wanted: Collection[str]) -> Mapping[str, str]:
        return writing.items(self._client, self._names, wanted)

    def _product(self, record: Product, now: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
        """An item. A variant's name is made of its product's, and a service has no article."""
        kind = kind_of(now) or "product"
        body: dict[str, Any] = {}
        if "name" in fields and kind != "variant":
            body["name"] = record.name or record.sku
        if "sku" in fields:
            body["code" if kind == "service" or (now and not now.get("article")) else "article"] = record.sku
        if "barcode" in fields:
            before = product(now, "", "").barcode if now else ""
            body["barcodes"] = writing.barcodes(now, before, record.barcode)
        if "price" in fields and record.price is not None:
            body["salePrices"] = self._prices(record.price, record.currency, now)
        return body

    def _prices(self, price: Decimal, code: str, now: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All prices of an item with ours in its place: those left out would be zero."""
        there = parts(now, "salePrices") or parts(part(now, "product"), "salePrices")
        kept = [{**one, "currency": dict(part(one, "currency"))} for one in there]
        kind = self._kind_of_price(kept)
        mine = next((one for one in kept if id_of(part(one, "priceType")) == id_of(kind)), None)
        if mine is None or (code and text(part(mine, "currency").get("isoCode")).upper() != code):
            coin = writing.reference("currency", writing.currency_id(code, self._names))
        else:
            coin = dict(part(mine, "currency"))
        ours = {"value": kopecks(price.quantize(FOUR)), "currency": coin, "priceType": kind}
        prices = [ours if one is mine else one for one in kept] if mine is not None else [*kept, ours]
        return [{**one, "currency": {"meta": part(one, "currency").get("meta")}} for one in prices]

    def _kind_of_price(self, prices: list[dict[str, Any]]) -> dict[str, Any]:
        """The type of price that this connection is about; without a setting that of the first price."""
        if not self._price_type and prices:
            return dict(part(prices[0], "priceType"))
        known = self._client.get("context/companysettings/pricetype")
        kinds = [one for one in known if isinstance(one, dict)] if isinstance(known, list) else []
        wanted = self._price_type.casefold()
        for one in kinds:
            if not wanted or text(one.get("name")).casefold() == wanted:
                return one
        raise Misconfigured(f"MoySklad has no type of price “{self._price_type}”.", "price_type")

    def _own(self) -> dict[str, Any]:
        """The company of ours that documents are made out by."""
        rows, _ = self._client.rows("entity/organization", limit=100)
        found = [row for row in rows if isinstance(row, dict) and not row.get("archived")]
        wanted = self._organization.strip().casefold()
        chosen = [row for row in found if not wanted or text(row.get("name")).casefold() == wanted]
        if len(chosen) != 1:
            there = ", ".join(f"“{text(row.get('name'))}”" for row in found[:10])
            raise Misconfigured(f"Name one of your companies in MoySklad: {there}.", "organization")
        return writing.reference("organization", id_of(chosen[0]))


def _without_lines(record: Invoice) -> Invoice:
    """Lines that aren't written needn't be writable."""
    return Invoice(
        external_id=record.external_id, number=record.number, customer_id=record.customer_id,
        currency=record.currency, total=record.total, state=record.state, issued_at=record.issued_at,
        due_at=record.due_at,
    )  # fmt: skip
