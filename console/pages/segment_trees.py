"""The builder's rows from a tree, and a tree from rows, which say what they lack."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from console.pages.segment_rows import Group, Row
from customers.segments import checks, printing
from customers.segments.things import VERBS
from customers.segments.tree import (
    And,
    Did,
    Field,
    Filter,
    Measure,
    Node,
    Not,
    Or,
    Period,
    Single,
    bounded,
    number,
    simplified,
)
from foundation.errors import BadInput
from foundation.text import _

_NUMBER = re.compile(r"-?\d{1,16}(\.\d{1,9})?")


class Incomplete(BadInput):
    """A row isn't finished; it says so itself."""


def of_tree(node: Node) -> Group:
    """The rows of a tree; one condition stands in a group of its own."""
    made = _part("0", simplified(node), False)
    if isinstance(made, Group):
        return made
    made.path = "0.0"
    return Group("0", parts=[made])


def _part(path: str, node: Node, negated: bool) -> Row | Group:
    if isinstance(node, Not):
        if not negated:
            return _part(path, node.part, True)
        return Group(path, negated=True, parts=[_part(f"{path}.0", node, False)])
    if isinstance(node, And | Or):
        parts = [_part(f"{path}.{place}", part, False) for place, part in enumerate(node.parts)]
        return Group(path, isinstance(node, Or), negated, parts)
    return _row(path, node, negated)


def _row(path: str, node: Field | Did | Measure, negated: bool) -> Row:
    made = Row(path, negated=negated)
    if isinstance(node, Field):
        made.what, made.op, made.currency = node.field, node.op, node.currency
        values = node.value if isinstance(node.value, tuple) else () if node.value is None else (node.value,)
        made.value = "\n".join(one if isinstance(one, str) else f"{number(one):f}" for one in values)
    else:
        made.what = node.did if isinstance(node, Did) else node.measure
        made.by = {one.name: str(one.value) for one in node.filters if not one.property}
        made.properties = [(one.name, one.op, _said(one.value)) for one in node.filters if one.property]
    if isinstance(node, Measure):
        made.op, made.value, made.currency = node.op, f"{number(node.value):f}", node.currency
    if node.period:
        made.period, made.unit = node.period.kind, node.period.unit
        made.amount = str(node.period.amount or "")
        made.start, made.end = str(node.period.start or ""), str(node.period.end or "")
    return made


def _said(value: Single) -> str:
    """A property's value as it is typed: in quotes where it could be taken for a number."""
    if not isinstance(value, str):
        return f"{number(value):f}"
    return printing.quoted(value) if _NUMBER.fullmatch(value) or value.startswith('"') else value


def to_tree(group: Group) -> Node:
    """The tree of the rows; `Incomplete` when one isn't finished, which then says so."""
    wrong: list[str] = []
    node = _tree(group, wrong)
    if wrong or node is None:
        raise Incomplete(wrong[0] if wrong else _("Add a condition: without any, nobody is meant."))
    return bounded(simplified(node))


def _tree(part: Row | Group, wrong: list[str]) -> Node | None:
    if isinstance(part, Group):
        nodes = [node for one in part.parts if (node := _tree(one, wrong)) is not None]
        if not part.parts:
            part.wrong = _("This group has no conditions yet.")
            wrong.append(part.wrong)
        if not nodes:
            return None
        made: Node = Or(parts=tuple(nodes)) if part.any else And(parts=tuple(nodes))
        return Not(part=made) if part.negated else made
    try:
        node = condition(part)
        checks.condition(node)
    except BadInput as error:
        part.wrong = error.message
        wrong.append(error.message)
        return None
    return Not(part=node) if part.negated else node


def condition(row: Row) -> Field | Did | Measure:
    """The condition that a row says."""
    period = _period(row)
    if row.spec:
        value: Any = None
        if row.valued == "lines":
            value = tuple(line.strip() for line in row.value.split("\n") if line.strip())
        elif row.valued == "number":
            value = _number(row.value)
        elif row.valued:
            value = row.value
            if not value:
                raise BadInput(_("Say what to compare with."), at="value")
        currency = row.currency.upper() if row.valued and row.money else ""
        return Field(field=row.what, op=cast(Any, row.chosen), value=value, currency=currency, period=period)
    filters = tuple(_filters(row))
    if row.what in VERBS:
        return Did(did=row.what, period=period, filters=filters)
    return Measure(
        measure=row.what, op=cast(Any, row.chosen), value=_number(row.value), period=period, filters=filters,
        currency=row.currency.upper() if row.money else "",
    )  # fmt: skip


def _filters(row: Row) -> Iterator[Filter]:
    for name, value in row.by.items():
        yield Filter(name=name, value=value)
    for name, op, said in row.properties if row.thing and row.thing.properties else ():
        yield Filter(name=name, value=_property(said), op=cast(Any, op), property=True)


def _property(said: str) -> Single:
    if _NUMBER.fullmatch(said):
        return _number(said)
    if len(said) > 1 and said[0] == said[-1] == '"':
        return said[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return said


def _number(said: str) -> int | float:
    """A number as people type it: blanks between thousands, a comma or a point before the fraction."""
    said = re.sub(r"\s", "", said).replace(",", ".")
    try:
        found = Decimal(said)
    except InvalidOperation:
        raise BadInput(_("Type a number."), at="value") from None
    if not found.is_finite() or abs(found) > checks.LARGEST:
        raise BadInput(_("This number is too large."), at="value")
    return int(found) if found == int(found) else float(found)


def _period(row: Row) -> Period | None:
    kind = row.when
    if not kind:
        return None
    if kind in ("last", "ago", "next"):
        if not (row.amount.isascii() and row.amount.isdigit() and len(row.amount) < 7):
            raise BadInput(_("Say how many days, weeks, hours or minutes."), at="period")
        unit = row.unit if row.unit in ("minutes", "hours", "days", "weeks") else "days"
        return Period(kind=cast(Any, kind), amount=int(row.amount), unit=cast(Any, unit))
    return Period(
        kind=cast(Any, kind), start=_day(row.start), end=_day(row.end) if kind == "between" else None
    )


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise BadInput(_("Choose the day."), at="period") from None
