"""A 1C base in memory, published for OData, with the habits of the real one that matter to a reader.

Lists have no end of page and no next link, references can't be ordered by size, long texts can't be compared,
an unknown field of a body is passed over in silence, table parts are replaced whole, versions only differ.
"""

import base64
import copy
import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import responses
from requests import PreparedRequest

from connectors.accounting.odata.connector import OneCOData, OneCSettings

ADDRESS = "https://1c.example/бух"
ROOT = "https://1c.example/%D0%B1%D1%83%D1%85/odata/standard.odata/"
USER, PASSWORD = "Обмен", "пароль"
Answer = tuple[int, dict[str, str], str]
Row = dict[str, Any]

_CATALOG = {
    "Ref_Key": "Guid",
    "DataVersion": "String",
    "DeletionMark": "Boolean",
    "Code": "String",
    "Description": "String",
}
_DOCUMENT = {
    "Ref_Key": "Guid", "DataVersion": "String", "DeletionMark": "Boolean", "Number": "String",
    "Date": "DateTime", "Posted": "Boolean", "Комментарий": "String", "СуммаДокумента": "Double",
    "ВалютаДокумента_Key": "Guid", "Организация_Key": "Guid",
}  # fmt: skip
_GROUPS = {"Parent_Key": "Guid", "IsFolder": "Boolean"}
_LINE = {
    "LineNumber": "Int64", "Номенклатура": "String", "Номенклатура_Type": "String", "Содержание": "String",
    "Количество": "Double", "Цена": "Double", "Сумма": "Double", "СтавкаНДС": "String", "СуммаНДС": "Double",
}  # fmt: skip
SCHEMA: dict[str, dict[str, Any]] = {
    "Catalog_Контрагенты": {
        **_CATALOG, **_GROUPS, "НаименованиеПолное": "String", "ИНН": "String", "КПП": "String",
        "ЮридическоеФизическоеЛицо": "String", "Комментарий": "String",
        "КонтактнаяИнформация": {
            "LineNumber": "Int64", "Тип": "String", "Вид_Key": "Guid", "Представление": "String",
            "АдресЭП": "String", "НомерТелефона": "String", "Город": "String",
        },
    },
    "Catalog_Номенклатура": {
        **_CATALOG, **_GROUPS, "НаименованиеПолное": "String", "Артикул": "String",
        "ЕдиницаИзмерения_Key": "Guid", "Комментарий": "String",
    },
    "Catalog_Валюты": {**_CATALOG},
    "Catalog_КлассификаторЕдиницИзмерения": {**_CATALOG},
    "Catalog_Организации": {**_CATALOG, "ИНН": "String"},
    "Catalog_ДоговорыКонтрагентов": {
        **_CATALOG, "Owner_Key": "Guid", "Организация_Key": "Guid", "ВидДоговора": "String",
    },
    "Catalog_ВидыКонтактнойИнформации": {**_CATALOG, "PredefinedDataName": "String"},
    "Document_СчетНаОплатуПокупателю": {
        **_DOCUMENT, "Контрагент_Key": "Guid", "ДоговорКонтрагента_Key": "Guid",
        "СуммаВключаетНДС": "Boolean",
        "СрокОплаты": "DateTime", "Товары": _LINE,
    },
    "Document_ПоступлениеНаРасчетныйСчет": {
        **_DOCUMENT, "ВидОперации": "String", "Контрагент": "String", "Контрагент_Type": "String",
        "РасшифровкаПлатежа": {"LineNumber": "Int64", "СчетНаОплату_Key": "Guid", "СуммаПлатежа": "Double"},
    },
    "Document_ПриходныйКассовыйОрдер": {**_DOCUMENT, "ВидОперации": "String", "Контрагент_Key": "Guid"},
}  # fmt: skip
_LONG = ("Комментарий",)  # texts without a limit


class OneCBase:
    """Entities by name. `before` sees each request and may answer instead; `after` sees each answer."""

    def __init__(self) -> None:
        self.schema = copy.deepcopy(SCHEMA)
        self.sets: dict[str, dict[str, Row]] = {entity: {} for entity in SCHEMA}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.before: Callable[[PreparedRequest], Answer | None] = lambda request: None
        self.after: Callable[[PreparedRequest], None] = lambda request: None
        self._versions = 0
        self.under_way = 0

    def open(self, mocked: responses.RequestsMock) -> None:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            mocked.add_callback(method, re.compile(re.escape(ROOT) + ".*"), callback=self.answer)

    def add(self, entity: str, **fields: Any) -> str:
        """A row with these fields; its reference."""
        ref = fields.pop("Ref_Key", str(uuid.uuid4()))
        row = {name: _nothing(kind) for name, kind in self.schema[entity].items()}
        row["Code" if entity.startswith("Catalog") else "Number"] = f"{len(self.sets[entity]) + 1:06}"
        self.sets[entity][ref] = {**row, "Ref_Key": ref, **fields}
        self.touch(entity, ref)
        return ref

    def touch(self, entity: str, ref: str, **fields: Any) -> None:
        """Change fields as somebody in 1C would."""
        self._versions += 1
        version = base64.b64encode(self._versions.to_bytes(8, "big")).decode()
        self.sets[entity][ref].update(fields, DataVersion=version)

    def answer(self, request: PreparedRequest) -> Answer:
        parts = urlsplit(request.url or "")
        assert "+" not in parts.query, "1C reads a plus as a plus"
        path = unquote(parts.path).partition("/standard.odata/")[2]
        options = dict(parse_qsl(parts.query))
        self.calls.append((str(request.method), path, options))
        if special := self.before(request):
            return special
        said = base64.b64decode(str(request.headers["Authorization"]).removeprefix("Basic ")).decode()
        if said != f"{USER}:{PASSWORD}":
            return 401, {}, ""
        found = self._answer(str(request.method), path, options, request)
        self.after(request)
        return found

    def _answer(self, method: str, path: str, options: dict[str, str], request: PreparedRequest) -> Answer:
        if path == "$metadata":
            return 200, {"Content-Type": "application/xml"}, self.metadata()
        if options.get("$format") != "json" and not path.endswith("/$count"):
            return 200, {"Content-Type": "application/atom+xml"}, "<feed/>"
        if not path:
            return _json({"odata.metadata": "…", "value": [{"name": n, "url": n} for n in self.sets]})
        entity, _, rest = path.replace("(", "/(", 1).partition("/")
        if entity not in self.sets:
            return fault(404, "8", f"Сущность «{entity}» не найдена")
        single = re.match(r"\(guid'([0-9a-f-]{36})'\)", rest)
        if single:
            return self._single(method, entity, single[1], rest.endswith("/Post"), request)
        if method == "POST":
            return self._create(entity, json.loads(request.body or b"{}"))
        rows = self._found(entity, options)
        if isinstance(rows, tuple):
            return rows
        return (200, {}, "\ufeff" + str(len(rows))) if rest == "$count" else self._list(entity, rows, options)

    def _single(self, method: str, entity: str, ref: str, posting: bool, request: PreparedRequest) -> Answer:
        row = self.sets[entity].get(ref)
        if row is None:
            return fault(404, "9", "Экземпляр сущности не найден")
        if posting:
            self.touch(entity, ref, Posted=True)
            return 200, {}, ""
        if method == "PATCH":
            expected = request.headers.get("If-Match")
            if expected is not None and expected != row["DataVersion"]:
                return fault(412, "", "Версия объекта изменилась")
            self.touch(entity, ref, **self._known(entity, json.loads(request.body or b"{}")))
        return _json(self.sets[entity][ref])

    def _create(self, entity: str, body: Row) -> Answer:
        ref = self.add(entity, **self._known(entity, body))
        made = {**self.sets[entity][ref], "DataVersion": None}
        return 201, {"Location": f"{ROOT}{entity}(guid'{ref}')"}, json.dumps(made, ensure_ascii=False)

    def _known(self, entity: str, body: Row) -> Row:
        """The fields that the entity has; others are passed over in silence."""
        kept: Row = {}
        for name, value in body.items():
            kind = self.schema[entity].get(name)
            if isinstance(kind, dict):
                value = [{k: v for k, v in row.items() if k in kind} for row in value]
            if kind is not None:
                kept[name] = value
        return kept

    def _found(self, entity: str, options: dict[str, str]) -> list[Row] | Answer:
        rows = list(self.sets[entity].values())
        if where := options.get("$filter"):
            tests = [term(one, self.schema[entity]) for one in where.split(" or ")]
            if wrong := next((one for one in tests if isinstance(one, tuple)), None):
                return wrong
            rows = [row for row in rows if any(callable(one) and one(row) for one in tests)]
        return rows

    def _list(self, entity: str, rows: list[Row], options: dict[str, str]) -> Answer:
        known = self.schema[entity]
        order = [one.split()[0] for one in options.get("$orderby", "").split(",") if one]
        wanted = [one for one in options.get("$select", "").split(",") if one]
        for name in (*order, *wanted):
            if name not in known:
                return fault(400, "10", f"Свойство «{name}» не найдено")
        rows = sorted(rows, key=lambda row: [str(row[name]) for name in order])
        start = int(options.get("$skip", 0))
        rows = rows[start : start + int(options["$top"])] if "$top" in options else rows[start:]
        shown = [{n: row[n] for n in wanted} if wanted else _with_links(row) for row in rows]
        return _json({"odata.metadata": f"{ROOT}$metadata#{entity}", "value": shown})

    def metadata(self) -> str:
        """The description of the base."""
        types = [
            _type("EntityType", name, fields) for name, fields in self.schema.items() if name in self.sets
        ]
        rows = [
            _type("ComplexType", f"{name}_{table}_RowType", fields)
            for name, entity in self.schema.items()
            for table, fields in entity.items()
            if isinstance(fields, dict)
        ]
        return (
            '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx xmlns:edmx="urn:edmx" Version="1.0">'
            '<edmx:DataServices><Schema Namespace="StandardODATA" xmlns="urn:edm">'
            f"{''.join(types)}{''.join(rows)}</Schema></edmx:DataServices></edmx:Edmx>"
        )


def connect(**settings: Any) -> OneCOData:
    """A connector of the base that doesn't wait between calls."""
    typed = {"address": ADDRESS, "user": USER, "password": PASSWORD, "zone": "Europe/Moscow", **settings}
    chosen = OneCSettings(**typed)
    return OneCOData(chosen, OneCOData.make_http(chosen, sleep=lambda seconds: None))


def fault(status: int, code: str, words: str) -> Answer:
    """An error as 1C writes it."""
    error = {"code": code, "message": {"lang": "ru", "value": words}}
    return status, {}, json.dumps({"odata.error": error}, ensure_ascii=False)


def term(said: str, known: dict[str, Any]) -> Callable[[Row], bool] | Answer:
    """One comparison of a filter."""
    parts = re.fullmatch(r"(\w+) (eq|ge|lt|gt) (guid|datetime|)('(?:[^']|'')*'|true|false|cast\(.*\))", said)
    if not parts:
        return fault(400, "14", f"Ошибка разбора опции запроса $filter: {said}")
    name, how, _, value = parts.groups()
    if name not in known:
        return fault(400, "10", f"Свойство «{name}» не найдено")
    composite = f"{name}_Type" in known and not value.startswith("cast")
    if name in _LONG or composite or (name.endswith("_Key") and how != "eq"):
        return fault(500, "", "Нельзя сравнивать поля неограниченной длины и поля несовместимых типов")
    bare = re.sub(r"cast\(guid('[^']*').*", r"\1", value).strip("'").replace("''", "'")
    wanted: Any = bare == "true" if value in ("true", "false") else bare
    if how == "eq":
        return lambda row: row[name] == wanted
    return lambda row: row[name] >= wanted if how == "ge" else row[name] < wanted


def _nothing(kind: Any) -> Any:
    if isinstance(kind, dict):
        return []
    empty = {"Guid": str(uuid.UUID(int=0)), "Boolean": False, "Double": 0, "DateTime": "0001-01-01T00:00:00"}
    return empty.get(kind, "")


def _with_links(row: Row) -> Row:
    links = {f"{n[:-4]}@navigationLinkUrl": f"X/{n}" for n in row if n.endswith("_Key") and n != "Ref_Key"}
    return {**row, **links}


def _type(tag: str, name: str, fields: dict[str, Any]) -> str:
    properties = "".join(
        f'<Property Name="{field}" Type="{_edm(name, field, kind)}" Nullable="true"/>'
        for field, kind in fields.items()
    )
    return f'<{tag} Name="{name}">{properties}</{tag}>'


def _edm(entity: str, field: str, kind: Any) -> str:
    return f"Collection(StandardODATA.{entity}_{field}_RowType)" if isinstance(kind, dict) else f"Edm.{kind}"


def _json(thing: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(thing, ensure_ascii=False)
