"""Random trees of conditions that mean something, for hypothesis."""

from datetime import date

from hypothesis import strategies as st

from customers.segments.fields import FIELDS, OPS, PERIODS
from customers.segments.things import MEASURES, THINGS, VERBS
from customers.segments.tree import And, Did, Field, Filter, Measure, Not, Or, Period

TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"]) | st.sampled_from('"\\\n\t'), min_size=1, max_size=12
).filter(str.strip)
NUMBERS = st.integers(-1000, 10**9) | st.sampled_from([0.5, 12.25, 1e-7, 123456.789])
DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
CURRENCIES = st.sampled_from(["KZT", "EUR"])


@st.composite
def periods(draw, kinds):
    kind = draw(st.sampled_from(kinds))
    if kind in ("last", "ago", "next"):
        return Period(
            kind=kind, amount=draw(st.integers(1, 400)), unit=draw(st.sampled_from(["days", "weeks"]))
        )
    start, end = sorted((draw(DAYS), draw(DAYS)))
    return Period(kind=kind, start=start, end=end if kind == "between" else None)


@st.composite
def fields(draw):
    spec = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    op = draw(st.sampled_from(OPS[spec.kind]))
    if op in ("set", "not set"):
        return Field(field=spec.name, op=op)
    if op == "during":
        return Field(field=spec.name, op=op, period=draw(periods(PERIODS[spec.kind])))
    one = st.sampled_from(spec.choices) if spec.choices else TEXTS
    if spec.kind in ("number", "money"):
        one = NUMBERS
    value = draw(st.lists(one, min_size=1, max_size=3).map(tuple) if op in ("in", "not in") else one)
    currency = draw(st.just("") | CURRENCIES) if spec.kind == "money" else ""
    return Field(field=spec.name, op=op, value=value, currency=currency)


@st.composite
def filters(draw, thing):
    made = []
    for name in (
        draw(st.lists(st.sampled_from(sorted(thing.by)), max_size=2, unique=True)) if thing.by else ()
    ):
        by = thing.by[name]
        made.append(Filter(name=name, value=draw(st.sampled_from(by.choices) if by.choices else TEXTS)))
    if thing.properties and draw(st.booleans()):
        text = st.tuples(st.sampled_from(["=", "!=", "contains"]), TEXTS)
        number = st.tuples(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), NUMBERS)
        op, value = draw(text | number)
        made.append(Filter(name=draw(TEXTS), op=op, value=value, property=True))
    return tuple(made)


def _kinds(thing):
    return ["last", "ago", "since", "before", "between", *(["next"] if thing.future else [])]


@st.composite
def dids(draw):
    thing = draw(st.sampled_from(THINGS))
    period = draw(st.none() | periods(_kinds(thing)))
    return Did(did=thing.verb, period=period, filters=draw(filters(VERBS[thing.verb])))


@st.composite
def measures(draw):
    name = draw(st.sampled_from(sorted(MEASURES)))
    thing, what = MEASURES[name]
    currency = ""
    if what.money:
        currency = draw(CURRENCIES if thing.mixed else st.just("") | CURRENCIES)
    return Measure(
        measure=name, op=draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), value=draw(NUMBERS),
        currency=currency, period=draw(st.none() | periods(_kinds(thing))), filters=draw(filters(thing)),
    )  # fmt: skip


CONDITIONS = fields() | dids() | measures()


def groups(parts):
    some = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return (
        some.map(lambda p: And(parts=p)) | some.map(lambda p: Or(parts=p)) | parts.map(lambda p: Not(part=p))
    )


TREES = st.recursive(CONDITIONS, groups, max_leaves=8)
