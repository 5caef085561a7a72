"""Files that take long go first, so that the processes end together: none is left alone with a long one."""

from collections import defaultdict

import pytest

COSTS = {"real": 20.0, "browser": 4.0}  # seconds of a test by its mark, about
PROGRAM, SERVERS, SEARCH, DATABASE, PLAIN = 8.0, 3.0, 2.0, 0.2, 0.02


def cost(item: pytest.Item) -> float:
    """About how many seconds a test takes, by what it asks for."""
    marked = [seconds for mark, seconds in COSTS.items() if item.get_closest_marker(mark)]
    known = vars(getattr(item, "module", None) or object)
    if marked:
        return max(marked)
    if "Program" in known:
        return PROGRAM
    if "embedded" in known:
        return SERVERS
    if getattr(getattr(item, "function", None), "is_hypothesis_test", False):
        return SEARCH
    return DATABASE if "engine" in getattr(item, "fixturenames", ()) else PLAIN


def longest_first(items: list[pytest.Item]) -> None:
    """Sort files by what their tests take together; within a file all stays as it was written."""
    files: dict[str, float] = defaultdict(float)
    for item in items:
        files[str(item.path)] += cost(item)
    items.sort(key=lambda item: (-files[str(item.path)], str(item.path)))
