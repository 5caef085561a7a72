"""A Tryton base in memory, with the habits of the real one that matter: sessions, domains with dotted paths,
nested objects under “name.” in JSON-RPC, errors with HTTP 200, archived rows hidden unless asked for.
"""

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

ADDRESS = "https://tryton.example"
BEGIN = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
MODELS = {
    "identifiers": "party.identifier", "contact_mechanisms": "party.contact_mechanism",
    "addresses": "party.address", "lines": "account.invoice.line", "products": "product.product",
}  # fmt: skip
LINKS = {
    "lang": "ir.lang", "country": "country.country", "party": "party.party", "currency": "currency.currency",
}  # fmt: skip
DEFAULTS: dict[str, dict[str, Any]] = {
    "account.invoice": {"state": "draft"},
    "product.template": {"default_uom": None},
}
ERRORS = {"UserError": 400, "UserWarning": 409, "ConcurrencyException": 423}

Row = dict[str, Any]


def tagged(at: datetime) -> Row:
    """A time as Tryton writes it."""
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(at, name) for name in names}}


def plain(value: Any) -> Any:
    """A tagged value as one that can be compared."""
    if isinstance(value, dict) and value.get("__class__") == "datetime":
        return tuple(
            value[name] for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")
        )
    return value


class Refused(Exception):
    """What the base answers with an error."""

    def __init__(self, *error: Any) -> None:
        super().__init__(*error)
        self.error = list(error)


class TrytonBase:
    """One database; plug `rpc` and `rest` into `responses.add_callback`."""

    def __init__(self, **models: list[Row]) -> None:
        self.models = {
            name.replace("__", "."): {row["id"]: row for row in rows} for name, rows in models.items()
        }
        self.models.setdefault("company.company", {1: {"id": 1, "currency": {"id": 1, "code": "EUR"}}})
        self.now, self.password, self.key, self.session = BEGIN, "word-1", "key-1", "token-1"
        self.sign_ins = 0
        self.old = False  # a series before 8: other address, no third value at the sign-in
        self.calls: list[tuple[str, Any]] = []
        self.before: Any = None  # runs before each call of a model's method
        self.fail: Refused | None = None

    def rows(self, model: str) -> dict[int, Row]:
        if model not in self.models:
            raise Refused(repr(model), "Traceback")
        return self.models[model]

    # the two doors

    def rpc(self, request: Any) -> tuple[int, dict[str, str], str]:
        if urlsplit(request.url).path.endswith("/rpc/") == self.old:
            return 405, {}, "<html>"
        asked = json.loads(request.body)
        method, params = asked["method"], asked["params"]
        self.calls.append((method, params))
        if method == "common.db.login":
            self.sign_ins += 1
            if params[1]["password"] != self.password:
                return 401, {}, "<!doctype html>"
            return self._said({"id": 1, "result": [7, self.session, *(() if self.old else (None,))]})
        token = f"{'admin'}:7:{self.session}"
        if request.headers.get("Authorization") != f"Session {base64.b64encode(token.encode()).decode()}":
            return 401, {}, ""
        model, _, verb = method.removeprefix("model.").rpartition(".")
        try:
            found = self._do(model, verb, params[:-1], params[-1])
        except Refused as refused:
            return self._said({"id": 1, "error": refused.error})
        return self._said({"id": 1, "result": dotted(found) if verb == "search_read" else found})

    def rest(self, request: Any) -> tuple[int, dict[str, str], str]:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {}, "<!doctype html>"
        parts, query = urlsplit(request.url), parse_qs(urlsplit(request.url).query)
        words = parts.path.partition("/rest/model/")[2].split("/")
        packed = request.headers.get("X-Tryton-Context")
        context = unpacked(packed) if packed else {}
        body = json.loads(request.body) if request.body else None
        self.calls.append((f"{request.method} {'/'.join(words)}", query or body))
        model = words[0]
        try:
            if request.method == "GET":
                domain = unpacked(query["d"][0])
                found = self._do(
                    model, "search_read", [domain, 0, int(query.get("s", [0])[0]), [], query["f"]], context
                )
            elif request.method == "PUT":
                found = self._do(model, "write", [[int(words[1])], body], context)
            elif len(words) > 1:
                found = self._do(model, words[1], [body.get("domain")], context)
            else:
                found = {"id": self._do(model, "create", [[body]], context)[0]}
        except Refused as refused:
            name, words_said = refused.error[0], refused.error[1]
            if name not in ERRORS:
                return 500, {}, "<!doctype html>"
            said = {"status": 400, "message": words_said[-1] if isinstance(words_said, list) else words_said}
            return self._said(said, ERRORS[name])
        return self._said(found)

    def _said(self, body: Any, status: int = 200) -> tuple[int, dict[str, str], str]:
        return status, {"Date": self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")}, json.dumps(body)

    # what it does

    def _do(self, model: str, verb: str, params: list[Any], context: Row) -> Any:
        if verb == "get_preferences":
            return {"company": 1, "company.rec_name": "Deneme", "language": "en", "locale": {"date": "%d"}}
        if self.before:
            self.before(self)
        if self.fail:
            raise self.fail
        rows = self.rows(model)
        match verb:
            case "search_count":
                return len(self._fitting(rows, params[0], context))
            case "search_read":
                domain, _, limit, _, fields = params
                for stamp in (field for field in fields if field.endswith("_timestamp")):
                    assert stamp == "_timestamp" or stamp.rpartition(".")[0] in (
                        *MODELS,
                        "template",
                        "move.lines",
                    )
                found = sorted(self._fitting(rows, domain, context), key=lambda row: row["id"])
                return [self._stamped(row) for row in (found[:limit] if limit else found)]
            case "create":
                return [self._make(model, values) for values in params[0]]
            case "write":
                self._check(context.get("_timestamp") or {})
                self._fill(rows[params[0][0]], params[1])
                rows[params[0][0]]["write_date"] = self._tick()
                return None
        raise Refused(f"{verb}", "")

    def _fitting(self, rows: dict[int, Row], domain: list[Any], context: Row) -> list[Row]:
        hidden = context.get("active_test", True)
        return [
            row for row in rows.values()
            if (row.get("active", 1) or not hidden) and all(holds(row, rule) for rule in domain)
        ]  # fmt: skip

    def _stamped(self, row: Row) -> Row:
        return {**copy.deepcopy(row), "_timestamp": json.dumps(row.get("write_date"))}

    def _check(self, stamps: Row) -> None:
        for name, stamp in stamps.items():
            model, _, number = name.rpartition(",")
            if (
                model in self.models
                and json.dumps(self.models[model][int(number)].get("write_date")) != stamp
            ):
                raise Refused("ConcurrencyException", "Records were modified in the meanwhile")

    def _tick(self) -> Row:
        self.now += timedelta(seconds=1)
        return tagged(self.now)

    def _make(self, model: str, values: Row) -> int:
        number = self._next(model)
        row: Row = {"id": number, "active": 1, "create_date": self._tick(), "write_date": None}
        self._fill(row, DEFAULTS.get(model, {}) | values)
        self.models[model][number] = row
        if model == "product.template":
            for variant in row["products"]:
                variant.update(
                    id=self._next("product.product"), name=row["name"], code=variant["suffix_code"]
                )
                shared = {name: row[name] for name in ("id", "active", "create_date", "write_date")}
                self.models["product.product"][variant["id"]] = {**variant, "template": shared}
        return number

    def _next(self, model: str) -> int:
        return max(self.rows(model), default=0) + 1

    def _fill(self, row: Row, values: Row) -> None:
        """Values set, and what is to be done with parts done."""
        for name, value in values.items():
            if name in MODELS and isinstance(value, list):
                parts = row.setdefault(name, [])
                for act in value:
                    self._part(parts, act)
            elif name in LINKS and isinstance(value, int):
                found = self.rows(LINKS[name])[value]
                row[name] = {"id": value, "code": found.get("code")}
            else:
                row[name] = value

    def _part(self, parts: list[Row], act: list[Any]) -> None:
        if act[0] == "create":
            for values in act[1]:
                number = 100 + max((part["id"] for part in parts), default=0)
                made = {"id": number, "active": 1, "create_date": self._tick(), "write_date": None}
                self._fill(made, values)
                parts.append(made)
        elif act[0] == "delete":
            parts[:] = [part for part in parts if part["id"] not in act[1]]
        else:
            for part in parts:
                if part["id"] in act[1]:
                    if not part.get("active", 1) and act[2].keys() - {"active"}:
                        raise Refused("UserError", ["You are not allowed to modify the field.", "", None])
                    self._fill(part, {**act[2], "write_date": self._tick()})


def unpacked(value: str) -> Any:
    """What an address or a header carries."""
    return json.loads(base64.urlsafe_b64decode(value))


def dotted(value: Any) -> Any:
    """Nested objects under “name.”, as JSON-RPC has them."""
    if isinstance(value, list):
        return [dotted(inner) for inner in value]
    if not isinstance(value, dict) or "__class__" in value:
        return value
    return {f"{n}." if nests(i) else n: dotted(i) if nests(i) else i for n, i in value.items()}


def nests(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and "__class__" not in value


def holds(row: Row, rule: Any) -> bool:
    """Whether a row fits a rule of a domain."""
    if rule[0] == "OR":
        return any(holds(row, inner) for inner in rule[1:])
    path, operator, operand = rule
    return any(compares(plain(value), operator, plain(operand)) for value in reached(row, path.split(".")))


def reached(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in reached(item, path)]
    if not path:
        return [value["id"] if isinstance(value, dict) and "id" in value else value]
    inner = value.get(path[0]) if isinstance(value, dict) else None
    if inner == [] and len(path) == 1:
        return [None]
    return reached(inner, path[1:]) if len(path) > 1 or not isinstance(inner, list) else inner or [None]


def compares(value: Any, operator: str, operand: Any) -> bool:
    match operator:
        case "=":
            return bool(value == operand)
        case "!=":
            return bool(value != operand)
        case "in":
            return value in operand
        case "not like":
            return value is not None and not str(value).startswith(operand.rstrip("%"))
        case ">":
            return value is not None and value > operand
        case _:
            return value is not None and value >= operand
