"""Small CommerceML files of our own, and short ways to read them."""

import io
from collections.abc import Iterable
from typing import Any

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.parts import Head, Names, Piece, merge
from connectors.accounting.commerceml.reading import read
from connectors.accounting.commerceml.records import normalise
from connectors.base import Bad, Raw

NAMESPACE = ' xmlns="urn:1C.ru:commerceml_2" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
RUSSIAN = Habits(zone="Europe/Moscow", country="RU", currency="RUB")

GOOD = """<Товар><Ид>g-1</Ид><Артикул>A-1</Артикул><Наименование>Стол</Наименование>
<БазоваяЕдиница Код="796 " НаименованиеПолное="Штука">шт</БазоваяЕдиница></Товар>"""


def file(inner: str, version: str = "2.07", namespace: str = NAMESPACE, declaration: str = "UTF-8") -> str:
    """A whole file around some packages."""
    return (
        f'<?xml version="1.0" encoding="{declaration}"?>\n<КоммерческаяИнформация{namespace}'
        f' ВерсияСхемы="{version}" ДатаФормирования="2026-01-02T03:04:05">{inner}</КоммерческаяИнформация>'
    )


def catalogue(*goods: str, told: str = "") -> str:
    """A file with a catalogue of goods."""
    mark = f' СодержитТолькоИзменения="{told}"' if told else ""
    return file(f"<Каталог{mark}><Ид>c</Ид><Товары>{''.join(goods)}</Товары></Каталог>")


def offers(*ones: str, package: str = "ПакетПредложений", before: str = "") -> str:
    """A file with a package of offers."""
    return file(f"<{package}><Ид>c#</Ид>{before}<Предложения>{''.join(ones)}</Предложения></{package}>")


def parse(text: str | bytes, names: Names | None = None) -> list[Piece | Bad | Head]:
    """All that reading a file yields."""
    whole = text.encode() if isinstance(text, str) else text
    return list(read(io.BytesIO(whole), Names() if names is None else names))


def pieces(text: str | bytes, names: Names | None = None) -> list[Piece]:
    """The pieces of a file."""
    return [one for one in parse(text, names) if isinstance(one, Piece)]


def head(text: str | bytes) -> Head:
    """What a file says of itself."""
    return next(one for one in parse(text) if isinstance(one, Head))


def landed(*files: str | bytes, names: Names | None = None) -> dict[str, Raw]:
    """What a row of files leaves behind, by external id."""
    known: dict[str, Raw] = {}
    names = Names() if names is None else names
    for one in files:
        for piece in pieces(one, names):
            before = known.get(piece.external_id)
            known[piece.external_id] = merge(before.payload if before else None, [piece], names)
    return known


def records(*files: str | bytes, habits: Habits = RUSSIAN, stream: str = "") -> list[Any]:
    """The records that a row of files comes to."""
    found: list[Any] = []
    for raw in landed(*files).values():
        told = stream or ("documents" if '"document"' in raw.payload else "products")
        found += normalise("counterparties" if '"party"' in raw.payload else told, raw, habits)
    return found


def one(found: Iterable[Any], kind: type) -> Any:
    """The only one of a kind."""
    fitting = [thing for thing in found if isinstance(thing, kind)]
    assert len(fitting) == 1, fitting
    return fitting[0]
