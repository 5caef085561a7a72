"""Which entity and field of a base means what: defaults for the stock configurations, changed per connection.

A path is `Field`, `TablePart/Field` or `@names/Field_Key` (what the object of that reference is called).
Of several paths the first with a value counts, so that one default reads several configurations.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from foundation.errors import BadInput

NAMES = "@names"  # where names of referenced objects are put into a row
ENTITY = "@entity"  # where a row says which entity it is of
_PATH = re.compile(r"[\w@/]{1,200}")
_ENTITY = re.compile(r"(Catalog|Document)_\w{1,120}")


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one stream is read and written.

    `names` says of a reference where its name stands: entity, field, and a filter. `expand` names references
    that are read whole, each with the entity that must be published for that. Rows whose field has one of the
    values in `leave_out` are none of ours. `back` names the entities of money given back, and which of their
    operations count. `key` is the text field that keeps our key in objects we
    make; they also get the `constants`.
    """

    entities: tuple[str, ...]
    order: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    tables: tuple[str, ...] = ()
    line: dict[str, tuple[str, ...]] = {}
    names: dict[str, tuple[str, ...]] = {}
    expand: dict[str, str] = {}
    leave_out: dict[str, tuple[str, ...]] = {}
    back: dict[str, tuple[str, ...]] = {}
    key: str = "Комментарий"
    constants: dict[str, str | bool | int] = {}
    vat: dict[str, str] = {}
    every: bool = False  # all of the entities that are there, not the first


TAX_NUMBERS = {
    "RU": ("ИНН",),
    "KZ": ("ИдентификационныйКодЛичности", "БИН", "ИИН", "БИНИИН", "ИНН"),
    "BY": ("УНП", "УНН", "ИНН"),
    "UZ": ("ИНН", "СТИР", "ПИНФЛ"),
}
CURRENCIES = {
    "RU": "RUB", "KZ": "KZT", "BY": "BYN", "UZ": "UZS", "KG": "KGS", "AM": "AMD", "AZ": "AZN", "GE": "GEL",
    "TJ": "TJS", "TM": "TMT", "MD": "MDL", "UA": "UAH", "TR": "TRY",
}  # fmt: skip
_CURRENCY_NAMES = {"ВалютаДокумента_Key": ("Catalog_Валюты", "Code")}
_VAT = {
    "RU": {
        "0": "БезНДС",
        "5": "НДС5",
        "7": "НДС7",
        "10": "НДС10",
        "18": "НДС18",
        "20": "НДС20",
        "22": "НДС22",
    }
}
_PAID_BY_OTHERS = (
    "ВозвратОтПоставщика", "ПолучениеНаличныхВБанке", "РасчетыПоКредитамИЗаймам", "ВозвратОтПодотчетногоЛица",
    "ВзносНаличными", "ПереводСДругогоСчета", "РозничнаяВыручка", "ИнкассацияДенежныхСредств",
)  # fmt: skip
_GIVEN_BACK = ("ВозвратПокупателю", "ВозвратОплатыКлиенту")


def _counterparties(country: str) -> Reading:
    return Reading(
        entities=("Catalog_Контрагенты",),
        order=("Code",),
        fields={
            "name": ("Description",),
            "company": ("НаименованиеПолное", "Description"),
            "kind": ("ЮридическоеФизическоеЛицо", "ЮрФизЛицо", "ВидКонтрагента"),
            "tax_number": TAX_NUMBERS.get(country, ("ИНН",)),
            "registration_number": ("КПП",),
            "note": ("Комментарий",),
            "code": ("Code",),
        },
        tables=("КонтактнаяИнформация", "Партнер/КонтактнаяИнформация"),
        expand={"Партнер": "Catalog_Партнеры"},
    )


def _nomenclature(country: str) -> Reading:
    return Reading(
        entities=("Catalog_Номенклатура",),
        order=("Code",),
        fields={
            "name": ("Description", "НаименованиеПолное"),
            "full_name": ("НаименованиеПолное",),
            "sku": ("Артикул",),
            "barcode": ("Штрихкод", "ШтрихКод"),
            "unit": (
                f"{NAMES}/ЕдиницаИзмерения_Key", f"{NAMES}/БазоваяЕдиницаИзмерения_Key",
                f"{NAMES}/ЕдиницаХраненияОстатков_Key",
            ),
            "category": (f"{NAMES}/Parent_Key",),
        },
        names={
            "ЕдиницаИзмерения_Key": ("Catalog_КлассификаторЕдиницИзмерения", "Description"),
            "БазоваяЕдиницаИзмерения_Key": ("Catalog_КлассификаторЕдиницИзмерения", "Description"),
            "Parent_Key": ("Catalog_Номенклатура", "Description", "IsFolder eq true"),
        },
    )  # fmt: skip


def _invoices(country: str) -> Reading:
    return Reading(
        entities=(
            "Document_СчетНаОплатуПокупателю", "Document_СчетПокупателю", "Document_СчетНаОплатуКлиенту",
        ),
        order=("Date", "Number"),
        fields={
            "number": ("Number",),
            "customer_id": ("Контрагент_Key", "Контрагент"),
            "currency": (f"{NAMES}/ВалютаДокумента_Key", f"{NAMES}/Валюта_Key"),
            "currency_ref": ("ВалютаДокумента_Key", "Валюта_Key"),
            "total": ("СуммаДокумента",),
            "issued_at": ("Date",),
            "due_at": ("СрокОплаты", "ДатаОплаты", "ДатаПлатежа"),
            "order_number": ("НомерЗаказа", "НомерЗаказаПокупателя", "НомерЗаказаКлиента"),
            "tax_in": ("СуммаВключаетНДС", "ЦенаВключаетНДС"),
            "organisation": ("Организация_Key",),
        },
        tables=("Товары", "Услуги"),
        line={
            "product_id": ("Номенклатура_Key", "Номенклатура"),
            "name": ("Содержание",),
            "quantity": ("Количество",),
            "unit_price": ("Цена",),
            "total": ("Сумма",),
            "discount": ("СуммаСкидки",),
            "tax": ("СуммаНДС",),
            "tax_rate": ("СтавкаНДС",),
        },
        names={**_CURRENCY_NAMES, "Валюта_Key": ("Catalog_Валюты", "Code")},
        vat=_VAT.get(country, {}),
    )  # fmt: skip


def _payments(country: str) -> Reading:
    return Reading(
        entities=(
            "Document_ПоступлениеНаРасчетныйСчет", "Document_ПриходныйКассовыйОрдер",
            "Document_ПоступлениеБезналичныхДенежныхСредств", "Document_ОплатаОтПокупателяПлатежнойКартой",
            "Document_ПлатежноеПоручениеВходящее", "Document_СписаниеСРасчетногоСчета",
            "Document_РасходныйКассовыйОрдер",
        ),
        every=True,
        order=("Date", "Number"),
        fields={
            "number": ("Number",),
            "customer_id": ("Контрагент_Key", "Контрагент"),
            "currency": (f"{NAMES}/ВалютаДокумента_Key", f"{NAMES}/Валюта_Key"),
            "currency_ref": ("ВалютаДокумента_Key", "Валюта_Key"),
            "amount": ("СуммаДокумента",),
            "paid_at": ("Date",),
            "operation": ("ВидОперации", "ХозяйственнаяОперация"),
            "invoice_id": (
                "СчетНаОплату_Key", "РасшифровкаПлатежа/СчетНаОплату_Key", "ДокументОснование_Key",
                "ДокументОснование",
            ),
        },
        names={**_CURRENCY_NAMES, "Валюта_Key": ("Catalog_Валюты", "Code")},
        leave_out={"ВидОперации": _PAID_BY_OTHERS},
        back={
            "Document_СписаниеСРасчетногоСчета": _GIVEN_BACK,
            "Document_РасходныйКассовыйОрдер": _GIVEN_BACK,
        },
    )  # fmt: skip


_DEFAULTS = {
    "counterparties": _counterparties,
    "nomenclature": _nomenclature,
    "invoices": _invoices,
    "payments": _payments,
}


@lru_cache(maxsize=64)
def read(said: str, country: str) -> Mapping[str, Reading]:
    """A connection's mapping: the country's defaults with what its JSON changes; BadInput names the place."""
    base = {name: msgspec.to_builtins(make(country)) for name, make in _DEFAULTS.items()}
    changes = _decode(said)
    for stream, change in changes.items():
        if stream not in base:
            raise BadInput(f"There is no stream “{stream}”; there are: {', '.join(base)}.", "mapping")
        base[stream] = _merged(base[stream], change, f"mapping/{stream}")
    return {name: _checked(name, thing) for name, thing in base.items()}


def _decode(said: str) -> dict[str, Any]:
    if not said.strip():
        return {}
    try:
        found = msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadInput(f"The mapping is no JSON: {error}.", "mapping") from error
    if not isinstance(found, dict):
        raise BadInput("The mapping is a JSON object of streams.", "mapping")
    return found


def _merged(base: dict[str, Any], change: Any, at: str) -> dict[str, Any]:
    """Objects are merged name by name; everything else is replaced. One path may stand without its list."""
    if not isinstance(change, dict):
        raise BadInput("An object is needed.", at)
    merged = dict(base)
    for name, value in change.items():
        if isinstance(merged.get(name), dict):
            inner = (
                {key: _listed(name, one) for key, one in value.items()} if isinstance(value, dict) else value
            )
            merged[name] = _merged(merged[name], inner, f"{at}/{name}")
        else:
            merged[name] = _listed(name, value)
    return merged


def _listed(name: str, value: Any) -> Any:
    lists = ("entities", "order", "fields", "tables", "line", "leave_out", "back")
    return [value] if name in lists and isinstance(value, str) else value


def _checked(stream: str, thing: dict[str, Any]) -> Reading:
    try:
        found = msgspec.convert(thing, Reading)
    except msgspec.ValidationError as error:
        raise BadInput(f"{error}", f"mapping/{stream}") from error
    default = _DEFAULTS[stream]("")
    for part, known, given in (("fields", default.fields, found.fields), ("line", default.line, found.line)):
        for name, paths in given.items():
            if name not in known:
                raise BadInput(
                    f"There is no such field; there are: {', '.join(known)}.",
                    f"mapping/{stream}/{part}/{name}",
                )
            _all_match(_PATH, paths, f"mapping/{stream}/{part}/{name}")
    named = tuple(how[0] for how in found.names.values() if how)
    _all_match(
        _ENTITY, (*found.entities, *named, *found.expand.values(), *found.back), f"mapping/{stream}/entities"
    )
    _all_match(
        _PATH, (*found.order, *found.tables, *found.expand, *found.names, found.key), f"mapping/{stream}"
    )
    if not found.entities or any(len(how) not in (2, 3) for how in found.names.values()):
        raise BadInput("Entities, and for each name its entity and field, are needed.", f"mapping/{stream}")
    return found


def _all_match(pattern: re.Pattern[str], values: tuple[str, ...], at: str) -> None:
    for value in values:
        if not pattern.fullmatch(value):
            raise BadInput(f"“{value[:60]}” can't be a name in 1C.", at)
