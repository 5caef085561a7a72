"""What stands in Tryton now, before something is written over it."""

from datetime import datetime
from typing import Any

from connectors.accounting.tryton.client import Client
from connectors.accounting.tryton.sources import Source
from connectors.accounting.tryton.values import Node, encode, touched_at
from connectors.base import Change, Overtaken
from foundation.errors import BadInput


def read(client: Client, source: Source, change: Change, fields: tuple[str, ...]) -> Node:
    """The object as it is there now; Overtaken when it is gone or of another version."""
    stamps = [] if client.by_key else ["_timestamp", *(f"{part}._timestamp" for part in source.parts)]
    domain = [["id", "=", int(change.external_id)], *source.only]
    nodes = client.rows(source.model, domain, [*fields, *source.dates, *stamps], 1)
    if not nodes:
        raise Overtaken(f"{source.model} {change.external_id} is no longer there.")
    if change.version and touched_at(nodes[0]) != _version(change.version):
        raise Overtaken(f"{source.model} {change.external_id} has changed meanwhile.")
    return nodes[0]


def stamps(node: Node, source: Source, parts: dict[str, str]) -> Node:
    """What the object and those of its parts that are named with their models must not have changed from."""
    found = {f"{source.model},{node['id']}": node.get("_timestamp")}
    for path, model in parts.items():
        inner = node.get(path)
        for part in inner if isinstance(inner, list) else [inner] if inner else []:
            found[f"{model},{part['id']}"] = part.get("_timestamp")
    return {name: stamp for name, stamp in found.items() if stamp}


def first(client: Client, model: str, domain: list[Any], fields: tuple[str, ...] = ("id",)) -> Node | None:
    """The first object that fits."""
    found = client.rows(model, encode(domain), list(fields), 1)
    return found[0] if found else None


def _version(said: str) -> datetime:
    try:
        return datetime.fromisoformat(said)
    except ValueError as error:
        raise BadInput(f"{said!r} is no version of an object in Tryton", "version") from error
