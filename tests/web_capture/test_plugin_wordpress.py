"""What the WordPress plugin says, run in PHP with stand-ins for WordPress, is what the hub understands."""

import hashlib
import hmac
import html
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.web_capture.test_plugins import HOSTILE, VALUES, Scripts, unpacked
from web_capture import messages
from web_capture.commerce import data_of, kind_of
from web_capture.people import Actor, Known, actor_of, person_of, said_of_person
from web_capture.plugins.bundle import Values

php = shutil.which("php")
pytestmark = pytest.mark.skipif(php is None, reason="php is missing: apt-get install php-cli")
HARNESS = Path(__file__).parent / "php" / "wordpress.php"
LAYER = ["view_item", "view_item_list", "addToCart", "remove_from_cart", "view_cart", "begin_checkout",
         "add_shipping_info", "purchase", "refund", "search", "add_to_wishlist"]  # fmt: skip
PLACED, PAID = 1_760_000_000, 1_760_000_300
ORDER = {
    "created": PLACED, "paid": PAID, "order_number": "N-12", "total": "31000.00", "total_tax": "3000",
    "shipping_total": "1000", "subtotal": 28000, "total_discount": 500, "currency": "KZT",
    "coupon_codes": ["spring"], "payment_method": "cod", "billing_email": "anna@example.kz",
    "billing_first_name": "Anna <b>", "billing_last_name": "O&#039;Hara", "billing_phone": "+77012345678",
    "meta": {"_kartoteka_device": "1763.42"},
    "items": [
        {"product": {"id": 71, "parent_id": 7, "name": "Kettle &amp; lid – red"}, "quantity": 2,
         "total": "25000", "total_tax": "3000"},
        {"product_id": 9, "name": "Gone", "quantity": 1, "total": "0", "total_tax": "0"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("plugin"), "wordpress") / "kartoteka"


@pytest.fixture
def run(plugin: Path) -> Any:
    return partial(called, plugin)


def called(plugin: Path, case: str, **given: Any) -> Any:
    """What a case of the harness answers."""
    done = subprocess.run(
        [str(php), "-n", "-d", "display_errors=1", str(HARNESS), str(plugin), case],
        input=json.dumps(given), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def landed(body: dict[str, Any], *, secret: bool = True) -> messages.Message:
    """A body as the collector lands it and the resolver reads it."""
    at = datetime(2026, 1, 2, tzinfo=UTC).isoformat()
    record = {"at": at, "sent": body.get("sentAt"), "ip": "10.0.0.1", "ua": "WordPress", "secret": secret,
              "kind": "track", "context": None, "said": body}  # fmt: skip
    return messages.read(1, json.dumps(record))


def completed(run: Any, order: dict[str, Any], *calls: list[Any], **given: Any) -> list[dict[str, Any]]:
    """The bodies that are posted after calls about order 12."""
    calls = calls or (["kartoteka_order_completed", 12],)
    kept = run("life", orders={"12": order}, calls=calls, **given)
    names = [name for name in kept["options"] if name.startswith("kartoteka_q_")]
    posted = run("life", options=kept["options"], calls=[["kartoteka_deliver", name] for name in names])
    assert not [name for name in posted["options"] if name.startswith("kartoteka_q_")]
    return [
        {**json.loads(one["body"]), "_headers": one["headers"], "_url": one["url"]}
        for one in posted["posted"]
    ]


def test_every_hook_has_its_function(run: Any, plugin: Path) -> None:
    source = "\n".join(path.read_text("utf-8") for path in plugin.rglob("*.php"))
    hooked = re.findall(r"kartoteka_on\( '[\w-]+'(?: \. \$moment)?, '(\w+)'", source)
    assert len(hooked) == source.count("kartoteka_on(") - 1 > 10
    assert [name for name in hooked if f"function {name}(" not in source] == []
    wanted = {"wp_head", "wp_logout", "woocommerce_add_to_cart", "woocommerce_payment_complete",
              "woocommerce_store_api_checkout_order_processed", "woocommerce_order_refunded"}  # fmt: skip
    found = run("hooks")
    assert wanted <= set(found["names"]) and found["missing"] == []


def test_errors_never_reach_the_shop(run: Any) -> None:
    assert run("broken") == {"value": "the shop's", "hub": "https://crm.example"}


@pytest.mark.parametrize("user", ["7", "0", "é", "7' OR 1"])
def test_signature_is_pythons(run: Any, user: str) -> None:
    expected = hmac.new(b"sk_x", user.encode(), hashlib.sha256).hexdigest()
    assert run("signature", user=user, secret="sk_x") == expected


def test_no_secret_signs_nothing(run: Any) -> None:
    assert run("signature", user="7", secret="") == ""


def test_hub_believes_the_signature(run: Any) -> None:
    me = run("me", user={"ID": 7, "user_email": "anna@example.kz", "first_name": "Anna", "last_name": ""})
    assert me["traits"] == {"email": "anna@example.kz", "firstName": "Anna", "phone": "+77012345678"}
    body = {"userId": me["id"], "anonymousId": "d", "event": "x"}
    body["context"] = {"kartoteka": {"signature": me["signature"]}, "traits": me["traits"]}
    actor = actor_of(landed(body, secret=False), ["sk_secret-key"])
    assert actor == ("customer", "7")
    assert actor_of(landed(body, secret=False), ["another"]) == ("lead", "d|u:7")


def test_mark_changes_with_the_person(run: Any) -> None:
    anna, boris = {"ID": 7, "user_email": "a@x.kz"}, {"ID": 8, "user_email": "b@x.kz"}
    marks = run("mark", users=[anna, anna, boris, {**anna, "user_email": "new@x.kz"}])
    assert marks[0] == marks[1] and len(set(marks)) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", mark) for mark in marks)


def test_order_is_understood(run: Any) -> None:
    (body,) = completed(run, ORDER)
    assert body["_url"] == "https://crm.example/v1/track"
    assert body["_headers"]["Authorization"] == "Basic c2tfc2VjcmV0LWtleTo="
    message = landed(body)
    data = data_of(message, "USD")
    assert kind_of(message) == "web.order_completed"
    assert message.occurred_at == datetime.fromtimestamp(PLACED, UTC)
    assert (data["order_id"], data["device"], data["coupon"]) == ("12", "1763.42", "spring")
    assert data["total"] == {"amount": "31000.00", "currency": "KZT"}
    assert data["revenue"] == {"amount": "27000.00", "currency": "KZT"}
    kettle, gone = data["products"]
    assert (kettle["product_id"], kettle["variant"], kettle["quantity"]) == ("7", "71", 2)
    assert kettle["name"] == "Kettle & lid – red" and kettle["price"]["amount"] == "14000.00"
    assert gone["product_id"] == "9"
    assert set(data.get("properties", {})) == {"number"}


def test_guest_is_known_by_the_order(run: Any) -> None:
    (body,) = completed(run, {**ORDER, "meta": {}})
    message = landed(body)
    assert (message.device, message.user) == ("order-12", "")
    assert actor_of(message, []) == ("customer", "e:anna@example.kz")
    assert message.traits["firstName"] == "Anna" and message.traits["lastName"] == "O'Hara"


def test_customer_is_known_by_the_account(run: Any) -> None:
    (body,) = completed(run, {**ORDER, "customer_id": 7})
    message = landed(body)
    actor = actor_of(message, [])
    assert actor == ("customer", "7") and message.device == "1763.42"
    assert message.traits["email"] == "Anna@Example.kz"


def test_order_is_told_once(run: Any) -> None:
    calls = [["kartoteka_order_completed", 12]] * 3 + [["kartoteka_order_cancelled", 12]]
    bodies = completed(run, ORDER, *calls)
    assert [body["event"] for body in bodies] == ["Order Completed", "Order Cancelled"]
    assert len({body["messageId"] for body in bodies}) == 2
    name = f"kartoteka_q_{hashlib.md5(bodies[0]['messageId'].encode()).hexdigest()}"
    told = ["kartoteka_order_completed", 12]
    after = run("life", orders={"12": ORDER}, calls=[told, ["kartoteka_deliver", name], told])
    assert len(after["posted"]) == len(after["scheduled"]) == 1


def test_refund_names_its_amount(run: Any) -> None:
    refund = {
        "amount": "100.50",
        "items": [{"product_id": 9, "name": "Cup", "quantity": -1, "total": "-100.5"}],
    }
    kept = run("life", orders={"12": ORDER, "13": refund}, calls=[["kartoteka_order_refunded", 12, 13]])
    (kept_message,) = [one for name, one in kept["options"].items() if name.startswith("kartoteka_q_")]
    message = landed(kept_message["message"])
    data = data_of(message, "")
    assert kind_of(message) == "web.order_refunded"
    assert data["total"] == {"amount": "100.50", "currency": "KZT"} and data["products"][0]["quantity"] == 1


def test_old_and_refused_orders_stay_untold(run: Any) -> None:
    assert completed(run, ORDER, options={"kartoteka_since": PLACED + 1}) == []
    assert completed(run, {**ORDER, "meta": {"_kartoteka_refused": "1"}}) == []


@pytest.mark.parametrize(
    ("cookies", "kept"),
    [
        ({"_k": "1763.42"}, {"_kartoteka_device": "1763.42"}),
        ({"_k": "deny"}, {"_kartoteka_refused": "1"}),
        ({"_k": "a b"}, []),
        ({"_k": ["x"]}, []),
        ({"_k": "x" * 101}, []),
        ({}, []),
    ],
)
def test_order_keeps_its_browser(run: Any, cookies: dict[str, Any], kept: Any) -> None:
    assert run("checkout", cookies=cookies, orders={"12": {}}) == kept


@pytest.mark.parametrize(
    ("status", "again"), [(200, 0), (400, 0), (413, 0), (0, 60), (401, 60), (429, 60), (503, 60)]
)
def test_failed_delivery_comes_again(run: Any, status: int, again: int) -> None:
    kept = run("life", orders={"12": ORDER}, calls=[["kartoteka_order_completed", 12]])
    assert [one[1] for one in kept["scheduled"]] == ["kartoteka_deliver"] and kept["posted"] == []
    name = kept["scheduled"][0][2]
    after = run("life", options=kept["options"], status=status, calls=[["kartoteka_deliver", name]])
    assert [one[0] for one in after["scheduled"]] == ([again] if again else [])
    assert (name in after["options"]) is bool(again)


def test_delivery_is_given_up_at_last(run: Any) -> None:
    options = {"kartoteka_q_1": {"message": {"messageId": "1"}, "tries": 7}}
    after = run("life", options=options, status=503, calls=[["kartoteka_deliver", "kartoteka_q_1"]])
    assert (after["options"], after["scheduled"], len(after["posted"])) == ([], [], 1)


def test_added_product_reaches_the_script(run: Any) -> None:
    fragment, left = run("added", quantity=2)
    ((event, product),) = json.loads(html.unescape(re.search('data-events="([^"]*)"', fragment)[1]))
    data = data_of(landed({"anonymousId": "d", "event": event, "properties": product}), "")
    assert left == [] and event == "Product Added"
    assert data["products"][0] | {"quantity": 2} == data["products"][0]
    assert data["products"][0]["price"] == {"amount": "12500.00", "currency": "KZT"}


def test_noted_events_leave_once(run: Any) -> None:
    foot, session, uncached = run("foot", noted=[["Product Removed", {"product_id": "1"}]])
    data = json.loads(re.search("<script[^>]*>(.*)</script>", foot)[1])
    assert [one[0] for one in data["events"]] == ["Product Viewed", "Product Removed"]
    assert session == {"kartoteka_noted": []} and uncached
    assert run("foot")[2] is False


@pytest.mark.parametrize("said", HOSTILE)
def test_page_data_cannot_break_out(run: Any, said: str) -> None:
    foot = run("foot", noted=[["Product Added", {"name": said, "<x>": said}]])[0]
    assert Scripts(foot).tags == ["script"] and foot.count("<") == 2
    assert json.loads(re.search("<script[^>]*>(.*)</script>", foot)[1])["events"][1][1]["name"] == said


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_settings_print_no_tag(tmp_path: Path, said: str) -> None:
    values = Values(f"https://crm.example{said}", f"a1b2c3d4{said}", f"wk_public{said}", "sk_secret")
    plugin = unpacked(tmp_path, "wordpress", values) / "kartoteka"
    assert called(plugin, "settings")["ready"] is False
    assert Scripts(called(plugin, "head")).tags == ["script", "script"]
    page = called(plugin, "page")
    assert "sk_secret" not in page and "alert(1)</script" not in page and "<?php" not in page


def test_tag_is_asynchronous(run: Any) -> None:
    head = run("head")
    assert Scripts(head).sources == [f"https://crm.example/k/{VALUES.site_key}.js"]
    assert "async" in head


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {},
            {
                "view_item",
                "addToCart",
                "remove_from_cart",
                "view_cart",
                "begin_checkout",
                "purchase",
                "refund",
            },
        ),
        (
            {"options": {"kartoteka": {"orders": "no"}}},
            {"view_item", "addToCart", "remove_from_cart", "view_cart", "begin_checkout"},
        ),
        ({"without_shop": True}, set()),
    ],
)
def test_snippet_is_said_what_the_plugin_tells(run: Any, given: dict[str, Any], told: set[str]) -> None:
    pattern = re.search("told=/(.*)/i", run("head", **given))
    assert {name for name in LAYER if pattern and re.search(pattern[1], name, re.IGNORECASE)} == told


def test_settings_page_hides_the_secret(run: Any) -> None:
    page = run("page")
    assert "sk_secret-key" not in page
    assert hashlib.sha256(b"sk_secret-key").hexdigest()[:8] in page
    assert run("key name", key="sk_secret-key") == hashlib.sha256(b"sk_secret-key").hexdigest()[:8]


def test_saving_keeps_only_changes(run: Any) -> None:
    said = {"hub": "https://crm.example/", "site_key": VALUES.site_key, "write_key": VALUES.write_key,
            "secret_key": "", "consent": "marketing", "orders": "yes"}  # fmt: skip
    assert run("sanitize", said=said) == []
    assert run("sanitize", said={**said, "hub": "https://new.example"}) == {"hub": "https://new.example"}
    wrong = {**said, "hub": "javascript:alert(1)", "write_key": "<b>", "secret_key": "x y", "site_key": ["x"]}
    assert run("sanitize", said=wrong) == []
    assert run("sanitize", said={**said, "secret_key": "sk_another"}) == {"secret_key": "sk_another"}
    assert run("sanitize", said={**said, "orders": "no", "consent": ""}) == {"consent": "", "orders": "no"}
    kept = {"secret_key": "sk_another"}
    assert run("sanitize", said=said, options={"kartoteka": kept}) == kept


def test_person_has_the_orders_browser(run: Any) -> None:
    (body,) = completed(run, {**ORDER, "customer_id": 7})
    message = landed(body)
    known = Known()
    known.hear(message, said_of_person(message))
    person = person_of(Actor("customer", "7"), known, "site")
    assert person.device_ids == ("1763.42",) and not person.claimed
