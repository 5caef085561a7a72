"""A mapping as a person edits it: a line of paths for each of our fields; what of it differs is kept."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.accounting.odata import mapping

PARTS = ("entities", "tables")  # lists; `fields` and `line` are lists by name


def lines(said: str, country: str, stream: str) -> dict[str, str]:
    """What there is to edit, each as one line: `entities`, `tables`, `fields.total`, `line.quantity`."""
    reading = mapping.read(said, country)[stream]
    found = {part: ", ".join(getattr(reading, part)) for part in PARTS}
    for part in ("fields", "line"):
        found |= {f"{part}.{name}": ", ".join(paths) for name, paths in getattr(reading, part).items()}
    return found


def change(said: str, country: str, stream: str, typed: Mapping[str, str]) -> str:
    """The mapping with a stream's lines as typed; BadInput names the line that can't be used.

    What is as in the stock configurations isn't kept, so that it follows them when they change.
    """
    mapping.read(said, country)
    whole: dict[str, Any] = msgspec.json.decode(said) if said.strip() else {}
    stock = mapping.read("", country)[stream]
    mine: dict[str, Any] = dict(whole.get(stream, {}))
    for name in lines(said, country, stream):
        if name not in typed:
            continue
        part, _, field = name.partition(".")
        paths = tuple(path for path in re.split(r"[\s,;]+", typed[name]) if path)
        before = getattr(stock, part)
        inside = dict(mine.get(part, {})) if field else mine
        if paths == (before[field] if field else before):
            inside.pop(field or part, None)
        else:
            inside[field or part] = list(paths)
        if field and inside:
            mine[part] = inside
        elif field:
            mine.pop(part, None)
    whole[stream] = mine
    made = msgspec.json.encode({name: part for name, part in whole.items() if part}).decode()
    mapping.read(made, country)
    return made
