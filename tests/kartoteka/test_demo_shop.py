"""The invented shop: the same people each time, behind an API with the habits of a real one."""

import csv
import json
import urllib.error
import urllib.request

import phonenumbers
import pytest

from kartoteka.demo import oldlist
from kartoteka.demo.company import Company
from kartoteka.demo.live import Trickle
from kartoteka.demo.shop import PREFIX
from tests.serving import open_shop


@pytest.fixture(scope="module")
def company():
    return Company(people=400, orders=300)


@pytest.fixture(scope="module")
def shop():
    with open_shop(people=130, orders=150) as there:
        yield there


def ask(shop, path, method="GET", body=None, key="consumer_key=ck_demo&consumer_secret=cs_demo"):
    url = f"{shop.settings['address']}{PREFIX}{path}{'&' if '?' in path else '?'}{key}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read()), answer.headers


def test_same_seed_makes_the_same_people(company):
    again = Company(people=400, orders=300)
    assert again.humans == company.humans
    assert again.orders.keys() == company.orders.keys()


def test_five_languages_are_spoken(company):
    assert {human.country.language for human in company.humans} == {"kk", "ru", "tr", "ko", "en"}


def test_phone_numbers_are_possible(company):
    for human in company.humans:
        assert phonenumbers.is_possible_number(phonenumbers.parse(human.phone, human.country.code)), human


def test_mailboxes_belong_to_nobody(company):
    assert all(human.email.endswith(".example") for human in company.humans)


def test_orders_add_up(company):
    for order in company.orders.values():
        lines = sum(float(line["total"]) for line in order["line_items"])
        assert float(order["total"]) == pytest.approx(lines + float(order["shipping_total"]), abs=0.01)


def test_guests_and_accounts_both_buy(company):
    guests = sum(order["customer_id"] == 0 for order in company.orders.values())
    assert 0.2 < guests / len(company.orders) < 0.5


def test_old_list_knows_half_of_the_people(company, tmp_path):
    assert oldlist.write(company, tmp_path / "old.csv", rows=200) == 200
    with (tmp_path / "old.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    known = {human.email.lower() for human in company.humans}
    assert len(rows) == 200
    assert 40 < sum(row["E-mail"].lower() in known for row in rows) < 160
    said = [row for row in rows if row["Согласие на рассылку"] and row["E-mail"]]
    assert said and all(row["Дата согласия"][-4:] in ("2022", "2023", "2024") for row in said), (
        "consents without a day count from today, and no journey could be tried out on the past"
    )


def test_pages_tell_their_totals(shop):
    page, headers = ask(shop, "/customers?per_page=100&page=2&orderby=id&order=asc")
    assert len(page) == 30
    assert (headers["X-WP-Total"], headers["X-WP-TotalPages"]) == ("130", "2")
    assert "Link" not in headers


def test_changes_are_filtered_for_orders_only(shop):
    later = "modified_after=2999-01-01T00:00:00&dates_are_gmt=true"
    assert ask(shop, f"/orders?{later}")[0] == []
    assert len(ask(shop, f"/customers?{later}")[0]) == 10


def test_key_is_needed(shop):
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(shop, "/orders", key="consumer_key=ck_other&consumer_secret=x")
    assert refused.value.code == 401
    assert json.loads(refused.value.read())["code"] == "woocommerce_rest_authentication_error"
    refused.value.close()


def test_missing_order_is_said_in_the_shops_words(shop):
    with pytest.raises(urllib.error.HTTPError) as missing:
        ask(shop, "/orders/1")
    assert json.loads(missing.value.read())["code"] == "woocommerce_rest_order_invalid_id"
    missing.value.close()


def test_refund_is_negative_in_the_order(shop):
    order = shop.shop.place_order("completed")
    shop.shop.move_order(order["id"], "refunded")
    assert ask(shop, f"/orders/{order['id']}")[0]["refunds"][0]["total"] == f"-{order['total']}"
    assert ask(shop, f"/orders/{order['id']}/refunds")[0][0]["amount"] == order["total"]


def test_hook_nobody_answers_is_switched_off(shop):
    body = json.dumps(
        {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/", "secret": "x"}
    ).encode()
    made, _ = ask(shop, "/webhooks", "POST", body)
    assert "secret" not in made
    for _ in range(7):
        shop.shop.place_order()
    shop.shop.hooks.settle()
    assert ask(shop, f"/webhooks/{made['id']}")[0]["status"] == "disabled"
    ask(shop, f"/webhooks/{made['id']}", "DELETE")


def test_trickle_changes_the_shop(shop):
    before = len(shop.shop.company.orders)
    trickle = Trickle(shop.shop, every=60)
    for _ in range(40):
        trickle.happen()
    assert len(shop.shop.company.orders) > before
