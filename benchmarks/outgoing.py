"""What a `query` of 1C costs when nearly all orders have gone out: all of them looked at, and the news alone.

    python -m benchmarks.outgoing [--orders 200000] [--changed 10] [--rounds 9]

Beside each other in one run, medians; an order that changed is read and written out besides.
"""

import argparse
import statistics
import time
from uuid import UUID

from sqlalchemy import Engine, text

from benchmarks.rig import installation
from customers.tables import Source
from foundation.clock import new_id, now
from foundation.database import transaction
from sync.exchange import outgoing
from sync.exchange.tables import ExchangeNews, ExchangeSession, Partner

MOST = 0.1  # of what looking at all of them takes
_ORDERS = """
INSERT INTO orders (id, source_id, external_id, number, state, source_state, currency, total, discount,
    shipping, tax, refunded, details, placed_at, changed_at, record_hash)
SELECT gen_random_uuid(), :shop, n, n, 'paid', '', 'KZT', 10, 0, 0, 0, 0, '{}', :at, :at,
    decode(md5(n), 'hex')
FROM (SELECT CAST(generate_series(1, :count) AS text) AS n) s
"""
_TAKEN = """
INSERT INTO exchange_orders (connection_id, order_id, version, told, state, at, taken_at)
SELECT :ledger, id, record_hash, '{"state": "paid"}', 'taken', :at, :at FROM orders
"""


def fill(engine: Engine, count: int) -> UUID:
    """So many orders of a shop, all taken by a 1C; answers its session."""
    with transaction(engine) as session:
        shop, ledger = (Source(name=name, kind=name, role=name) for name in ("shop", "ledger"))
        session.add_all([shop, ledger])
        session.flush()
        values = {"shop": shop.id, "ledger": ledger.id, "at": now(), "count": count}
        session.add(Partner(connection_id=ledger.id, user="1c", password="-", orders_since=values["at"]))
        session.execute(text(_ORDERS), values)
        session.execute(text(_TAKEN), values)
        own = ExchangeSession(connection_id=ledger.id, type="sale", cookie=new_id().bytes, token="-")
        session.add(own)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))
    return own.id


def ask(engine: Engine, session_id: UUID, whole: bool, changed: int) -> float:
    """The seconds of a query."""
    with transaction(engine) as session:
        own = session.get_one(ExchangeSession, session_id)
        partner = session.get_one(Partner, own.connection_id)
        partner.looked_at = None if whole else now()
        ids = session.scalars(
            text("SELECT id FROM orders ORDER BY id LIMIT :count"), {"count": changed}
        ).all()
        if ids:
            session.add(ExchangeNews(connection_id=own.connection_id, order_ids=list(ids)))
        session.flush()
        began = time.perf_counter()
        outgoing.show(session, own)
        return time.perf_counter() - began


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with installation() as rig:
        own = fill(rig.engine, options.orders)
        ways = {"all orders": (True, 0), "nothing new": (False, 0), "some news": (False, options.changed)}
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                found[name].append(ask(rig.engine, own, *way))
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, seconds in medians.items():
        print(f"{name:12} {seconds * 1000:7.1f} ms, {seconds / medians['all orders']:.3f} of looking at all")
    raise SystemExit(max(medians["nothing new"], medians["some news"]) > MOST * medians["all orders"])


if __name__ == "__main__":
    main()
