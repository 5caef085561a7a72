"""Work from the terminal: the forms, summaries and exit statuses that scripts rely on."""

import csv
import json
from uuid import uuid4

import pytest

from foundation import problems
from foundation.database import transaction
from foundation.sealing import new_key
from kartoteka.cli import COMMANDS
from kartoteka.terminal import FAILED, USAGE, WITH_PROBLEMS
from tests.serving import open_shop

SUMMARY = {"read", "new", "changed", "same", "problems", "operation"}


@pytest.fixture(scope="module")
def shop():
    with open_shop(people=15, orders=20) as there:
        yield there


@pytest.fixture
def connected(kartoteka, shop):
    """The connection as `connect --json` answered it."""
    pairs = [word for key, value in shop.settings.items() for word in ("--set", f"{key}={value}")]
    return kartoteka("connect", "woocommerce", "--name", "Shop", *pairs, "--json").json


def old_list(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Name", "Email", "Phone", "Birthday"], *rows])
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(kartoteka, name):
    answer = kartoteka(name, "--help")
    assert answer.status == 0
    assert "Usage:" in answer.text


def test_unknown_command_is_wrong_use(kartoteka):
    assert kartoteka("polish").status == USAGE


def test_connect_answers_its_webhook(connected):
    assert connected["kind"] == "woocommerce"
    assert f"/hooks/{connected['id']}/" in connected["webhook"]["address"]
    assert len(connected["webhook"]["secret"]) >= 32


def test_connect_names_a_bad_setting(kartoteka):
    answer = kartoteka("connect", "woocommerce", "--name", "Shop", "--set", "adress=x", "--json")
    assert answer.status == USAGE
    assert "adress" in answer.json["error"]


def test_connect_refuses_an_unknown_kind(kartoteka):
    answer = kartoteka("connect", "abacus", "--json")
    assert answer.status == FAILED
    assert "abacus" in answer.json["error"]


def test_connect_lists_the_kinds(kartoteka):
    assert {"woocommerce", "vendure", "spreadsheet"} <= kartoteka("connect", "--json").json["data"].keys()


def test_secret_is_read_from_a_file(kartoteka, shop, tmp_path):
    (tmp_path / "secret").write_text(shop.settings["secret"] + "\n")
    words = ["--set", f"address={shop.settings['address']}", "--set", f"key={shop.settings['key']}"]
    answer = kartoteka("connect", "woocommerce", *words, "--set", f"secret=@{tmp_path / 'secret'}", "--json")
    assert answer.status == 0


def test_pull_ends_with_a_summary(kartoteka, connected):
    answer = kartoteka("pull", "Shop", "--json")
    assert answer.status == 0
    assert answer.json.keys() >= SUMMARY
    assert answer.json["new"] == answer.json["read"] - answer.json["same"] > 35


def test_second_pull_finds_nothing_new(kartoteka, connected):
    kartoteka("pull", "Shop")
    again = kartoteka("pull", "Shop", "--json").json
    assert (again["new"], again["changed"]) == (0, 0)


def test_pull_of_a_stranger_is_wrong_use(kartoteka):
    assert kartoteka("pull", "Nobody", "--json").status == USAGE


def test_import_plan_changes_nothing(kartoteka, tmp_path):
    path = old_list(
        tmp_path / "old.csv", [["Anna", "anna@example.org", "", ""], ["Boris", "b@example.org", "", ""]]
    )
    planned = kartoteka("import", "customers", path, "--name", "Old", "--plan", "--json").json
    assert (planned["read"], planned["new"], planned["operation"]) == (2, 2, None)
    assert kartoteka("connections", "--json").json["data"] == []


def test_import_and_undo_leave_no_card(kartoteka, tmp_path):
    path = old_list(
        tmp_path / "old.csv", [["Anna", "anna@example.org", "", ""], ["Boris", "b@example.org", "", ""]]
    )
    done = kartoteka("import", "customers", path, "--name", "Old", "--yes", "--json")
    assert done.status == 0
    assert done.json.keys() >= SUMMARY
    assert done.json["new"] == 2
    assert "anna@example.org" in kartoteka("export", "customers").text
    undone = kartoteka("undo", done.json["operation"], "--json")
    assert undone.json.keys() >= SUMMARY
    assert undone.json["state"] == "undone"
    assert "anna@example.org" not in kartoteka("export", "customers").text


def test_import_with_bad_rows_says_so(kartoteka, tmp_path):
    path = old_list(
        tmp_path / "old.csv", [["Anna", "anna@example.org", "", ""], ["", "", "", ""], ["", "", "", "x"]]
    )
    done = kartoteka("import", "customers", path, "--name", "Old", "--yes", "--json")
    assert done.status == WITH_PROBLEMS
    assert done.json["problems"] >= 1


def test_import_counts_add_up_to_its_rows(kartoteka, tmp_path):
    anna, boris = ["Anna", "anna@example.org", "", ""], ["Boris", "b@example.org", "", ""]
    path = old_list(tmp_path / "old.csv", [anna, boris, anna])
    done = kartoteka("import", "customers", path, "--name", "Old", "--yes", "--json").json
    assert (done["read"], done["new"], done["same"], done["duplicate"]) == (3, 2, 0, 1)


def test_import_asks_nobody_without_yes(kartoteka, tmp_path):
    path = old_list(tmp_path / "old.csv", [["Anna", "anna@example.org", "", ""]])
    assert kartoteka("import", "customers", path, "--name", "Old", "--json").status == USAGE


def test_undo_of_nothing_is_wrong_use(kartoteka):
    assert kartoteka("undo", uuid4(), "--json").status == USAGE


def test_token_prints_itself_and_nothing_else(kartoteka):
    answer = kartoteka("token", "create", "--name", "script", "--scope", "read")
    assert answer.text.startswith("kt_")
    assert len(answer.text.split()) == 1
    assert answer.errors == ""


def test_revoked_token_is_listed_so(kartoteka):
    kartoteka("token", "create", "--name", "script", "--scope", "read")
    kartoteka("token", "revoke", "script")
    assert kartoteka("token", "list", "--json").json["data"][0]["revoked_at"]
    assert kartoteka("token", "revoke", "script", "--json").status == USAGE


def test_user_gets_a_link(kartoteka):
    answer = kartoteka("user", "add", "Dana@Example.org", "--json").json
    assert "/sign-in/link/" in answer["link"]
    assert kartoteka("user", "link", "dana@example.org").text.count("/sign-in/link/") == 1
    assert kartoteka("user", "list", "--json").json["data"][0]["email"] == "dana@example.org"


def test_paused_connection_resumes(kartoteka, connected):
    assert kartoteka("pause", "Shop", "--json").json["state"] == "paused"
    assert kartoteka("resume", "Shop", "--json").json["state"] == "active"


def test_hooks_are_installed_and_renewed(kartoteka, connected, shop):
    installed = kartoteka("hooks", "Shop", "--install", "--json").json
    assert shop.shop.hooks.shown()
    assert kartoteka("hooks", "Shop", "--renew", "--json").json["secret"] != installed["secret"]


def test_removed_connection_takes_its_data(kartoteka, connected):
    kartoteka("pull", "Shop")
    assert kartoteka("remove", "Shop", "--with-data", "--yes", "--json").status == 0
    assert kartoteka("connections", "--json").json["data"] == []
    assert len(kartoteka("export", "orders").text.splitlines()) == 1


def test_reconciliation_finds_equality(kartoteka, connected):
    kartoteka("pull", "Shop")
    answer = kartoteka("reconcile", "Shop", "--json")
    assert answer.status == 0
    assert answer.json["connection"] == "Shop"


def test_problems_are_listed_and_set_aside(kartoteka, engine):
    with transaction(engine) as session:
        problem = problems.report(session, area="record", subject="customers 7", message="no e-mail")
    assert kartoteka("problems", "--json").json["data"][0]["subject"] == "customers 7"
    kartoteka("problems", "--ignore", problem)
    assert kartoteka("problems", "--json").json["data"] == []


def test_waiting_pair_is_decided(kartoteka, tmp_path):
    rows = [
        ["Anna Petrova", "a@example.org", "+77012345678", ""],
        ["Boris Weber", "b@example.org", "+77012345678", ""],
    ]
    kartoteka("import", "customers", old_list(tmp_path / "old.csv", rows), "--name", "Old", "--yes")
    waiting = kartoteka("dedupe", "--json").json
    assert waiting["waiting"] == 1 and waiting["data"][0]["score"] is None, "a key found it"
    kartoteka("dedupe", "--apart", waiting["data"][0]["id"])
    assert kartoteka("dedupe", "--json").json["waiting"] == 0


def test_rotated_key_still_opens_credentials(kartoteka, connected, settings, monkeypatch):
    monkeypatch.setenv("KARTOTEKA_KEY", f"{new_key()},{settings.key}")
    assert kartoteka("rotate-key", "--json").json["sealed"] >= 2
    assert kartoteka("pull", "Shop").status == 0


def test_bad_setting_is_named(kartoteka, monkeypatch):
    monkeypatch.setenv("KARTOTEKA_PORT", "eighty")
    answer = kartoteka("runs")
    assert answer.status == FAILED
    assert "KARTOTEKA_PORT" in answer.errors


def test_export_defuses_formulas(kartoteka, tmp_path):
    path = old_list(tmp_path / "old.csv", [["=HYPERLINK(1)", "anna@example.org", "", ""]])
    kartoteka("import", "customers", path, "--name", "Old", "--yes")
    rows = list(csv.DictReader(kartoteka("export", "customers").text.splitlines()))
    assert rows[0]["name"].startswith("'=")
    lines = kartoteka("export", "customers", "-", "--format", "jsonl").text.splitlines()
    assert json.loads(lines[0])["name"].startswith("=")
