"""From what the parser found to a tree, checking each condition where it stands."""

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from customers.segments import checks
from customers.segments.tree import (
    And,
    Condition,
    Did,
    Field,
    Filter,
    Measure,
    Node,
    Not,
    Or,
    Period,
    Single,
    Unit,
)
from foundation.errors import BadInput

if TYPE_CHECKING:
    from lark import Token, Tree

    Parsed = Tree[Token]
_ESCAPED = re.compile(r"\\(.)")


class Wrong(Exception):
    """What can't be understood, and at which line and column."""

    def __init__(self, message: str, token: "Token") -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, token.line or 1, token.column or 1


class _Call(NamedTuple):
    token: "Token"
    period: Period | None
    filters: tuple[Filter, ...]


def read(found: "Parsed") -> Node:
    """The tree; `Wrong` where a condition means nothing."""
    parts = found.children
    match found.data:
        case "start":
            return read(_tree(parts[0]))
        case "either":
            return Or(parts=tuple(read(_tree(part)) for part in parts))
        case "both":
            return And(parts=tuple(read(_tree(part)) for part in parts))
        case "negation":
            return Not(part=read(_tree(parts[0])))
        case "happened":
            call = _call(_tree(parts[0]))
            return _checked(call.token, Did(did=call.token.lower(), period=call.period, filters=call.filters))
        case "measured":
            return _measured(found)
    return _field(found)


def _tree(part: "Token | Parsed") -> "Parsed":
    assert not isinstance(part, str)  # a token is one
    return part


def _token(part: "Token | Parsed") -> "Token":
    assert isinstance(part, str)
    return part


def _checked(token: "Token", one: Condition) -> Condition:
    try:
        checks.condition(one)
    except BadInput as error:
        raise Wrong(error.message, token) from None
    return one


def _measured(found: "Parsed") -> Node:
    call, sign = _call(_tree(found.children[0])), _token(found.children[1])
    value, currency = _amount(_tree(found.children[2]))
    made = Measure(
        measure=call.token.lower(), op=cast(Any, str(sign)), value=value, currency=currency,
        period=call.period, filters=call.filters,
    )  # fmt: skip
    return _checked(call.token, made)


_OPS = {
    "among": "in", "outside": "not in", "contains": "contains", "starts": "starts with", "has": "has",
    "known": "set", "unknown": "not set", "during": "during",
}  # fmt: skip


def _field(found: "Parsed") -> Node:
    name, rest = _token(found.children[0]), found.children[1:]
    op = str(rest[0]) if found.data == "compared" else _OPS[str(found.data)]
    value: Any = None
    currency, period = "", None
    if op in ("in", "not in"):
        pairs = [_value(_tree(part)) for part in _tree(rest[0]).children]
        if any(code for _said, code in pairs):
            raise Wrong("values of a list have no currency", name)
        value = tuple(said for said, _code in pairs)
    elif op == "during":
        period = _period(_tree(rest[0]))
    elif found.data == "compared":
        value, currency = _value(_tree(rest[1]))
    elif rest:
        value = _unquoted(_token(rest[0]))
    made = Field(field=name.lower(), op=cast(Any, op), value=value, currency=currency, period=period)
    return _checked(name, made)


# arguments of a call


def _call(found: "Parsed") -> _Call:
    token = _token(found.children[0])
    period: Period | None = None
    filters: list[Filter] = []
    for one in map(_tree, found.children[1:]):
        if one.data in _PERIODS:
            if period is not None:
                raise Wrong("a condition has one period", token)
            period = _period(one)
        elif one.data == "any":
            _subject(token, _token(one.children[0]), str(one.children[0]).lower())
        else:
            filters.append(_filter(token, one))
    return _Call(token, period, tuple(filters))


def _subject(call: "Token", at: "Token", name: str = "") -> str:
    """What a call is about when only its name is given: opened("Spring"), event("Signed Up")."""
    thing = checks.thing(call.lower())
    if thing is None:
        return name  # the call itself is wrong, which is said about it
    if not thing.subject or (name and name != thing.subject):
        known = f", only any {thing.subject}" if thing.subject else ""
        raise Wrong(
            f"{call} has no “any {name}”{known}" if name else f"say what {at} is: {', '.join(thing.by)}", at
        )
    return thing.subject


def _filter(call: "Token", one: "Parsed") -> Filter:
    first = _token(one.children[0])
    if one.data == "subject":
        return Filter(name=_subject(call, first), value=_unquoted(first))
    if one.data == "narrowed":
        return Filter(name=first.lower(), value=_unquoted(_token(one.children[1])))
    name = _unquoted(first) if first.type == "STRING" else str(first)
    if one.data == "property_contains":
        value: Single = _unquoted(_token(one.children[1]))
        return Filter(name=name, value=value, op="contains", property=True)
    value, currency = _value(_tree(one.children[2]))
    if currency:
        raise Wrong("a property is compared without a currency", first)
    return Filter(name=name, value=value, op=cast(Any, str(one.children[1])), property=True)


# values and periods


def _value(found: "Parsed") -> tuple[Single, str]:
    if found.data == "string":
        return _unquoted(_token(found.children[0])), ""
    return _amount(found)


def _amount(found: "Parsed") -> tuple[int | float, str]:
    number, *currency = map(_token, found.children)
    if len(number) > 20:
        raise Wrong("this number is too long", number)
    return float(number) if "." in number else int(number), str(currency[0]) if currency else ""


def _unquoted(token: "Token") -> str:
    return _ESCAPED.sub(lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), token[1:-1])


_UNITS: dict[str, Unit] = {"minute": "minutes", "hour": "hours", "day": "days", "week": "weeks"}


def _relative(kind: Any) -> Callable[["Parsed"], Period]:
    def period(found: "Parsed") -> Period:
        amount, unit = map(_token, found.children)
        if len(amount) > 9 or not amount.isdigit():
            raise Wrong("a period is a whole number of minutes, hours, days or weeks", amount)
        return Period(kind=kind, amount=int(amount), unit=_UNITS[unit.lower().rstrip("s")])

    return period


def _since(found: "Parsed") -> Period:
    return Period(kind="since", start=_day(found.children[0]))


def _before(found: "Parsed") -> Period:
    return Period(kind="before", start=_day(found.children[0]))


def _between(found: "Parsed") -> Period:
    return Period(kind="between", start=_day(found.children[0]), end=_day(found.children[1]))


_PERIODS: dict[str, Callable[["Parsed"], Period]] = {
    "last": _relative("last"), "next": _relative("next"), "ago": _relative("ago"),
    "since": _since, "before": _before, "between": _between,
}  # fmt: skip


def _period(found: "Parsed") -> Period:
    return _PERIODS[str(found.data)](found)


def _day(part: "Token | Parsed") -> date:
    token = _token(part)
    try:
        return date(*map(int, token.split("-")))
    except ValueError:
        raise Wrong(f"{token} is no day of the calendar", token) from None
