"""Orders out: each version once, taken by the session that was shown it and by nobody else."""

import re
from datetime import timedelta
from decimal import Decimal

import msgspec
from sqlalchemy import select

from customers import stats, store
from customers.facts import Order, Product, TimelineRow
from customers.tables import CustomerStats, Source
from foundation import clock, jobs, records
from foundation.database import transaction
from foundation.records import Line
from sync import connections, reconcile, removal
from sync.directories.tables import Directory, Link
from sync.exchange import orders, outgoing
from sync.exchange.tables import ExchangeOrder, Partner
from tests import onec


def test_an_order_goes_once(shop, shopping, exchanged):
    shop.order(1)
    shopping()
    assert exchanged() == ["R1"]
    assert exchanged() == []


def test_what_was_not_taken_comes_again(base, shop, shopping, asked):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    assert asked() == ["R1"] and asked() == []
    base.sign_in("sale")
    assert asked() == ["R1"]


def test_success_of_another_session_takes_nothing(base, shop, shopping, asked, exchanged):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    assert asked() == ["R1"]
    base.sign_in("sale")
    assert base.ask("sale", "success") == b"success\n"
    assert exchanged() == ["R1"]


def test_pages_follow_each_other_until_the_document_is_empty(shop, shopping, base, asked, monkeypatch):
    monkeypatch.setattr(outgoing, "PAGE", 2)
    for number in range(5):
        shop.order(number)
    shopping()
    base.sign_in("sale")
    shown = [asked() for _ in range(4)]
    assert [len(page) for page in shown] == [2, 2, 1, 0]
    assert sorted(number for page in shown for number in page) == ["R0", "R1", "R2", "R3", "R4"]
    base.ask("sale", "success")
    base.sign_in("sale")
    assert asked() == []


def test_a_changed_order_goes_again(shop, shopping, exchanged):
    shop.order(1)
    shopping()
    exchanged()
    shop.order(1, state="paid")
    shopping()
    assert exchanged() == ["R1"]


def test_back_to_an_older_content_is_a_change_too(shop, shopping, exchanged):
    shop.order(1)
    shopping()
    exchanged()
    for state in ("paid", "open"):
        shop.order(1, state=state)
        shopping()
        assert exchanged() == ["R1"]


def test_a_change_while_it_is_shown_is_not_lost(base, shop, shopping, asked, exchanged):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    assert asked() == ["R1"]
    shop.order(1, state="paid")
    shopping()
    base.ask("sale", "success")
    assert exchanged() == ["R1"]
    assert exchanged() == []


def test_two_versions_that_wait_are_shown_as_one(base, shop, shopping, asked):
    shop.order(1)
    shopping()
    base.sign_in("sale")
    asked()
    shop.order(1, state="paid")
    shopping()
    base.sign_in("sale")
    assert asked() == ["R1"]


def test_carts_do_not_go(shop, shopping, exchanged):
    shop.order(1, state="cart")
    shopping()
    assert exchanged() == []


def test_orders_from_before_the_connection_do_not_go(shop, shopping, exchanged, ledger, engine):
    shop.order(1)
    shopping()
    with transaction(engine) as session:
        session.get_one(Partner, ledger[0]).orders_since = clock.now() + timedelta(days=1)
    assert exchanged() == []


def test_an_order_deleted_in_the_shop_is_told_as_cancelled(shop, shopping, exchanged, engine, base):
    shop.order(1)
    shopping()
    exchanged()
    shop.delete("orders", "o1")
    with transaction(engine) as session:
        reconcile.start(session, session.scalars(select(Order.source_id)).one(), accept_loss=True)
    jobs.run_until_idle(engine)
    base.sign_in("sale")
    said = base.ask("sale", "query").decode("utf-8-sig")
    assert "<Наименование>Отменен</Наименование><Значение>true</Значение>" in said


def test_guests_are_never_one_counterparty(shop, shopping, base):
    for number in (1, 2):
        shop.order(number)
    shopping()
    base.sign_in("sale")
    said = base.ask("sale", "query").decode("utf-8-sig")
    ids = re.findall(r"<Контрагент><Ид>(.+?)</Ид>", said)
    assert len(set(ids)) == 2


def states(engine):
    with transaction(engine) as session:
        return [row.state for row in session.scalars(select(ExchangeOrder).order_by(ExchangeOrder.id))]


def returned(engine, imported, base, **requisites):
    with engine.connect() as db:
        order_id = db.exec_driver_sql("SELECT id FROM orders ORDER BY id LIMIT 1").scalar_one()
    base.sign_in("sale", version="2.08")
    body = onec.returned_order("R1", "10.00", str(order_id), **requisites)
    assert imported("sale", "documents.xml", body).startswith(b"success")


def test_what_1c_sends_back_counts_once(shop, shopping, exchanged, imported, base, engine, client):
    shop.order(1)
    shopping()
    exchanged()
    returned(engine, imported, base, Отменен="false")
    with transaction(engine) as session:
        one, other = session.scalars(select(Order).order_by(Order.copy_of.nulls_first()))
        assert (one.copy_of, other.copy_of) == (None, one.id)
        counted = session.scalars(select(CustomerStats).where(CustomerStats.orders > 0)).all()
        assert [(card.orders, card.spent) for card in counted] == [(1, one.total)]
        assert stats.counts(session).orders == 1
        placed = select(TimelineRow.id).where(TimelineRow.kind == "order.placed")
        assert len(session.scalars(placed).all()) == 1


def test_what_1c_changed_last_does_not_go_back(shop, shopping, exchanged, imported, base, engine):
    shop.order(1)
    shopping()
    exchanged()
    returned(engine, imported, base, Отменен="true")
    shop.order(1, state="cancelled")  # as the hub would write it into the shop
    shopping()
    assert exchanged() == []
    assert states(engine) == ["taken", "theirs"]


def test_what_the_shop_changed_beside_it_goes(shop, shopping, exchanged, imported, base, engine):
    shop.order(1)
    shopping()
    exchanged()
    returned(engine, imported, base, Отменен="true")
    shop.order(1, state="cancelled", total="12.00")
    shopping()
    assert exchanged() == ["R1"]


def test_what_1c_said_before_it_took_the_order_counts_no_more(
    shop, shopping, exchanged, imported, base, engine
):
    shop.order(1)
    shopping()
    exchanged()
    returned(engine, imported, base, Отменен="true")
    shop.order(1, state="paid")
    shopping()
    assert exchanged() == ["R1"]
    shop.order(1, state="cancelled")
    shopping()
    assert exchanged() == ["R1"]


def test_an_order_that_can_not_be_read_stops_no_other(shop, shopping, exchanged, engine):
    for number in (1, 2):
        shop.order(number)
    shopping()
    with engine.begin() as db:
        db.exec_driver_sql(
            "UPDATE landed_records SET payload = '[' WHERE id ="
            " (SELECT landed_id FROM orders WHERE number = 'R1')"
        )
    assert exchanged() == ["R2"]
    assert states(engine) == ["bad", "taken"]
    with engine.connect() as db:
        found = db.exec_driver_sql("SELECT message FROM problems WHERE area = 'exchange'").scalar_one()
    assert "could not be made ready" in found


def test_what_is_paired_with_things_of_1c_goes_under_its_ids(
    shop, shopping, base, ledger, engine, monkeypatch
):  # fmt: skip
    shop.put("products", "p1", name="Чайник", sku="A-1")
    shop.customer(1)
    shop.order(1, buyer=1)
    read = orders._read
    line = (Line(position=1, product_id="p1", name="Чайник", total=Decimal(10)),)
    monkeypatch.setattr(orders, "_read", lambda *args: msgspec.structs.replace(read(*args), lines=line))
    shopping()
    with transaction(engine) as session:
        product = session.scalars(select(Product)).one()
        card = session.scalars(select(Order.customer_id)).one()
        for what, local, theirs in (("nomenclature", product.id, "g-1"), ("counterparties", card, "k-1")):
            directory = Directory(connection_id=ledger[0], what=what, stream="x")
            session.add(directory)
            session.flush()
            session.add(Link(directory_id=directory.id, local_id=local, external_id=theirs, reason="sku"))
    base.sign_in("sale")
    said = base.ask("sale", "query").decode("utf-8-sig")
    assert "<Контрагент><Ид>k-1</Ид>" in said
    assert "<Товар><Ид>g-1</Ид>" in said


def test_a_shop_that_names_an_order_of_ours_hides_nothing(shop, shopping, engine, sealer, client):
    shop.order(1)
    shopping()
    with transaction(engine) as session:
        order_id = session.scalars(select(Order.id)).one()
        liar = connections.create(session, sealer, "fake", "Liar", {"shop": "liar", "key": "k"})
        record = records.Order(
            external_id=str(order_id), number="X", state="paid", currency="EUR", total=Decimal(1)
        )
        store.apply(session, liar.id, [store.Resolved(1, clock.now(), (record,))])
    with transaction(engine) as session:
        assert session.scalars(select(Order.copy_of)).all() == [None, None]


def test_a_copy_counts_when_its_original_was_removed(
    shop, shopping, exchanged, imported, base, engine, client
):
    shop.order(1)
    shopping()
    exchanged()
    returned(engine, imported, base, Отменен="false")
    with transaction(engine) as session:
        made = session.scalars(select(Source.id).where(Source.name == "Shop")).one()
        removal.start(session, made, "anna", with_data=True)
    jobs.run_until_idle(engine)
    with transaction(engine) as session:
        kept = session.scalars(select(Order)).one()
        counted = session.scalars(select(CustomerStats).where(CustomerStats.orders > 0)).all()
        assert kept.copy_of is None
        assert [(card.customer_id, card.orders) for card in counted] == [(kept.customer_id, 1)]
