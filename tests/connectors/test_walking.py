"""Walking lists that change under the walker."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.walking import Rows, by_change, pages
from foundation.errors import Temporary

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(number: int, second: int) -> Any:
    return number, NOON + timedelta(seconds=second)


def walk(rows: list[Any], limit: int, edits: dict[int, Any] | None = None) -> list[int]:
    """Numbers in the order they come; before a reading its edit is made."""
    asked = 0

    def read(at: datetime | None, offset: int) -> Rows:
        nonlocal asked
        asked += 1
        for number, second in (edits or {}).pop(asked, ()):
            rows[:] = [one for one in rows if one[0] != number] + [row(number, second)]
        found = sorted((one for one in rows if at is None or one[1] >= at), key=lambda one: (one[1], one[0]))
        return found[offset : offset + limit], len(found)

    found = by_change(read, None, limit, key=lambda one: one, changed=lambda one: one[1])
    return [one[0] for batch in found for one in batch.rows]


@pytest.mark.parametrize("limit", [2, 3, 7])
def test_ties_at_a_border_are_read_once(limit: int) -> None:
    assert walk([row(n, n // 3) for n in range(20)], limit) == list(range(20))


def test_one_instant_of_many_pages() -> None:
    assert walk([row(n, 0) for n in range(50)], 4) == list(range(50))


def test_what_moves_to_the_end_takes_nobody_along() -> None:
    found = walk([row(n, 0) for n in range(30)], 5, {3: [(0, 9), (1, 9), (2, 9)], 5: [(12, 9)]})
    assert set(found) == set(range(30)) and found[-4:] == [0, 1, 2, 12]


def test_an_empty_list_is_one_empty_page() -> None:
    assert list(pages(lambda offset: ([], 0), 5, key=id)) == [([], 0, True)]


def test_without_a_total_a_short_page_is_the_last() -> None:
    rows = list(range(8))
    found = list(pages(lambda offset: (rows[offset : offset + 5], None), 5, key=lambda one: one))
    assert [page for page, _, _ in found] == [[0, 1, 2, 3, 4], [5, 6, 7]]


def test_a_list_without_any_order_is_given_up() -> None:
    count = iter(range(100_000))
    with pytest.raises(Temporary, match="keeps changing"):
        list(pages(lambda offset: ([next(count) for _ in range(5)], 100), 5, key=lambda one: one))
