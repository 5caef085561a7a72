"""Orders of a shop become invoices in a ledger, once, with what they need there; those there are found."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from foundation import clock as clocks
from foundation.database import transaction
from foundation.errors import BadInput
from sync.directories import conflicts, decisions, keeping
from tests.sync.directories.billing import made_there, only_here, rule, told


def test_an_order_becomes_a_draft_behind_its_buyer_and_comes_back_as_no_change(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1, total="300.00")
    billing.pull()
    made = billing.plan()
    assert told(billing, made) == [
        "is made there",
        "an invoice of 300 EUR is made there as a draft",
        "its buyer is made there before it",
    ]  # fmt: skip
    billing.apply(made)
    [party] = billing.ledger.things["counterparties"]
    assert [stream for stream, _change in billing.ledger.pushes] == ["counterparties", "invoices"]
    assert made_there(billing) == [(party, "R1", Decimal(300), "draft")]
    billing.pull()
    billing.sync()
    billing.pull()
    assert billing.rows(billing.plan()) == [] and len(made_there(billing)) == 1


def test_goods_go_under_the_ids_they_have_there_and_wait_for_them(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    for number in (1, 2):
        billing.shop.put("products", f"s{number}", name=f"Tea {number}", sku=f"T{number}")
    lines = [("s1", "Tea 1", "100.00"), ("s2", "", "50.00"), ("", "A card", "5.00")]
    billing.shop.order(1, buyer=1, total="162.00", shipping="7.00", lines=lines)
    billing.ledger.put("nomenclature", "n1", name="Tea 1", sku="T1")
    billing.pull()
    billing.sync()
    assert told(billing) == ["waits: 1 of its goods have no partner there: Tea 2"]
    assert only_here(billing) == [("R1, Person Number1", ["goods"])]
    billing.ledger.put("nomenclature", "n2", name="Tea 2", sku="T2")
    billing.pull()
    billing.sync()
    [bill] = billing.ledger.things["invoices"].values()
    assert [(one, name, Decimal(total)) for one, name, total in bill["lines"]] == [
        ("n1", "Tea 1", 100), ("n2", "Tea 2", 50), ("", "A card", 5), ("", "Delivery", 7),
    ]  # fmt: skip


def test_goods_that_the_same_run_makes_there_are_made_before_the_invoice(billing):
    rule(billing, "nomenclature", creates="all")
    billing.shop.customer(1)
    billing.shop.put("products", "s1", name="Tea", sku="T1")
    billing.shop.order(1, buyer=1, total="10.00", lines=[("s1", "Tea", "10.00")])
    billing.pull()
    billing.sync()
    order = [stream for stream, _change in billing.ledger.pushes]
    assert order == ["counterparties", "nomenclature", "invoices"]
    [bill] = billing.ledger.things["invoices"].values()
    assert bill["lines"][0][0] in billing.ledger.things["nomenclature"]


def test_an_order_waits_for_its_buyer_where_nobody_makes_them(billing):
    rule(billing, "counterparties", creates="none")
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    made = billing.plan()
    assert told(billing, made) == ["waits: the buyer isn't there yet"] and made.counts["unready"] == 1
    assert only_here(billing) == [("R1, Person Number1", ["buyer"])]
    billing.apply(made)
    assert billing.ledger.pushes == [] and billing.pushes() == []


def test_who_buys_as_two_counterparties_waits(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.ledger.party(2, email="person1@example.org", name="Person Number1")
    billing.shop.order(1, buyer=1)
    billing.pull()
    assert "waits: the buyer is 2 counterparties there" in told(billing)


def test_companies_only(billing):
    rule(billing, creates="companies")
    for number in (1, 2):
        billing.ledger.party(number)
        billing.shop.customer(number)
        billing.shop.order(number, buyer=number)
    billing.pull()
    with billing.engine.begin() as db:
        db.execute(text("UPDATE customers SET kind = 'company' WHERE name = 'Person Number1'"))
    billing.sync()
    assert [order for _to, order, _total, _state in made_there(billing)] == ["R1"]


def test_only_orders_since_the_day_and_in_a_state_to_be_paid(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    past = (clocks.now() - timedelta(days=2)).isoformat()
    billing.shop.order(1, buyer=1, placed=past)
    billing.shop.order(2, buyer=1, state="cancelled")
    billing.shop.order(3, buyer=1, state="cart")
    billing.pull()
    assert billing.plan().counts["made"] == 0
    rule(billing, since=clocks.now() - timedelta(days=3), due_days=14)
    billing.sync()
    [bill] = billing.ledger.things["invoices"].values()
    assert (bill["order"], bill["due"]) == ("R1", (clocks.now() + timedelta(days=14)).date().isoformat())


def test_nothing_is_made_before_the_ledger_has_been_read(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull(billing.here)
    assert billing.plan().counts["made"] == 0


def test_an_invoice_that_names_the_order_is_its_own(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.ledger.bill(1)
    billing.ledger.bill(2, customer="p1", order="PO 77")
    billing.pull()
    made = billing.plan()
    assert "a pair by order_number R1" in told(billing, made)
    assert (made.counts["made"], made.counts["only_there"]) == (0, 1)
    billing.apply(made)
    assert {one.external_id: one.state for one in billing.links()}["b1"] == "linked"
    assert billing.ledger.pushes == [] and told(billing) == []


def test_an_invoice_to_somebody_else_with_the_number_is_asked_about(billing):
    for number in (1, 2):
        billing.shop.customer(number)
        billing.ledger.party(number)
    billing.shop.order(1, buyer=1)
    billing.ledger.bill(1, customer="p2")
    billing.pull()
    billing.sync()
    with transaction(billing.engine) as session:
        [doubt] = conflicts.doubtful(session)
        assert (doubt["ours"], doubt["theirs"], doubt["reason"]) == ("R1", "B1", "order_number")
        decisions.pair(session, doubt["id"], False, "anna")
    assert only_here(billing) == [("R1, Person Number1", [])]
    billing.sync()
    assert [to for to, *_rest in made_there(billing)] == ["p2", "p1"]


def test_two_invoices_of_one_number_are_asked_about(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.ledger.bill(1)
    billing.ledger.bill(2, customer="p1", order="R1")
    billing.ledger.bill(3, customer="p1", order="R1", total="-10.00")  # a credit note is none
    billing.pull()
    billing.sync()
    with transaction(billing.engine) as session:
        found = conflicts.doubtful(session)
        assert sorted(one["theirs"] for one in found) == ["B1", "B2"]
        decisions.pair(session, found[0]["id"], True, "anna")
        decisions.pair(session, found[1]["id"], False, "anna")
    billing.sync()
    assert billing.ledger.pushes == []


def test_a_cancelled_invoice_of_the_number_is_left_to_a_person(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.ledger.bill(1, state="cancelled")
    billing.pull()
    assert "waits: there is an invoice with its number already" in told(billing)


def test_orders_have_to_be_a_shops(world):
    with transaction(world.engine) as session, pytest.raises(BadInput, match="orders are ours"):
        keeping.add(session, world.there, "invoices")
