"""Whatever a shop does while its list is read, two walks miss nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.shops.vendure.values import instant
from connectors.shops.vendure.walk import walk
from foundation.errors import Temporary
from tests.connectors.shops.vendure_shop import BEGIN, Listed, stamp

GAPS = [timedelta(0), timedelta(milliseconds=400), timedelta(seconds=1), timedelta(seconds=7)]


def rows(gaps: list[timedelta]) -> list[dict[str, Any]]:
    """One row per gap, each changed that much after the one before."""
    times = [BEGIN + sum(gaps[: n + 1], timedelta(0)) for n in range(len(gaps))]
    return [{"id": str(n + 1), "updatedAt": stamp(at)} for n, at in enumerate(times)]


@settings(max_examples=150, deadline=None)
@example(
    gaps=[timedelta(0)] * 3, take=2, acts=["", "touch two", "", "touch two", "touch"], whole_seconds=False
)  # a row that slips in before a page makes it look like the page before
@given(
    gaps=st.lists(st.sampled_from(GAPS), max_size=40),
    take=st.integers(2, 9),
    acts=st.lists(st.sampled_from(["", "touch", "touch two", "delete", "create"]), max_size=30),
    whole_seconds=st.booleans(),
)
def test_two_walks_miss_nothing(
    gaps: list[timedelta], take: int, acts: list[str], whole_seconds: bool
) -> None:
    listed = Listed(rows(gaps))
    now = BEGIN + sum(gaps, timedelta(0)) + timedelta(seconds=1)
    began, coming, fresh_id = now, iter(acts), iter(range(1000, 2000))

    def live(shop: Listed) -> None:
        nonlocal now
        now += timedelta(milliseconds=300)
        at = stamp(now.replace(microsecond=0) if whole_seconds else now)
        act = next(coming, "")
        known = list(shop.rows)
        for _ in range({"touch": 1, "touch two": 2}.get(act, 0) if known else 0):
            shop.rows[shop.random.choice(known)]["updatedAt"] = at
        if act == "delete" and known:
            shop.rows.pop(shop.random.choice(known))
        if act == "create":
            new = str(next(fresh_id))
            shop.rows[new] = {"id": new, "updatedAt": at}

    listed.before_page = live
    seen: dict[str, str] = {}
    for after in (None, began - timedelta(seconds=120)):
        for step in walk(listed.read, "updatedAt", after, take):
            for node in step.nodes:
                seen[node["id"]] = max(seen.get(node["id"], ""), node["updatedAt"])
        listed.before_page = None
    assert listed.rows.keys() <= seen.keys()
    assert all(seen[row["id"]] == row["updatedAt"] for row in listed.rows.values())


@pytest.mark.parametrize("gap", GAPS)
def test_walk_without_changes_gives_each_row_once(gap: timedelta) -> None:
    listed = Listed(rows([gap] * 30))
    nodes = [node["id"] for step in walk(listed.read, "updatedAt", None, 4) for node in step.nodes]
    assert sorted(nodes, key=int) == list(listed.rows)


def test_progress_never_runs_ahead() -> None:
    """All rows up to the time a step names have been read by then, so that it may be saved."""
    listed = Listed(rows(GAPS * 10))
    seen: set[str] = set()
    for step in walk(listed.read, "updatedAt", None, 3):
        seen |= {node["id"] for node in step.nodes}
        assert step.reached is not None
        behind = step.reached - timedelta(seconds=120)  # where the next pull would begin
        assert all(row["id"] in seen for row in listed.rows.values() if instant(row["updatedAt"]) <= behind)


def test_empty_list_ends_at_once() -> None:
    listed = Listed([])
    assert list(walk(listed.read, "updatedAt", None, 5)) == []
    assert len(listed.asked) == 1


def test_short_page_with_more_behind_goes_on() -> None:
    """A row that came between the count and the reading makes a page look short."""
    listed = Listed(rows([timedelta(seconds=5)] * 3))
    original, answers = listed.read, iter([1, 0, 0])

    def late(options: dict[str, Any]) -> dict[str, Any]:
        page = original(options)
        return {**page, "totalItems": page["totalItems"] + next(answers)}

    assert sum(len(step.nodes) for step in walk(late, "updatedAt", None, 10)) == 3


def test_page_without_a_list_is_temporary() -> None:
    with pytest.raises(Temporary, match="no list"):
        list(walk(lambda options: {"totalItems": 3, "items": None}, "updatedAt", None, 5))
