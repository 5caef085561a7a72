"""Writing into Tryton: which stream goes where, and that nobody's change is overwritten unseen."""

from connectors.accounting.tryton import bills, goods, parties
from connectors.accounting.tryton.client import Client
from connectors.base import Change
from foundation.errors import BadInput, Permanent
from foundation.records import Invoice, Person, Product

PARTY, PRODUCT, INVOICE = parties.WRITES, goods.WRITES, bills.WRITES


def write(client: Client, stream: str, change: Change) -> int:
    """Write one change; answers the id of the object."""
    if change.external_id and not change.external_id.isdecimal():
        raise BadInput(f"{change.external_id!r} is no id of Tryton", "external_id")
    match stream, change.record:
        case "parties", Person() as person:
            return parties.write(client, change, person)
        case "products", Product() as product:
            return goods.write(client, change, product)
        case "invoices", Invoice() as invoice:
            return bills.write(client, change, invoice)
    raise Permanent(f"Tryton takes no {stream} from outside.")
