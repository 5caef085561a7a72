"""An order of a ledger that says what of it left and when is charged by its shipments. Pure."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from customers.settlements.accounts import Bill
from foundation.records import Shipment

_decode = msgspec.json.Decoder(tuple[Shipment, ...]).decode


def parts(bill: Bill) -> Iterable[Bill]:
    """The shipments of an order on their days; the bill itself where it has none, or not all their sums.

    What of a paid order has not left yet stays under the order: its money was counted as well.
    """
    shipments = _decode(bill.shipments) if bill.shipments else ()
    if not shipments or any(one.total is None for one in shipments):
        yield bill
        return
    left, unpaid = bill.paid, bill.total
    for one in shipments:
        total = one.total or Decimal(0)
        unpaid -= total
        paid = min(left, total)
        left -= paid
        yield bill._replace(
            number=one.number, kind="shipment", total=total, paid=paid, order_number=bill.number,
            issued_at=one.at or bill.issued_at,
        )  # fmt: skip
    if unpaid > 0 and left > 0:
        yield bill._replace(total=unpaid, paid=left)
