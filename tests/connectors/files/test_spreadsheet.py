"""A file from its first row to its last: pages, repeats, bad rows, restarts."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Page, Raw
from connectors.files import pages
from connectors.files.spreadsheet import SheetSettings, Spreadsheet
from foundation.errors import BadInput, Misconfigured
from foundation.records import Gone, Person

Write = Callable[[str], str]
SHARED = Path(__file__).parents[4] / "shared" / "data" / "dedup"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    count = iter(range(10_000))

    def to_file(content: str, encoding: str = "utf-8") -> str:
        path = tmp_path / f"table{next(count)}.csv"
        path.write_bytes(content.encode(encoding))
        return str(path)

    return to_file


def connect(path: str, what: str = "customers", **options: Any) -> Spreadsheet:
    chosen = SheetSettings(path=path, what=what, **options)
    return Spreadsheet(chosen, Spreadsheet.make_http(chosen))


def pull(path: str, what: str = "customers", cursor: str | None = None, **options: Any) -> list[Page]:
    return list(connect(path, what, **options).pull(what, cursor))


def records(found: list[Page]) -> list[Raw]:
    return [raw for page in found for raw in page.records]


def normalised(found: list[Page], what: str = "customers") -> list[Any]:
    return [r for raw in records(found) for r in Spreadsheet.normalise(what, raw, SheetSettings())]


def test_a_row_becomes_a_customer(write: Write) -> None:
    [page] = pull(write("Имя;E-mail;Скидка\nАнна;anna@example.kz;5%\n"))
    assert json.loads(page.records[0].payload) == {
        "fields": {"given_name": "Анна", "email": "anna@example.kz"},
        "extra": {"Скидка": "5%"},
    }
    [anna] = normalised([page])
    assert anna.external_id == "email:anna@example.kz" and anna.extra == {"Скидка": "5%"}


def test_the_same_row_hashes_the_same_anywhere(write: Write) -> None:
    first = pull(write("name,email,born\nAnna,anna@example.kz,05/06/1990\n"))
    row = "Anna,05/06/1990,anna@example.kz\n"
    second = pull(write(f"name,born,email\nBoris,31/12/1980,boris@example.kz\n{row}"))
    assert records(first)[0].version_hash == records(second)[1].version_hash


def test_another_reading_of_a_date_is_another_version(write: Write) -> None:
    first = pull(write("email,birthday\na@example.kz,05/06/1990\nb@example.kz,31/12/1980\n"))
    second = pull(write("email,birthday\na@example.kz,05/06/1990\nb@example.kz,12/31/1980\n"))
    assert [p.birthday.month for p in normalised(first)] == [6, 12]
    assert [p.birthday.month for p in normalised(second)] == [5, 12]


def test_repeats_are_counted_and_the_later_wins(write: Write) -> None:
    text = "email,name\nanna@example.kz,Anna\n ANNA@example.kz ,Anna B\n"
    text += "boris@example.kz,Boris\nanna@example.kz\u00a0,Anna C\n"
    found = pull(write(text))
    assert {p.external_id: p.name for p in normalised(found)} == {
        "email:anna@example.kz": "Anna C",
        "email:boris@example.kz": "Boris",
    }
    assert sum(page.repeated for page in found) == 2


def test_repeats_of_other_pages_come_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    found = pull(write("email,name\n" + "anna@example.kz,Anna\nb@example.kz,B\n" * 3))
    assert len(found) == 3 and len(records(found)) == 6 and not any(page.repeated for page in found)


def test_bad_rows_carry_line_reason_and_text(write: Write) -> None:
    found = pull(write('email,name\nanna@example.kz,Anna\n,\n,"?!"\nb@example.kz,B,extra\nc@example.kz,C\n'))
    assert [(bad.at, bad.payload) for page in found for bad in page.bad] == [
        ("line 4", ",?!"),
        ("line 5", "b@example.kz,B,extra"),
    ]
    assert "nothing to know" in found[0].bad[0].reason and "2 columns" in found[0].bad[1].reason
    assert len(records(found)) == 2


@pytest.mark.parametrize("what", ["customers", "orders"])
def test_a_killed_import_goes_on(write: Write, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(pages, "PER_PAGE", 7)
    heading = "email,name" if what == "customers" else "email,number,total,currency"
    rows = [
        f"c{n}@example.kz,{n // 3},5,KZT" if what == "orders" else f"c{n}@example.kz,N{n}" for n in range(50)
    ]
    path = write("\n".join([heading, *rows]))
    whole = pull(path, what)
    for cut, page in enumerate(whole, 1):
        rest = pull(path, what, cursor=page.cursor)
        assert records(rest) == records(whole[cut:])
        assert [p.bad for p in rest] == [p.bad for p in whole[cut:]]
    assert pull(path, what, cursor=whole[-1].cursor) == []


def test_a_repeated_order_is_noticed_after_a_restart(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    path = write("number,total,currency\n1,5,KZT\n2,5,KZT\n3,5,KZT\n4,5,KZT\n1,7,KZT\n")
    first = pull(path, "orders")[0]
    rest = pull(path, "orders", cursor=first.cursor)
    assert [bad.at for page in rest for bad in page.bad] == ["line 6"]


def test_a_changed_file_is_not_gone_on_with(write: Write) -> None:
    path = write("email,name\na@example.kz,A\nb@example.kz,B\n")
    cursor = pull(path)[-1].cursor
    Path(path).write_text("email,name\n", "utf-8")
    with pytest.raises(BadInput, match="changed"):
        pull(path, cursor=cursor)


def test_rows_of_an_order_stand_together(write: Write) -> None:
    text = "order,date,total,currency,product,qty,price\n"
    text += "1,2024-01-02,30,KZT,Tea,1,10\n1,2024-01-02,30,KZT,Coffee,2,10\n"
    text += "2,2024-01-02,5,KZT,,,\n1,2024-01-02,9,KZT,Milk,1,9\n"
    found = pull(write(text), "orders")
    first, second = normalised(found, "orders")
    assert [line.name for line in first.lines] == ["Tea", "Coffee"] and first.total == 30
    assert second.number == "2" and second.lines == ()
    [bad] = found[0].bad
    assert bad.at == "line 5" and "order 1 stood further up" in bad.reason


def test_an_unreadable_sum_is_a_bad_row(write: Write) -> None:
    found = pull(write("order,total\n1,5 ₸\n2,lots\n3,5\n,5 ₸\n"), "orders")
    assert [raw.external_id for raw in records(found)] == ["1"]
    assert [bad.reason.split(":")[0] for bad in found[0].bad] == [
        "total",
        "currency",
        "the order has no number",
    ]


def test_an_order_of_endless_rows_is_cut(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_LONGEST_ORDER", 10)
    found = pull(write("order,total,currency,product\n" + "1,5,KZT,Tea\n" * 25), "orders")
    assert len(records(found)) == 1 and sum(len(page.bad) for page in found) == 15


def test_settings_fill_what_rows_leave_out(write: Write) -> None:
    options = {"currency": "kzt", "country": "kz", "zone": "Asia/Almaty"}
    found = pull(write("order,date,total,phone\n1,2024-01-02 03:00,5,8 701 123 45 67\n"), "orders", **options)
    [order] = normalised(found, "orders")
    assert order.currency == "KZT" and order.placed_at.hour == 21 and order.customer.country == "KZ"


def test_told_habits_overrule_the_evidence(write: Write) -> None:
    path = write('order,date,total,currency\n1,05/06/2024,"1,234",KZT\n')
    [order] = normalised(pull(path, "orders", dates="mdy", decimal=","), "orders")
    assert order.placed_at.month == 5 and str(order.total) == "1.234"


def test_a_told_mapping_is_used(write: Write) -> None:
    found = pull(write("x,y\nanna@example.kz,Anna\n"), mapping={"email": "x", "note": "y"})
    [anna] = normalised(found)
    assert anna.emails == ("anna@example.kz",) and anna.note == "Anna"


@pytest.mark.parametrize(
    ("mapping", "word"),
    [({"email": "nowhere"}, "nowhere"), ({"shoe_size": "x"}, "shoe_size"), ({}, "map them")],
)
def test_a_wrong_mapping_is_told(write: Write, mapping: dict[str, str], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        pull(write("x,y\n1,2\n"), mapping=mapping)


@pytest.mark.parametrize("zone", ["Middle/Earth", "../etc/passwd", "\x00"])
def test_a_wrong_zone_is_told(write: Write, zone: str) -> None:
    with pytest.raises(BadInput, match="zone"):
        pull(write("email\na@example.kz\n"), zone=zone)


@pytest.mark.parametrize(("said", "code"), [("Germany", "DE"), (" kz ", "KZ"), ("Россия", "RU")])
def test_a_country_is_told_in_words_or_letters(write: Write, said: str, code: str) -> None:
    [anna] = normalised(pull(write("name,phone\nAnna,030 123456\n"), country=said))
    assert anna.country == code


def test_a_wrong_country_is_told(write: Write) -> None:
    with pytest.raises(BadInput, match="“KAZ”"):
        pull(write("email\na@example.kz\n"), country="KAZ")


@pytest.mark.parametrize("said", ["\t", "\\t", "tab"])
def test_a_tab_can_be_said(write: Write, said: str) -> None:
    [anna] = normalised(pull(write("name\temail\nAnna\tanna@example.kz\n"), delimiter=said))
    assert (anna.name, anna.emails) == ("Anna", ("anna@example.kz",))


@pytest.mark.parametrize("said", [";;", "\n", '"', "\x00"])
def test_a_delimiter_is_one_character(write: Write, said: str) -> None:
    with pytest.raises(BadInput, match="delimiter"):
        pull(write('name,email\n"Anna",anna@example.kz\n'), delimiter=said)


def test_other_streams_are_empty(write: Write) -> None:
    assert list(connect(write("email\na@example.kz\n")).pull("orders", None)) == []


def test_a_missing_path_asks_for_a_file() -> None:
    assert connect("").check() == "Ready for files."
    with pytest.raises(Misconfigured, match="Choose a file"):
        pull("")


def test_check_describes_the_file(write: Write) -> None:
    assert "2 columns, about 1 rows" in connect(write("email,name\na@example.kz,A\n")).check()


def test_gone_is_a_mark() -> None:
    gone = Raw("5", "{}", gone=True)
    assert Spreadsheet.normalise("orders", gone, SheetSettings()) == [Gone(external_id="5", what="order")]


@pytest.mark.parametrize("payload", ["", "[]", '{"fields": 5}', '{"fields": {"a": 5}}'])
def test_unreadable_payloads_are_told(payload: str) -> None:
    with pytest.raises(BadInput):
        Spreadsheet.normalise("customers", Raw("5", payload), SheetSettings())


def test_formulas_stay_text(write: Write) -> None:
    [page] = pull(write("email,name\na@example.kz,=cmd|' /C calc'!A0\n"))
    assert normalised([page])[0].name == "=cmd|' /C calc'!A0"


def test_our_own_export_comes_back_the_same(write: Write) -> None:
    text = "external_id,email,name,phone,consent_email,created_at\n"
    text += "r1,a@example.kz,'=1+1,'+77011234567,no,2024-01-02T03:04:05Z\n"
    first, again = pull(write(text)), pull(write(text))
    assert [raw.version_hash for raw in records(first)] == [raw.version_hash for raw in records(again)]
    [anna] = normalised(first)
    assert (
        anna.name == "=1+1"
        and anna.phones == ("+77011234567",)
        and [c.given for c in anna.consents] == [False]
    )


def test_a_workbook_reads_as_its_csv(write: Write, tmp_path: Path) -> None:
    rows = [["ID", "E-mail", "Телефон"], ["r1", "anna@example.kz", "77011234567"], ["r2", "b@example.kz", ""]]
    with xlsxwriter.Workbook(str(tmp_path / "b.xlsx")) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        sheet.write_number(1, 2, 77011234567)
    book = pull(str(tmp_path / "b.xlsx"))
    assert records(book) == records(pull(write("\n".join(";".join(row) for row in rows))))
    assert book[0].total == 2


CELL = st.text(st.sampled_from("aбç 1@.,;\"'\n-+=()"), max_size=12)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(CELL, CELL, CELL), max_size=15), st.sampled_from(["customers", "orders", "products"])
)
def test_every_row_is_a_record_or_told(write: Write, rows: list[tuple[str, str, str]], what: str) -> None:
    heading = {"customers": "email,name,phone", "orders": "number,total,date", "products": "sku,name,price"}[
        what
    ]
    text = io.StringIO()
    csv.writer(text).writerows([heading.split(","), *rows])
    found = pull(write(text.getvalue()), what, currency="KZT", delimiter=",")
    filled = sum(1 for row in rows if any(row))
    covered = sum(1 + len(json.loads(raw.payload).get("more", ())) for raw in records(found)) + sum(
        len(page.bad) + page.repeated for page in found
    )
    assert covered == filled
    for record in normalised(found, what):
        assert record.external_id.strip()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared people with duplicates are not here")
def test_ten_thousand_shared_customers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    content = gzip.decompress((SHARED / "customers_10k.csv.gz").read_bytes())
    path.write_bytes(content)
    found = pull(str(path))
    people = normalised(found)
    assert len(people) == content.count(b"\n") - 1
    assert not any(page.bad or page.repeated for page in found)
    assert all(isinstance(person, Person) for person in people)
    assert sum(1 for person in people if person.emails or person.phones) > len(people) * 0.5
