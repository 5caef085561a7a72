"""What a cart holds, computed from what was done with it: the same in whatever order that arrives. Pure.

The log begins at the last order, as nothing before it matters any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

SETTLING = 10 * 60 * 1_000_000  # microseconds behind an order in which pages still speak of the cart
PAUSE = 7 * 24 * 3600 * 1_000_000  # microseconds after which a filled cart counts as filled anew
MOST_ACTS, MOST_LINES = 200, 100
WHOLE, ACTIVE = ("whole", "checkout"), ("add", "remove", "checkout", "step")
_SOMETHING: list[dict[str, Any]] = [{}]  # lines that a later whole cart replaces: that there were some counts
_CENT = Decimal("0.0001")

Line = dict[str, Any]  # product_id, sku, name …, quantity, price {"amount", "currency"}


class Act(NamedTuple):
    """Something done with a cart."""

    at: int  # microseconds since 1970
    message: str
    kind: str  # add remove whole look checkout step order empty
    quiet: bool  # it comes of a click in one of our own letters
    lines: list[Line]
    value: str = ""
    currency: str = ""
    link: str = ""  # the cart's own address
    page: str = ""  # the page's
    checkout: str = ""
    order: str = ""


@dataclass
class Filling:
    """A cart since it was last ordered or left alone for long."""

    since: int
    lines: dict[str, Line] = field(default_factory=dict)
    changed: int = 0
    acted: int | None = None
    active: int | None = None
    checkout_at: int | None = None
    checkout: str = ""
    order: str = ""
    ordered: bool = False
    said: tuple[str, str] = ("", "")
    link: str = ""
    page: str = ""

    def take(self, act: Act) -> None:
        """Let something be done with it."""
        self.changed = act.at
        if not act.quiet:
            self.acted = act.at
            self.active = act.at if act.kind in ACTIVE else self.active
        self.link, self.page = act.link or self.link, act.page or self.page
        self.checkout, self.order = act.checkout or self.checkout, act.order or self.order
        if act.kind == "checkout" or (act.kind == "step" and self.checkout_at is None):
            self.checkout_at = act.at
        if act.kind in ("order", "empty"):
            self.ordered, self.lines, self.said = act.kind == "order", {}, ("", "")
        if act.kind in ("add", "remove"):
            self.said = ("", "")
            for line in act.lines:
                self._move(line, adds=act.kind == "add")
        elif act.lines:
            self.lines = {}
            for line in act.lines:
                self._move(line, adds=True)
            self.said = (act.value, act.currency)

    def _move(self, line: Line, *, adds: bool) -> None:
        if not line:
            return
        name, pieces = name_of(line), line.get("quantity")
        held = self.lines.get(name)
        before = _exact(held["quantity"]) if held else Decimal()
        if adds:
            if held is None and len(self.lines) >= MOST_LINES:
                return
            count = before + _exact(1 if pieces is None else pieces)
            line = {**(held or {}), **line}
        elif held is None:
            return
        else:
            count, line = before - (before if pieces is None else _exact(pieces)), held
        if count > 0:
            self.lines[name] = {**line, "quantity": int(count) if count == int(count) else float(count)}
        else:
            self.lines.pop(name, None)

    @property
    def items(self) -> Decimal:
        """How many pieces it holds."""
        return sum((_exact(line["quantity"]) for line in self.lines.values()), Decimal())

    @property
    def value(self) -> tuple[Decimal | None, str]:
        """What it costs: as the shop said it last, else by its lines; None when a price is missing."""
        if self.said[0]:
            return Decimal(self.said[0]), self.said[1]
        prices = [line.get("price") or {} for line in self.lines.values()]
        codes = {price.get("currency", "") for price in prices}
        if len(codes) != 1 or not all(prices):
            return None, ""
        pairs = zip(prices, self.lines.values(), strict=True)
        sums = [Decimal(price["amount"]) * _exact(line["quantity"]) for price, line in pairs]
        total = sum(sums, Decimal())
        return (total.quantize(_CENT) if total < 10**14 else None), codes.pop()


def _exact(number: float) -> Decimal:
    return Decimal(number) if number.__class__ is int else Decimal(str(number))


def name_of(line: Line) -> str:
    """What makes a line of a cart another one."""
    own = line.get("product_id") or line.get("sku") or line.get("name") or ""
    return f"{own}|{line.get('variant') or (line.get('sku') if line.get('product_id') else '') or ''}"


def fold(acts: Sequence[Act]) -> Filling:
    """What sorted acts make of a cart."""
    now = Filling(acts[0].at)
    for act in acts:
        if now.ordered:
            if act.kind in ("remove", "look", "step", "order") or not act.lines:
                continue  # the shop clears up behind an order
            if act.kind != "add" and act.at - now.changed < SETTLING:
                continue  # its pages still show what was in it
            now = Filling(act.at)
        elif now.changed and act.at - now.changed > PAUSE:
            now = Filling(act.at, now.lines, said=now.said, link=now.link, page=now.page)
        now.take(act)
    return now


def together(kept: Iterable[Act], fresh: Iterable[Act]) -> list[Act]:
    """The log with what is new in it, without what can't matter any more."""
    acts = sorted({(act.at, act.message): act for act in (*kept, *fresh)}.values(), key=_place)
    orders = [number for number, act in enumerate(acts) if act.kind == "order"]
    acts = acts[orders[-1] :] if orders else acts
    wholes = [
        number for number, act in enumerate(acts) if act.kind == "empty" or (act.kind in WHOLE and act.lines)
    ]
    if wholes:
        last = wholes[-1]
        acts = [
            act._replace(lines=_SOMETHING) if number < last and act.kind != "order" and act.lines else act
            for number, act in enumerate(acts)
        ]
    return acts if len(acts) <= MOST_ACTS else _shortened(acts)


def _place(act: Act) -> tuple[int, bool, str]:
    return act.at, act.kind == "order", act.message  # of one instant the order is what it ended with


def _shortened(acts: list[Act]) -> list[Act]:
    """The older half as one whole cart, beside the first act, which says since when it is filled."""
    half = len(acts) // 2
    before = fold(acts[:half])
    last = acts[half - 1]
    if before.ordered:
        return [acts[0], *acts[half:]]
    whole = last._replace(kind="whole", lines=list(before.lines.values()), link=before.link, page=before.page,
                          checkout=before.checkout, order=before.order, value=before.said[0],
                          currency=before.said[1])  # fmt: skip
    checkouts = [act._replace(lines=_SOMETHING) for act in acts[1 : half - 1] if act.kind == "checkout"][-1:]
    return [acts[0]._replace(lines=_SOMETHING), *checkouts, whole, *acts[half:]]


def pack(acts: Sequence[Act]) -> bytes:
    """A log as it is kept."""
    return msgspec.msgpack.encode(acts)


def unpack(kept: bytes) -> list[Act]:
    """A kept log."""
    return [Act(*one) for one in msgspec.msgpack.decode(kept)]
