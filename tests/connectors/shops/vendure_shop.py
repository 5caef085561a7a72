"""A Vendure shop in memory, with the habits of the real one that matter to a reader: `after` excludes,
`between` includes, ties come in any order, sorting by two fields puts ids first, errors have status 200."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TROUBLE = {
    "errors": [{"message": "relation lost", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
    "data": None,
}
FORBIDDEN = {
    "errors": [
        {
            "message": "You are not currently authorized to perform this action",
            "extensions": {"code": "FORBIDDEN"},
        }
    ],
    "data": None,
}  # fmt: skip


def stamp(at: datetime) -> str:
    """As the API writes times."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Listed:
    """One list: rows with an id and times, answered page by page. `before_page` runs before each page."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.random = random.Random(3)
        self.asked: list[dict[str, Any]] = []
        self.before_page: Any = None

    def read(self, options: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(options)
        if self.before_page:
            self.before_page(self)
        found = [row for row in self.rows.values() if _fits(row, options.get("filter", {}))]
        self.random.shuffle(found)
        for name in sorted(options.get("sort", {}), key=lambda name: name == "id"):
            found.sort(key=lambda row: (len(row[name]), row[name]) if name == "id" else row[name])
        skip, take = options.get("skip", 0), options["take"]
        return {"totalItems": len(found), "items": [dict(row) for row in found[skip : skip + take]]}


def _fits(row: dict[str, Any], filters: dict[str, Any]) -> bool:
    return all(_holds(row.get(name), rule) for name, rule in filters.items())


def _holds(value: Any, rule: dict[str, Any]) -> bool:
    [(operator, operand)] = rule.items()
    match operator:
        case "after":
            return value is not None and value > operand
        case "between":
            return value is not None and operand["start"] <= value <= operand["end"]
        case "isNull":
            return (value is None) == operand
        case "in":
            return value in operand
        case "eq":
            return bool(value == operand)
        case _:
            return bool(value != operand)


class VendureShop:
    """Answers the connector's operations; plug `answer` into `responses.add_callback`."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = {name: Listed(lists.get(name, [])) for name in ("customers", "orders", "products")}
        self.key, self.password, self.token = "key-1", "word-1", "token-1"
        self.now = BEGIN + timedelta(days=1)
        self.operations: list[str] = []
        self.scripted: list[tuple[int, str]] = []  # (status, body) answered first
        self.poison: set[str] = set()  # ids that no page with whole objects survives

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked = json.loads(request.body or b"{}")
        operation = asked["operationName"]
        self.operations.append(operation)
        heads = {"Date": self.now.strftime("%a, %d %b %Y %H:%M:%S GMT"), "Content-Type": "application/json"}
        if self.scripted:
            status, body = self.scripted.pop(0)
            return status, heads, body
        if operation == "SignIn":
            return self._sign_in(asked["variables"], heads)
        signed_in = request.headers.get("Authorization") == f"Bearer {self.token}"
        if request.headers.get("vendure-api-key") != self.key and not signed_in:
            return 200, heads, json.dumps(FORBIDDEN)
        data = self._data(operation, asked["variables"])
        items = data.get("page", {}).get("items", [])
        ids = {item["id"] for item in items if isinstance(item, dict)}
        if ids & self.poison and not operation.endswith("Listing"):
            return 200, heads, json.dumps(TROUBLE)
        return 200, heads, json.dumps({"data": data})

    def _sign_in(self, given: dict[str, str], heads: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if given["password"] != self.password:
            refused = {
                "__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR",
                "message": "The provided credentials are invalid",
            }  # fmt: skip
            return 200, heads, json.dumps({"data": {"login": refused}})
        return (
            200,
            {**heads, "vendure-auth-token": self.token},
            '{"data": {"login": {"__typename": "CurrentUser"}}}',
        )

    def _data(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        channel = {"code": "main", "token": "main-token"}
        if operation == "Shop":
            return {
                "activeChannel": channel,
                "globalSettings": {"serverConfig": {"moneyStrategyPrecision": 2}},
            }
        if operation == "Counts":
            counts = {name: {"totalItems": len(rows.rows)} for name, rows in self.lists.items()}
            return {**counts, "productVariants": counts["products"], "activeChannel": channel}
        name = operation.removesuffix("Listing").lower()
        name = name if name.endswith("s") else f"{name}s"
        return {"page": self.lists[name].read(variables["options"])}
