"""What the OpenCart modules say, run in PHP, is what the hub understands; both versions share it."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.web_capture.test_plugin_wordpress import landed
from tests.web_capture.test_plugins import HOSTILE, Scripts, entries, unpacked
from web_capture.commerce import data_of, kind_of
from web_capture.people import actor_of

php = shutil.which("php")
needs_php = pytest.mark.skipif(php is None, reason="php is missing: apt-get install php-cli")
HARNESS = Path(__file__).parent / "php" / "opencart.php"
ORDER = {
    "order_id": "12", "customer_id": "0", "email": "anna@example.kz", "telephone": "+77012345678",
    "firstname": "Anna &amp; Co", "lastname": "O&#039;Hara", "total": "62.0000", "currency_code": "KZT",
    "currency_value": "500.00000000",
}  # fmt: skip
LINES = [
    {
        "product_id": "7",
        "model": "KET-1",
        "name": "Kettle",
        "price": "25.0000",
        "tax": "3.0000",
        "quantity": "2",
    }
]
TOTALS = [
    {"code": "sub_total", "value": "50"},
    {"code": "tax", "value": "6"},
    {"code": "shipping", "value": "6"},
]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    return partial(called, unpacked(tmp_path, "opencart") / "system" / "messages.php")


def called(source: Path, function: str, *given: Any) -> Any:
    done = subprocess.run(
        [str(php), "-n", str(HARNESS), str(source), function],
        input=json.dumps(given), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_versions_share_what_they_say() -> None:
    four, three = entries("opencart"), entries("opencart3")
    assert "install.json" in four and "install.xml" in three
    for name in ("messages.php", "shop.php", "defaults.php"):
        assert four[f"system/{name}"] == three[f"upload/system/library/kartoteka/{name}"]


def test_old_installer_allows_every_place() -> None:
    allowed = (
        "upload/admin/controller/extension/", "upload/admin/language/", "upload/system/library/",
        "upload/admin/view/template/extension/", "upload/catalog/controller/extension/",
    )  # fmt: skip
    assert all(name.startswith(allowed) for name in entries("opencart3") if name != "install.xml")


@needs_php
def test_signature_is_pythons(run: Any) -> None:
    assert run("kartoteka_signature", 7, "sk") == hmac.new(b"sk", b"7", hashlib.sha256).hexdigest()
    assert run("kartoteka_signature", 7, "") == ""
    both = hmac.new(b"sk", b"7\nanna@p.kz", hashlib.sha256).hexdigest()
    assert run("kartoteka_signature", 7, "sk", " Anna@P.kz") == both


@needs_php
def test_order_is_understood(run: Any) -> None:
    properties = run("kartoteka_order", ORDER, LINES, TOTALS)
    body = run(
        "kartoteka_order_message",
        ORDER,
        "completed",
        "Order Completed",
        properties,
        "1763.42",
        "https://x",
        1,
    )
    message = landed(body)
    data = data_of(message, "USD")
    assert kind_of(message) == "web.order_completed" and message.device == "1763.42"
    assert data["total"] == {"amount": "31000.00", "currency": "KZT"}
    assert data["revenue"] == {"amount": "25000.00", "currency": "KZT"}
    assert data["products"][0]["price"] == {"amount": "14000.00", "currency": "KZT"}
    assert (data["products"][0]["sku"], data["products"][0]["quantity"]) == ("KET-1", 2)
    assert actor_of(message, []) == ("customer", "e:anna@example.kz")
    assert message.traits["firstName"] == "Anna & Co" and message.traits["lastName"] == "O'Hara"
    assert "properties" not in data


@needs_php
def test_buyer_is_always_named(run: Any) -> None:
    guest = run("kartoteka_order_message", ORDER, "completed", "Order Completed", {"a": "b"}, "a b", "x", 1)
    assert guest["anonymousId"] == "order-12" and "userId" not in guest
    known = {**ORDER, "customer_id": "7"}
    customer = run("kartoteka_order_message", known, "completed", "Order Completed", {"a": "b"}, "", "x", 1)
    assert customer["userId"] == "7" and "anonymousId" not in customer
    assert customer["messageId"] == guest["messageId"]


@needs_php
@pytest.mark.parametrize("said", HOSTILE)
def test_head_cannot_be_broken_out_of(run: Any, said: str) -> None:
    head = run("kartoteka_head", "https://crm.example", "site" + said, [["track", said, {said or "x": said}]])
    found = Scripts(head)
    assert found.tags == ["script", "script"] and len(found.sources) == 1
    calls = re.search(r"k\.told=/\S*/i;(.*)\.forEach", head)
    assert calls and json.loads(calls[1])[0][1] == said


@needs_php
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://a.example/", "https://a.example"),
        ("javascript:alert(1)", ""),
        ("https://a/?x", ""),
        ("https://a\n", "https://a"),
    ],
)
def test_only_addresses_are_hubs(run: Any, said: str, kept: str) -> None:
    assert run("kartoteka_hub", said) == kept
