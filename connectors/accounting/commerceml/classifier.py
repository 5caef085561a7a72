"""What classifiers say: groups, properties, price types, warehouses and units, remembered by their ids."""

from collections.abc import Callable

from connectors.accounting.commerceml.fragments import Element, local, said
from connectors.accounting.commerceml.parts import Group, Names, PriceType, Property
from connectors.accounting.commerceml.values import clean, currency

_MOST = 200_000  # of a kind; the names of a connection are kept in memory


def _learn_group(element: Element, names: Names) -> None:
    parent, above = said(element, "Родитель"), element.getparent()
    while above is not None and local(above) in ("Группы", "Группа"):
        if local(above) == "Группа":
            parent = said(above, "Ид", "Идентификатор")
            break
        above = above.getparent()
    key, name = said(element, "Ид", "Идентификатор"), clean(said(element, "Наименование"))
    if key and (key in names.groups or len(names.groups) < _MOST):
        names.groups[key] = Group(name, parent)


def _learn_categories(element: Element, names: Names) -> None:
    """The groups of those configurations that call them categories."""
    for one in element.iterchildren("{*}Категория"):
        _learn_group(one, names)


def _learn_property(element: Element, names: Names) -> None:
    key = said(element, "Ид", "Идентификатор")
    variants = {
        said(one, "ИдЗначения", "Ид"): clean(said(one, "Значение"))
        for one in element.iter("{*}Справочник", "{*}ВариантЗначения")
    }
    variants.pop("", None)
    known = sum(len(one.variants) for one in names.properties.values())
    if key and known + len(variants) <= _MOST:
        kind = said(element, "ТипЗначений", "ТипЗначения")
        names.properties[key] = Property(clean(said(element, "Наименование")), kind, variants)


def _learn_prices(element: Element, names: Names) -> None:
    for one in element.iterchildren("{*}ТипЦены"):
        if (key := said(one, "Ид")) and len(names.prices) < _MOST:
            names.prices[key] = PriceType(clean(said(one, "Наименование")), currency(said(one, "Валюта")))


def _learn_warehouses(element: Element, names: Names) -> None:
    for one in element.iterchildren("{*}Склад"):
        if (key := said(one, "Ид")) and len(names.warehouses) < _MOST:
            names.warehouses[key] = clean(said(one, "Наименование"))


def _learn_units(element: Element, names: Names) -> None:
    for one in element.iterchildren("{*}ЕдиницаИзмерения"):
        name = clean(said(one, "НаименованиеКраткое", "НаименованиеПолное"))
        if (key := said(one, "Код", "Ид")) and name and len(names.units) < _MOST:
            names.units[key] = name


SINGLE: dict[str, Callable[[Element, Names], None]] = {"Группа": _learn_group, "Свойство": _learn_property}
LISTS: dict[str, Callable[[Element, Names], None]] = {
    "Категории": _learn_categories,
    "ТипыЦен": _learn_prices,
    "Склады": _learn_warehouses,
    "ЕдиницыИзмерения": _learn_units,
}
