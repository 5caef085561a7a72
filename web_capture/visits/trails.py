"""Visits of one device, made of its events: the same whatever order the events came in. Pure.

A visit keeps its steps, so that a late event can join two visits or, with another origin, divide one.
"""

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from web_capture.visits.origins import NOTHING, Mark

PAUSE = 30 * 60 * 1_000_000  # microseconds without an event that end a visit
MOST_STEPS, LARGEST = 400, 100_000  # steps of a visit and their bytes; beyond, neighbours are put together
MOST_ORDERS = 100  # of a visit
_SHORT = 3  # values of a step of which only time and sums are kept


class Step(NamedTuple):
    """One event, or neighbours put together; steps sort by time, of one instant the telling ones first."""

    at: int  # microseconds since 1970
    plain: bool  # it says nothing of where its visitor came from
    nowhere: bool  # it has no address, or need not tell it
    mark: Mark
    url: str
    until: int
    events: int
    pages: int
    order: tuple[str, str, str] | tuple[()]  # id, amount, currency


Packed = Sequence[Any]  # a step as it is kept: all of it, or its time, events and pages


class Trail(msgspec.Struct):
    """A visit: its steps as they are kept, what it began with, and what it adds up to."""

    start: int
    end: int
    mark: Mark
    url: str
    kept: list[Packed]
    pages: int
    events: int
    orders: dict[str, Sequence[str]]  # id, amount, currency; an order told twice counts once

    @property
    def currency(self) -> str:
        """That of the first order."""
        return next((order[2] for order in self.orders.values()), "")

    @property
    def value(self) -> Decimal:
        """The orders in that currency."""
        code = self.currency
        return sum((Decimal(one[1] or 0) for one in self.orders.values() if one[2] == code), Decimal())

    def add(self, step: Step) -> None:
        """Take a step that is no earlier than those there."""
        self.kept.append(_brief(step))
        self.end = max(self.end, step.until)
        self.events += step.events
        self.pages += step.pages
        if step.order and len(self.orders) < MOST_ORDERS:
            self.orders.setdefault(step.order[0], step.order)


def fold(steps: Iterable[Step], last: Trail | None = None) -> list[Trail]:
    """The visits that sorted steps make, the first of them perhaps going on from a `last` one."""
    trails: list[Trail] = [last] if last is not None else []
    for step in steps:
        if last is None or step.at - last.end > PAUSE or _another(last, step):
            orders = {step.order[0]: step.order} if step.order else {}
            last = Trail(
                step.at, step.until, step.mark, step.url, [step], step.pages, step.events, dict(orders)
            )
            trails.append(last)
        else:
            last.add(step)
    return trails


def _another(trail: Trail, step: Step) -> bool:
    return not step.plain and step.at > trail.start and step.mark.ends(trail.mark)


def pack(trail: Trail) -> bytes:
    """The steps as they are kept: within bounds, whatever a browser sends."""
    packed = msgspec.msgpack.encode(trail.kept)
    if len(trail.kept) > MOST_STEPS or len(packed) > LARGEST:
        orders = {order[0] for order in trail.orders.values()}
        first, *others = thin([step_of(one) for one in trail.kept], orders)
        trail.kept = [first, *map(_brief, others)]
        packed = msgspec.msgpack.encode(trail.kept)
    return packed


def unpack(kept: bytes) -> list[Packed]:
    """Kept steps."""
    found: list[Packed] = msgspec.msgpack.decode(kept)
    return found


def mark_of(packed: Packed) -> Mark:
    """What a kept step told of its visitor's origin."""
    return NOTHING if len(packed) == _SHORT else Mark(*packed[3])


def step_of(packed: Packed) -> Step:
    """A kept step again."""
    if len(packed) == _SHORT:
        return Step(packed[0], True, True, NOTHING, "", packed[0], packed[1], packed[2], ())
    at, plain, nowhere, mark, url, until, events, pages, order = packed
    return Step(at, plain, nowhere, Mark(*mark), url, until, events, pages, tuple(order))


def _brief(step: Step) -> Packed:
    """A step that isn't the first. Only one that tells an origin can become it, by dividing the visit."""
    if not step.plain:
        return step
    if step.until == step.at and not step.order:
        return step.at, step.events, step.pages
    return step._replace(url="", nowhere=True)


def thin(steps: Sequence[Step], orders: Container[str]) -> list[Step]:
    """About half as many steps with the same sums: pairs without an order that counts become one.

    What those behind the first told of their origin is what the first had told, else they would have begun
    a visit of their own; it is forgotten here.
    """
    kept = [steps[0]]
    waiting: Step | None = None
    for one in steps[1:]:
        order = one.order if one.order and one.order[0] in orders else ()
        step = one._replace(plain=True, nowhere=True, mark=NOTHING, url="", order=order)
        if step.order:
            kept += [step] if waiting is None else [waiting, step]
            waiting = None
        elif waiting is None:
            waiting = step
        else:
            kept.append(_together(waiting, step))
            waiting = None
    return kept if waiting is None else [*kept, waiting]


def _together(a: Step, b: Step) -> Step:
    return a._replace(
        url="", nowhere=True, until=max(a.until, b.until), events=a.events + b.events, pages=a.pages + b.pages
    )
