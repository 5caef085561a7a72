"""Invoices as ledgers bring them set off journeys, and a payment that lands ends the matter."""

from datetime import timedelta
from decimal import Decimal

import pytest

from foundation.clock import now
from foundation.records import Gone, Invoice, Payment
from tests.email_campaigns.triggers.scene import Scene, buyer

DAY = timedelta(days=1)


def bill(due: timedelta, **more: object) -> Invoice:
    said = {"currency": "KZT", "total": Decimal(5000), "issued_at": now() - 30 * DAY, "due_at": now() + due}
    return Invoice(external_id="i1", number="I1", customer_id="shop-anna", **(said | more))


def pay(amount: int) -> Payment:
    return Payment(external_id=f"p{amount}", customer_id="shop-anna", currency="KZT", amount=Decimal(amount),
                   invoice_id="i1", paid_at=now())  # fmt: skip


@pytest.mark.parametrize(("key", "sign"), [("invoice_due", 1), ("invoice_overdue", -1)])
def test_landed_invoice_is_spoken_of_until_it_is_paid(scene: Scene, key: str, sign: int) -> None:
    scene.tell(buyer("anna"), pay(1000), bill(sign * 3 * DAY - timedelta(hours=2)))
    (entry,) = scene.ask(key, days=3)
    assert "4,000" in scene.letter(key, entry).text.replace("\N{NO-BREAK SPACE}", ",")
    assert not scene.over(key, entry)
    scene.tell(pay(4000))
    assert scene.over(key, entry)
    assert scene.ask(key, days=3) == []


def test_invoice_that_is_gone_is_not_spoken_of(scene: Scene) -> None:
    scene.tell(buyer("anna"), bill(3 * DAY - timedelta(hours=2)))
    (entry,) = scene.ask("invoice_due", days=3)
    scene.tell(Gone(external_id="i1", what="invoice"))
    assert scene.over("invoice_due", entry)
    assert scene.ask("invoice_due", days=3) == []
