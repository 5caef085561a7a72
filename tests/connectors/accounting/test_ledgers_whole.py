"""MoySklad and Odoo through the whole way: pulled, told by a webhook, compared, and onto the cards."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import responses
from sqlalchemy import Engine, text

from connectors.http import Http
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.sealing import Sealer
from sync import connections, context, pull, reconcile, resolve, webhooks
from sync.tables import Run
from tests.connectors.accounting.moysklad_account import RUB, Account, identity, reference
from tests.connectors.accounting.odoo_database import ADDRESS, Database

assert resolve  # imported for the duty it registers
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Hub:
    """One connection to a ledger."""

    def __init__(self, engine: Engine, sealer: Sealer, clock: Any, kind: str, typed: dict[str, str]) -> None:
        self.engine, self.sealer, self.clock = engine, sealer, clock
        with transaction(engine) as session:
            connection = connections.create(session, sealer, kind, "Ledger", typed)
            self.connection: UUID = connection.id
            secrets = connections.hook_secrets(sealer, connection)
            self.secret = secrets[0] if secrets else ""

    def run(self, what: Any) -> Run:
        self.clock.advance(timedelta(minutes=5))
        with transaction(self.engine) as session:
            run_id = what.start(session, self.connection).id
        run_until_idle(self.engine)
        with transaction(self.engine) as session:
            return session.get_one(Run, run_id)

    def tell(self, thing: Any) -> tuple[int, str]:
        headers = {"kartoteka-hook-path": self.secret}
        answer = webhooks.receive(
            self.engine, self.sealer, self.connection, headers, json.dumps(thing).encode()
        )
        run_until_idle(self.engine)
        return answer

    def rows(self, statement: str) -> list[Any]:
        with self.engine.connect() as db:
            return [tuple(row) for row in db.execute(text(statement))]


@pytest.fixture
def mocked(
    engine: Engine, sealer: Sealer, settings: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[responses.RequestsMock]:
    monkeypatch.setattr(Http, "_wait_turn", lambda self: None)
    context.use(context.Context(settings, sealer))
    clock.advance(max(NOW - clock.now(), timedelta()))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as found:
        yield found
    context.use(None)


@pytest.fixture
def account(mocked: responses.RequestsMock) -> Account:
    made = Account()
    made.open(mocked)
    for number in range(1, 131):
        made.add(
            "counterparty", number, name=f"ООО {number}", companyType="legal", email=f"c{number}@x.example"
        )
    made.add("product", 201, name="Чай", article="TEA", salePrices=[
        {"value": 12550, "currency": reference("currency", RUB)},
    ])  # fmt: skip
    for number in (301, 302):
        line = {"quantity": 2, "price": 12550, "assortment": reference("product", identity(201))}
        made.add("invoiceout", number, name=str(number), sum=25100, payedSum=0,
                 moment="2026-03-01 12:00:00.000", rate={"currency": reference("currency", RUB)},
                 agent=reference("counterparty", identity(1)),
                 positions={"meta": {"size": 1}, "all": [line]})  # fmt: skip
    made.add("paymentin", 401, sum=25100, rate={"currency": reference("currency", RUB)},
             agent=reference("counterparty", identity(1)), moment="2026-03-01 12:00:00.000",
             operations=[{**reference("invoiceout", identity(301)), "linkedSum": 25100}])  # fmt: skip
    return made


@pytest.fixture
def moysklad(engine: Engine, sealer: Sealer, clock: Any, account: Account) -> Hub:
    return Hub(engine, sealer, clock, "moysklad", {"token": "t-1"})


def equal(hub: Hub) -> bool:
    streams = hub.run(reconcile).detail["streams"]
    return all(one[gap] == 0 for one in streams.values() for gap in ("missing", "stale", "extra"))


def test_moysklad_comes_in_whole(moysklad: Hub) -> None:
    run = moysklad.run(pull)
    assert (run.state, run.problems) == ("done", 0)
    assert moysklad.rows("SELECT count(*) FROM profiles") == [(130,)]
    assert moysklad.rows("SELECT sku, price::int, currency FROM products") == [("TEA", 126, "RUB")]
    assert moysklad.rows("SELECT number, total::int FROM invoices ORDER BY number") == [
        ("301", 251), ("302", 251),
    ]  # fmt: skip
    assert moysklad.rows("SELECT amount::int FROM payments") == [(251,)]
    again = moysklad.run(pull)
    assert (again.new, again.changed) == (0, 0)
    assert equal(moysklad)


def test_moysklads_webhook_brings_a_change(moysklad: Hub, account: Account) -> None:
    moysklad.run(pull)
    account.rows["invoiceout"][1] |= {"payedSum": 25100, "updated": "2026-03-02 12:00:00.000"}
    event = {**reference("invoiceout", identity(302)), "action": "UPDATE"}
    assert moysklad.tell({"events": [event]}) == (200, "to be fetched")
    assert moysklad.rows("SELECT state FROM invoices WHERE number = '302'") == [("paid",)]
    account.rows["invoiceout"][1] |= {"isDeleted": True, "deleted": "2026-03-02 13:00:00.000"}
    moysklad.run(pull)
    assert moysklad.rows("SELECT number FROM invoices WHERE gone_at IS NULL") == [("301",)]
    assert equal(moysklad)


@pytest.fixture
def odoo(engine: Engine, sealer: Sealer, clock: Any, mocked: responses.RequestsMock) -> tuple[Hub, Database]:
    made = Database()
    made.open(mocked)
    for number in range(1, 131):
        made.add("res.partner", number, name=f"GmbH {number}", is_company=True, email=f"c{number}@x.example")
    made.add("product.product", 201, name="Tea", display_name="Tea", default_code="TEA", lst_price=12.55)
    made.add("account.move", 301, name="INV/1", state="posted", partner_id=1, commercial_partner_id=1,
             amount_total=25.1, amount_residual=25.1, invoice_date="2026-03-01")  # fmt: skip
    made.add("account.move.line", 1, move_id=301, quantity=2.0, price_subtotal=25.1, price_total=25.1)
    made.add("account.payment", 401, state="paid", amount=5.1, partner_id=1, date="2026-03-01")
    typed = {"address": ADDRESS, "api_key": "k-1"}
    return Hub(engine, sealer, clock, "odoo", typed), made


def test_odoo_comes_in_whole(odoo: tuple[Hub, Database]) -> None:
    hub, database = odoo
    run = hub.run(pull)
    assert (run.state, run.problems) == ("done", 0)
    assert hub.rows("SELECT count(*) FROM profiles") == [(130,)]
    assert hub.rows("SELECT sku, currency FROM products") == [("TEA", "EUR")]
    assert hub.rows("SELECT number, state FROM invoices") == [("INV/1", "open")]
    assert hub.rows("SELECT amount::text FROM payments")[0][0].startswith("5.1")
    again = hub.run(pull)
    assert (again.new, again.changed) == (0, 0)
    database.rows["account.move"][301] |= {"payment_state": "paid", "amount_residual": 0.0}
    database.rows["account.move.line"][1]["write_date"] = "2026-03-02 00:06:00.000000"
    database.rows["account.payment"][401] |= {"state": "canceled", "write_date": "2026-03-02 00:06:00.000000"}
    hub.run(pull)
    assert hub.rows("SELECT state FROM invoices") == [("paid",)]
    assert hub.rows("SELECT count(*) FROM payments WHERE gone_at IS NULL") == [(0,)]
    assert equal(hub)
