"""What MoySklad's counterparties and nomenclature mean in our vocabulary: pure and patient."""

import re
from typing import Any

from connectors.accounting.moysklad.values import (
    FOUR,
    Thing,
    day,
    identifier,
    instant,
    kind_of,
    money,
    part,
    parts,
)
from connectors.values import number, text
from foundation.records import Address, Person, Product

ANYBODY = "розничный покупатель"  # stands for everybody who bought in a shop: nobody's card
_STREET = ("street", "house", "apartment", "addInfo")
_BARCODES = ("ean13", "gtin", "ean8", "upc", "code128")
# ISO 3166 numbers, which is what MoySklad calls countries by
COUNTRIES = {
    "643": "RU", "398": "KZ", "860": "UZ", "112": "BY", "417": "KG", "051": "AM", "031": "AZ", "268": "GE",
    "762": "TJ", "795": "TM", "498": "MD", "804": "UA", "792": "TR", "156": "CN", "410": "KR", "840": "US",
    "276": "DE", "826": "GB", "250": "FR", "380": "IT", "724": "ES", "616": "PL", "203": "CZ", "440": "LT",
    "428": "LV", "233": "EE", "246": "FI", "784": "AE", "376": "IL", "356": "IN", "392": "JP", "496": "MN",
    "688": "RS", "100": "BG", "528": "NL", "056": "BE", "040": "AT", "756": "CH", "704": "VN", "764": "TH",
}  # fmt: skip


def person(thing: Thing, country: str) -> Person | None:
    """A counterparty; None for the one that stands for anybody."""
    external_id, name = identifier(thing.get("id")), text(thing.get("name"))
    tax_number, tax_kind = _tax(thing, country)
    if name.casefold() == ANYBODY and not tax_number:
        return None
    individual = _type(thing).startswith("individual")
    title = text(thing.get("legalTitle"))
    given, family, middle = (text(thing.get(f"legal{n}Name")) for n in ("First", "Last", "Middle"))
    addresses = tuple(
        dict.fromkeys(a for n in ("actualAddress", "legalAddress") if (a := _address(thing, n)))
    )
    region = _type(thing)[-2:]
    return Person(
        external_id=external_id,
        kind="person" if individual else "company",
        name=name,
        given_name=given,
        family_name=family,
        middle_name=middle,
        company="" if individual else title or name,
        emails=_split(thing.get("email"), r"[\s,;]+", "@"),
        phones=_split(thing.get("phone"), r"[,;]", ""),
        tax_number=tax_number,
        tax_kind=tax_kind,
        registration_number=text(thing.get("kpp")),
        birthday=day(thing.get("birthDate")) if individual else None,
        addresses=addresses,
        tags=tuple(dict.fromkeys(t for t in map(text, _listed(thing.get("tags"))) if t)),
        note=text(thing.get("description")),
        created_at=instant(thing.get("created")),
        changed_at=instant(thing.get("updated")),
        country=region if region.isupper() else country,
        extra=_extra(thing),
    )


def product(thing: Thing, price_type: str, stock: str) -> Product:
    """An item of the nomenclature: product, variant, service or bundle."""
    parent = part(thing, "product")  # what a variant doesn't say of itself, its product does
    prices = parts(thing, "salePrices") or parts(parent, "salePrices")
    chosen = _price(prices, price_type)
    left = thing.get(stock) if stock else None
    unit = part(thing, "uom") or part(parent, "uom")
    return Product(
        external_id=identifier(thing.get("id")),
        name=text(thing.get("name")),
        sku=text(thing.get("article")) or text(thing.get("code")),
        barcode=_barcode(thing),
        price=money(chosen.get("value"), "/salePrices/value", FOUR) if chosen else None,
        currency=currency(part(chosen, "currency")),
        unit=text(unit.get("name")),
        category=text(thing.get("pathName")) or text(parent.get("pathName")),
        active=thing.get("archived") is not True,
        stock=None if left is None else number(left, f"/{stock}"),
        changed_at=instant(thing.get("updated")),
    )


def currency(reference: Thing) -> str:
    """The code of a currency where it is three letters; accounts may name currencies of their own."""
    code = text(reference.get("isoCode")).upper()
    return code if re.fullmatch("[A-Z]{3}", code) else ""


def _type(thing: Thing) -> str:
    return text(thing.get("companyType"))


def _tax(thing: Thing, country: str) -> tuple[str, str]:
    """The number and its kind: a region of its own has fields of its own."""
    kazakh, uzbek = part(thing, "mod__requisites__kz"), part(thing, "mod__requisites__uz")
    for source, name, kind in (
        (kazakh, "bin", "kz.bin"), (kazakh, "iin", "kz.iin"), (uzbek, "inn", "uz.stir"),
        (uzbek, "pinfl", "uz.pinfl"),
        (thing, "inn", "ru.inn" if country in ("", "RU") else ""),
    ):  # fmt: skip
        if found := text(source.get(name)):
            return found, kind
    return "", ""


def _address(thing: Thing, name: str) -> Address | None:
    """An address by its parts; the one line that it is also given as, where it has none."""
    full, whole = part(thing, f"{name}Full"), text(thing.get(name))
    if not any(text(full.get(key)) for key in ("postalCode", "city", *_STREET)):
        return Address(line=whole) if whole else None
    return Address(
        line=", ".join(filter(None, (text(full.get(key)) for key in _STREET))),
        city=text(full.get("city")),
        region=text(part(full, "region").get("name")),
        postcode=text(full.get("postalCode")),
        country=COUNTRIES.get(text(part(full, "country").get("code")).zfill(3), ""),
    )


def _split(value: Any, at: str, needs: str) -> tuple[str, ...]:
    """Several values of the one field there is for them."""
    return tuple(dict.fromkeys(v for v in map(text, re.split(at, text(value))) if v and needs in v))


def _extra(thing: Thing) -> dict[str, str]:
    people = (
        " ".join(filter(None, (text(one.get(key)) for key in ("name", "position", "email", "phone"))))
        for one in parts(thing, "contactpersons")
    )
    kept = {
        "contacts": "; ".join(filter(None, people))[:1000],
        "code": text(thing.get("code")),
        "ogrn": text(thing.get("ogrn")) or text(thing.get("ogrnip")),
    }
    return {key: value for key, value in kept.items() if value}


def _price(prices: list[Thing], price_type: str) -> Thing:
    """The price of the type asked for; the first one where none is."""
    if not price_type:
        return prices[0] if prices else {}
    wanted = price_type.casefold()
    return next((p for p in prices if text(part(p, "priceType").get("name")).casefold() == wanted), {})


def _barcode(thing: Thing) -> str:
    found = [(key, text(value)) for one in parts(thing, "barcodes") for key, value in one.items()]
    ranked = sorted((b for b in found if b[0] in _BARCODES and b[1]), key=lambda b: _BARCODES.index(b[0]))
    return ranked[0][1] if ranked else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def saleable(thing: Thing) -> bool:
    """Whether stock is kept of it: of services none is, of bundles their parts'."""
    return kind_of(thing) in ("product", "variant")
