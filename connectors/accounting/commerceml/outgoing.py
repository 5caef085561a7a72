"""What every document for 1C is made with: the profile of its reader, elements, numbers, wall times, bytes.

1C reads strictly: elements in the order of the schema, texts no longer than its types allow, nothing that XML
1.0 has no sign for. One value that breaks this costs it the whole file, so values are trimmed to fit here.
"""

import codecs
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, Self
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec

Element = ElementTree.Element
Encoding = Literal["utf-8-bom", "utf-8", "windows-1251"]

NAME, VALUE, COMMENT, ID = 255, 1000, 3000, 80  # how long 1C's types are
_FOREIGN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_YES = frozenset({"1", "true", "yes", "on"})


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How one 1C base wants to be written to; configurations and modules differ."""

    encoding: Encoding = "utf-8-bom"
    version: str = "2.05"
    container: bool | None = None  # each order in a <Контейнер> of its own; None: as its version has it
    zone: str = "Europe/Moscow"
    delivery_line: bool = True  # delivery as a line of the order, not as an expense beside the lines

    @classmethod
    def of(cls, settings: Any) -> Self:
        """The profile in a connection's settings; what they lack or leave empty stays usual."""
        given = {name: getattr(settings, name, "") for name in cls.__struct_fields__}
        for name in ("container", "delivery_line"):
            if isinstance(given[name], str):
                said = given[name].strip().lower()
                given[name] = "" if said == "auto" or not said else said in _YES
        return msgspec.convert({name: value for name, value in given.items() if value != ""}, cls)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers, to compare with."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version))

    @property
    def modern(self) -> bool:
        """Newer than what sites answer who are not asked for a version."""
        return self.numbers > (2, 5)

    @property
    def boxes(self) -> bool:
        """Whether orders go out in containers: modules of version 3 read nothing else."""
        return self.numbers >= (3,) if self.container is None else self.container

    def local(self, at: datetime) -> datetime:
        """An instant as the clock on 1C's wall shows it: its dates know no zones."""
        return at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def clean(text: str, longest: int = NAME) -> str:
    """A text without signs that XML can't hold, not longer than 1C's type allows."""
    return _FOREIGN.sub("", text).replace("\r\n", "\n").strip()[:longest]


def short_id(value: str) -> str:
    """An id as 1C can keep it: longer ones are replaced by what stands for them, always the same."""
    kept = _FOREIGN.sub("", value).strip()
    return kept if len(kept) <= ID else "h#" + hashlib.blake2b(kept.encode(), digest_size=16).hexdigest()


def put(
    parent: Element, tag: str, text: str | None = None, longest: int = NAME, **attributes: str
) -> Element:
    """A child with a text."""
    child = ElementTree.SubElement(parent, tag, attributes)
    if text is not None:
        child.text = clean(text, longest)
    return child


def put_told(parent: Element, tag: str, text: str, longest: int = NAME) -> None:
    """A child with a text, unless there is none: an empty element would say “told: empty”."""
    if clean(text, longest):
        put(parent, tag, text, longest)


def put_values(parent: Element, values: Mapping[str, str]) -> None:
    """<ЗначенияРеквизитов> of those values that are told."""
    told = {name: clean(value, VALUE) for name, value in values.items()}
    if any(told.values()):
        holder = put(parent, "ЗначенияРеквизитов")
        for name, value in told.items():
            if value:
                one = put(holder, "ЗначениеРеквизита")
                put(one, "Наименование", name)
                put(one, "Значение", value, VALUE)


def put_unit(parent: Element, profile: Profile) -> None:
    """Pieces, in the shape of the version; the code has its blank, newer modules miss the unit without it."""
    if profile.modern:
        unit = put(parent, "Единица")
        ElementTree.SubElement(unit, "Код").text = "796 "
        put(unit, "НаименованиеПолное", "Штука")
        put(parent, "Коэффициент", "1")
    else:
        put_base_unit(parent)


def put_base_unit(parent: Element) -> None:
    """Pieces, as catalogues and old orders name them."""
    unit = {"Код": "796 ", "НаименованиеПолное": "Штука", "МеждународноеСокращение": "PCE"}
    ElementTree.SubElement(parent, "БазоваяЕдиница", unit).text = "шт"


def money(amount: Decimal) -> str:
    """A sum: a dot, two decimals, no thousands."""
    return format(amount.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")


def number(value: Decimal, least: int = 0) -> str:
    """A price or quantity: a dot, as many decimals as it has, never an exponent."""
    whole, _, decimals = format(value, "f").partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def flag(value: bool) -> str:
    """true or false."""
    return "true" if value else "false"


def root(profile: Profile, at: datetime, **attributes: str) -> Element:
    """The outermost element, with the formats of what it holds."""
    return ElementTree.Element(
        "КоммерческаяИнформация",
        {
            "ВерсияСхемы": profile.version,
            "ДатаФормирования": profile.local(at).isoformat(timespec="seconds"),
            "ФорматДаты": "ДФ=yyyy-MM-dd; ДЛФ=DT",
            "ФорматВремени": "ДФ=ЧЧ:мм:сс; ДЛФ=T",
            "РазделительДатаВремя": "T",
            "ФорматСуммы": "ЧЦ=18; ЧДЦ=2; ЧРД=.",
            "ФорматКоличества": "ЧЦ=18; ЧДЦ=2; ЧРД=.",
            **attributes,
        },
    )


def to_bytes(element: Element, profile: Profile) -> bytes:
    """The document in the profile's encoding; what windows-1251 lacks becomes character references."""
    named = "windows-1251" if profile.encoding == "windows-1251" else "UTF-8"
    text = f'<?xml version="1.0" encoding="{named}"?>\n' + ElementTree.tostring(element, "unicode")
    mark = codecs.BOM_UTF8 if profile.encoding == "utf-8-bom" else b""
    return mark + text.encode(named, "xmlcharrefreplace")
