"""A MoySklad account in memory, with the habits of the real one that matter to a reader and a writer.

Archived rows hide unless asked for, documents in the bin too, ties have no order but the one asked for,
`expand` does nothing on long pages, a known `syncId` answers what was made before.
"""

import copy
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import responses
from requests import PreparedRequest

from connectors.accounting.moysklad.connector import Moysklad, MoyskladSettings
from connectors.accounting.moysklad.values import stamp as moysklad_stamp
from foundation import clock

API = "https://api.moysklad.ru/api/remap/1.2/"
Answer = tuple[int, dict[str, str], str]
Row = dict[str, Any]
DIRECTORIES = ("counterparty", "product", "variant", "service", "bundle")
RUB, COMPANY, PRICE = (str(UUID(int=n)) for n in (1, 2, 3))


def reference(entity: str, external_id: str) -> Row:
    return {"meta": {"href": f"{API}entity/{entity}/{external_id}", "type": entity}}


def identity(number: int) -> str:
    return str(UUID(int=1000 + number))


def moment(seconds: float = 0) -> str:
    """Moscow's wall clock, so many seconds after noon."""
    at = datetime(2026, 3, 1, 12) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


class Account:
    """Rows by entity; `before` is called with each request and may change them or answer instead."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {
            "currency": [{"id": RUB, "isoCode": "RUB", "name": "руб"}],
            "organization": [{"id": COMPANY, "name": "ООО Чай"}],
        }
        self.stock: dict[str, tuple[str, float]] = {}  # by item: when it last changed, how much there is
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.before: Callable[[PreparedRequest], Answer | None] = lambda request: None
        self.clock = 0.0

    def open(self, mocked: responses.RequestsMock) -> None:
        for method in ("GET", "POST", "PUT", "DELETE"):
            mocked.add_callback(method, re.compile(re.escape(API) + ".*"), callback=self.answer)

    def add(self, entity: str, number: int, updated: str = "", **fields: Any) -> Row:
        row = {
            **reference(entity, identity(number)), "id": identity(number),
            "updated": updated or moment(number),
            **({"archived": False} if entity in DIRECTORIES else {}), **fields,
        }  # fmt: skip
        self.rows.setdefault(entity, []).append(row)
        return row

    def answer(self, request: PreparedRequest) -> Answer:
        address = urlsplit(request.url or "")
        path = address.path.partition("/remap/1.2/")[2]
        params = {name: values[0] for name, values in parse_qs(address.query).items()}
        body: Any = json.loads(request.body) if request.body else None
        self.calls.append((str(request.method), path, params, body))
        if special := self.before(request):
            return special
        if request.headers.get("Accept-Encoding") != "gzip":
            return _json({"errors": [{"error": "gzip is needed", "code": 1062}]}, 415)
        if path == "report/stock/all/current":
            return self._report(params)
        if path == "context/companysettings/pricetype":
            return _json([{"id": PRICE, "name": "Цена продажи", **reference("pricetype", PRICE)}])
        entity, _, external_id = path.removeprefix("entity/").partition("/")
        if request.method == "DELETE":
            self.rows[entity] = [row for row in self.rows[entity] if row["id"] != external_id]
            return _json({})
        if isinstance(body, list):
            return _json([json.loads(self._write(entity, "", one)[2]) for one in body])
        if request.method != "GET":
            return self._write(entity, external_id, body)
        return self._list(entity, external_id, params)

    def _list(self, entity: str, rest: str, params: dict[str, str]) -> Answer:
        rows = self.rows.get(entity, [])
        if entity == "assortment":
            rows = [row for kind in DIRECTORIES[1:] for row in self.rows.get(kind, [])]
        if rest.endswith("/positions"):
            invoice = next(row for row in rows if row["id"] == rest.partition("/")[0])
            rows = invoice["positions"]["all"]
        else:
            rows = [row for row in rows if _fits(row, params.get("filter", ""))]
        for part in reversed(params.get("order", "").split(";")):
            if part:
                rows = sorted(rows, key=lambda row, name=part.split(",")[0]: str(row.get(name)))
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 1000))
        page = copy.deepcopy(rows[offset : offset + limit])
        for row in page:
            positions = row.get("positions")
            if isinstance(positions, dict):
                lines = positions.pop("all")
                if "positions" in params.get("expand", "") and limit <= 100:
                    positions |= {"rows": lines[:100]}
        return _json({"context": {}, "meta": {"size": len(rows), "limit": limit}, "rows": page})

    def _write(self, entity: str, external_id: str, body: Row) -> Answer:
        rows = self.rows.setdefault(entity, [])
        sync = body.get("syncId")
        found = next((r for r in rows if r["id"] == external_id or (sync and r.get("syncId") == sync)), None)
        if found is None and external_id:
            return _json({"errors": [{"error": "нет такого", "code": 1021}]}, 404)
        if found is None:
            self.clock += 1
            found = self.add(entity, 5000 + len(rows), moment(90_000 + self.clock))
        elif not external_id:
            return _json(found)
        self.clock += 1
        found |= {**body, "updated": moment(90_000 + self.clock)}
        if isinstance(found.get("positions"), list):
            lines = found["positions"]
            found["positions"] = {"meta": {"size": len(lines)}, "all": lines}
        return _json(found)

    def _report(self, params: dict[str, str]) -> Answer:
        kind, since = params["stockType"], params.get("changedSince", "")
        if since and since < moysklad_stamp(clock.now() - timedelta(hours=24)):
            return _json({"errors": [{"error": "changedSince is too old"}]}, 412)
        wanted = params.get("filter", "").removeprefix("assortmentId=").split(",")
        return _json([
            {"assortmentId": item, kind: left} for item, (at, left) in self.stock.items()
            if (at >= since if since else item in wanted and left)
        ])  # fmt: skip


def connect(**settings: Any) -> Moysklad:
    """A connector of the account that doesn't wait between calls."""
    chosen = MoyskladSettings(**{"token": "t-1", **settings})
    return Moysklad(chosen, Moysklad.make_http(chosen, per_second=None, sleep=lambda seconds: None))


def _fits(row: Row, said: str) -> bool:
    """Conditions on one field are OR, on several AND; what hides by default hides unless asked for."""
    wanted: dict[str, list[tuple[str, str]]] = {}
    for one in filter(None, said.split(";")):
        name, sign, value = re.fullmatch(r"(\w+)(>=|<|=)(.*)", one).groups()  # type: ignore[union-attr]
        wanted.setdefault(name, []).append((sign, value))
    for hidden in ("archived", "isDeleted"):
        wanted.setdefault(hidden, [("=", "false")])
    return all(any(_holds(row, name, *one) for one in ones) for name, ones in wanted.items())


def _holds(row: Row, name: str, sign: str, value: str) -> bool:
    have = row.get(name, False if value in ("true", "false") else "")
    have = str(have).lower() if isinstance(have, bool) else str(have)
    return {"=": have == value, ">=": have >= value, "<": have < value}[sign]


def _json(thing: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(thing)
