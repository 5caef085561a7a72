"""What is shown before anything is imported."""

from pathlib import Path

import pytest

from connectors.files.preview import preview
from foundation.errors import BadInput


def test_a_preview_says_how_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = "".join(f"{n};{n % 28 + 1}.05.2024;1 500,50;Анна\n" for n in range(1, 500))
    path.write_bytes(f"№ заказа;Дата;Сумма;Клиент\n{rows}".encode("cp1251"))
    shown = preview(path, "orders")
    assert (shown.encoding, shown.delimiter, shown.rows) == ("windows-1251", ";", 499)
    assert {field: guess.header for field, guess in shown.mapping.items()} == {
        "number": "№ заказа", "placed_at": "Дата", "total": "Сумма", "name": "Клиент",
    }  # fmt: skip
    assert shown.habits == {"placed_at": "dmy", "total": ","}
    assert len(shown.first) == 20 and shown.first[0].line == 2
    assert all(shown.reasons)


def test_a_preview_shows_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,email\nAnna\n", "utf-8")
    assert preview(path, "customers").first[0].problem


def test_a_preview_of_what_is_told() -> None:
    with pytest.raises(BadInput, match="customers, orders, products"):
        preview("t.csv", "cats")
