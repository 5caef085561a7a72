"""Payments of orders for 1C: documents beside the order that say what they are for."""

from decimal import Decimal

from connectors.accounting.commerceml.writing import Profile, orders_document
from foundation.records import Happening, Payment
from tests.connectors.accounting.commerceml.test_round_trip import normalised, told
from tests.connectors.accounting.commerceml.test_writing import AT, order, read


def test_what_was_paid_goes_beside_the_order_where_modules_of_version_3_look_for_it():
    paid = tuple(
        Happening(kind=kind, at=AT, key=key, amount=Decimal(amount) if amount else None)
        for kind, key, amount in (("paid", "paid", "1000"), ("paid", "tr-2", "50.5"), ("shipped", "s", ""))
    )
    placed = order(happenings=paid, state="paid", extra={"payment_method": "bacs"})
    document = orders_document([placed], Profile(version="3.1", zone="Asia/Almaty"), AT)
    assert len(read(document).findall("Контейнер")) == 1
    told = [
        [one.findtext(tag) for tag in ("Ид", "Номер", "Дата", "Время", "ХозОперация", "Сумма", "Основание")]
        for one in read(document).findall("Контейнер/Документ")[1:]
    ]
    bank = "Выплата безналичных денег"
    assert told == [
        ["id-W-1#paid", "W-1", "2026-03-01", "14:30:00", bank, "1000.00", "id-W-1"],
        ["id-W-1#tr-2", "W-1-tr-2", "2026-03-01", "14:30:00", bank, "50.50", "id-W-1"],
    ]
    assert "Выплата безналичных" not in orders_document([placed], Profile(version="2.09"), AT).decode()
    cash = orders_document(
        [order(happenings=paid, extra={"payment_method": "cod"})], Profile(version="3.1"), AT
    )
    assert "Выплата наличных денег" in cash.decode()


def test_a_payment_comes_back_as_money_for_its_order():
    paid = Happening(kind="paid", at=AT, key="paid", amount=Decimal("1050.50"))
    document = orders_document([order("W-1", happenings=(paid,))], Profile(version="3.1"), AT)
    (back,) = [record for record in normalised(document) if isinstance(record, Payment)]
    assert told(back, "amount", "currency", "order_number", "customer_id", "paid_at") == {
        "amount": Decimal("1050.50"), "currency": "RUB", "order_number": "W-1", "customer_id": "guest:7",
        "paid_at": AT,
    }  # fmt: skip
