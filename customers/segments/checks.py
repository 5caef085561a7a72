"""Whether conditions mean something: names, operators and values against the catalogue, in words."""

import re
from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches

from customers.segments import tree
from customers.segments.fields import FIELDS, OPS, PERIODS, Spec
from customers.segments.things import MEASURES, VERBS, Thing
from customers.segments.tree import Condition, Did, Field, Filter, Measure, Node, Period
from foundation.errors import BadInput

LARGEST = 10**15
LONGEST = 300  # characters of a value
MOST_VALUES = 500
MOST_FILTERS = 20
_CURRENCY = re.compile(r"[A-Z]{3}")
FARTHEST = timedelta(days=36_500)


def check(node: Node) -> Node:
    """The tree itself; `BadInput` at the JSON path of the first condition that means nothing."""
    for path, part in tree.walk(tree.bounded(node)):
        if isinstance(part, Condition):
            try:
                condition(part)
            except BadInput as error:
                raise BadInput(error.message, at=f"{path}.{error.at}" if error.at else path) from None
    return node


def condition(one: Condition) -> None:
    """`BadInput` unless the condition means something; `at` is the part that doesn't."""
    if isinstance(one, Field):
        _field(one)
    elif isinstance(one, Did):
        _filters(verb(one.did), one.filters)
        _period(one.period, ("last", "ago", "since", "before", "between", "next"), one.did)
        if one.period and one.period.kind == "next" and not verb(one.did).future:
            raise BadInput(f"{one.did} has happened: it can't be in the next days", at="period")
    else:
        _measure(one)


def near(name: str, known: Iterable[str]) -> str:
    """A sentence that names what somebody may have meant; empty when nothing is near."""
    names = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), names, n=3, cutoff=0.6)
    if len(name) > 2:
        found += [one for one in names if name.casefold() in one and one not in found][: 3 - len(found)]
    return f"; did you mean {' or '.join(names[one] for one in found)}?" if found else ""


def field(name: str) -> Spec:
    """The field of this name; `BadInput` with near ones when there is none."""
    if name not in FIELDS:
        hint = ""
        if name in VERBS or name in MEASURES:
            hint = f"; it is written with brackets: {name}()"
        raise BadInput(
            f"there is no field {name}{hint or near(name, [*FIELDS, *VERBS, *MEASURES])}", at="field"
        )
    return FIELDS[name]


def verb(name: str) -> Thing:
    """What happens under this name; `BadInput` with near ones when nothing does."""
    if name not in VERBS:
        hint = near(name, [*VERBS, *MEASURES, *FIELDS])
        if name in MEASURES:
            hint = f"; {name}(…) is a number: compare it, as in {name}(…) >= 2"
        elif name in FIELDS:
            hint = "; it is a field, without brackets"
        raise BadInput(f"nothing is called {name}{hint}", at="did")
    return VERBS[name]


def _measure(one: Measure) -> None:
    if one.measure not in MEASURES:
        hint = near(one.measure, [*MEASURES, *VERBS, *FIELDS])
        if one.measure in VERBS:
            hint = f"; {one.measure}(…) is true or not: count with {VERBS[one.measure].noun}.count(…)"
        raise BadInput(f"nothing is counted as {one.measure}{hint}", at="measure")
    thing, what = MEASURES[one.measure]
    _number(one.value)
    if one.currency:
        _currency(one.currency)
        if not what.money:
            raise BadInput(f"{one.measure} is not an amount of money, it has no currency", at="currency")
    elif what.money and thing.mixed:
        raise BadInput(f"{one.measure} needs a currency, as in {one.measure}() > 100 KZT", at="currency")
    _filters(thing, one.filters)
    _period(one.period, ("last", "ago", "since", "before", "between", "next"), one.measure)
    if one.period and one.period.kind == "next" and not thing.future:
        raise BadInput(f"{thing.noun} have happened: they can't be in the next days", at="period")


def _field(one: Field) -> None:
    spec = field(one.field)
    if one.op not in OPS[spec.kind]:
        able = ", ".join(_spelled(op) for op in OPS[spec.kind])
        raise BadInput(f"{one.field} can't be asked with “{one.op}”; it can with {able}", at="op")
    if (one.op == "during") != (one.period is not None):
        raise BadInput(f"{one.field}: a period goes with “during”, and only with that", at="period")
    if one.period is not None:
        _period(one.period, PERIODS[spec.kind], one.field)
    if one.op in ("set", "not set", "during"):
        if one.value is not None or one.currency:
            raise BadInput(f"{one.field}: “{one.op}” takes no value", at="value")
        return
    _values(spec, one)


def _spelled(op: str) -> str:
    return {"set": "is set", "not set": "is not set", "during": "a period such as “in last 30 days”"}.get(
        op, op
    )


def _values(spec: Spec, one: Field) -> None:
    if one.op in ("in", "not in"):
        if not isinstance(one.value, tuple) or not 0 < len(one.value) <= MOST_VALUES:
            raise BadInput(f"{one.field}: “{one.op}” takes 1 to {MOST_VALUES} values", at="value")
        values = one.value
    else:
        if isinstance(one.value, tuple) or one.value is None:
            raise BadInput(f"{one.field}: “{one.op}” takes one value", at="value")
        values = (one.value,)
    if one.currency:
        _currency(one.currency)
        if spec.kind != "money":
            raise BadInput(f"{one.field} is not an amount of money, it has no currency", at="currency")
    for value in values:
        if spec.kind in ("number", "money"):
            _number(value)
        else:
            _text(value, one.field)
        if spec.choices and value not in spec.choices:
            raise BadInput(f"{one.field} is one of {', '.join(spec.choices)}, not “{value}”", at="value")


def _filters(thing: Thing, filters: tuple[Filter, ...]) -> None:
    if len(filters) > MOST_FILTERS:
        raise BadInput(f"at most {MOST_FILTERS} things narrow a condition down", at="filters")
    for one in filters:
        if one.property:
            if not thing.properties:
                raise BadInput(f"{thing.verb} has no properties such as {one.name}", at="filters")
            _text(one.name, "the property's name")
            if isinstance(one.value, str):
                if one.op not in ("=", "!=", "contains"):
                    raise BadInput(f"the text {one.name} can be asked with =, != and contains", at="filters")
                _text(one.value, one.name)
            elif one.op == "contains":
                raise BadInput(f"{one.name} contains a text, not a number", at="filters")
            else:
                _number(one.value, "filters")
            continue
        if one.name not in thing.by:
            known = f"; {thing.verb} is narrowed down by {', '.join(thing.by)}" if thing.by else ""
            raise BadInput(f"{thing.verb} has no {one.name}{near(one.name, thing.by) or known}", at="filters")
        by = thing.by[one.name]
        if one.op != "=":
            raise BadInput(f'{one.name} is given with its value alone, as in {one.name} "…"', at="filters")
        _text(one.value, one.name)
        if by.choices and one.value not in by.choices:
            raise BadInput(f"{one.name} is one of {', '.join(by.choices)}, not “{one.value}”", at="filters")


def _text(value: object, name: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is compared with a text in quotes", at="value")
    if len(value) > LONGEST or "\0" in value:
        raise BadInput(f"{name}: a text has at most {LONGEST} characters, all of them printable", at="value")


def _number(value: object, at: str = "value") -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput("a number belongs here", at=at)
    if not -LARGEST <= value <= LARGEST:  # which nan fails too
        raise BadInput(f"numbers go up to {LARGEST:,}", at=at)


def _currency(code: str) -> None:
    if not _CURRENCY.fullmatch(code):
        raise BadInput("a currency is three capital letters, such as KZT", at="currency")


def _period(one: Period | None, kinds: tuple[str, ...], name: str) -> None:
    if one is None:
        return
    if one.kind not in kinds:
        raise BadInput(
            f"{name} can't be asked with “{one.kind}”; it can with {', '.join(kinds)}", at="period"
        )
    if one.kind in ("last", "ago", "next"):
        if not 0 <= one.amount * length(one.unit) <= FARTHEST.total_seconds() or (
            not one.amount and one.kind == "last"
        ):
            raise BadInput("a period is from 1 up to a hundred years", at="period")
        if name == "birthday" and one.unit not in ("days", "weeks"):
            raise BadInput("birthdays are asked for in days or weeks", at="period")
        if one.start or one.end:
            raise BadInput(f"“{one.kind}” takes a number and days, hours, minutes or weeks", at="period")
        return
    if one.start is None or (one.kind == "between") != (one.end is not None) or one.amount:
        raise BadInput(f"“{one.kind}” takes {'two days' if one.kind == 'between' else 'a day'}", at="period")
    if one.end is not None and one.end < one.start:
        raise BadInput("a period ends after it begins", at="period")
    if not 1900 <= one.start.year <= 2200 or (one.end and one.end.year > 2200):
        raise BadInput("a day lies between 1900 and 2200", at="period")


def length(unit: str) -> int:
    """Seconds of a unit of time."""
    return {"minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}[unit]


def thing(name: str) -> Thing | None:
    """What a verb or a measure is about; None for a name that there isn't."""
    return VERBS.get(name) or (MEASURES[name][0] if name in MEASURES else None)
