"""The catalogue of what happens to customers: where it lies, what narrows it down, what it adds up to."""

from dataclasses import dataclass, field
from typing import Literal

from customers.stats import COUNTED

_TIMELINE = "timeline t"
_NAMED = "t.data ->> '{0}' IN (SELECT CAST(n.id AS text) FROM {1} n WHERE n.name = {{value}})"
_HUMAN = " AND coalesce(t.data ->> 'machine', 'false') IN ('false', '')"
_PRODUCT_LINE = (
    "(l.sku = {value} OR l.product_external_id = {value} OR lower(l.name) = lower(CAST({value} AS text)))"
)
_PRODUCTS = (
    "EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof({0}) WHEN 'array' THEN {0} ELSE '[]' END)"
    " AS x (line) WHERE CAST({{value}} AS text) IN (x.line ->> 'sku', x.line ->> 'product_id')"
    " OR lower(x.line ->> 'name') = lower(CAST({{value}} AS text)))"
)


@dataclass(frozen=True)
class By:
    """What narrows happenings down; `sql` is a condition on `{value}`."""

    sql: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sum:
    """What happenings add up to; of none of them 0, or nothing that is known."""

    sql: str
    empty: Literal[0, None] = 0
    money: bool = False


@dataclass(frozen=True)
class Thing:
    """Something that happens: rows of `table` that are a customer's by `key`, each at a `time`."""

    verb: str  # opened(…): it happened at least once
    noun: str  # opened.count(…)
    table: str
    key: str
    time: str
    where: str
    by: dict[str, By] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)
    subject: str = ""  # "any letter", letter "…"
    currency: str = ""  # the column that says it
    mixed: bool = False  # amounts only mean something in a currency that is named
    properties: bool = False
    plain: dict[str, str] = field(default_factory=dict)  # sums of all of them, from the card's figures
    future: bool = False  # times may lie ahead


_COUNT = {"count": Sum("count(*)")}


def _letter(verb: str, human: bool = False, **more: By) -> Thing:
    by = {
        "letter": By(_NAMED.format("letter", "letters")),
        "mailing": By(_NAMED.format("mailing", "mailings")),
    }
    return Thing(
        verb, verb, _TIMELINE, "t.customer_id", "t.occurred_at",
        f"t.kind = 'letter.{verb}'{_HUMAN if human else ''}", {**by, **more}, _COUNT, subject="letter",
    )  # fmt: skip


def _web(verb: str, noun: str, kinds: str, **by: By) -> Thing:
    days = {"days": Sum("count(DISTINCT CAST(t.occurred_at AS date))")} if noun == "visits" else {}
    return Thing(
        verb, noun, _TIMELINE, "t.customer_id", "t.occurred_at",
        f"t.kind {kinds} AND NOT jsonb_exists(t.data, 'bot')", by, _COUNT | days, properties=True,
        subject="event" if "event" in by else "",
    )  # fmt: skip


_SCORE = "CAST(t.data ->> 'score' AS numeric)"
_PRODUCT_SEEN = By(_PRODUCTS.format("t.data -> 'products'"))
_SITE = By("t.source_id = (SELECT n.id FROM sources n WHERE n.name = {value})")

THINGS = (
    Thing(
        "ordered", "orders", "orders o", "o.customer_id", "o.placed_at", COUNTED,
        {
            "product": By(f"EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND {_PRODUCT_LINE})"),
            "category": By(
                "EXISTS (SELECT FROM order_lines l JOIN products n ON n.source_id = o.source_id"
                " AND n.external_id = l.product_external_id WHERE l.order_id = o.id"
                " AND lower(n.record ->> 'category') = lower(CAST({value} AS text)))"
            ),
            "state": By("o.state = {value}", ("open", "paid", "shipped", "completed", "refunded")),
            "shop": By("o.source_id = (SELECT n.id FROM sources n WHERE n.name = {value})"),
        },
        {
            "count": Sum("count(*)"),
            "sum": Sum("coalesce(sum(o.total - o.refunded), 0)", money=True),
            "average": Sum("avg(o.total - o.refunded)", None, money=True),
        },
        currency="o.currency",
        plain={"count": "coalesce(s.orders, 0)"},
    ),
    _letter("sent"),
    _letter("opened", human=True),
    _letter("clicked", human=True, link=By("position(CAST({value} AS text) IN t.data ->> 'link') > 0")),
    _letter("bounced"),
    _letter("complained"),
    _letter("unsubscribed"),
    _letter("replied"),
    Thing(
        "scored", "scores", _TIMELINE, "t.customer_id", "t.occurred_at", "t.kind = 'letter.answered'",
        _letter("replied").by, {**_COUNT, "average": Sum(f"avg({_SCORE})", None),
        "last": Sum(f"(array_agg({_SCORE} ORDER BY t.occurred_at DESC, t.id DESC))[1]", None)},
        subject="letter",
    ),
    _web("visited", "visits", "IN ('web.page', 'web.screen')", site=_SITE,
         page=By("position(CAST({value} AS text) IN coalesce(t.data ->> 'url', t.data ->> 'path')) > 0")),
    _web("viewed", "views", "= 'web.product_viewed'", site=_SITE, product=_PRODUCT_SEEN),
    _web("added_to_cart", "cart_adds", "= 'web.product_added'", site=_SITE, product=_PRODUCT_SEEN),
    _web("filled_form", "forms", "= 'web.lead'", site=_SITE),
    _web("event", "events", "LIKE 'web.%'", site=_SITE, event=By(
        "(lower(t.data ->> 'event') = lower(CAST({value} AS text)) OR t.kind = 'web.' || {value})")),
    Thing(
        "has_cart", "carts",
        "carts t JOIN profiles q ON q.id = t.profile_id", "q.customer_id", "t.changed_at",
        "t.state IN ('open', 'abandoned') AND t.items > 0",
        {"product": By(_PRODUCTS.format("t.lines")), "state": By("t.state = {value}", ("open", "abandoned"))},
        {**_COUNT, "items": Sum("coalesce(sum(t.items), 0)"),
         "value": Sum("coalesce(sum(t.value), 0)", money=True)},
        currency="t.currency", mixed=True,
    ),
    Thing(
        "invoiced", "invoices", "invoices t", "t.customer_id", "t.issued_at", "t.state IN ('open', 'paid')",
        {"state": By("t.state = {value}", ("open", "paid"))},
        {**_COUNT, "sum": Sum("coalesce(sum(t.total), 0)", money=True)},
        currency="t.currency", mixed=True,
    ),
    Thing(
        "owes", "debts", "invoices t", "t.customer_id", "t.due_at", "t.state = 'open' AND t.total > t.paid",
        {}, {**_COUNT, "sum": Sum("coalesce(sum(t.total - t.paid), 0)", money=True)},
        currency="t.currency", mixed=True, future=True,
    ),
)  # fmt: skip
VERBS = {thing.verb: thing for thing in THINGS}
MEASURES = {f"{thing.noun}.{name}": (thing, one) for thing in THINGS for name, one in thing.sums.items()}


def of_measure(name: str) -> tuple[Thing, Sum]:
    """What a measure such as `orders.count` counts, and how; `KeyError` for one there isn't."""
    return MEASURES[name]
