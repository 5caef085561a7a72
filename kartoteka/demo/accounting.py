"""What the runner does so that the accountant's half isn't empty: a ledger, directories, exchanges.

The ledger is an invented 1C base beside the shop; the exchanges are those of the 1C that anybody can emulate.
"""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from connectors.accounting.commerceml.client import Manner
from connectors.accounting.commerceml.writing import Profile
from connectors.accounting.commerceml.writing_goods import Catalogue, catalogue_document, offers_document
from customers.facts import Invoice, Payment, Product
from foundation import clock
from foundation.clock import monotonic
from foundation.database import transaction
from foundation.errors import Misconfigured
from foundation.records import Product as Record
from kartoteka.demo import base
from kartoteka.demo.books import DAY
from kartoteka.demo.company import CURRENCY
from kartoteka.demo.hooks import post
from kartoteka.demo.shop import KEY, SECRET
from kartoteka.emulator.goods import Packet
from kartoteka.emulator.line import Line
from kartoteka.emulator.play import Player, Way
from kartoteka.following import follow
from kartoteka.installation import Installation
from sync import connections, pull
from sync.directories import jobs, keeping, plan
from sync.directories.tables import Conflict, Link, Push
from sync.exchange import outgoing, partners

ACTOR = "demo"
PATIENCE = 30.0
SINCE = timedelta(hours=2)  # whose orders the warehouse gets
LEDGER, WAREHOUSE = "Accounts in 1C", "Warehouse in 1C"
PLACE = {"zone": "Asia/Almaty", "country": "KZ"}


def keep(found: Installation, shop: str, shop_address: str) -> str:
    """Connect the ledger, bring the directories to be equal; answers what came of it."""
    began = monotonic()
    settings = {"address": shop_address + base.PATH, "user": base.USER, "password": base.PASSWORD, **PLACE}
    with transaction(found.engine) as session:
        ledger = connections.create(session, found.context.sealer, "onec_odata", LEDGER, settings).id
    _pull(found, ledger)
    with transaction(found.engine) as session:
        people = keeping.add(session, ledger, "counterparties")
        keeping.change(session, people, owners={"phone": "ask"}, creates="none")
        home = connections.find(session, shop)[0].id
        goods = keeping.add(session, ledger, "nomenclature", home)
        keeping.change(session, goods, owners={"name": "ours"})
        keeping.add(session, ledger, "invoices", home)
        run = jobs.start(session, plan.make(session, ledger).id, ACTOR, unseen=True)
    follow(found, run.id, "Bringing directories to be equal")
    _sent(found)
    with Session(found.engine) as session:
        invoices, payments, pairs, waiting = (
            session.scalar(select(func.count()).select_from(row).where(*only)) or 0
            for row, *only in (
                (Invoice, Invoice.source_id == ledger), (Payment, Payment.source_id == ledger),
                (Link, Link.state == "linked"), (Conflict, Conflict.state == "waiting"),
            )
        )  # fmt: skip
    return (
        f"{pairs:,} pairs kept equal, {waiting:,} conflicts wait, {invoices:,} invoices, "
        f"{payments:,} payments in {monotonic() - began:.1f} s."
    )


def go_on(found: Installation, shop_address: str) -> None:
    """A day passes in the ledger and in the shop, and the ledger is pulled again."""
    mark = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    status = post(f"{shop_address}{DAY}/", b"", {"Authorization": f"Basic {mark}"}, PATIENCE)
    if status != 200:
        raise Misconfigured(f"The invented ledger answered {status} when a day was to pass.")
    with transaction(found.engine) as session:
        ledger = connections.find(session, LEDGER)[0].id
    _pull(found, ledger)


def plan_it(found: Installation) -> None:
    """The plan of what has changed since, for whoever tries the demo to apply."""
    with transaction(found.engine) as session:
        plan.make(session, connections.find(session, LEDGER)[0].id)


def exchange(found: Installation, address: str) -> str:
    """A second 1C calls, as any 1C does: it uploads the goods and takes the orders of today."""
    began = monotonic()
    with transaction(found.engine) as session:
        settings = {**PLACE, "currency": CURRENCY}
        made = connections.create(session, found.context.sealer, "commerceml", WAREHOUSE, settings).id
        outgoing.since(session, made, clock.now() - SINCE)
        told = partners.shown(session, found.context.sealer, found.settings, made)
        goods = _goods(session)
    line = Line(f"{address}/exchange/1c/{made}")
    way = Way(user=told["user"], password=told["password"], manner=Manner(pause=0.1), back="none")
    player = Player(line, way)
    player.catalogue(_packets(goods))
    player.sale()
    return (
        f"{len(goods):,} goods came, {len(player.orders):,} orders went, {len(line.steps)} requests"
        f" in {monotonic() - began:.1f} s."
    )


def _packets(goods: list[Record]) -> Callable[[], Iterator[Packet]]:
    """The warehouse's files: its catalogue, and the offers with prices and rests."""
    profile, at, named = Profile(version="2.08"), clock.now(), Catalogue(currency=CURRENCY)
    files = {
        "import0_1.xml": catalogue_document(goods, profile, at, catalogue=named),
        "offers0_1.xml": offers_document(goods, profile, at, catalogue=named),
    }
    return lambda: iter([files])


def _goods(session: Session) -> list[Record]:
    """The shop's goods as the warehouse has them."""
    rows = session.scalars(select(Product).where(Product.sku != "").order_by(Product.sku, Product.id))
    goods = {row.sku: row for row in rows}
    return [
        Record(
            external_id=str(UUID(int=place << 64 | 0x8D1E00155D000001)), name=row.name, sku=row.sku,
            price=row.price, currency=CURRENCY, stock=Decimal(place * 7 % 90), category="Товары",
        )
        for place, row in enumerate(goods.values(), 1)
    ]  # fmt: skip


def _pull(found: Installation, connection_id: UUID) -> None:
    with transaction(found.engine) as session:
        run = pull.start(session, connection_id)
    follow(found, run.id, "Pulling the ledger")


def _sent(found: Installation) -> None:
    """Wait until what goes to the ledger has arrived there."""
    began = monotonic()
    open_ = select(func.count()).select_from(Push).where(Push.state.in_(("waiting", "sent")))
    while monotonic() - began < PATIENCE:
        with Session(found.engine) as session:
            if not session.scalar(open_):
                return
        time.sleep(0.1)
