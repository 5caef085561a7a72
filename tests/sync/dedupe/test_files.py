"""A file in, the same rows out with who is who: whatever the file looks like."""

import csv

import pytest

from customers.matching.model import shipped
from foundation.errors import BadInput
from sync.dedupe import files

HEADER = "record_id,name,email,phone"
SAME = [
    "1,Дмитрий Лисников,lisnikov.d@gmail.com,8 (912) 345-67-89",
    "2,LISNIKOV Dmitry,lisnikov.d@gmail.com,+79123456789",
]
OTHER = "3,Ayşe Kaya,ayse.kaya@hotmail.com,05321112233"


@pytest.fixture
def run(tmp_path):
    def match(lines, encoding="utf-8", name="in.csv", **options):
        source, target = tmp_path / name, tmp_path / "out.csv"
        source.write_bytes(lines if isinstance(lines, bytes) else "\n".join(lines).encode(encoding))
        summary = files.match(source, target, shipped(), options)
        with target.open(encoding="utf-8", newline="") as file:
            return summary, list(csv.DictReader(file))

    return match


def test_one_person_in_two_scripts_is_one_customer(run):
    summary, rows = run([HEADER, *SAME, OTHER])
    assert [row["cluster_id"] for row in rows] == ["c1", "c1", "c3"]
    assert [row["auto_cluster_id"] for row in rows] == ["c1", "c1", "c3"]
    assert float(rows[0]["match_probability"]) > 0.99
    assert "the same e-mail" in rows[0]["why"]
    assert rows[0]["why"].startswith("row 2: ")
    assert rows[2]["match_probability"] == rows[2]["why"] == ""
    assert (summary.rows, summary.customers, summary.unreadable) == (3, 2, 0)
    assert summary.columns["email"] == "email"
    assert rows[0]["name"] == "Дмитрий Лисников"


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig"])
def test_encodings_are_guessed(run, encoding):
    header = "Код;ФИО;Почта;Телефон"
    lines = [header, *(line.replace(",", ";") for line in SAME)] + [f"{n};Пётр Петров;;" for n in range(9)]
    _, rows = run(lines, encoding)
    assert rows[0]["cluster_id"] == rows[1]["cluster_id"]
    assert rows[0]["ФИО"] == "Дмитрий Лисников"


def test_ragged_rows_come_out_and_stand_alone(run):
    lines = [
        HEADER,
        SAME[0],
        "short",
        SAME[1],
        OTHER + ",one,two",
        '5,"open quote,x@y.com,',
        "6,Ali,ali@x.org,",
    ]
    summary, rows = run(lines)
    assert len(rows) == summary.rows == 6
    assert summary.unreadable == 3
    assert rows[0]["cluster_id"] == rows[2]["cluster_id"] == "c1"
    assert len({row["cluster_id"] for row in rows}) == 5
    assert rows[3]["Column 5"] == "one"
    assert "can't be read" in rows[1]["why"]


def test_repeated_headings_keep_their_cells(run):
    _, rows = run(
        [
            "id,name,name,email,cluster_id",
            "1,Anna Berg,x,anna.berg@web.de,old",
            "2,Anna Berg,y,anna.berg@web.de,older",
        ]
    )
    assert rows[0]["cluster_id"] == rows[1]["cluster_id"] == "c1"
    assert [row["cluster_id (file)"] for row in rows] == ["old", "older"]
    assert [row["name (2)"] for row in rows] == ["x", "y"]


def test_columns_may_be_said(run):
    lines = ["a,b", "Anna Berg,anna.berg@web.de", "Berg Anna,anna.berg@web.de"]
    _, rows = run(lines, mapping={"name": "a", "email": "b"})
    assert rows[0]["cluster_id"] == rows[1]["cluster_id"]


def test_file_without_any_column_we_know_is_refused(run):
    with pytest.raises(BadInput, match="map them"):
        run(["shoe,size", "left,42"])


def test_unknown_setting_is_refused(run):
    with pytest.raises(BadInput):
        run([HEADER, *SAME], colour="red")


def test_empty_file_is_refused_and_leaves_nothing(run, tmp_path):
    with pytest.raises(BadInput):
        run([""])
    assert not list(tmp_path.glob("*out.csv*"))


def test_source_is_never_overwritten(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("\n".join([HEADER, *SAME]), "utf-8")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="another file"):
        files.match(path, path, shipped(), {})
    assert path.read_bytes() == before


def test_hostile_cells_come_out_as_they_were(run):
    nasty = ["=HYPERLINK(1)", "'; DROP TABLE", "\u202eabc", "a" * 5000, "0", "@", "+", "💥" * 40]
    lines = [HEADER, *(f'{n},"{text}","{text}","{text}"' for n, text in enumerate(nasty))]
    _, rows = run(lines)
    assert [row["name"] for row in rows] == nasty
    assert len({row["cluster_id"] for row in rows}) == len(nasty)
