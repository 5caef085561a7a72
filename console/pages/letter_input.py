"""What was typed into a letter's editor, as email_campaigns means it, and the editor's small acts on it."""

from collections.abc import Iterator
from typing import Any

from starlette.datastructures import FormData

from email_campaigns.letters import limits, spec

Written = dict[str, Any]
LONGEST = 100_000
COLUMNS = 4
_NUMBERS = ("height", "width", "limit", "level")
_TICKS = ("totals", "unsubscribe", "preferences", "view")
_FIELDS = (
    "text", "level", "align", "label", "url", "alt", "link", "width", "height", "source", "skus", "button",
    "limit", "totals", "code", "note", "company", "address", "reason", "unsubscribe", "preferences", "view",
    "when", "each",
)  # fmt: skip
_TEXT = {"type": "text", "text": ""}
NEW: dict[str, Written] = {"columns": {"columns": [[_TEXT], [_TEXT]]}}  # more than a kind's own beginning


def read(typed: FormData, own_text: str) -> Written:
    """The letter as it was meant, in the shape of spec.Written. Nothing is refused here."""
    return {
        "subject": _text(typed, "subject"), "preheader": _text(typed, "preheader"), "text": own_text,
        "look": {name: value for name in spec.Look.__struct_fields__ if (value := _text(typed,
            f"look_{name}"))},
        "blocks": list(_blocks(typed, "b")),
    }  # fmt: skip


def _blocks(typed: FormData, prefix: str) -> Iterator[Written]:
    for place in range(limits.BLOCKS + 1):
        at = f"{prefix}{place}"
        kind = _text(typed, f"{at}_type")
        if kind not in spec.KINDS:
            return
        yield _block(typed, at, kind)


def _block(typed: FormData, at: str, kind: str) -> Written:
    block: Written = {"type": kind}
    known = spec.KINDS[kind].__struct_fields__
    for name in _FIELDS:
        if name not in known:
            continue
        if name in _TICKS:
            block[name] = f"{at}_{name}" in typed
        elif name == "skus":
            block[name] = [one for line in _text(typed, f"{at}_skus").splitlines() if (one := line.strip())]
        elif (value := _text(typed, f"{at}_{name}")) or name not in _NUMBERS:
            block[name] = value
    if kind == "columns":
        said = _text(typed, f"{at}_columns")
        count = int(said) if said in ("1", "2", "3", "4") else 2
        inside = [list(_blocks(typed, f"{at}.{number}.")) for number in range(COLUMNS)]
        for extra in inside[count:]:
            inside[count - 1].extend(extra)  # fewer columns lose nothing
        block["columns"] = inside[:count]
    for name in ("align", "source"):
        if block.get(name) == "" and kind != "mjml":
            del block[name]
    return block


def whole(block: Written) -> Written:
    """A block with every part that its kind has, for the page to show."""
    found: Written = spec.plain(spec.KINDS[block["type"]]()) | block
    if block["type"] == "columns":
        found["columns"] = [[whole(one) for one in column] for column in block["columns"]]
    return found


def act(written: Written, do: str) -> None:
    """Move, remove or add a block: "up:3", "remove:2.0.1", "add:text", "add:text:2.0" (block 2, column 0)."""
    verb, _, rest = do.partition(":")
    if verb == "add":
        kind, _, place = rest.partition(":")
        _add(written, kind, place)
        return
    numbers = [int(one) for one in rest.split(".") if one.isascii() and one.isdigit() and len(one) < 4]
    inside = _inside(written, numbers[:-1])
    if inside is None or not numbers or numbers[-1] >= len(inside):
        return
    at = numbers[-1]
    block = inside.pop(at)
    if verb != "remove":
        inside.insert(max(0, at - 1) if verb == "up" else at + 1, block)


def _add(written: Written, kind: str, place: str) -> None:
    numbers = [int(one) for one in place.split(".") if one.isascii() and one.isdigit() and len(one) < 4]
    inside = _inside(written, numbers)
    simple = {one.__struct_config__.tag for one in spec.SIMPLE}
    if inside is None or kind not in spec.KINDS or (numbers and kind not in simple):
        return
    at = len(inside)
    if not numbers and inside and inside[-1]["type"] == "footer":
        at -= 1
    inside.insert(at, whole({"type": kind} | NEW.get(kind, {})))


def _inside(written: Written, numbers: list[int]) -> list[Written] | None:
    """The letter's blocks, or those of a column; None when there are none such."""
    blocks: list[Written] = written["blocks"]
    if not numbers:
        return blocks
    if len(numbers) != 2 or numbers[0] >= len(blocks) or blocks[numbers[0]]["type"] != "columns":
        return None
    columns: list[list[Written]] = blocks[numbers[0]]["columns"]
    return columns[numbers[1]] if numbers[1] < len(columns) else None


def named(errors: dict[str, str]) -> dict[str, str]:
    """Mistakes by the fields of the form: "ru/blocks/2/url" is that of "b2_url"."""
    return {_field(at): message for at, message in errors.items()}


def _field(at: str) -> str:
    parts = at.split("/")
    while parts and parts[0] not in (
        "blocks",
        "subject",
        "preheader",
        "look",
        "text",
        "name",
        "topic",
        "purpose",
    ):
        parts = parts[1:]
    if not parts:
        return at
    if parts[0] == "look":
        return f"look_{parts[-1]}"
    if parts[0] != "blocks" or len(parts) < 3:
        return parts[0]
    if len(parts) >= 6 and parts[2] == "columns":
        return f"b{parts[1]}.{parts[3]}.{parts[4]}_{parts[5]}"
    return f"b{parts[1]}_{parts[2]}"


def _text(typed: FormData, name: str) -> str:
    value = typed.get(name, "")
    return value.replace("\x00", "").replace("\r\n", "\n").strip()[:LONGEST] if isinstance(value, str) else ""
