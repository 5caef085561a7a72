"""A file in, the same rows out with who is who: whatever the file looks like."""

import csv
import os

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


def test_a_customer_of_a_hundred_orders_is_one_customer(run):
    """An export of orders: the same words again and again, more often than a key may be shared."""
    summary, rows = run([HEADER, *[OTHER] * 100, *SAME])
    assert (
        {row["cluster_id"] for row in rows[:100]} == {row["auto_cluster_id"] for row in rows[:100]} == {"c1"}
    )
    assert rows[0]["why"].startswith("row 2: ") and rows[99]["why"].startswith("row 1: ")
    assert float(rows[99]["match_probability"]) > 0.99
    assert (summary.rows, summary.customers) == (102, 2)


def test_a_name_alone_makes_nobody_one_customer(run):
    summary, _rows = run([HEADER, *["1,Иван Иванов,,"] * 100])
    assert summary.customers == 100


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


def test_headings_like_ours_stay_apart(run):
    _, rows = run(["email,why,why (file)", "anna.berg@web.de,1,2"])
    assert (rows[0]["why"], rows[0]["why (file)"], rows[0]["why (file) (file)"]) == ("", "2", "1")


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


def test_one_row_of_a_hundred_thousand_cells_does_not_widen_the_others(run, tmp_path):
    summary, rows = run([HEADER, *SAME, "," * 100_000 + "end", *[OTHER] * 50])
    assert summary.rows == 53
    assert (tmp_path / "out.csv").stat().st_size < 200_000
    assert rows[2][f"Column {4 + files._BESIDE}"].endswith("end")


def test_a_device_is_never_replaced_by_a_file(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "pipe"
    source.write_text("\n".join([HEADER, *SAME]), "utf-8")
    os.mkfifo(target)
    with pytest.raises(BadInput, match="only a file"):
        files.match(source, target, shipped(), {})
    assert target.is_fifo()


def test_a_link_is_followed(run, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "there" / "real.csv")
    run([HEADER, *SAME])
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "there" / "real.csv").is_file()


def test_a_folder_that_is_missing_is_said_before_the_work(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("\n".join([HEADER, *SAME]), "utf-8")
    with pytest.raises(BadInput, match="into this folder"):
        files.match(source, tmp_path / "no" / "out.csv", shipped(), {}, lambda *_: pytest.fail("it was read"))


@pytest.mark.parametrize("later", [[HEADER, OTHER, OTHER], [HEADER, *SAME, OTHER]])
def test_a_file_that_changes_meanwhile_is_refused_and_nothing_is_written(tmp_path, later):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("\n".join([HEADER, *SAME]), "utf-8")
    target.write_text("kept", "utf-8")

    def change(doing, *_):
        if doing != "Reading":
            source.write_text("\n".join(later), "utf-8")

    with pytest.raises(BadInput, match="has changed"):
        files.match(source, target, shipped(), {}, change)
    assert target.read_text("utf-8") == "kept"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.csv", "out.csv"]
