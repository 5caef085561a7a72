"""MoySklad's webhooks: proven by their address, read as hints, and kept switched on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

from connectors.accounting.moysklad.connector import Moysklad
from connectors.base import Delivery, HookRefused
from foundation.errors import BadInput, Permanent
from tests.connectors.accounting.moysklad_account import Account, connect, identity, reference

HERE = "https://hub.example/hooks/1/"
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "apis" / "moysklad"


@pytest.fixture
def account() -> Iterator[Account]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = Account()
        made.open(mocked)
        yield made


def event(entity: str, number: int, action: str = "UPDATE") -> Any:
    return {**reference(entity, identity(number)), "action": action}


def read(*events: Any, path: str = "s-1", body: bytes | None = None) -> Delivery:
    said = json.dumps({"auditContext": {}, "events": events}).encode() if body is None else body
    return Moysklad.read_hook({"kartoteka-hook-path": path}, said, ["s-1", "s-0"])


@pytest.mark.parametrize(("entity", "stream"), [
    ("counterparty", "counterparties"), ("service", "nomenclature"), ("invoiceout", "invoices"),
    ("cashout", "payments"),
])  # fmt: skip
def test_what_has_changed_is_to_be_read_again(entity: str, stream: str) -> None:
    found = read(event(entity, 1), event(entity, 2, "DELETE"), event(entity, 1), event("task", 3))
    assert (found.stream, found.fetch) == (stream, (identity(1), identity(2)))
    assert found.topic == f"{entity}.update" and found.records == ()


def test_what_is_none_of_ours_is_left_alone() -> None:
    assert read(event("task", 3)) == Delivery(topic="task.update")
    assert read() == Delivery(topic="ping")


@pytest.mark.parametrize("path", ["", "s-2", "s-1/x", "ключ", "\ud800"])
def test_another_address_is_refused(path: str) -> None:
    with pytest.raises(HookRefused):
        read(event("product", 1), path=path)
    with pytest.raises(HookRefused):
        Moysklad.read_hook({}, b"{}", [""])


def test_an_earlier_secret_is_good_for_a_while() -> None:
    assert read(event("product", 1), path="s-0/").fetch == (identity(1),)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 20_000])
def test_a_body_that_is_none_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        read(body=body)


def test_hooks_are_made_once(account: Account) -> None:
    account.add("webhook", 1, url="https://other.example", entityType="product", action="CREATE")
    assert connect().install_hooks(HERE, "s-1") == "Webhooks of MoySklad: 30 made, 0 old ones taken away."
    assert connect().install_hooks(HERE, "s-1") == "Webhooks of MoySklad: 0 made, 0 old ones taken away."
    ours = [row for row in account.rows["webhook"] if row["url"] == f"{HERE}s-1"]
    assert len({(row["entityType"], row["action"]) for row in ours}) == 30


def test_a_new_secret_takes_the_old_hooks_away(account: Account) -> None:
    connect().install_hooks(HERE, "s-1")
    assert "30 made, 30 old" in connect().install_hooks(HERE, "s-2")
    assert {row["url"] for row in account.rows["webhook"]} == {f"{HERE}s-2"}


def test_hooks_that_were_switched_off_are_on_again(account: Account) -> None:
    connect().install_hooks(HERE, "s-1")
    assert connect().tend_hooks(HERE, "s-1") == []
    account.rows["webhook"][0]["enabled"] = False
    name = f"{account.rows['webhook'][0]['entityType']} {account.rows['webhook'][0]['action']}"
    del account.rows["webhook"][5]
    assert connect().tend_hooks(HERE, "s-1") == [
        f"{name} was switched off by MoySklad; switched on again.", "1 were missing; made again.",
    ]  # fmt: skip
    assert account.rows["webhook"][0]["enabled"] is True


def test_a_refused_hook_is_told(account: Account) -> None:
    said = [{"errors": [{"error": "тариф", "code": 1}]}]
    account.before = lambda request: (200, {}, json.dumps(said)) if request.method == "POST" else None
    with pytest.raises(Permanent, match="тариф"):
        connect().install_hooks(HERE, "s-1")
    with pytest.raises(Permanent, match="255"):
        connect().install_hooks(HERE, "s" * 255)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded answers are not beside the repository")
def test_a_recorded_delivery_is_read() -> None:
    found = read(body=(SAMPLES / "webhook_body.json").read_bytes())
    assert (found.stream, found.fetch) == ("nomenclature", ("75c896d0-db16-11eb-c0a8-800d00000002",))
