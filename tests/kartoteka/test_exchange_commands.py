"""Connecting 1C from the terminal: what is typed into it, and a new password."""

import re

import pytest

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/exchange/1c/[0-9a-f-]{36}")


@pytest.fixture
def made(kartoteka):
    """A connection that 1C calls."""
    return kartoteka("connect", "commerceml", "--name", "Бухгалтерия", "--json").json


def test_connecting_answers_what_to_type(made):
    assert ADDRESS.fullmatch(made["exchange_url"]) and made["user"] == "bukhgalteriya"
    assert re.fullmatch("[a-z2-9]{20}", made["password"]) and "webhook" not in made


def test_it_is_shown_again_and_renewed(made, kartoteka):
    again = kartoteka("exchange", "Бухгалтерия", "--json").json
    assert again["password"] == made["password"] and again["exchange_url"] == made["exchange_url"]
    fresh = kartoteka("exchange", "Бухгалтерия", "--renew", "--json").json
    assert fresh["password"] != made["password"]
    assert kartoteka("exchange", "Бухгалтерия", "--json").json == fresh
    assert fresh["password"] in kartoteka("exchange", "Бухгалтерия").text


def test_others_have_no_exchange(kartoteka):
    kartoteka("connect", "woocommerce", "--name", "Shop", "--no-test", "--set", "address=https://shop.example",
              "--set", "key=k", "--set", "secret=s")  # fmt: skip
    answer = kartoteka("exchange", "Shop")
    assert answer.status and "1C calls" in answer.errors


def test_it_can_be_neither_pulled_nor_reconciled(made, kartoteka):
    for command in ("pull", "reconcile"):
        answer = kartoteka(command, "Бухгалтерия")
        assert answer.status and "calls us" in answer.errors


def test_the_password_is_kept_sealed(made, engine):
    with engine.connect() as db:
        kept = db.exec_driver_sql("SELECT password FROM exchange_partners").scalar_one()
    assert kept and made["password"] not in kept
