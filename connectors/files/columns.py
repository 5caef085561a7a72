"""Guessing which column is what: by its heading first, then by what its cells look like."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from connectors.files.headings import FIELDS
from connectors.files.values import clean, is_nothing

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
_PHONE = re.compile(r"(?:\+|00|8|0)?[\d\s().-]{9,20}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{4}.*")
_ENOUGH = 0.8  # of a column's filled cells must look alike


class Guess(msgspec.Struct, frozen=True):
    """A column for one of our fields, how sure that is (0 to 1), and why."""

    header: str
    confidence: float
    reason: str


def guess_mapping(headers: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> dict[str, Guess]:
    """Our field -> column, each column used once. `rows` are the first records; `what` is a stream's name."""
    wanted = FIELDS[what]
    offers: list[tuple[float, int, int, str, str, str]] = []
    for column, header in enumerate(headers):
        spoken = _plain(header)
        for rank, (field, words) in enumerate(wanted.items()):
            score, reason = _by_heading(spoken, field, words)
            if score:
                offers.append((-score, rank, column, field, header, reason))
        cells = [clean(row[column]) for row in rows if column < len(row) and not is_nothing(row[column])]
        for field, reason in _by_content(cells, what):
            offers.append((-0.5, 0, column, field, header, reason))
    found: dict[str, Guess] = {}
    used: set[int] = set()
    for score, _, column, field, header, reason in sorted(offers):
        if field not in found and column not in used:
            found[field] = Guess(header, -score, reason)
            used.add(column)
    return {field: found[field] for field in wanted if field in found}


def as_mapping(guesses: Mapping[str, Guess]) -> dict[str, str]:
    """Our field -> heading, what the connector's settings take."""
    return {field: guess.header for field, guess in guesses.items()}


def _by_heading(spoken: str, field: str, words: str) -> tuple[float, str]:
    if spoken == _plain(field):
        return 1.0, "the heading is our own name for it"
    names = {_plain(field), *words.split("|")}
    if spoken in names:
        return 0.95, "the heading says so"
    if field.startswith("consent") or field == "unsubscribed":
        return 0.0, ""  # a permission is never read out of a heading that only resembles one
    inside = set(spoken.split())
    longest = max((n for n in names if len(n) > 2 and inside >= set(n.split())), key=len, default="")
    if longest:
        return 0.55 + 0.3 * len(longest) / max(len(spoken), 1), f"the heading holds “{longest}”"
    return 0.0, ""


def _by_content(cells: list[str], what: str) -> list[tuple[str, str]]:
    """Fields a column could be by its cells alone."""
    if not cells:
        return []
    found = []
    if what != "products" and _share(_EMAIL, cells) >= _ENOUGH:
        found.append(("email", "its cells are e-mail addresses"))
    elif what != "products" and _share(_PHONE, cells) >= _ENOUGH and not _share(_DATE, cells):
        found.append(("phone", "its cells look like phone numbers"))
    elif what == "orders" and _share(_DATE, cells) >= _ENOUGH:
        found.append(("placed_at", "its cells are dates"))
    return found


def _share(pattern: re.Pattern[str], cells: list[str]) -> float:
    return sum(1 for cell in cells if pattern.fullmatch(cell)) / len(cells)


def _plain(heading: str) -> str:
    spoken = clean(heading).casefold().replace("ё", "е").replace("i̇", "i").replace("№", "n")
    return " ".join(re.sub(r"[\W_]+", " ", spoken).split())
