"""An invented 1C base on loopback: answers the standard OData interface from memory.

It keeps the habits that matter to a connector: lists without an end, versions that only differ, table parts
replaced whole, a change of a version that is no more refused with 412.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from foundation.clock import new_id

PATH = "/1c"  # of the publication
INTERFACE = f"{PATH}/odata/standard.odata"
USER, PASSWORD = "Обмен", "1c_demo"
NOBODY = str(UUID(int=0))
Row = dict[str, Any]
Schema = Mapping[str, Mapping[str, Any]]  # entity -> field -> its kind, or the fields of a table part

_EMPTY = {"Guid": NOBODY, "Boolean": False, "Double": 0, "DateTime": "0001-01-01T00:00:00"}
_TERM = re.compile(r"(\w+) (eq|ge|lt) (?:guid|datetime|)('(?:[^']|'')*'|true|false)")
_SINGLE = re.compile(r"(\w+)\(guid'([0-9a-f-]{36})'\)(/Post)?")


class Refused(Exception):
    """What the base answers instead: a status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Base:
    """The objects of a base by entity and reference, and one lock around them."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows: dict[str, dict[str, Row]] = {entity: {} for entity in schema}
        self.lock = threading.RLock()
        self._versions = 0

    def add(self, entity: str, ref: str, **fields: Any) -> str:
        """An object with these fields; answers its reference."""
        empty = {name: [] if isinstance(kind, Mapping) else _EMPTY.get(kind, "")
                 for name, kind in self.schema[entity].items()}  # fmt: skip
        empty["Code" if entity.startswith("Catalog") else "Number"] = f"{len(self.rows[entity]) + 1:09}"
        self.rows[entity][ref] = {**empty, "Ref_Key": ref}
        self.change(entity, ref, **fields)
        return ref

    def change(self, entity: str, ref: str, **fields: Any) -> None:
        """Other values in an object, which gets another version."""
        self._versions += 1
        version = base64.b64encode(self._versions.to_bytes(8, "big")).decode()
        self.rows[entity][ref].update(fields, DataVersion=version)

    def routes(self) -> list[BaseRoute]:
        """The address of the interface."""
        methods = ["GET", "POST", "PATCH"]
        return [Mount(INTERFACE, routes=[Route("/{path:path}", self.asked, methods=methods)])]

    async def asked(self, request: Request) -> Response:
        """One request of a reader."""
        return await run_in_threadpool(self.answer, request, await request.body())

    def answer(self, request: Request, body: bytes) -> Response:
        """What the base says to it; errors in its own form."""
        path = request.path_params["path"]
        try:
            _let_in(request)
            with self.lock:
                if path == "$metadata":
                    return Response(self.metadata(), media_type="application/xml")
                return self._about(request.method, path, request, body)
        except Refused as refused:
            error = {"code": "", "message": {"lang": "ru", "value": str(refused)}}
            return _json({"odata.error": error}, refused.status)

    def _about(self, method: str, path: str, request: Request, body: bytes) -> Response:
        if not path:
            return _json({"value": [{"name": name, "url": name} for name in self.schema]})
        if single := _SINGLE.fullmatch(path):
            return self._single(method, single, request.headers.get("if-match"), body)
        entity, _, rest = path.partition("/")
        if entity not in self.rows:
            raise Refused(404, f"Сущность «{entity}» не найдена")
        if method == "POST":
            ref = self.add(entity, str(new_id()), **self._known(entity, body))
            return _json(self.rows[entity][ref], 201)
        found = self._found(entity, request.query_params.get("$filter", ""))
        if rest == "$count":
            return Response(str(len(found)), media_type="text/plain")
        return _json({"value": self._page(entity, found, request.query_params)})

    def _single(self, method: str, said: re.Match[str], version: str | None, body: bytes) -> Response:
        entity, ref, posting = said.groups()
        row = self.rows.get(entity, {}).get(ref)
        if row is None:
            raise Refused(404, "Экземпляр сущности не найден")
        if method == "PATCH":
            if version is not None and version != row["DataVersion"]:
                raise Refused(412, "Версия объекта изменилась")
            self.change(entity, ref, **self._known(entity, body))
        elif posting:
            self.change(entity, ref, Posted=True)
        return _json(row)

    def _known(self, entity: str, body: bytes) -> Row:
        """The fields that the entity has; others are passed over in silence."""
        try:
            said = msgspec.json.decode(body, type=Row)
        except msgspec.DecodeError as error:
            raise Refused(400, f"Ошибка разбора тела запроса: {error}") from error
        return {name: value for name, value in said.items() if name in self.schema[entity]}

    def _found(self, entity: str, where: str) -> list[Row]:
        rows = list(self.rows[entity].values())
        if not where:
            return rows
        tests = [self._test(entity, one) for one in where.split(" or ")]
        return [row for row in rows if any(test(row) for test in tests)]

    def _test(self, entity: str, said: str) -> Callable[[Row], bool]:
        parts = _TERM.fullmatch(said)
        if parts is None or parts[1] not in self.schema[entity]:
            raise Refused(400, f"Ошибка разбора опции запроса $filter: {said}")
        name, how, value = parts.groups()
        wanted: Any = value == "true" if value in ("true", "false") else value[1:-1].replace("''", "'")
        if how == "eq":
            return lambda row: bool(row[name] == wanted)
        return lambda row: bool(row[name] >= wanted if how == "ge" else row[name] < wanted)

    def _page(self, entity: str, rows: list[Row], query: Mapping[str, str]) -> list[Row]:
        order = [one.split()[0] for one in query.get("$orderby", "").split(",") if one]
        wanted = [one for one in query.get("$select", "").split(",") if one]
        if unknown := next((one for one in (*order, *wanted) if one not in self.schema[entity]), ""):
            raise Refused(400, f"Свойство «{unknown}» не найдено")
        rows = sorted(rows, key=lambda row: [str(row[name]) for name in order])
        start, top = (_whole(query.get(name, ""), usual) for name, usual in (("$skip", 0), ("$top", 1000)))
        rows = rows[start : start + top]
        return [{name: row[name] for name in wanted} for row in rows] if wanted else rows

    def metadata(self) -> str:
        """The description of the base."""
        types = []
        for entity, fields in self.schema.items():
            types.append(_type("EntityType", entity, entity, fields))
            types += [
                _type("ComplexType", f"{entity}_{table}_RowType", entity, columns)
                for table, columns in fields.items()
                if isinstance(columns, Mapping)
            ]
        return (
            '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx xmlns:edmx="urn:edmx" Version="1.0">'
            '<edmx:DataServices><Schema Namespace="StandardODATA" xmlns="urn:edm">'
            f"{''.join(types)}</Schema></edmx:DataServices></edmx:Edmx>"
        )


def _let_in(request: Request) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "basic" and base64.b64decode(value).decode() == f"{USER}:{PASSWORD}":
            return
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise Refused(401, "Идентификация пользователя не выполнена")


def _type(tag: str, name: str, entity: str, fields: Mapping[str, Any]) -> str:
    return f'<{tag} Name="{name}">' + "".join(
        f'<Property Name="{field}" Type="{_edm(entity, field, kind)}" Nullable="true"/>'
        for field, kind in fields.items()
    ) + f"</{tag}>"  # fmt: skip


def _edm(entity: str, field: str, kind: Any) -> str:
    if isinstance(kind, Mapping):
        return f"Collection(StandardODATA.{entity}_{field}_RowType)"
    return f"Edm.{kind}"


def _whole(said: str, usual: int) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else usual


def _json(thing: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(thing), status, media_type="application/json; charset=utf-8")
