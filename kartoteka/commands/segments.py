"""Segments: who is meant, as text; lists put together by hand; why somebody is in."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from kartoteka.terminal import data_option, json_option, say, table


@click.group("segment")
def segment_command() -> None:
    """Segments of customers: by conditions written as text, or lists put together by hand."""


@segment_command.command("list")
@click.option("--archived", is_flag=True, help="Also those that are archived.")
@data_option
@json_option
def segment_list(archived: bool, data: Path | None, as_json: bool) -> None:
    """List the segments with the number of their customers and their conditions."""
    from customers.segments import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        rows = store.everything(session, archived=archived)
        texts = store.texts(session, rows)
        answer = [_shown(one, texts) for one in rows]
    shown = [
        (one["name"], one["kind"], one["customers"] if one["found"] else "counting", one["conditions"] or "")
        for one in answer
    ]
    headers = ("SEGMENT", "KIND", "CUSTOMERS", "CONDITIONS")
    nothing = "No segments yet: kartoteka segment add NAME 'city = \"Almaty\"'"
    say({"data": answer, "next": None}, as_json, table(headers, shown, nothing))


def _shown(one: Any, texts: dict[UUID, str]) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "kind": one.kind, "version": one.version, "customers": one.members,
        "found": one.computed == one.version, "pages": one.pages, "conditions": texts.get(one.id),
        "created_at": one.created_at, "changed_at": one.changed_at, "archived_at": one.archived_at,
    }  # fmt: skip


@segment_command.command("show")
@click.argument("segment")
@data_option
@json_option
def segment_show(segment: str, data: Path | None, as_json: bool) -> None:
    """Show a SEGMENT, by name or id: its conditions as text and tree, and some of its customers."""
    from customers.segments import people, store, tree
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        answer = _shown(row, store.texts(session, [row]))
        answer["tree"] = tree.to_data(store.current(session, row)) if row.kind == "rule" else None
        members, _more = people.page(session, row, limit=10)
        answer["members"] = [
            {
                "id": one.customer.id,
                "name": one.customer.name,
                "email": one.customer.email,
                "since": one.since,
            }
            for one in members
        ]  # fmt: skip
    some = [(one["name"], one["email"], one["since"], one["id"]) for one in answer["members"]]
    listed = table(("CUSTOMER", "E-MAIL", "SINCE", "ID"), some, "Nobody is in it.")
    head = f"{answer['name']}: {answer['customers']} customers, version {answer['version']}"
    say(answer, as_json, f"{head}\n{answer['conditions'] or ''}\n\n{listed}")


@segment_command.command("count")
@click.argument("conditions")
@click.option("--sample", default=5, type=click.IntRange(0, 100), help="How many customers to name.")
@data_option
@json_option
def segment_count(conditions: str, sample: int, data: Path | None, as_json: bool) -> None:
    """Count who fits CONDITIONS now, such as 'orders.count(last 90 days) >= 2 and city = "Almaty"'."""
    from customers.segments import language, people, printing, store
    from foundation.clock import now
    from foundation.database import transaction
    from kartoteka import installation

    node = language.parse(conditions)
    with installation.opened(data) as found, transaction(found.engine) as session:
        store.known_lists(session, node)
        counted = store.first(session, node, now(), sample)
        rows = people.some(session, counted.ids)
    answer = {
        "count": counted.number, "conditions": printing.text(node),
        "sample": [{"id": one.id, "name": one.name, "email": one.email} for one in rows],
    }  # fmt: skip
    some = [(one.name, one.email, one.id) for one in rows]
    listed = table(("CUSTOMER", "E-MAIL", "ID"), some, "")
    say(answer, as_json, f"{counted.number} customers\n\n{listed}" if rows else f"{counted.number} customers")


@segment_command.command("add")
@click.argument("name")
@click.argument("conditions", required=False)
@data_option
@json_option
def segment_add(name: str, conditions: str | None, data: Path | None, as_json: bool) -> None:
    """Add a segment NAME with these CONDITIONS; without any it is a list to put customers on."""
    from customers.segments import language, store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        if conditions is None:
            row = store.make_list(session, name, "terminal")
        else:
            row = store.make(session, name, language.parse(conditions), "terminal")
        answer = _shown(row, store.texts(session, [row]))
    say(answer, as_json, f"{row.name} is there: {row.id}")


@segment_command.command("change")
@click.argument("segment")
@click.argument("conditions")
@data_option
@json_option
def segment_change(segment: str, conditions: str, data: Path | None, as_json: bool) -> None:
    """Give a SEGMENT other CONDITIONS; the earlier ones stay as an earlier version."""
    from customers.segments import language, store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        store.change(session, row, language.parse(conditions), "terminal")
        answer = _shown(row, store.texts(session, [row]))
    say(answer, as_json, f"{row.name} is at version {row.version}.")


@segment_command.command("put")
@click.argument("segment")
@click.argument("who", nargs=-1)
@click.option("--file", type=click.File("r", encoding="utf-8-sig", errors="replace"),
              help="One e-mail, phone or id a line; - for standard input.")  # fmt: skip
@click.option("--off", is_flag=True, help="Take them off instead.")
@data_option
@json_option
def segment_put(
    segment: str, who: tuple[str, ...], file: Any, off: bool, data: Path | None, as_json: bool
) -> None:
    """Put customers on the list SEGMENT: WHO are e-mails, phones or ids. `kartoteka undo` takes it back."""
    from customers.segments import lists, store
    from foundation.database import transaction
    from kartoteka import installation

    lines = [*who, *(file if file is not None else ())]
    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        known = lists.look_up(session, lines)
        if off:
            operation = lists.remove(session, row, known.customers, "terminal")
        else:
            operation = lists.add(session, row, known.customers, "terminal", known.unknown + known.several)
        result = operation.result
        answer = {
            "segment": row.id, "operation": operation.id, "read": result.get("read", 0),
            "new": result.get("new", 0), "changed": result.get("changed", 0), "same": result.get("same", 0),
            "unknown": known.unknown, "several": known.several,
        }  # fmt: skip
    text = f"{answer['changed'] if off else answer['new']} customers {'taken off' if off else 'put on'}."
    for one in known.unknown:
        text += f"\n  nobody is known by {one}"
    for one in known.several:
        text += f"\n  several are known by {one}"
    say(answer, as_json, f"{text}\nUndo: kartoteka undo {answer['operation']}")


@segment_command.command("why")
@click.argument("segment")
@click.argument("customer", type=click.UUID)
@data_option
@json_option
def segment_why(segment: str, customer: UUID, data: Path | None, as_json: bool) -> None:
    """Say why a CUSTOMER is in a SEGMENT or isn't, and when time will change it."""
    from customers.segments import explain, store
    from foundation.clock import now
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        told = explain.explain(session, row, customer, now())
    answer = {
        "customer": told.customer, "in": told.inside, "since": told.since, "turns_at": told.turns_at,
        "turned": told.turned,
        "conditions": [
            {"text": one.text, "holds": one.truth, "known": one.actual, "reason": one.why,
             "decides": one.decides}
            for one in told.clauses
        ],
    }  # fmt: skip
    words = {True: "yes", False: "no", None: "not known"}
    rows = [(one.text, words[one.truth], one.actual, "*" if one.decides else "") for one in told.clauses]
    text = "In" + (f" since {told.since}" if told.since else "") if told.inside else "Not in"
    if told.turns_at:
        text += f"; time alone turns that on {told.turns_at}: {'; '.join(told.turned)}"
    say(answer, as_json, f"{text}.\n\n{table(('CONDITION', 'HOLDS', 'KNOWN', 'DECIDES'), rows, '')}")


@segment_command.command("pages")
@click.argument("segment")
@click.option("--on/--off", default=True, help="Open it, or close it again.")
@data_option
@json_option
def segment_pages(segment: str, on: bool, data: Path | None, as_json: bool) -> None:
    """Let the shops' pages, with all their scripts, know who is in a SEGMENT; forms can be for it then."""
    from customers.segments import pages, store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        pages.tell(session, row, on)
        answer = _shown(row, store.texts(session, [row]))
    say(answer, as_json, f"{row.name} is {'open' if on else 'closed'} to the shops' pages.")


@segment_command.command("archive")
@click.argument("segment")
@data_option
@json_option
def segment_archive(segment: str, data: Path | None, as_json: bool) -> None:
    """Archive a SEGMENT: nobody is in it any more, what was done with it stays."""
    from customers.segments import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = store.find(session, segment)
        store.archive(session, row)
        answer = _shown(row, store.texts(session, [row]))
    say(answer, as_json, f"{row.name} is archived.")
