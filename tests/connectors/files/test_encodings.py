"""What a file is, by all of its bytes."""

from pathlib import Path

import pytest
from faker import Faker

from connectors.files.encodings import Encoding, detect, named
from connectors.files.reading import Table
from foundation.errors import BadInput

ALPHABETS = {
    "windows-1251": "Анна Иванова;улица Абая;город Алматы",
    "cp866": "Анна Иванова;улица Абая;город Алматы",
    "koi8-r": "Анна Иванова;улица Абая;город Алматы",
    "windows-1254": "Aygül Yılmaz;Çiçek Sokağı;Diyarbakır şehri, güneş",
    "cp949": "김지은;서울특별시 강남구;안녕하세요 고객님",
    "utf-8": "Анна;Aygül;김지은;Әлия",
    "utf-16-le": "Анна;Aygül;김지은",
    "utf-16-be": "Анна;Aygül;김지은",
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", sorted(ALPHABETS))
def test_each_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    text = "id;name;address;city\n" + "".join(f"{n};{ALPHABETS[encoding]}\n" for n in range(5))
    table = Table(write(tmp_path / "t.csv", text.encode(encoding)), delimiter=";")
    assert table.format.encoding == encoding
    assert ";".join(next(table.rows()).cells[1:]) == ALPHABETS[encoding]


@pytest.mark.parametrize(
    ("locale", "encoding"),
    [
        ("ru_RU", "cp1251"), ("ru_RU", "cp866"), ("ru_RU", "utf-16-le"), ("tr_TR", "cp1254"),
        ("ko_KR", "cp949"), ("de_DE", "cp1252"), ("en_US", "utf-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("count", [1, 4, 200])
def test_invented_people_are_read_to_the_letter(
    tmp_path: Path, locale: str, encoding: str, count: int
) -> None:
    fake = Faker(locale)
    fake.seed_instance(count)
    rows = [[fake.name(), fake.city(), fake.street_address(), fake.email()] for _ in range(count)]
    content = "".join(";".join(row) + "\r\n" for row in [["a", "b", "c", "d"], *rows]).encode(
        encoding, "replace"
    )
    table = Table(write(tmp_path / "t.csv", content))
    assert [row.cells for row in table.rows()] == [
        r.split(";") for r in content.decode(encoding).split("\r\n")[1:-1]
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_are_believed_and_dropped(tmp_path: Path, encoding: str) -> None:
    table = Table(write(tmp_path / "t.csv", "имя;город\nАнна;Алматы\n".encode(encoding)))
    assert table.headers == ("имя", "город") and next(table.rows()).cells == ["Анна", "Алматы"]


@pytest.mark.parametrize("encoding", ["windows-1251", "windows-1254", "cp949", "utf-8"])
def test_letters_after_a_megabyte_decide(tmp_path: Path, encoding: str) -> None:
    plain = "".join(f"{n};Anna;Abay;Almaty\n" for n in range(80_000))
    text = f"id;name;street;city\n{plain}" + f"1;{ALPHABETS[encoding]}\n" * 3
    path = write(tmp_path / "t.csv", text.encode(encoding))
    assert path.stat().st_size > 1_200_000
    table = Table(path)
    assert table.format.encoding == encoding
    assert not [row for row in table.rows() if row.problem and row.line < 80_000]


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"%PDF-1.7 stuff", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0JFIF", "picture"),
        (b"GIF89a", "picture"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"  <?xml version='1.0'?>", "XML"),
        (b"{\\rtf1", "RTF"),
        (b"", "empty"),
        (b"\n\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x00" * 100, "empty"),
        (bytes(range(1, 32)) * 20, "no text"),
    ],
)
def test_other_files_are_refused_plainly(tmp_path: Path, start: bytes, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        Table(write(tmp_path / "renamed.csv", start))


@pytest.mark.parametrize(
    ("said", "name"),
    [("UTF8", "utf-8"), ("utf-8-sig", "utf-8"), ("CP1251", "cp1251"), ("utf-16", "utf-16-le")],
)
def test_an_encoding_can_be_told(said: str, name: str) -> None:
    assert named(said, Encoding("cp949")).name == name


@pytest.mark.parametrize("said", ["klingon", "base64", "utf-7", "iso2022_kr", "rot13"])
def test_useless_encodings_are_refused(said: str) -> None:
    with pytest.raises(BadInput, match="encoding"):
        named(said, Encoding("utf-8"))


def test_a_told_encoding_keeps_the_mark(tmp_path: Path) -> None:
    table = Table(write(tmp_path / "t.csv", "имя;город\nАнна;Алматы\n".encode("utf-16")), encoding="UTF-16")
    assert table.headers == ("имя", "город")


def test_plain_ascii_is_utf8(tmp_path: Path) -> None:
    assert detect(write(tmp_path / "t.csv", b"a,b\n1,2\n")).name == "utf-8"
