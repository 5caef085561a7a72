"""Segments: the list, a new one, and the builder with the same conditions as rows, as text and as JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import segment_rows, segment_trees, segment_words
from console.pages.segment_rows import Group, Row
from console.templating import link
from console.web import Call
from customers.segments import language, pages, printing, store, tree, words
from customers.segments.tables import Segment
from customers.segments.tree import Node
from customers.timeline import read_cursor, write_cursor
from foundation.errors import BadInput
from foundation.text import _

PAGE = 50
SPARE = 1  # empty rows for more properties of an event
TEXT = 20_000


def listing(call: Call) -> Response:
    """Segments, the newest first."""
    before, archived = call.query("before"), call.query("show") == "archived"
    edge: tuple[datetime, UUID] | None = None
    if before:
        at, last = read_cursor(before, UUID)
        edge = (at, last) if at else None
    rows = store.page(call.db, edge, PAGE, archived=archived)
    last_row = rows[PAGE - 1] if len(rows) > PAGE else None
    older = write_cursor(last_row.created_at, last_row.id) if last_row else ""
    show = "archived" if archived else ""
    said = store.texts(call.db, rows[:PAGE])
    return call.page(
        "segments.html", rows=rows[:PAGE], said=said, archived=archived, newer=bool(before),
        older=link("/segments", show=show, before=older) if older else "",
    )  # fmt: skip


def find(call: Call) -> Segment:
    """The segment of the address; 404 when there is none."""
    segment = call.db.get(Segment, call.id())
    if segment is None:
        raise HTTPException(404)
    return segment


def ask(call: Call) -> Response:
    """The builder of a new segment, or the name of a new list."""
    if call.query("kind") == "list":
        return call.page("segment_list_new.html", typed={}, wrong={})
    return _builder(call, None, Group("0", parts=[Row("0.0")]))


def create(call: Call) -> Response:
    """Make a segment of what was typed; other buttons change the rows."""
    if call.text("kind") == "list":
        return _create_list(call)
    return _typed(call, None)


def _create_list(call: Call) -> Response:
    try:
        made = store.make_list(call.db, call.text("name"), call.actor)
    except BadInput as error:
        return call.page("segment_list_new.html", 422, typed=call.fields(), wrong={error.at: error.message})
    return call.go(f"/segments/{made.id}/people", _("The list is there; put customers on it."))


def show(call: Call) -> Response:
    """The builder with the conditions in force, or with those of an older version to begin from."""
    segment = find(call)
    if segment.kind == "list":
        return call.go(f"/segments/{segment.id}/people")
    asked = call.query("from")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else segment.version
    if not 0 < number <= segment.version:
        raise HTTPException(404)
    try:
        node = store.version(call.db, segment, number)
    except BadInput as error:  # kept by another version of the program
        return _builder(call, segment, Group("0", parts=[Row("0.0")]), 200, {"rows": error.message})
    return _builder(call, segment, segment_trees.of_tree(node), node=node, number=number)


def save(call: Call) -> Response:
    """Keep what was typed as a new version; other buttons change the rows."""
    return _typed(call, find(call))


def _typed(call: Call, segment: Segment | None) -> Response:
    do = call.text("do") or "save"
    if do in ("text", "json"):
        return _said(call, segment, do)
    if do == "save" and call.text("text", TEXT) != call.text("text_was", TEXT):
        return _said(call, segment, "text", keep=True)  # somebody wrote into the text and saved
    root = segment_rows.read(call.form)
    if do != "save":
        segment_rows.act(root, do)
        return _builder(call, segment, root, marked=False)
    try:
        return _keep(call, segment, segment_trees.to_tree(root))
    except BadInput as error:
        call.db.rollback()
        again = find(call) if segment is not None else None
        return _builder(call, again, root, 422, {"name" if error.at == "name" else "rows": error.message})


def _said(call: Call, segment: Segment | None, how: str, *, keep: bool = False) -> Response:
    """Rows of what was typed as text or JSON; with `keep` it is saved."""
    typed = call.text(how, tree.LARGEST if how == "json" else TEXT + 1)
    try:
        node = language.parse(typed) if how == "text" else tree.simplified(store.read(typed))
        store.known_lists(call.db, node)
        if keep:
            return _keep(call, segment, node)
    except BadInput as error:
        call.db.rollback()
        again = find(call) if segment is not None else None
        wrong = {"name": error.message} if error.at == "name" else {how: str(error)}
        rows = segment_rows.read(call.form)  # nobody meant to be done with these
        return _builder(call, again, rows, 422, wrong, said={how: typed}, marked=False)
    return _builder(call, segment, segment_trees.of_tree(node), node=node)


def _keep(call: Call, segment: Segment | None, node: Node) -> Response:
    if segment is None:
        made = store.make(call.db, call.text("name"), node, call.actor)
        return call.go(f"/segments/{made.id}", _("Saved. Its members are being found."))
    store.rename(call.db, segment, call.text("name"))
    before = segment.version
    changed = store.change(call.db, segment, node, call.actor) != before
    notice = _("Saved. Its members are being found anew.") if changed else _("Saved.")
    return call.go(f"/segments/{segment.id}", notice)


def _builder(
    call: Call, segment: Segment | None, root: Group, status: int = 200, wrong: dict[str, str] | None = None,
    *, node: Node | None = None, number: int = 0, said: dict[str, str] | None = None,
    marked: bool = True,
) -> Response:  # fmt: skip
    """The builder; rows that aren't finished are marked only when somebody meant to be done with them."""
    if node is None:
        node = _finished(root, marked and bool(wrong))
    shown = {"text": printing.text(node), "json": tree.to_json(node)} if node else {"text": "", "json": ""}
    shown["was"] = shown["text"]
    name = call.text("name") if call.form else segment.name if segment else ""
    return call.page(
        "segment.html", status, segment=segment, root=root, said=shown | (said or {}), wrong=wrong or {},
        name=name, number=number, spare=SPARE, **labels(),
    )  # fmt: skip


def _finished(root: Group, marked: bool) -> Node | None:
    """The tree, or None while it isn't one."""
    try:
        return segment_trees.to_tree(root)
    except BadInput:
        if not marked:
            _unmark(root)
        return None


def _unmark(part: Group | Row) -> None:
    part.wrong = ""
    for one in part.parts if isinstance(part, Group) else ():
        _unmark(one)


def labels() -> dict[str, Any]:
    """The words of the builder."""
    return {
        "names": words.every(), "groups": words.groups(), "narrows": words.filters(),
        "ops": segment_words.ops(), "periods": segment_words.periods(), "units": segment_words.units(),
        "choices": segment_words.choices(),
    }  # fmt: skip


def tell_pages(call: Call) -> Response:
    """Let the shops' pages know who is in it, or no longer."""
    segment, on = find(call), call.text("on") == "yes"
    pages.tell(call.db, segment, on)
    said = (
        _("Shops' pages may know now who is in it.") if on else _("Shops' pages don't learn of it any more.")
    )
    return call.go(f"/segments/{segment.id}", said)


def archive(call: Call) -> Response:
    """Keep it for what was done with it and follow it no more."""
    segment = find(call)
    store.archive(call.db, segment)
    return call.go("/segments", _("Archived. What was sent to it stays as it was."))
