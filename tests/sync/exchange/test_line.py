"""The whole line in process: a catalogue in, an order out and back."""

from foundation import jobs
from tests import onec


def one(engine, query):
    with engine.connect() as db:
        return tuple(db.exec_driver_sql(query).one())


def test_a_whole_catalogue_and_a_whole_sale(base, engine, imported, shop, shopping):
    base.sign_in()
    assert imported("catalog", "import.xml", onec.catalogue([1, 2])) == b"success\n2 records read"
    assert imported("catalog", "offers.xml", onec.offers({1: "990.00"})).startswith(b"success")
    base.ask("catalog", "complete")
    assert one(engine, "SELECT name, sku, price FROM products WHERE price IS NOT NULL")[:2] == (
        "Чайник 1",
        "A-1",
    )
    shop.order(1)
    shopping()
    base.sign_in("sale", version="2.08")
    assert b"R1" in base.ask("sale", "query")
    assert b"R1" not in base.ask("sale", "query")
    assert base.ask("sale", "success") == b"success\n"
    order_id = one(engine, "SELECT id FROM orders")[0]
    body = onec.returned_order("R1", "10.00", str(order_id), **{"Статус заказа": "Оплачен"})
    assert imported("sale", "documents.xml", body).startswith(b"success")
    assert one(engine, "SELECT count(*) FROM orders WHERE number = 'R1'") == (2,)  # the shop's and 1C's
    assert one(engine, "SELECT count(*) FROM problems WHERE state = 'open'") == (0,)
    jobs.run_until_idle(engine)
