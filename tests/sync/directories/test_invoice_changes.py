"""What becomes of an invoice when its order changes, or the accountant changes it."""

from decimal import Decimal

import pytest

from foundation.database import transaction
from sync.directories import bills, looking
from sync.undo import undo
from tests.sync.directories.billing import decide, directory, made_there, waiting


def test_a_draft_follows_its_order(billed):
    billed.shop.order(1, total="340.00")
    billed.pull()
    assert billed.fields(billed.plan()) == [(billed.bill, "total", "push", "only_here")]
    billed.sync()
    assert made_there(billed) == [("p1", "R1", Decimal(340), "draft")]
    assert [change.fields for _stream, change in billed.ledger.pushes] == [(), ("lines",)]
    billed.pull()
    assert billed.rows(billed.plan()) == []


def test_what_was_pushed_into_a_draft_is_named_by_the_undo_and_stays(billed):
    billed.shop.order(1, total="340.00")
    billed.pull()
    operation = billed.sync().operation_id
    with transaction(billed.engine) as session:
        left = undo(session, operation, "anna").left_alone
    assert len(left) == 1 and "nobody knows the lines it had before" in left[0]
    assert made_there(billed)[0][2] == Decimal(340)


def test_a_draft_waits_where_the_order_cannot_be_said_there(billed):
    billed.shop.put("products", "s1", name="Tea", sku="T1")
    billed.shop.order(1, total="340.00", lines=[("s1", "Tea", "340.00")])
    billed.pull()
    billed.sync()
    assert waiting(billed) == [("total", "300", "340", "300", "read_only_there")]


def test_an_order_that_changes_after_its_invoice_was_posted_is_shown_until_somebody_acts(billed):
    billed.ledger.put("invoices", billed.bill, state="open", number="2026/1")
    billed.shop.order(1, total="340.00")
    billed.pull()
    billed.sync()
    assert waiting(billed) == [("total", "300", "340", "300", "read_only_there")]
    assert len(decide(billed, "ours").left_alone) == 1  # nobody writes into a posted invoice
    operation = decide(billed, "theirs").operation.id
    billed.pull()
    assert waiting(billed) == [] and billed.rows(billed.plan()) == []
    assert billed.overwritten()[-1] == ("here", "total", "340", "300", "kept")
    with transaction(billed.engine) as session:
        assert undo(session, operation, "anna").left_alone == []
    assert waiting(billed) == [("total", "300", "340", "300", "undone")]
    billed.ledger.put("invoices", billed.bill, total="340.00")
    billed.pull()
    billed.sync()
    assert waiting(billed) == [] and billed.rows(billed.plan()) == []


def test_a_cancelled_order_is_shown_until_its_invoice_is(billed):
    billed.shop.order(1, state="cancelled")
    billed.pull()
    billed.sync()
    assert waiting(billed) == [("cancelled", None, "yes", None, "read_only_there")]
    billed.ledger.put("invoices", billed.bill, state="cancelled")
    billed.pull()
    billed.sync()
    assert waiting(billed) == [] and billed.rows(billed.plan()) == []


def test_what_the_accountant_changes_is_shown(billed):
    billed.ledger.put("invoices", billed.bill, total="290.00")
    billed.pull()
    billed.sync()
    assert waiting(billed) == [("total", "300", "300", "290", "read_only_here")]
    decide(billed, "ours")  # a draft can still be written
    assert made_there(billed)[0][2] == Decimal(300)


@pytest.mark.parametrize(("there", "waits"), [("10.01", 0), ("12.00", 1)])
def test_rounding_of_a_cent_a_line_is_no_difference_and_tax_on_top_is(billing, there, waits):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.pull()

    def counts_itself():
        for bill in billing.ledger.things["invoices"].values():
            bill["total"] = there

    billing.ledger.after_write = counts_itself
    billing.sync()
    billing.pull()
    billing.sync()
    assert len(waiting(billing)) == waits


def test_a_ledger_of_one_money_need_not_say_which(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.ledger.bill(1, currency="")
    billing.pull()
    billing.sync()
    billing.pull()
    assert billing.rows(billing.plan()) == [] and waiting(billing) == []


def test_a_page_of_invoices_shows_both_sides(billed):
    billed.shop.order(2, buyer=1, total="20.00")
    billed.pull()
    with transaction(billed.engine) as session:
        kept = directory(session)
        [row], _next = looking.look(session, kept, "all")
        assert {side.field: (side.ours, side.theirs) for side in row.sides} == {
            "total": ("300", "300"), "currency": ("EUR", "EUR"),
        }  # fmt: skip
        assert looking.look(session, kept, "differs") == ([], "")
        assert looking.counts(session, kept)["pairs"] == 1
        drawn = bills.drawn(session, kept, [looking.look(session, kept, "only_here")[0][0].local_id])
        assert [bill.title for bill in drawn.values()] == ["R2, Person Number1"]
