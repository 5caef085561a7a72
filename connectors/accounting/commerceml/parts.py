"""What a file is cut into, and how the newest parts of an object become the one record that lands."""

import re
from collections.abc import Sequence

import msgspec

from connectors.base import Packed, Raw
from foundation.errors import BadInput

PARTS = ("good", "offer", "price", "rest", "party", "document")
_PARENT = re.compile(r"\bРодитель=\"([^\"]{1,200})\"")  # 1.x
_PRICE = re.compile(r"<ИдТипаЦены>([^<]{1,200})</ИдТипаЦены>|\bИдентификаторТипаЦены=\"([^\"]{1,200})\"")
_CATEGORY = re.compile(r"<Категория>([^<]{1,200})</Категория>")
_GROUPS, _BASE = "<Группы>", "<БазоваяЕдиница>"
_WITH_NAMES = ("good", "offer", "price")
_KEYS = {part: f'"{part}":"' for part in PARTS}
_GONE = '{"gone":'
_DEEPEST = 64  # groups above groups; a ring of them ends here as well


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One part of one object as it came: `fragment` is its XML, the same text for the same content."""

    stream: str  # products counterparties documents
    external_id: str
    part: str  # one of PARTS
    fragment: str
    gone: bool = False
    seen: bytes = b""  # of an element's last piece: how many it gave, and the digest of its bytes


class Same(msgspec.Struct, frozen=True, gc=False):
    """An object that would change nothing, in the place of so many pieces."""

    stream: str
    external_id: str
    pieces: int


class Head(msgspec.Struct, frozen=True):
    """What a file said of itself; the last thing its reading yields.

    `only_changes` is None where the file doesn't say. `counts` are the elements there were, by their kind.
    """

    version: str = ""
    formed_at: str = ""
    only_changes: bool | None = None
    kinds: tuple[str, ...] = ()
    counts: dict[str, int] = {}


class Group(msgspec.Struct):
    """A group of goods; `parent` is empty for the topmost."""

    name: str
    parent: str = ""


class PriceType(msgspec.Struct):
    """A kind of price: retail, wholesale."""

    name: str
    currency: str = ""


class Property(msgspec.Struct):
    """A property of goods, with the values one can choose from."""

    name: str
    kind: str = ""
    variants: dict[str, str] = {}


class Names(msgspec.Struct):
    """What the classifiers of a connection have said so far; goes from file to file."""

    groups: dict[str, Group] = {}
    prices: dict[str, PriceType] = {}
    warehouses: dict[str, str] = {}
    properties: dict[str, Property] = {}
    units: dict[str, str] = {}

    def path(self, group: str) -> str:
        """The names of a group and those above it, the topmost first."""
        path, deep = "", 0
        while (known := self.groups.get(group)) and deep < _DEEPEST:
            path = f"{known.name} / {path}" if path and known.name else known.name or path
            group = known.parent
            deep += 1
        return path


class Used(msgspec.Struct, omit_defaults=True):
    """What a part of a product uses of what the classifiers said."""

    groups: tuple[str, ...] = ()  # paths
    prices: tuple[tuple[str, str, str], ...] = ()  # id, name, currency, in the classifier's order
    unit: str = ""


class Kept(msgspec.Struct, omit_defaults=True):
    """The payload of a record: its parts, the names they use, and which of them say it is gone."""

    document: str = ""
    gone: tuple[str, ...] = ()
    good: str = ""
    good_names: Used | None = None
    offer: str = ""
    offer_names: Used | None = None
    party: str = ""
    price: str = ""
    price_names: Used | None = None
    rest: str = ""

    def parts(self) -> dict[str, str]:
        """The parts there are."""
        return {part: text for part in PARTS if (text := getattr(self, part))}

    def names(self) -> Used:
        """The names of all parts together."""
        told = [used for used in (self.good_names, self.offer_names, self.price_names) if used]
        return Used(
            groups=next((used.groups for used in told if used.groups), ()),
            prices=next((used.prices for used in told if used.prices), ()),
            unit=next((used.unit for used in told if used.unit), ""),
        )


_decoder = msgspec.json.Decoder(Kept)
_encoder = msgspec.json.Encoder(order="sorted")


def merge(before: str | None, pieces: Sequence[Piece], names: Names) -> Raw:
    """The record of an object with these parts in the place of its older ones.

    `pieces` are about one object, oldest first. What hasn't changed gives the payload there was.
    """
    found = merged(before, pieces, names)
    return found if isinstance(found, Raw) else Raw(found.external_id, found.payload, gone=found.gone)


def merged(before: str | None, pieces: Sequence[Piece], names: Names) -> Raw | Packed:
    """The same, packed where it has changed."""
    external_id = pieces[0].external_id
    if before:
        for piece in pieces:
            if not _is_there(before, piece, names):
                break
        else:
            return Raw(external_id, before)
    elif len(pieces) == 1 and not pieces[0].gone:
        return Packed(external_id, _alone(pieces[0], names))
    kept = kept_of(before) if before else Kept()
    changed = not before
    for piece in pieces:
        part, fragment = piece.part, piece.fragment
        if getattr(kept, part) != fragment:
            setattr(kept, part, fragment)
            changed = True
        if piece.gone != (part in kept.gone):
            kept.gone = tuple(sorted({*kept.gone, part} if piece.gone else {*kept.gone} - {part}))
            changed = True
    for part in _WITH_NAMES:
        if (text := getattr(kept, part)) and (used := _used(part, text, names)) != getattr(
            kept, f"{part}_names"
        ):
            setattr(kept, f"{part}_names", used)
            changed = True
    gone = bool(kept.gone)
    if not changed and before:
        return Raw(external_id, before, gone=gone)
    return Packed(external_id, _encoder.encode(kept), gone=gone)


def _alone(piece: Piece, names: Names) -> bytes:
    """The payload of an object of which there is one part: as `_encoder` would write it, for most are so."""
    text = _encoder.encode(piece.fragment)
    used = _used(piece.part, piece.fragment, names)
    if used is None:
        return b'{"%b":%b}' % (piece.part.encode(), text)
    part = piece.part.encode()
    return b'{"%b":%b,"%b_names":%b}' % (part, text, part, _encoder.encode(used))


def kept_of(payload: str) -> Kept:
    """The parts of a payload; BadInput when it is none."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"the record can't be read: {error}") from error


def _is_there(before: str, piece: Piece, names: Names) -> bool:
    """Whether a payload surely has this very part, seen without taking it apart: most of a file is as it was.

    No is no answer: with marks of deletion and backslashes it isn't tried.
    """
    part, text = piece.part, piece.fragment
    if piece.gone or before.startswith(_GONE) or "\\" in text:
        return False
    # a quote within a text is never bare, so this stands before the part and nowhere else
    if (at := before.find(_KEYS[part])) < 0:
        return False
    at += len(_KEYS[part])
    quoted = text.rfind('"') + 1  # attributes come early, and the text behind them is long
    head, tail = text[:quoted].replace('"', '\\"'), text[quoted:]
    if not (before.startswith(head, at) and before.startswith(tail, at + len(head))):
        head, tail = (
            head.replace("\n", "\\n").replace("\t", "\\t"),
            tail.replace("\n", "\\n").replace("\t", "\\t"),
        )
        if not (before.startswith(head, at) and before.startswith(tail, at + len(head))):
            return False
    at += len(head) + len(tail)
    used = _used(part, piece.fragment, names)
    if used is None:
        return before.startswith('"', at) and not before.startswith(f',"{part}_names"', at + 1)
    return before.startswith(f'","{part}_names":{_encoder.encode(used).decode()}', at)


def _used(part: str, text: str, names: Names) -> Used | None:
    """What a part names of what the classifiers say."""
    groups: tuple[str, ...] = ()
    prices: tuple[tuple[str, str, str], ...] = ()
    unit = ""
    if part == "good":
        if names.groups:
            groups = tuple([path for i in _groups(text) if (path := names.path(i))])
    elif part == "price" and names.prices:
        ids = {(a or b).strip() for a, b in _PRICE.findall(text)}
        prices = tuple((i, t.name, t.currency) for i, t in names.prices.items() if i in ids)
    if names.units and part in ("good", "offer"):
        unit = _unit(text, names)
    return Used(groups, prices, unit) if groups or prices or unit else None


def _groups(good: str) -> list[str]:
    """The ids of the groups a product is in."""
    start = good.find(_GROUPS)
    if start >= 0:
        inner = good[start + len(_GROUPS) : good.find("</Группы>", start)]
        if inner.count("<") == 2:  # nearly always there is one
            return [inner[4:-5].strip()]
        ids = inner.replace("<Ид/>", "").split("</Ид>")
        return [own for one in ids if (own := one.replace("<Ид>", "").strip())]
    if found := _CATEGORY.search(good):
        return [found[1].strip()]
    return [i.strip() for i in _PARENT.findall(good)[:1]] if "Родитель=" in good else []


def _unit(text: str, names: Names) -> str:
    """The name of a unit that is given by its code alone."""
    start = text.find(_BASE)
    if start < 0:
        return ""
    start += len(_BASE)
    return names.units.get(text[start : text.find("<", start)].strip(), "")
