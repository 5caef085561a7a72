"""A segment's tree as one SELECT with parameters: nothing that somebody wrote is pasted into it.

SQL's own third truth is ours: a comparison with what nobody knows is unknown, not false, and only what is
true selects anybody. `Query.single` asks each card by itself, for few cards; else sums are made for all.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from customers.segments import checks, tree
from customers.segments.fields import FIELDS, Spec
from customers.segments.things import MEASURES, VERBS, Sum, Thing
from customers.segments.tree import And, Did, Field, Filter, Measure, Node, Not, Or, Period

_OPPOSITE = {"=": "<>", "!=": "=", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_NUMERIC = r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"
LIVE = "c.live AND c.identified"


@dataclass
class Query:
    """A statement being written: the instant it is asked at and its parameters."""

    at: datetime
    single: bool = False
    name: str = "p"  # what names of parameters begin with
    params: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """A parameter with this value."""
        key = f"{self.name}{len(self.params)}"
        self.params[key] = value
        return f":{key}"


def select(node: Node, at: datetime, name: str = "p") -> tuple[str, dict[str, Any]]:
    """Everybody who is in: a SELECT of `customer_id`, and its parameters. `BadInput` for a wrong tree."""
    query = Query(at, name=name)
    condition = where(query, checks.check(node))
    return f"SELECT c.id AS customer_id FROM {cards(node)} WHERE {LIVE} AND ({condition})", query.params


def cards(node: Node) -> str:
    """The tables of cards that a condition reads."""
    return (
        "customers c LEFT JOIN customer_stats s ON s.customer_id = c.id" if figures(node) else "customers c"
    )


def figures(node: Node) -> bool:
    """Whether a tree reads a card's figures."""
    for one in tree.conditions(node):
        if isinstance(one, Field) and FIELDS[one.field].figures:
            return True
        if isinstance(one, Measure):
            thing, what = MEASURES[one.measure]
            if (what.money and not one.currency) or _plain(one, thing):
                return True
    return False


def where(query: Query, node: Node, negated: bool = False) -> str:
    """The condition as SQL. Negations go down to the conditions, where the planner can use them."""
    if isinstance(node, Not):
        return where(query, node.part, not negated)
    if isinstance(node, And | Or):
        joint = " AND " if isinstance(node, And) != negated else " OR "
        return joint.join(f"({where(query, part, negated)})" for part in node.parts)
    if isinstance(node, Did):
        found = f"EXISTS (SELECT FROM {rows(query, VERBS[node.did], node.period, node.filters)})"
        return f"NOT {found}" if negated else found
    if isinstance(node, Measure):
        return _measured(query, node, negated)
    condition = _field(query, node)
    return f"NOT ({condition})" if negated else condition


# fields


def _field(query: Query, node: Field) -> str:
    spec = FIELDS[node.field]
    if node.op in ("set", "not set"):
        known = f"({spec.sql})" if spec.kind == "set" else f"{spec.sql} IS NOT NULL"
        return known if node.op == "set" else f"NOT ({known})"
    if spec.kind == "set":
        return spec.has.format(value=query.bind(node.value))
    if node.period is not None:
        if spec.kind == "birthday":
            return _birthday(query, spec.sql, node.period)
        return span(query, spec.sql, node.period)
    if spec.kind in ("number", "money"):
        assert isinstance(node.value, int | float)
        return f"{amount(query, spec, node.currency)} {_sign(node.op)} {query.bind(tree.number(node.value))}"
    if isinstance(node.value, tuple):
        values = query.bind([_folded(spec, value) for value in node.value])
        found = f"{spec.sql} = ANY({values})"
        return found if node.op == "in" else f"NOT ({found})"
    value = query.bind(_folded(spec, node.value))
    if node.op == "contains":
        return f"position(lower(CAST({value} AS text)) IN lower({spec.sql})) > 0"
    if node.op == "starts with":
        return f"starts_with(lower({spec.sql}), lower(CAST({value} AS text)))"
    return f"{spec.sql} {_sign(node.op)} {value}"


def _sign(op: str) -> str:
    return "<>" if op == "!=" else op


def _folded(spec: Spec, value: object) -> str:
    said = str(value)
    return said.upper() if spec.fold == "upper" else said.lower() if spec.fold == "lower" else said


def amount(query: Query, spec: Spec, currency: str) -> str:
    """A sum of the card; in a currency that is named, else in the one of most of its orders."""
    if not currency:
        return spec.sql
    code = query.bind(currency)
    return (
        f"CASE WHEN s.currency = {code} THEN s.spent ELSE coalesce(CAST(s.sums ->> {code} AS numeric), 0) END"
    )


def span(query: Query, column: str, period: Period) -> str:
    """Whether an instant lies in a period. Relative ones are half open: a moment is in one of them only."""
    at = query.at
    if period.kind == "last":
        return f"{column} > {query.bind(at - step(period))} AND {column} <= {query.bind(at)}"
    if period.kind == "ago":
        return f"{column} <= {query.bind(at - step(period))}"
    if period.kind == "next":
        return f"{column} > {query.bind(at)} AND {column} <= {query.bind(at + step(period))}"
    assert period.start is not None
    start = datetime.combine(period.start, time(), UTC)
    if period.kind == "before":
        return f"{column} < {query.bind(start)}"
    if period.kind == "since":
        return f"{column} >= {query.bind(start)}"
    assert period.end is not None
    end = datetime.combine(period.end, time(), UTC) + timedelta(days=1)
    return f"{column} >= {query.bind(start)} AND {column} < {query.bind(end)}"


def step(period: Period) -> timedelta:
    """The length of a relative period."""
    return timedelta(seconds=period.amount * checks.length(period.unit))


def anniversary(column: str, today: str) -> str:
    """The first birthday on or after a day; one of 29 February falls on the 28th of other years."""
    years = f"CAST(extract(year FROM {today}) - extract(year FROM {column}) AS int)"
    this_year = f"CAST({column} + make_interval(years => {years}) AS date)"
    next_year = this_year.replace(" - extract", " + 1 - extract")
    return f"CASE WHEN {this_year} >= {today} THEN {this_year} ELSE {next_year} END"


def _birthday(query: Query, column: str, period: Period) -> str:
    today = f"CAST({query.bind(query.at.astimezone(UTC).date())} AS date)"
    return f"{anniversary(column, today)} - {today} <= {query.bind(step(period).days)}"


# what happened


def rows(
    query: Query, thing: Thing, period: Period | None, filters: tuple[Filter, ...], key: str | None = "c.id"
) -> str:
    """What follows FROM to read happenings: those of the card `key`, or with None of everybody."""
    parts = [thing.where] + ([f"{thing.key} = {key}"] if key else [])
    if period is not None:
        parts.append(span(query, thing.time, period))
    parts += [narrowed(query, thing, one) for one in filters]
    return f"{thing.table} WHERE {' AND '.join(parts)}"


def narrowed(query: Query, thing: Thing, one: Filter) -> str:
    """A condition on happenings."""
    if not one.property:
        return thing.by[one.name].sql.format(value=query.bind(one.value))
    name = query.bind(one.name)
    said = f"coalesce(t.data -> 'properties' ->> {name}, t.data ->> {name})"
    if isinstance(one.value, str):
        value = query.bind(one.value)
        if one.op == "contains":
            return f"position(lower(CAST({value} AS text)) IN lower({said})) > 0"
        return f"{said} {_sign(one.op)} {value}"
    number = f"CASE WHEN {said} ~ {query.bind(_NUMERIC)} THEN CAST({said} AS numeric) END"
    return f"{number} {_sign(one.op)} {query.bind(tree.number(one.value))}"


def _plain(node: Measure, thing: Thing) -> str:
    """The card's own figure where nothing narrows the measure down."""
    return "" if node.period or node.filters else thing.plain.get(node.measure.rpartition(".")[2], "")


def _measured(query: Query, node: Measure, negated: bool) -> str:
    thing, what = MEASURES[node.measure]
    op = _OPPOSITE[node.op] if negated else _sign(node.op)
    value = tree.number(node.value)
    if plain := _plain(node, thing):
        return f"{plain} {op} {query.bind(value)}"
    if query.single:
        return f"{total(query, node)} {op} {query.bind(value)}"
    if what.sql == "count(*)" and f"{op} {value}" in (">= 1", "> 0"):
        return f"EXISTS (SELECT FROM {rows(query, thing, node.period, node.filters)})"
    if what.sql == "count(*)" and f"{op} {value}" in ("< 1", "<= 0", "= 0"):
        return f"NOT EXISTS (SELECT FROM {rows(query, thing, node.period, node.filters)})"
    if what.empty is not None and _holds(
        what.empty, op, value
    ):  # those without any are in: look for the others
        return f"NOT {_summed(query, node, thing, what, _OPPOSITE[op])}"
    return _summed(query, node, thing, what, op)


def _holds(left: Any, op: str, right: Any) -> bool:
    return bool({"=": left == right, "<>": left != right, "<": left < right, "<=": left <= right,
                 ">": left > right, ">=": left >= right}[op])  # fmt: skip


def total(query: Query, node: Measure) -> str:
    """What the happenings of one card add up to."""
    thing, what = MEASURES[node.measure]
    money = ""
    if what.money:
        money = f" AND {thing.currency} = {query.bind(node.currency) if node.currency else 's.currency'}"
    return f"(SELECT {what.sql} FROM {rows(query, thing, node.period, node.filters)}{money})"


def _summed(query: Query, node: Measure, thing: Thing, what: Sum, op: str) -> str:
    """The same for all cards at once: those whose sum compares like that."""
    columns, tie = f"{thing.key} AS customer_id", "g.customer_id = c.id"
    inside = rows(query, thing, node.period, node.filters, key=None)
    if what.money and node.currency:
        inside += f" AND {thing.currency} = {query.bind(node.currency)}"
    elif what.money:
        columns, tie = f"{columns}, {thing.currency} AS currency", f"{tie} AND g.currency = s.currency"
    groups = ", ".join(str(number + 1) for number in range(columns.count(" AS ")))
    value = query.bind(tree.number(node.value))
    return (
        f"EXISTS (SELECT FROM (SELECT {columns} FROM {inside} AND {thing.key} IS NOT NULL"
        f" GROUP BY {groups} HAVING {what.sql} {op} {value}) g WHERE {tie})"
    )
