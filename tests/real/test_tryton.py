"""The Tryton connector against a real server: what it reads, what it writes, and who overtakes whom."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors import registry
from connectors.accounting.tryton.connector import Tryton
from connectors.base import Change, Overtaken, Raw
from customers.facts import InvoiceLine
from foundation.errors import BadInput, Misconfigured
from foundation.records import Address, Gone, Invoice, Line, Payment, Person, Product
from tests.real.tryton_hub import Hub
from tests.real.tryton_server import Accountant, RealBase

pytestmark = pytest.mark.real

STREAMS = [stream.name for stream in Tryton.streams]
BUYER = Person(
    external_id="", kind="company", name="Айгүл ЖШС", tax_number="980440001234", tax_kind="kz.bin",
    emails=("buh@aigul.example", "a@aigul.example"), phones=("+77010000009",),
    addresses=(Address(line="Абай 1", city="Алматы", postcode="050000"),),
)  # fmt: skip
DOORS = ["password", "key"]


def connect(base: RealBase, door: str = "password", **typed: Any) -> Tryton:
    names = ["user", "password"] if door == "password" else ["key"]
    typed = {name: base.info[name] for name in names} | typed
    settings = registry.parse_settings(
        Tryton, {"address": base.info["base"], "database": base.info["database"], **typed}
    )
    return Tryton(settings, Tryton.make_http(settings, allow_private=True, attempts=1))


def pull(connector: Tryton, stream: str, cursor: str | None = None) -> tuple[dict[str, Raw], str]:
    """The newest version of each object, and the last cursor."""
    found: dict[str, Raw] = {}
    for page in connector.pull(stream, cursor):
        assert page.bad == ()
        found |= {raw.external_id: raw for raw in page.records}
        cursor = page.cursor
    return found, cursor or ""


def read(stream: str, raw: Raw) -> Any:
    [record] = Tryton.normalise(stream, raw, None)
    return record


def push(connector: Tryton, stream: str, record: Any, key: str = "k", **change: Any) -> Raw:
    return connector.push(stream, Change(key=key, record=record, **change))


def version(raw: Raw) -> str:
    assert raw.version_at
    return raw.version_at.isoformat()


def bill(party: str, product: str, key: str) -> Invoice:
    """Two samovars and their delivery, 20 % tax in."""
    return Invoice(
        external_id="", number="", customer_id=party, currency="EUR", total=Decimal("300.00"),
        order_number=key,
        lines=(
            Line(position=1, product_id=product, name="Самовар", quantity=Decimal(2), unit_price=Decimal(144),
                 tax=Decimal("48.00"), total=Decimal("288.00")),
            Line(position=2, name="Delivery", tax=Decimal("2.00"), total=Decimal("12.00")),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_both_sign_ins_read_everything(tryton: RealBase, door: str) -> None:
    connector = connect(tryton, door, page_size=2)
    assert "Deneme A.Ş." in connector.check()
    parties = {r.name: r for r in (read("parties", raw) for raw in pull(connector, "parties")[0].values())}
    kimchi = parties["주식회사 김치"]
    assert (kimchi.tax_kind, kimchi.kind, kimchi.emails) == ("kr.brn", "company", ("kim@example.org",))
    assert kimchi.addresses == (Address(line="Street 2", city="İstanbul", postcode="34000"),)
    assert parties["ООО «Ромашка»"].tax_number == "7707083893"
    goods = {r.sku: r for r in (read("products", raw) for raw in pull(connector, "products")[0].values())}
    assert (goods["CAY-1"].price, goods["CAY-1"].currency, goods["CAY-1"].unit) == (
        Decimal("2.5"),
        "EUR",
        "u",
    )
    bills = {
        r.order_number: r for r in (read("invoices", raw) for raw in pull(connector, "invoices")[0].values())
    }
    assert {"WEB-0": "draft", "WEB-1": "open", "WEB-2": "open"}.items() <= {
        k: b.state for k, b in bills.items()
    }.items()
    assert (bills["WEB-2"].total, bills["WEB-2"].paid) == (Decimal("162.00"), 0)
    assert bills["WEB-2"].customer_id == kimchi.external_id and bills["WEB-2"].due_at


@pytest.mark.parametrize("stream", STREAMS)
def test_both_doors_fetch_and_listing_agree(tryton: RealBase, stream: str) -> None:
    connector = connect(tryton)
    pulled, _ = pull(connector, stream)
    assert pull(connect(tryton, "key", page_size=1), stream)[0] == pulled
    assert {raw.external_id: raw for raw in connector.fetch(stream, list(pulled))} == pulled
    listed = {entry.external_id: entry.version_at for entry in connector.listing(stream)}
    assert listed == {raw.external_id: raw.version_at for raw in pulled.values()}
    assert [raw.gone for raw in connector.fetch(stream, ["99999"])] == [True]


@pytest.mark.parametrize("typed", [{"password": "wrong"}, {"database": "nowhere"}, {"key": "wrong"}])
def test_wrong_settings_are_told(tryton: RealBase, typed: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(tryton, "key" if "key" in typed else "password", **typed).check()
    assert [caught.value.setting] == list(typed)


def test_ended_session_is_renewed(tryton: RealBase, accountant: Accountant) -> None:
    connector = connect(tryton)
    connector.check()
    headers, accountant._headers = accountant._headers, connector._client._session
    accountant.call("common.db.logout")
    accountant._headers = headers
    assert "Deneme" in connector.check()


@pytest.mark.parametrize("door", DOORS)
def test_party_is_made_once_and_changed_on_both_sides(
    tryton: RealBase, accountant: Accountant, door: str
) -> None:
    connector = connect(tryton, door)
    _, cursor = pull(connector, "parties")
    raw = push(connector, "parties", BUYER, key=door)
    assert push(connector, "parties", BUYER, key=door) == raw
    made = read("parties", raw)
    assert (made.name, made.tax_number, made.kind) == ("Айгүл ЖШС", "980440001234", "company")
    assert (made.emails, made.phones, made.addresses) == (BUYER.emails, BUYER.phones, BUYER.addresses)
    assert pull(connector, "parties", cursor)[0][raw.external_id] == raw
    # a change there that moves no time of the party itself
    [place] = msgspec.json.decode(raw.payload)["addresses"]
    accountant.write("party.address", str(place["id"]), city="Астана")
    changed = pull(connector, "parties", cursor)[0][raw.external_id]
    assert read("parties", changed).addresses[0].city == "Астана" and changed.version_at > raw.version_at
    # ours was decided on what stood there before
    ours = msgspec.structs.replace(made, company="Айгүл и К", emails=("a@aigul.example",))
    there = {"external_id": raw.external_id, "fields": ("company", "emails")}
    with pytest.raises(Overtaken):
        push(connector, "parties", ours, version=version(raw), **there)
    after = read("parties", push(connector, "parties", ours, version=version(changed), **there))
    assert (after.name, after.emails, after.addresses[0].city) == (
        "Айгүл и К",
        ("a@aigul.example",),
        "Астана",
    )
    back = push(connector, "parties", made, external_id=raw.external_id)
    assert (read("parties", back).emails, read("parties", back).name) == (made.emails, "Айгүл ЖШС")


def test_server_itself_refuses_what_was_overtaken(tryton: RealBase, accountant: Accountant) -> None:
    """Between our last look and our write."""
    connector = connect(tryton)
    raw = push(connector, "parties", BUYER, key="race")
    write = connector._client.write

    def late(*given: Any) -> None:
        accountant.write("party.party", raw.external_id, name="Theirs")
        write(*given)

    connector._client.write = late  # type: ignore[method-assign]
    with pytest.raises(Overtaken):
        push(connector, "parties", BUYER, external_id=raw.external_id, version=version(raw))
    [now] = connector.fetch("parties", [raw.external_id])
    assert read("parties", now).name == "Theirs"


def test_archived_and_deleted_are_gone(tryton: RealBase, accountant: Accountant) -> None:
    connector = connect(tryton)
    kept, lost = (push(connector, "parties", Person(external_id="", name=n), key=n) for n in ("kept", "lost"))
    _, cursor = pull(connector, "parties")
    accountant.write("party.party", kept.external_id, active=False)
    accountant.do("party.party", "delete", [int(lost.external_id)])
    assert isinstance(read("parties", pull(connector, "parties", cursor)[0][kept.external_id]), Gone)
    assert [raw.gone for raw in connector.fetch("parties", [lost.external_id])] == [True]
    assert lost.external_id not in {entry.external_id for entry in connector.listing("parties")}


def test_their_refusal_is_told(tryton: RealBase) -> None:
    wrong = msgspec.structs.replace(BUYER, tax_number="123", tax_kind="ru.inn")
    for door in DOORS:
        with pytest.raises(BadInput, match="123"):
            push(connect(tryton, door), "parties", wrong, key="bad")


@pytest.mark.parametrize("door", DOORS)
def test_product_is_made_once_and_changed(tryton: RealBase, accountant: Accountant, door: str) -> None:
    connector = connect(tryton, door)
    teapot = Product(
        external_id="", name="Чайник", sku=f"TEA-{door}", price=Decimal("10.50"), currency="EUR", unit="u",
        barcode="4006381333931",
    )  # fmt: skip
    raw = push(connector, "products", teapot, key=door)
    assert push(connector, "products", teapot, key=door) == raw
    made = read("products", raw)
    for name in ("name", "sku", "price", "currency", "unit", "barcode"):
        assert getattr(made, name) == getattr(teapot, name)
    _, cursor = pull(connector, "products")
    other = msgspec.structs.replace(
        made, name="Самовар", sku=f"SAM-{door}", price=Decimal("11.2500"), barcode=""
    )
    changed = push(connector, "products", other, external_id=raw.external_id, version=version(raw))
    now = read("products", pull(connector, "products", cursor)[0][raw.external_id])
    assert (now.name, now.sku, now.price, now.barcode) == ("Самовар", f"SAM-{door}", Decimal("11.25"), "")
    with pytest.raises(Overtaken):
        push(connector, "products", teapot, external_id=raw.external_id, version=version(raw))
    template = msgspec.json.decode(changed.payload)["template"]["id"]
    accountant.write("product.template", str(template), list_price={"__class__": "Decimal", "decimal": "12"})
    assert read("products", pull(connector, "products", cursor)[0][raw.external_id]).price == 12


@pytest.mark.parametrize("door", DOORS)
def test_invoice_is_made_posted_and_paid(tryton: RealBase, accountant: Accountant, door: str) -> None:
    connector = connect(tryton, door)
    cursors = {stream: pull(connector, stream)[1] for stream in STREAMS}
    party = push(connector, "parties", BUYER, key=f"payer-{door}").external_id
    [samovar] = [
        i for i, raw in pull(connector, "products")[0].items() if read("products", raw).sku == "SAM-3"
    ]
    ours = bill(party, samovar, f"WEB-{door}")
    raw = push(connector, "invoices", ours, key=f"bill-{door}")
    assert push(connector, "invoices", ours, key=f"bill-{door}") == raw

    def now() -> Invoice:
        found = read("invoices", pull(connector, "invoices", cursors["invoices"])[0][raw.external_id])
        assert isinstance(found, Invoice)
        return found

    def payments() -> list[Payment]:
        raws = pull(connector, "payments", cursors["payments"])[0].values()
        found = [r for one in raws for r in Tryton.normalise("payments", one, None)]
        return [p for p in found if isinstance(p, Payment) and p.customer_id == party]

    draft = now()
    assert (draft.state, draft.total, draft.customer_id) == ("draft", Decimal("300.00"), party)
    assert [(line.total, line.tax) for line in draft.lines] == [(line.total, line.tax) for line in ours.lines]
    accountant.write("account.invoice", raw.external_id, comment="checked")
    with pytest.raises(Overtaken):
        push(connector, "invoices", ours, external_id=raw.external_id, version=version(raw))
    accountant.post(raw.external_id)
    posted = now()
    assert (posted.state, posted.paid, posted.order_number) == ("open", 0, f"WEB-{door}")
    assert posted.number.isdecimal() and posted.issued_at and posted.due_at and payments() == []
    with pytest.raises(BadInput, match="only drafts"):
        push(connector, "invoices", ours, external_id=raw.external_id)
    accountant.pay(raw.external_id, "100.00")
    assert (now().state, now().paid, [p.amount for p in payments()]) == ("open", 100, [100])
    accountant.pay(raw.external_id, "200.00")
    assert (now().state, now().paid) == ("paid", Decimal("300.00"))
    assert sorted(p.amount for p in payments()) == [100, 200]
    assert {(p.invoice_id, p.currency, p.order_number) for p in payments()} == {
        (raw.external_id, "EUR", f"WEB-{door}")
    }


def test_from_an_order_to_the_paid_invoice_on_its_card(
    hub: Hub, tryton: RealBase, accountant: Accountant
) -> None:
    hub.shop.customer(1, name="Ayşe Ak", email="ayse@ak.example", phone="+905321112233", city="İzmir")
    hub.shop.put("products", "s1", name="Самовар 3 л", sku="SAM-3")

    def order(price: str, tax: str, total: str, taxes: str) -> None:
        lines = [("s1", "Samovar", price, tax)]
        hub.shop.order(1, buyer=1, total=total, shipping="20.00", tax=taxes, lines=lines)

    order("280.00", "46.67", "300.00", "50.00")
    hub.pull()
    hub.sync()
    hub.pull()
    hub.sync()
    card = hub.card("ayse@ak.example")
    party, connector = hub.party(card.id), connect(tryton)
    [there] = connector.fetch("parties", [party])
    told = read("parties", there)
    assert (told.name, told.emails, told.phones) == ("Ayşe Ak", ("ayse@ak.example",), ("+905321112233",))
    drafted = hub.invoice("R1")
    assert (drafted.state, drafted.total, drafted.customer_id) == ("draft", Decimal(300), card.id)
    lines = hub.all(InvoiceLine)
    [samovar] = [
        i for i, one in pull(connector, "products")[0].items() if read("products", one).sku == "SAM-3"
    ]
    assert [(one.product_external_id, one.total) for one in lines if one.invoice_id == drafted.id] == [
        (samovar, 280),
        ("", 20),
    ]
    order("310.00", "51.67", "330.00", "55.00")  # before it is posted the draft follows
    hub.pull()
    hub.sync()
    hub.pull()
    assert (hub.invoice("R1").total, hub.rows(hub.plan())) == (Decimal(330), [])
    accountant.post(drafted.external_id)
    order("280.00", "46.67", "300.00", "50.00")
    hub.pull()
    hub.sync()
    [conflict] = hub.waiting()  # what is posted is the accountant's
    assert (conflict.field, conflict.ours, conflict.theirs) == ("total", "300", "330")
    order("310.00", "51.67", "330.00", "55.00")
    hub.pull()
    hub.sync()
    assert hub.waiting() == []
    assert (hub.invoice("R1").state, hub.invoice("R1").customer_id) == ("open", card.id)
    accountant.pay(drafted.external_id, "330.00")
    hub.pull(hub.there)
    invoice = hub.invoice("R1")
    assert (invoice.state, invoice.paid, invoice.received) == ("paid", Decimal(330), Decimal(330))
    payment = hub.one("SELECT * FROM payments WHERE customer_id = :card", card=card.id)
    assert (payment.amount, payment.invoice_id) == (Decimal(330), invoice.id)
    assert hub.rows(hub.plan()) == []


def test_changes_on_both_sides_a_conflict_its_decision_and_its_undo(
    hub: Hub, tryton: RealBase, accountant: Accountant
) -> None:
    bora = {"name": "Bora Su", "email": "bora@su.example", "phone": "+905321112244"}
    hub.shop.customer(2, **bora)
    hub.pull()
    hub.sync()
    hub.pull()
    card, connector = hub.card("bora@su.example"), connect(tryton)
    party = hub.party(card.id)

    def there() -> Person:
        [raw] = connector.fetch("parties", [party])
        found = read("parties", raw)
        assert isinstance(found, Person)
        return found

    # a change on each side, of different fields
    hub.shop.customer(2, **{**bora, "phone": "+905321112255"})
    accountant.write("party.party", party, name="Bora Su Ltd. Şti.")
    hub.pull()
    hub.sync()
    assert there().phones[0] == "+905321112255"
    assert hub.card("bora@su.example").name == "Bora Su Ltd. Şti."
    # both change the same one
    [way] = accountant.do(
        "party.contact_mechanism", "search", [["party", "=", int(party)], ["type", "=", "email"]]
    )
    accountant.write("party.contact_mechanism", str(way), value="buro@su.example")
    hub.shop.customer(2, **{**bora, "phone": "+905321112255", "email": "new@su.example"})
    hub.pull()
    hub.sync()
    [conflict] = hub.waiting()
    told = (conflict.field, conflict.base, conflict.ours, conflict.theirs)
    assert told == ("email", "bora@su.example", "new@su.example", "buro@su.example")
    operation = hub.decide(conflict, "ours")
    assert there().emails[0] == "new@su.example"
    hub.pull()
    assert hub.rows(hub.plan()) == [] and hub.waiting() == []
    assert hub.undo(operation) == []
    assert there().emails[0] == "buro@su.example"
    [again] = hub.waiting()
    assert again.reason == "undone"
