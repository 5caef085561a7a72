"""The vocabulary that connectors speak and customers keep: frozen records, free of any source's habits.

Money is a `Decimal` beside an ISO 4217 code, time an aware UTC `datetime`; `None` means "the source does not
say", which is not the same as an empty value.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

PersonKind = Literal["person", "company"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all records; serialises to JSON without its empty fields."""


class Address(Record, frozen=True, kw_only=True):
    """A postal address, lightly structured."""

    line: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""  # ISO 3166 alpha-2, upper case
    name: str = ""
    phone: str = ""


class Consent(Record, frozen=True, kw_only=True):
    """What a person allowed or withdrew, for one channel and purpose, with the proof the source has."""

    channel: Literal["email", "sms", "phone", "push", "post"]
    purpose: str = "marketing"
    given: bool
    at: datetime | None = None
    text: str = ""
    form: str = ""
    ip: str = ""


class Person(Record, frozen=True, kw_only=True, tag="person"):
    """A customer as one source knows them: a human or (kind="company") an organisation."""

    external_id: str
    kind: PersonKind = "person"
    guest: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    company: str = ""
    emails: tuple[str, ...] = ()
    email_verified: bool = False
    phones: tuple[str, ...] = ()
    tax_number: str = ""
    tax_kind: str = ""  # one of customers.tax_numbers' kinds; "" when unknown
    registration_number: str = ""  # e.g. RU КПП
    birthday: date | None = None
    language: str = ""
    addresses: tuple[Address, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    consents: tuple[Consent, ...] = ()
    created_at: datetime | None = None
    changed_at: datetime | None = None
    country: str = ""  # default country for reading phone numbers
    accounts: tuple[str, ...] = ()  # names of the person in systems that several sources know: "shop:7"
    device_ids: tuple[str, ...] = ()  # browsers, newest first
    claimed: bool = False  # a browser says so and nobody has proved it
    writer: str = ""  # the address letters came from: finds the card that has it, and says nothing else
    extra: dict[str, str] = {}


class Line(Record, frozen=True, kw_only=True):
    """One line of an order or invoice. `total` is what is paid for the line, discounts off, tax in."""

    position: int
    product_id: str = ""
    sku: str = ""
    name: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    total: Decimal = Decimal(0)


OrderState = Literal["cart", "open", "paid", "shipped", "completed", "cancelled", "refunded", "failed"]


class Happening(Record, frozen=True, kw_only=True):
    """Something that happened to an order at an instant: placed, paid, shipped, refunded, cancelled."""

    kind: str
    at: datetime
    key: str  # stable within the order: repeats of it are the same happening
    amount: Decimal | None = None
    note: str = ""


class Shipment(Record, frozen=True, kw_only=True):
    """Goods of an order that left, by a document of their own; `total` only where all of it is known."""

    external_id: str
    number: str = ""
    at: datetime | None = None
    total: Decimal | None = None  # in the order's currency
    lines: tuple[Line, ...] = ()


class Order(Record, frozen=True, kw_only=True, tag="order"):
    """An order with its lines. `customer` is the buyer as this order names them (guests included)."""

    external_id: str
    number: str
    state: OrderState
    source_state: str = ""
    currency: str
    total: Decimal  # paid by the buyer: goods + shipping + tax - discounts, refunds not deducted
    discount: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)  # positive
    customer_id: str = ""  # external id of the buyer's profile in this source; always set, guests included
    customer: Person | None = None
    lines: tuple[Line, ...] = ()
    coupons: tuple[str, ...] = ()
    billing: Address | None = None
    delivery: Address | None = None
    note: str = ""
    happenings: tuple[Happening, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    placed_at: datetime | None = None
    changed_at: datetime | None = None
    extra: dict[str, str] = {}


class Product(Record, frozen=True, kw_only=True, tag="product"):
    """A nomenclature item: what can be sold."""

    external_id: str
    name: str
    sku: str = ""
    barcode: str = ""
    price: Decimal | None = None
    currency: str = ""
    unit: str = ""
    category: str = ""
    url: str = ""
    image: str = ""
    active: bool = True
    stock: Decimal | None = None
    changed_at: datetime | None = None


class Invoice(Record, frozen=True, kw_only=True, tag="invoice"):
    """A bill to a counterparty."""

    external_id: str
    number: str
    customer_id: str
    currency: str
    total: Decimal
    paid: Decimal = Decimal(0)
    state: Literal["draft", "open", "paid", "cancelled"] = "open"
    order_number: str = ""
    lines: tuple[Line, ...] = ()
    issued_at: datetime | None = None
    due_at: datetime | None = None
    changed_at: datetime | None = None


class Payment(Record, frozen=True, kw_only=True, tag="payment"):
    """Money received (positive) or given back (negative)."""

    external_id: str
    customer_id: str
    currency: str
    amount: Decimal
    number: str = ""
    invoice_id: str = ""
    order_number: str = ""
    paid_at: datetime | None = None


class Attachment(Record, frozen=True, kw_only=True):
    """A file in a letter; its content stays in the landed letter."""

    number: int
    name: str  # safe to save it under
    type: str
    size: int
    risky: bool = False  # opening it may run it


class Message(Record, frozen=True, kw_only=True, tag="message"):
    """A letter in a mailbox of ours. Who it is from is what it says, and anybody can say anything."""

    external_id: str
    sent: bool = False  # written by us: it lay in the folder of sent letters
    at: datetime | None = None
    message_id: str = ""
    answers: tuple[str, ...] = ()  # Message-IDs it names, the one it answers first
    root: str = ""  # the first letter of its thread, as far as it names it
    deliveries: tuple[str, ...] = ()  # letters of our ledger it may answer: their ids in hex
    sender: str = ""
    sender_name: str = ""
    reply_to: str = ""  # where it asks answers to be sent, when that isn't its sender
    recipients: tuple[str, ...] = ()
    more_recipients: int = 0
    subject: str = ""
    text: str = ""
    quoted: str = ""  # what it repeats of earlier letters
    attachments: tuple[Attachment, ...] = ()
    automatic: str = ""  # reply bulk report: no person wrote it just now
    vouched: bool = False  # our mail server has checked that the sender's domain wrote it
    cut: bool = False  # not all of it was read
    size: int = 0
    report: str = ""  # of a report, its bytes as Latin-1


class Gone(Record, frozen=True, kw_only=True, tag="gone"):
    """The source no longer has this object; what we keep of it is marked, not erased."""

    external_id: str
    what: Literal["person", "order", "product", "invoice", "payment", "message"]
    at: datetime | None = None


AnyRecord = Person | Order | Product | Invoice | Payment | Message | Gone
