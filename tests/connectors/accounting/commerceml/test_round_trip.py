"""What we write as a site, our own reader reads back as the same order and the same goods."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.accounting.commerceml.connector import CommerceML, CommerceMLSettings
from connectors.accounting.commerceml.parts import Names, Piece, merge
from connectors.accounting.commerceml.reading import read
from connectors.accounting.commerceml.writing import Profile, orders_document
from connectors.accounting.commerceml.writing_goods import catalogue_document, offers_document
from foundation.records import Address, Line, Order, Person, Product
from tests.connectors.accounting.commerceml.test_writing import order

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SIGNS = "аЖёІқ AZz09&<>\"'«»№-_.,/#😀"  # whitespace is made one blank by any reader

texts = st.text(SIGNS, min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)
ids = st.text("abcdef0123456789-#", min_size=1, max_size=60)
money = st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100)
maybe = st.just("").__or__
states = st.sampled_from(["open", "paid", "shipped", "completed", "cancelled", "refunded", "failed"])


@st.composite
def people(draw):
    company = draw(st.booleans())
    named = {"company": draw(texts)} if company else {"family_name": draw(texts), "given_name": draw(texts)}
    name = named["company"] if company else f"{named['family_name']} {named['given_name']}"
    return Person(
        external_id=draw(ids), kind="company" if company else "person", name=name, **named,
        emails=tuple(draw(st.sets(st.sampled_from(["a@b.ru", "q.w@example.org"])))),
        phones=tuple(draw(st.sets(st.sampled_from(["+79001234567", "+74951112233"])))),
        tax_number=draw(st.sampled_from(["", "7701234567", "770123456789"])),
        registration_number=draw(st.sampled_from(["", "770101001"])) if company else "",
        note=draw(maybe(texts)),
    )  # fmt: skip


@st.composite
def lines(draw, position):
    quantity = Decimal(draw(st.integers(1, 10**6))) / draw(st.sampled_from([1, 10, 1000]))
    price = draw(st.just(Decimal(0)) | money.map(lambda amount: amount + 10))  # 1C fills sums with zeros
    whole = (price * quantity).quantize(Decimal("0.01"))
    discount = draw(st.sampled_from([Decimal(0), whole / 2])).quantize(Decimal("0.01"))
    return Line(
        position=position, product_id=draw(maybe(ids)), sku=draw(maybe(texts)), name=draw(texts),
        quantity=quantity, unit_price=price, discount=discount, total=whole - discount,
        tax=draw(st.sampled_from([Decimal(0), Decimal("10.50")])),
    )  # fmt: skip


@st.composite
def orders(draw):
    person = draw(people())
    goods = tuple(draw(lines(position)) for position in range(1, draw(st.integers(1, 4))))
    shipping, off = draw(money), draw(st.sampled_from([Decimal(0), Decimal("0.01")]))
    total = max(sum((line.total for line in goods), shipping) - off, Decimal(0))
    off = sum((line.total for line in goods), shipping) - total
    placed = draw(st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)))
    return Order(
        external_id=draw(ids), number=draw(texts), state=draw(states), total=total, shipping=shipping,
        currency=draw(st.sampled_from(["RUB", "KZT"])),
        discount=off + sum((line.discount for line in goods), Decimal(0)),
        tax=sum((line.tax for line in goods), Decimal(0)), customer_id=person.external_id, customer=person,
        lines=goods, note=draw(maybe(texts)), delivery=draw(st.none() | st.builds(Address, line=texts)),
        placed_at=placed.replace(microsecond=0, tzinfo=UTC),
    )  # fmt: skip


def normalised(document, **settings):
    """The records of a document, by its own order."""
    names, found = Names(), {}
    for piece in read(io.BytesIO(document), names):
        if isinstance(piece, Piece):
            found.setdefault((piece.stream, piece.external_id), []).append(piece)
    chosen = CommerceMLSettings(**settings)
    for (stream, _), pieces in found.items():
        yield from CommerceML.normalise(stream, merge(None, pieces, names), chosen)


def told(record, *fields):
    return {name: getattr(record, name) for name in fields}


ORDER = (
    "external_id", "number", "state", "currency", "total", "discount", "shipping", "tax", "customer_id",
    "note", "placed_at",
)  # fmt: skip
PERSON = (
    "external_id", "kind", "name", "company", "family_name", "given_name", "tax_number",
    "registration_number", "note",
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "encoding"), [("2.05", "windows-1251"), ("2.09", "utf-8"), ("3.1", "utf-8-bom")]
)
@given(placed=orders(), zone=st.sampled_from(["Asia/Almaty", "UTC", "Asia/Kolkata"]))
def test_an_order_comes_back_as_itself(placed, zone, version, encoding):
    document = orders_document([placed], Profile(version=version, encoding=encoding, zone=zone), AT)
    (back,) = [record for record in normalised(document, zone=zone) if isinstance(record, Order)]
    assert told(back, *ORDER) == told(placed, *ORDER)
    assert told(back.customer, *PERSON) == told(placed.customer, *PERSON)
    assert set(back.customer.emails) == set(placed.customer.emails)
    assert set(back.customer.phones) == set(placed.customer.phones)
    assert back.lines == placed.lines
    assert back.delivery == placed.delivery


@given(st.lists(ids, max_size=6, unique=True))
def test_every_order_of_a_document_is_read(numbers):
    document = orders_document([order(one, external_id=one) for one in numbers], Profile(version="3.1"), AT)
    assert [record.external_id for record in normalised(document) if isinstance(record, Order)] == numbers


products = st.builds(
    Product, external_id=ids, name=texts, sku=maybe(texts),
    barcode=st.sampled_from(["", "4600000000017"]), price=st.none() | money,
    currency=st.just("RUB"), stock=st.none() | st.integers(-5, 500).map(Decimal),
    category=st.sampled_from(["", "Дом", "Еда / Чай", "Еда / Чай / Зелёный & <чёрный>"]),
)  # fmt: skip


ALL = ("offer", "price", "rest")


@pytest.mark.parametrize(
    ("version", "split"),
    [("2.05", [ALL]), ("2.09", [[part] for part in ALL]), ("3.1", [[part] for part in reversed(ALL)])],
)
@given(given_products=st.lists(products, min_size=1, max_size=5, unique_by=lambda one: one.external_id))
def test_goods_and_offers_come_back_as_products(version, split, given_products):
    profile = Profile(version=version)
    documents = [offers_document(given_products, profile, AT, parts=parts) for parts in split]
    names, pieces = Names(), []
    for document in (*documents, catalogue_document(given_products, profile, AT)):
        pieces += [piece for piece in read(io.BytesIO(document), names) if isinstance(piece, Piece)]
    for product in given_products:
        own = [piece for piece in pieces if piece.external_id == product.external_id]
        (back,) = CommerceML.normalise("products", merge(None, own, names), CommerceMLSettings())
        wanted = msgspec.structs.replace(
            product, unit="шт", currency="RUB" if product.price is not None else ""
        )
        assert msgspec.structs.replace(back, currency=wanted.currency) == wanted
