"""A product: what its good, its offer, its prices and its rests say together."""

from collections.abc import Iterable, Mapping

from connectors.accounting.commerceml import offers
from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.parts import Used
from connectors.accounting.commerceml.values import clean, fold
from foundation.records import Product

_LONG_NAMES = ("Полное наименование", "НаименованиеПолное", "Наименование для печати")


def product(external_id: str, trees: Mapping[str, Node], names: Used, habits: Habits) -> Product | None:
    """The product of an id; None while nothing has named it yet (prices and rests may come first)."""
    good_first = [trees[part] for part in ("good", "offer") if part in trees]
    told = good_first[::-1] if "#" in external_id else good_first  # an offer names the variant
    for node in trees.values():
        for name in ("Ид", "Идентификатор", "ИдентификаторТовара"):
            node.raw(name)
    name = _agreed(told, "Наименование") or requisite(told, *_LONG_NAMES)
    if not name:
        return None
    price, currency = offers.price(trees, names, habits)
    return Product(
        external_id=external_id,
        name=name,
        sku=_agreed(told, "Артикул", "ИдентификаторВКаталоге") or requisite(told, "Артикул"),
        barcode=_agreed(told, "Штрихкод"),
        price=price,
        currency=currency,
        unit=_unit(told, names),
        category=_category(trees, names),
        image=_image(told),
        stock=offers.stock(trees),
    )


def requisite(told: Iterable[Node], *names: str) -> str:
    """The value of the first requisite (or 1.x property) of one of these names."""
    wanted = {fold(name) for name in names}
    for node in told:
        for one in (*node.all("ЗначенияРеквизитов", "ЗначениеРеквизита"), *node.all("ЗначениеСвойства")):
            told_name = next((c.text for c in one.all("Наименование")), "")
            key = told_name or one.attributes.get(fold("ИдентификаторСвойства"), "")
            if fold(key) in wanted and (value := one.said("Значение")):
                one.raw("Наименование", "ИдентификаторСвойства")
                return value
    return ""


def _agreed(told: Iterable[Node], *names: str) -> str:
    """The first that any of the elements says under these names; what says the same is taken with it."""
    found = ""
    for node in told:
        for name in names:
            for child in node.all(name):
                found = found or clean(child.text)
                child.taken |= clean(child.text) == found
            if fold(name) in node.attributes:
                found = found or node.said(name)
    return found


def _unit(told: Iterable[Node], names: Used) -> str:
    found = [offers.unit(node, names) for node in told]
    return next((unit for unit in found if unit), "")


def _category(trees: Mapping[str, Node], names: Used) -> str:
    paths = names.groups
    good = trees.get("good")
    if paths and good:
        for group in good.all("Группы", "Ид"):
            group.taken = len(paths) == 1
        good.raw("Родитель")
        for group in good.all("Категория"):
            group.taken = True
    return paths[0] if paths else ""


def _image(told: Iterable[Node]) -> str:
    """The first picture's path, without the caption some write behind it."""
    for node in told:
        for picture in node.all("Картинка"):
            if picture.text:
                return picture.own().partition("#")[0]
    return ""
