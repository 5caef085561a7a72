"""Journeys after invoices tried out on the past: what was owed then counts, not what is owed now."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from customers import store
from foundation import clock
from foundation.database import transaction
from foundation.records import AnyRecord, Gone, Invoice, Payment
from tests.email_campaigns.journeys.test_backtest import TICK, kept, letters, really, tried
from tests.email_campaigns.journeys.test_walk import DAY, HOUR
from tests.email_campaigns.journeys.world import Street

PEOPLE = 7


def tell(street: Street, *records: AnyRecord) -> None:
    """The ledger's connector brings records."""
    source: UUID = street.rows("SELECT source_id FROM profiles WHERE external_id = 'p0'")[0][0]
    with transaction(street.engine) as session:
        items = [store.Resolved(number, clock.now(), (one,)) for number, one in enumerate(records, 900)]
        store.apply(session, source, items)


def bill(number: int, due: datetime, **more: object) -> Invoice:
    said = {"currency": "KZT", "total": Decimal(100), "issued_at": clock.now() - DAY, "due_at": due}
    said |= {"changed_at": clock.now()}
    return Invoice(external_id=f"i{number}", number=str(number), customer_id=f"p{number}", **(said | more))


def paid(number: int) -> Payment:
    return Payment(external_id=f"m{number}", customer_id=f"p{number}", currency="KZT", amount=Decimal(100),
                   invoice_id=f"i{number}", paid_at=clock.now())  # fmt: skip


def people(result: dict[str, object], street: Street) -> set[str]:
    """Who got a letter, as the back-test says."""
    names = {str(row[0]): row[1] for row in street.rows("SELECT customer_id, external_id FROM profiles")}
    return {names[customer] for customer, _entered, _step in letters(result)}


def test_what_really_ran_comes_out_again(street: Street) -> None:
    street.desk.crowd(PEOPLE)
    trigger = {"kind": "invoice_overdue", "settings": {"days": 1}}
    journey = street.journey(street.letter(), trigger=trigger)
    due = clock.now() + DAY
    bills = [bill(number, due) for number in range(PEOPLE)]
    tell(street, *bills)
    street.live(DAY + HOUR, TICK)
    tell(street, paid(1), bill(2, due, state="paid"), bill(3, due, state="cancelled"))
    tell(street, Gone(external_id="i6", what="invoice", at=clock.now()))
    street.live(2 * DAY, TICK)
    tell(street, paid(0), bill(4, due, paid=Decimal(100)), Gone(external_id="i5", what="invoice"))
    street.live(HOUR, TICK)
    before, was = kept(street), really(street)
    assert len(was) == 3
    found = tried(street, journey)
    assert people(found, street) == {"p0", "p4", "p5"}
    told = letters(found)
    assert told.keys() == was.keys()
    assert max(abs(told[one] - was[one]) for one in was) <= 2 * TICK + timedelta(seconds=10)
    assert kept(street) == before


def test_a_past_that_was_loaded_later_counts_when_it_happened(street: Street) -> None:
    """A ledger connected today: one invoice was paid before its day, one after it, one not at all."""
    street.desk.crowd(3)
    clock.advance(20 * DAY)
    journey = street.journey(
        street.letter(), trigger={"kind": "invoice_due", "settings": {"days": 1}}, on=False
    )
    now = clock.now()
    for number, settled in ((0, 8), (1, 2), (2, None)):
        state = {"state": "paid", "changed_at": now - settled * DAY} if settled else {}
        tell(street, bill(number, now - 5 * DAY, issued_at=now - 15 * DAY, **state))
    clock.advance(HOUR)
    assert people(tried(street, journey, 10), street) == {"p1", "p2"}
