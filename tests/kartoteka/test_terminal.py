"""How commands speak to people and to scripts."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from kartoteka.commands.connections import read_pairs
from kartoteka.terminal import bar, bar_line, table, to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"'),
        (datetime(2026, 1, 2, 8, 4, 5, tzinfo=timezone(timedelta(hours=5))), '"2026-01-02T08:04:05+05:00"'),
        (Decimal("12.50"), '"12.50"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        ({"name": "Әсел"}, '{"name":"Әсел"}'),
    ],
)
def test_json_of_what_json_lacks(value, text):
    assert to_json(value) == text


def test_bar_estimates_what_is_left():
    assert bar_line("Pulling", 500, 1000, 10) == "Pulling  ██████████··········  500 of 1,000  0:10 left"


def test_bar_without_a_total_shows_speed():
    assert bar_line("Pulling", 500, None, 10) == "Pulling  500  50/s"


@pytest.mark.parametrize(("done", "total"), [(0, 0), (0, 10), (20, 10), (10, 10)])
def test_bar_bears_odd_counts(done, total):
    assert bar_line("x", done, total, 0.0).startswith("x  ")


def test_bar_is_silent_without_a_terminal(capsys):
    with bar("Pulling") as show:
        show(1, 2)
    assert capsys.readouterr() == ("", "")


def test_table_lines_up():
    assert table(("A", "NAME"), [(1, "x"), (None, "yy")], "none").splitlines() == ["A  NAME", "1  x", "–  yy"]


def test_empty_table_says_so():
    assert table(("A",), [], "Nothing yet.") == "Nothing yet."


def test_pairs_keep_later_equals_signs():
    assert read_pairs(("key=a=b", "empty=")) == {"key": "a=b", "empty": ""}
