"""Products as 1C uploads them to a site: the catalogue, and the offers with prices and rests."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from connectors.accounting.commerceml.outgoing import (
    Element,
    Profile,
    clean,
    flag,
    number,
    put,
    put_base_unit,
    put_told,
    put_values,
    root,
    short_id,
    to_bytes,
)
from foundation.records import Product

Part = Literal["offer", "price", "rest"]
SPACES = {2: "urn:1C.ru:commerceml_2", 3: "urn:1C.ru:commerceml_3"}


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Where products are uploaded to: sites tell catalogues and kinds of prices by their ids."""

    id: str = "kartoteka"
    name: str = "Каталог товаров"
    price: str = "retail"
    price_name: str = "Розничная"
    currency: str = "RUB"


def catalogue_document(
    products: Sequence[Product], profile: Profile, at: datetime, *,
    catalogue: Catalogue = Catalogue(), whole: bool = False,
) -> bytes:  # fmt: skip
    """Groups and goods. `whole`: the site may take what isn't in it as gone."""
    top = _root(profile, at)
    classifier = put(top, "Классификатор")
    _put_head(classifier, catalogue)
    if paths := sorted({path for product in products for path in _paths(product)}):
        _put_groups(classifier, (), paths)
    goods = put(top, "Каталог", СодержитТолькоИзменения=flag(not whole))
    _put_head(goods, catalogue, "ИдКлассификатора")
    holder = put(goods, "Товары")
    for product in products:
        _put_product(holder, product)
    return to_bytes(top, profile)


def offers_document(
    products: Sequence[Product], profile: Profile, at: datetime, *,
    catalogue: Catalogue = Catalogue(), whole: bool = False,
    parts: Sequence[Part] = ("offer", "price", "rest"),
) -> bytes:  # fmt: skip
    """Prices and rests of the same products; what a product doesn't tell is left out, not written as none.

    Newer versions have a file for each of the `parts`.
    """
    top = _root(profile, at)
    package = put(top, "ПакетПредложений", СодержитТолькоИзменения=flag(not whole))
    put(package, "Ид", f"{catalogue.id}#")
    put(package, "Наименование", catalogue.name)
    put(package, "ИдКаталога", catalogue.id)
    put(package, "ИдКлассификатора", catalogue.id)
    if "offer" in parts:
        price = put(put(package, "ТипыЦен"), "ТипЦены")
        put(price, "Ид", catalogue.price)
        put(price, "Наименование", catalogue.price_name)
        put(price, "Валюта", catalogue.currency)
    offers = put(package, "Предложения")
    for product in products:
        offer = put(offers, "Предложение")
        put(offer, "Ид", short_id(product.external_id))
        if "offer" in parts:
            put_told(offer, "Артикул", product.sku)
            put(offer, "Наименование", product.name)
            put_base_unit(offer)
        if "price" in parts and product.price is not None:
            _put_price(offer, product.price, product.currency or catalogue.currency, catalogue)
        if "rest" in parts and product.stock is not None:
            put(offer if "offer" in parts else _shelf(offer), "Количество", number(product.stock))
    return to_bytes(top, profile)


def group_id(path: Sequence[str]) -> str:
    """The id of a group by where it stands, the same in each document."""
    return hashlib.blake2b("\0".join(path).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _root(profile: Profile, at: datetime) -> Element:
    space = SPACES.get(profile.numbers[0], "") if profile.modern else ""
    return root(profile, at, **({"xmlns": space} if space else {}))


def _put_head(parent: Element, catalogue: Catalogue, *more: str) -> None:
    put(parent, "Ид", catalogue.id)
    for tag in more:
        put(parent, tag, catalogue.id)
    put(parent, "Наименование", catalogue.name)


def _path(product: Product) -> tuple[str, ...]:
    return tuple(name for part in product.category.split(" / ") if (name := clean(part)))


def _paths(product: Product) -> Iterable[tuple[str, ...]]:
    """A product's group and all groups around it."""
    path = _path(product)
    return (path[: depth + 1] for depth in range(len(path)))


def _put_groups(parent: Element, above: tuple[str, ...], paths: Sequence[tuple[str, ...]]) -> None:
    """The groups right below one, each with what is below it."""
    holder = put(parent, "Группы")
    depth = len(above)
    for path in (path for path in paths if len(path) == depth + 1):
        group = put(holder, "Группа")
        put(group, "Ид", group_id(path))
        put(group, "Наименование", path[-1])
        if below := [deep for deep in paths if len(deep) > depth + 1 and deep[: depth + 1] == path]:
            _put_groups(group, path, below)


def _put_product(parent: Element, product: Product) -> None:
    item = put(parent, "Товар")
    if not product.active:
        item.set("Статус", "Удален")
    put(item, "Ид", short_id(product.external_id))
    put_told(item, "Штрихкод", product.barcode)
    put_told(item, "Артикул", product.sku)
    put(item, "Наименование", product.name)
    put_base_unit(item)
    if path := _path(product):
        put(put(item, "Группы"), "Ид", group_id(path))
    put_told(item, "Картинка", product.image)
    put_values(
        item,
        {"ВидНоменклатуры": "Товар", "ТипНоменклатуры": "Товар", "Полное наименование": product.name},
    )


def _put_price(offer: Element, amount: Decimal, currency: str, catalogue: Catalogue) -> None:
    price = put(put(offer, "Цены"), "Цена")
    put(price, "Представление", f"{number(amount, 2)} {currency} за шт")
    put(price, "ИдТипаЦены", catalogue.price)
    put(price, "ЦенаЗаЕдиницу", number(amount, 2))
    put(price, "Валюта", currency)
    put(price, "Единица", "шт")
    put(price, "Коэффициент", "1")


def _shelf(offer: Element) -> Element:
    """Where a file of rests has its quantity: by warehouse, of which we tell one."""
    shelf = put(put(put(offer, "Остатки"), "Остаток"), "Склад")
    put(shelf, "Ид", "main")
    return shelf
