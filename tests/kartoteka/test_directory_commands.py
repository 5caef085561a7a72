"""Directories from the terminal: plan, apply, conflicts, undo."""

import pytest

from foundation.database import transaction
from foundation.sealing import Sealer
from kartoteka.terminal import USAGE
from sync import connections
from tests import ledgers, shops

ID = "0192f0c1-0000-7000-8000-000000000000"


@pytest.fixture
def both(kartoteka, engine, settings):
    """A shop and a ledger with the same customer, pulled."""
    shops.install()
    ledgers.install()
    shop, ledger = shops.Shop("shop"), ledgers.Ledger()
    shop.customer(1, email="anna@example.org", phone="+77011112233")
    ledger.party(1, email="anna@example.org")
    sealer = Sealer([settings.key])
    with transaction(engine) as session:
        connections.create(session, sealer, "fake", "Shop", {"shop": "shop"})
        connections.create(session, sealer, "ledger", "Ledger", {})
    yield shop, ledger, lambda: [kartoteka("pull", name, "--json") for name in ("Shop", "Ledger")]
    shops.SHOPS.clear()
    shops.uninstall()
    ledgers.uninstall()


def test_plan_apply_conflict_undo(kartoteka, both):
    shop, ledger, pull = both
    pull()
    planned = kartoteka("plan", "Ledger", "--json").json
    assert (planned["linked"], planned["pushed"], planned["changes"][0]["match"]["by"]) == (1, 1, "email")
    assert "phone: “+77011112233” replaces nothing there" in kartoteka("plan", "Ledger").text
    done = kartoteka("apply", planned["plan"], "--json").json
    assert (done["changed"], done["pushes"], done["problems"]) == (1, {"done": 1}, 0)
    assert ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"
    assert kartoteka("apply", planned["plan"], "--json").status == USAGE
    shop.customer(1, email="clara@example.org", phone="+77011112233")
    ledger.party(1, email="boris@example.org")
    pull()
    kartoteka("apply", kartoteka("plan", "Ledger", "--json").json["plan"], "--json")
    [waiting] = kartoteka("conflicts", "--json").json["data"]
    assert (waiting["base"], waiting["ours"], waiting["theirs"]) == tuple(
        f"{who}@example.org" for who in ("anna", "clara", "boris")
    )
    decided = kartoteka("conflicts", waiting["id"], "--decide", "ours", "--json").json
    assert ledger.things["counterparties"]["p1"]["email"] == "clara@example.org"
    assert kartoteka("undo", decided["operation"], "--json").json["state"] == "undone"
    assert "was undone" in kartoteka("plan", "Ledger").text or kartoteka("conflicts", "--json").json["data"]


def test_an_invoice_in_doubt_says_whose_it_is_and_what_it_comes_to(kartoteka, both):
    shop, ledger, pull = both
    shop.order(1, buyer=1, total="300.00")
    ledger.party(2)
    ledger.bill(1, customer="p2", total="12345.50")
    pull()
    kartoteka("directory", "Ledger", "--add", "invoices", "--home", "Shop", "--json")
    kartoteka("apply", kartoteka("plan", "Ledger", "--json").json["plan"], "--json")
    text = kartoteka("conflicts").text
    assert "R1, Person Number1, 300 EUR" in text and "B1, Person Number2, 12345.5 EUR" in text
    [pair] = kartoteka("conflicts", "--json").json["pairs"]
    assert (pair["ours_total"], pair["theirs_who"]) == ("300.0000", "Person Number2")


def test_what_is_kept_equal_is_shown_and_set(kartoteka, both):
    answer = kartoteka("directory", "Ledger", "--add", "nomenclature", "--home", "Shop", "--json").json
    assert [one["what"] for one in answer["data"]] == ["nomenclature"]
    ruled = kartoteka("directory", "Ledger", "--owner", "name=theirs", "--most", "5", "--json").json["data"]
    assert (ruled[0]["owners"], ruled[0]["most"]) == ({"name": "theirs"}, 5)
    assert kartoteka("directory", "Ledger", "--owner", "name", "--json").status == USAGE
    assert kartoteka("directory", "Shop", "--json").status == USAGE


@pytest.mark.parametrize(
    "words",
    [
        [ID],
        ["--all"],
        ["--decide", "ours"],
        ["--decide", "ours", "--all", ID],
        ["--same", ID, "--apart", ID],
        ["--same", ID, "--decide", "ours"],
    ],
    ids=lambda words: " ".join(words).replace(ID, "ID"),
)
def test_words_that_do_not_go_together_decide_nothing(kartoteka, words):
    answer = kartoteka("conflicts", *words, "--json")
    assert answer.status == USAGE and answer.json["at"].startswith("--")


def test_what_is_no_id_is_named(kartoteka):
    answer = kartoteka("apply", "yesterday")
    assert answer.status == USAGE and "'yesterday' is not a valid UUID" in answer.errors


def test_what_can_not_be_kept_equal_is_said(kartoteka, both):
    answer = kartoteka("plan", "Shop", "--json")
    assert answer.status == USAGE and "can't be written there" in answer.json["error"]


def test_a_file_is_planned_as_before(kartoteka, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("Name,E-mail\nAnna,anna@example.org\n", encoding="utf-8")
    assert kartoteka("plan", "customers", path, "--name", "Old", "--json").json["new"] == 1
    assert kartoteka("plan", "customers", path, "--json").status == USAGE
    assert kartoteka("plan", "shoes", path, "--name", "Old", "--json").status == USAGE


def test_orders_become_invoices(kartoteka, both):
    shop, ledger, pull = both
    shop.order(1, buyer=1, total="300.00")
    pull()
    switched = ("directory", "Ledger", "--add", "invoices", "--home", "Shop", "--make", "all", "--due", "14")
    [kept] = kartoteka(*switched, "--since", "2026-01-01", "--json").json["data"]
    assert (kept["since"][:10], kept["due_days"], kept["creates"]) == ("2026-01-01", 14, "all")
    assert kartoteka("directory", "Ledger", "--add", "invoices", "--owner", "total=ours").status == USAGE
    planned = kartoteka("plan", "Ledger").text
    assert "R1, Person Number1: an invoice of 300 EUR is made there as a draft" in planned
    done = kartoteka("apply", kartoteka("plan", "Ledger", "--json").json["plan"], "--json").json
    assert done["pushes"] == {"done": 1} and done["new"] == 1
    [bill] = ledger.things["invoices"].values()
    assert (bill["order"], bill["customer"]) == ("R1", "p1")
