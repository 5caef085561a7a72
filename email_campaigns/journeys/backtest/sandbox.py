"""The world as it was known at an instant, in a transaction that writes nothing and is rolled back.

Temporary tables and views of the same names stand before the real ones (PostgreSQL looks there first), so
that triggers, conditions, guards and the engine run unchanged. After they are made the transaction is READ
ONLY: only temporary tables can be written, whatever the code tries. docs/decisions says what is as it was
then, and what is as it is now.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from foundation import clock

_NOW = "CAST(current_setting('kartoteka.sandbox_now') AS timestamptz)"
# when a row was known: what came by a later load of the past counts as known when it happened
_KNOWN = "CASE WHEN {received} > {happened} + interval '1 day' THEN {happened} ELSE {received} END <= {now}"
# written by the engine; nothing of it is real
_EMPTY = ("journey_runs", "journey_acts", "journey_tasks", "deliveries", "problems")
_ORDERS = (
    f"FROM {{schema}}.orders o WHERE o.customer_id = s.customer_id AND o.placed_at <= {_NOW} AND {COUNTED}"
)
_CONSENT = f"""
  coalesce((SELECT CASE WHEN bool_or(NOT k.given) THEN 'withdrawn' WHEN bool_or(k.given) THEN 'given' END
    FROM (SELECT DISTINCT ON (q.profile_id) q.given FROM {{schema}}.profiles p
    JOIN {{schema}}.consents q ON q.profile_id = p.id AND q.channel = 'email' AND q.purpose = 'marketing'
    WHERE p.customer_id = c.id AND p.gone_at IS NULL
      AND {_KNOWN.format(received="q.received_at", happened="q.at", now=_NOW)}
    ORDER BY q.profile_id, q.at DESC, q.id DESC) k),
  CASE WHEN NOT EXISTS (SELECT FROM {{schema}}.profiles p JOIN {{schema}}.consents q ON q.profile_id = p.id
    WHERE p.customer_id = c.id AND q.channel = 'email' AND q.purpose = 'marketing') THEN c.email_consent END)
"""
# what the source of an invoice said by then of one column; before the first word an issued one was open
_SAID = (
    "coalesce((SELECT m.{column} FROM {{schema}}.invoice_moves m WHERE m.invoice_id = t.id AND "
    + _KNOWN.format(received="m.received_at", happened="m.at", now=_NOW)
    + " ORDER BY m.id DESC LIMIT 1), {unknown})"
)
_SAID_STATE = _SAID.format(column="state", unknown="CASE WHEN t.said_state IN ('draft', 'cancelled')"
                           " THEN t.said_state ELSE 'open' END")  # fmt: skip
_RECEIVED = (
    "coalesce((SELECT sum(p.amount) FROM {schema}.payments p WHERE p.invoice_id = t.id AND p.gone_at IS NULL"
    f" AND p.currency = t.currency AND p.paid_at <= {_NOW}), 0)"
)
_PAID = (
    f"greatest({_SAID.format(column='paid', unknown='0')}, {_RECEIVED},"
    f" CASE WHEN {_SAID_STATE} = 'paid' THEN t.total END)"
)
_STATE = (
    f"CASE WHEN {_SAID_STATE} <> 'open' THEN {_SAID_STATE}"
    f" WHEN t.total >= 0 AND {_PAID} >= t.total THEN 'paid' ELSE 'open' END"
)
_HAPPENED = _KNOWN.format(received="t.received_at", happened="t.occurred_at", now=_NOW)
# name and alias -> columns that are otherwise than in the table, and which rows there are
_VIEWS: dict[str, tuple[dict[str, str], str]] = {
    "consents t": ({}, _KNOWN.format(received="t.received_at", happened="t.at", now=_NOW)),
    "orders t": ({}, f"t.placed_at <= {_NOW}"),
    "customers c": ({"email_consent": _CONSENT}, "true"),
    "customer_stats s": (
        {
            "orders": f"(SELECT CAST(count(*) AS int) {_ORDERS})",
            "spent": f"(SELECT coalesce(sum(o.total - o.refunded), 0) {_ORDERS} AND o.currency = s.currency)",
            "sums": "coalesce((SELECT jsonb_object_agg(m.currency, m.spent) FROM (SELECT o.currency,"
            f" CAST(sum(o.total - o.refunded) AS text) AS spent {_ORDERS} GROUP BY 1) m), '{{}}')",
            "first_order_at": f"(SELECT min(o.placed_at) {_ORDERS})",
            "last_order_at": f"(SELECT max(o.placed_at) {_ORDERS})",
            "last_seen_at": "(SELECT max(t.occurred_at) FROM {schema}.timeline t WHERE"
            f" t.customer_id = s.customer_id AND t.occurred_at <= {_NOW} AND t.kind NOT LIKE '%.abandoned'"
            " AND t.kind NOT IN ('letter.sent', 'letter.bounced'))",
        },
        "true",
    ),
    # triggers pass over what happened before a shop was connected; the past is what is asked for here
    "sources t": ({"created_at": "CAST('1970-01-01 00:00Z' AS timestamptz)"}, "true"),
    "segment_events t": ({}, f"t.at <= {_NOW}"),
    "segment_entries t": (
        {"removed_at": f"CASE WHEN t.removed_at <= {_NOW} THEN t.removed_at END"},
        f"t.added_at <= {_NOW}",
    ),
    "suppressions t": ({}, f"t.since <= {_NOW}"),
    "web_orders t": ({}, f"t.at <= {_NOW}"),
    "product_moves t": ({}, f"t.at <= {_NOW}"),
    "payments t": ({}, f"t.paid_at <= {_NOW}"),
    "invoices t": ({"state": _STATE, "paid": _PAID}, f"(t.issued_at IS NULL OR t.issued_at <= {_NOW})"),
}
_COLUMNS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND table_name = :table ORDER BY ordinal_position"
)


@contextmanager
def opened(engine: Engine, journey_id: UUID, since: datetime) -> Iterator[Session]:
    """A session in which it is `since`, before anything of the journey; `at` moves the time on.

    A connection of its own, thrown away afterwards: temporary names would be in the way of others.
    """
    connection = engine.connect()
    try:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.prepare_threshold = None  # a plan made before would read the real tables
        connection.detach()
        with clock.sandbox(since), Session(connection, expire_on_commit=False) as session:
            _build(session, journey_id, since)
            yield session
            session.rollback()
    finally:
        connection.close()


def at(session: Session, instant: datetime) -> None:
    """It is that instant now."""
    clock.go_to(instant)
    session.execute(
        text("SELECT set_config('kartoteka.sandbox_now', :at, true)"), {"at": instant.isoformat()}
    )


def _build(session: Session, journey_id: UUID, since: datetime) -> None:
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    schema = schema_of(session)
    at(session, since)
    for table in _EMPTY:
        session.execute(
            text(f"CREATE TEMP TABLE {table} (LIKE {schema}.{table} INCLUDING ALL) ON COMMIT DROP")
        )
    for said in (
        f"CREATE TEMP TABLE sandbox_others (LIKE {schema}.deliveries) ON COMMIT DROP",
        "CREATE INDEX ON sandbox_others (handed_at)",
    ):
        session.execute(text(said))
    for name, (changed, rows) in _VIEWS.items():
        table, alias = name.split()
        columns = [
            f"{changed[one]} AS {one}" if one in changed else f"{alias}.{one}"
            for one in session.scalars(_COLUMNS, {"table": table})
        ]
        _view(
            session, table, f"SELECT {', '.join(columns)} FROM {schema}.{table} {alias} WHERE {rows}", schema
        )
    _timeline(session, schema, journey_id)
    state = f"CASE WHEN j.id = '{journey_id}' THEN 'on' ELSE j.state END AS state"
    _view(session, "journeys", f"SELECT j.id, j.name, {state}, j.priority FROM {schema}.journeys j", schema)
    _earlier(session, schema, journey_id, since)
    session.execute(text("SET TRANSACTION READ ONLY"))


def _view(session: Session, name: str, query: str, schema: object) -> None:
    said = f"CREATE TEMP VIEW {name} AS {query}".replace("{schema}", str(schema)).replace("%", "%%")
    session.connection().exec_driver_sql(said)


def _timeline(session: Session, schema: str, journey_id: UUID) -> None:
    """What happened, but for letters that this journey really sent; those of the back-test instead."""
    session.execute(
        text(
            f"CREATE TEMP TABLE sandbox_told (LIKE {schema}.timeline INCLUDING DEFAULTS INCLUDING IDENTITY"
            " INCLUDING INDEXES) ON COMMIT DROP"
        )
    )
    ours = f"t.kind = 'letter.sent' AND starts_with(coalesce(t.data ->> 'step', ''), 'journey:{journey_id}:')"
    _view(
        session, "timeline",
        f"SELECT t.* FROM {schema}.timeline t WHERE {_HAPPENED} AND NOT ({ours})"
        " UNION ALL SELECT t.* FROM sandbox_told t", schema,
    )  # fmt: skip


def _earlier(session: Session, schema: str, journey_id: UUID, since: datetime) -> None:
    """Who was in the journey before: rules about coming in again ask for it."""
    session.execute(
        text(
            f"INSERT INTO journey_runs SELECT * FROM {schema}.journey_runs r"
            " WHERE r.journey_id = :journey AND r.entered_at <= :since"
        ),
        {"journey": journey_id, "since": since},
    )
    session.execute(text("UPDATE journey_runs SET state = 'done' WHERE state = 'going'"))


# letters that others really got lie ready, and count towards the cap from the instant they left
_OTHERS = (
    "INSERT INTO sandbox_others SELECT d.* FROM profiles p JOIN {schema}.deliveries d ON d.profile_id = p.id"
    " WHERE p.customer_id = ANY(:cards) AND d.purpose = 'marketing' AND d.handed_at > :since"
    " AND d.handed_at <= :until AND d.state IN ('accepted', 'unknown', 'handed_over')"
    " AND NOT starts_with(d.step, :ours)"
)
_BY_THEN = text(
    "WITH moved AS (DELETE FROM sandbox_others WHERE handed_at <= :at RETURNING *)"
    " INSERT INTO deliveries SELECT * FROM moved ON CONFLICT DO NOTHING"
)


def others(session: Session, journey_id: UUID, cards: list[UUID], since: datetime, until: datetime) -> None:
    """Find the letters that these people got from others in that time; `by_then` brings them in."""
    query = text(_OTHERS.format(schema=schema_of(session)))
    ours = f"journey:{journey_id}:"
    session.execute(query, {"cards": cards, "since": since, "until": until, "ours": ours})
    session.execute(text("ANALYZE sandbox_others"))


def by_then(session: Session, instant: datetime) -> None:
    """The letters of others that have left by that instant."""
    session.execute(_BY_THEN, {"at": instant})


def schema_of(session: Session) -> str:
    """Where the real tables are."""
    return str(session.scalar(text("SELECT quote_ident(current_schema())")))
