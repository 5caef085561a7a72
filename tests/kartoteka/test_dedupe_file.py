"""`kartoteka dedupe file`: who is who in a file, on a machine without an installation."""

import csv
import json

import pytest
from click.testing import CliRunner

from kartoteka.cli import main


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, ["dedupe", "file", *words])


def people(path, heading="ФИО;Почта"):
    rows = [
        heading,
        "Дмитрий Лисников;lisnikov.d@gmail.com",
        "LISNIKOV Dmitry;lisnikov.d@gmail.com",
        "Ayşe Kaya;",
    ]
    path.write_text("\n".join(rows), "utf-8")
    return path.name


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [row["cluster_id"] for row in csv.DictReader(file)]


def test_rows_come_out_with_their_customer(call, tmp_path):
    done = call(people(tmp_path / "in.csv"), "out.csv")
    assert done.exit_code == 0, done.output
    assert "2 customers in 3 rows" in done.output
    assert "Почта → email" in done.output
    assert read(tmp_path / "out.csv") == ["c1", "c1", "c3"]
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_answer_for_scripts(call, tmp_path):
    done = call(people(tmp_path / "in.csv"), "out.csv", "--json")
    answer = json.loads(done.stdout)
    assert (answer["rows"], answer["customers"], answer["unreadable"]) == (3, 2, 0)


def test_columns_can_be_named(call, tmp_path):
    done = call(people(tmp_path / "in.csv", "a;b"), "out.csv", "--column", "name=a", "--column", "email=b")
    assert done.exit_code == 0, done.output
    assert read(tmp_path / "out.csv") == ["c1", "c1", "c3"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["name"], "--column: “name” is not FIELD=HEADING"),
        (["name=a", "name=b"], "--column: name is named twice"),
        (["nom=a"], "no field “nom”; they have: external_id, email, phone, name,"),
    ],
)
def test_columns_that_cannot_be_meant_are_told(call, tmp_path, columns, said):
    done = call(people(tmp_path / "in.csv", "a;b"), "out.csv", *(w for c in columns for w in ("--column", c)))
    assert done.exit_code == 2 and said in done.output


def test_unknown_columns_are_to_be_named(call, tmp_path):
    (tmp_path / "in.csv").write_text("a,b\n1,2\n", "utf-8")
    done = call("in.csv", "out.csv")
    assert done.exit_code == 2 and "map them, as --column name=HEADING" in done.output


def test_heading_may_begin_with_an_at(call, tmp_path):
    done = call(people(tmp_path / "in.csv", "@name;b"), "out.csv", "--column", "name=@name")
    assert done.exit_code == 0 and "@name → name" in done.output


def test_wrong_country_is_told(call, tmp_path):
    done = call(people(tmp_path / "in.csv"), "out.csv", "--set", "country=KAZ")
    assert done.exit_code == 2 and "country: there is no country “KAZ”" in done.output


def test_wrong_column_is_told(call, tmp_path):
    done = call(people(tmp_path / "in.csv"), "out.csv", "--column", "name=Nobody")
    assert done.exit_code == 2
    assert "Nobody" in done.output
    assert not (tmp_path / "out.csv").exists()


def test_missing_file_is_told(call):
    assert call("nowhere.csv", "out.csv").exit_code == 2
