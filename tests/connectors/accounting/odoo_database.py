"""An Odoo database in memory, with the habits of the real one that matter to a reader and a writer.

Times are kept to the microsecond and said to the second, archived rows hide, unknown fields are errors.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import responses
from requests import PreparedRequest

from connectors.accounting.odoo.connector import Odoo, OdooSettings

ADDRESS = "https://odoo.example"
API = f"{ADDRESS}/json/2/"
Answer = tuple[int, dict[str, str], str]
Row = dict[str, Any]
REFERENCES = {"parent_id", "country_id", "currency_id", "move_id", "product_id", "product_tmpl_id",
              "partner_id", "commercial_partner_id", "state_id", "payment_id"}  # fmt: skip
BARE: dict[str, Row] = {
    "res.partner": {
        "name": "", "email": False, "phone": False, "is_company": False, "vat": False, "parent_id": False,
        "company_registry": False, "comment": False, "ref": False, "category_id": [], "type": "contact",
        "street": False, "street2": False, "city": False, "zip": False, "country_id": False,
        "state_id": False, "active": True, "partner_share": True, "ref_company_ids": False,
    },
    "product.product": {
        "name": "", "display_name": "", "default_code": False, "barcode": False, "lst_price": 0.0,
        "currency_id": 1, "active": True, "sale_ok": True, "product_tmpl_id": False, "free_qty": 0.0,
        "product_variant_count": 1,
    },
    "product.template": {"name": "", "active": True},
    "stock.quant": {"product_id": False},
    "account.move": {
        "name": "/", "ref": False, "move_type": "out_invoice", "state": "draft", "payment_state": "not_paid",
        "partner_id": False, "commercial_partner_id": False, "currency_id": 1, "amount_total": 0.0,
        "amount_residual": 0.0, "invoice_date": False, "invoice_date_due": False, "invoice_origin": False,
        "invoice_line_ids": [],
    },
    "account.move.line": {
        "move_id": False, "sequence": 10, "product_id": False, "name": "", "quantity": 1.0, "price_unit": 0.0,
        "discount": 0.0, "price_subtotal": 0.0, "price_total": 0.0, "display_type": "product", "tax_ids": [],
        "matched_credit_ids": [], "matched_debit_ids": [], "payment_id": False,
    },
    "account.partial.reconcile": {},
    "account.payment": {
        "memo": False, "state": "draft", "amount": 0.0, "payment_type": "inbound", "partner_type": "customer",
        "partner_id": False, "currency_id": 1, "date": False, "reconciled_invoice_ids": [],
    },
    "account.payment.register": {"amount": 0.0, "payment_date": False, "communication": "", "currency_id": 1},
    "account.tax": {"amount": 0.0, "price_include": False, "type_tax_use": "sale", "amount_type": "percent",
                    "sequence": 1},
    "res.currency": {"name": "", "decimal_places": 2, "active": True},
    "res.country": {"code": "", "name": ""},
    "res.country.state": {"country_id": False, "name": ""},
    "res.partner.category": {"name": "", "active": True},
}  # fmt: skip
TIMES = ("id", "create_date", "write_date")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def moment(seconds: float = 0) -> str:
    """So many seconds after noon, to the microsecond."""
    return (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


class Database:
    """Rows by model; `before` is called with each request and may change them or answer instead."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = {model: {} for model in BARE}
        self.calls: list[tuple[str, str, Row]] = []
        self.before: Callable[[PreparedRequest], Answer | None] = lambda request: None
        self.clock = 90_000.0
        self.add("res.currency", 1, name="EUR")
        self.add("res.country", 57, code="DE", name="Germany")

    def open(self, mocked: responses.RequestsMock) -> None:
        mocked.add_callback("POST", re.compile(re.escape(API) + ".*"), callback=self.answer)

    def add(self, model: str, number: int = 0, written: str = "", **fields: Any) -> Row:
        number = number or max(self.rows[model], default=0) + 1
        at = written or moment(number)
        row = {"id": number, **BARE[model], "create_date": at, "write_date": at, **fields}
        self.rows[model][number] = row
        return row

    def answer(self, request: PreparedRequest) -> Answer:
        model, _, method = str(request.url).removeprefix(API).partition("/")
        said = json.loads(request.body or b"{}")
        self.calls.append((model, method, said))
        if special := self.before(request):
            return special
        if model not in BARE:
            return _json(f"the model {model!r} does not exist", 404)
        context = said.pop("context")
        if method == "fields_get":
            return _json({name: {"type": "x"} for name in (*TIMES, *BARE[model])})
        if method in ("search_read", "search_count"):
            return self._search(model, method, said, context)
        if method == "create":
            return _json([self._create(model, values)["id"] for values in said["vals_list"]])
        rows = [self.rows[model].get(one) for one in said["ids"]]
        if None in rows:
            return _json({"name": "odoo.exceptions.MissingError", "message": "Record does not exist"}, 404)
        for row in filter(None, rows):
            self.clock += 1
            row["write_date"] = moment(self.clock)
            self._do(model, method, row, said, context)
        return _json(True)

    def _search(self, model: str, method: str, said: Row, context: Row) -> Answer:
        hides = "active" in BARE[model] and context.get("active_test", True)
        found = [
            row for row in self.rows[model].values()
            if self._holds(model, row, said["domain"]) and (row["active"] or not hides if hides else True)
        ]  # fmt: skip
        if method == "search_count":
            return _json(len(found))
        if unknown := set(said["fields"]) - {*TIMES, *BARE[model]}:
            return _json({"name": "ValueError", "message": f"Invalid field {unknown}"}, 422)
        for part in reversed(said["order"].split(",")):
            found.sort(key=lambda row, name=part.split()[0]: row[name])  # type: ignore[misc]
        page = found[said["offset"] :][: said["limit"]]
        return _json([{name: self._said(row, name) for name in ("id", *said["fields"])} for row in page])

    def _said(self, row: Row, name: str) -> Any:
        value = row[name]
        if name in ("write_date", "create_date"):
            return value[:19]
        if name in REFERENCES and value:
            return [value, "EUR" if name == "currency_id" else f"Name of {value}"]
        return value

    def _holds(self, model: str, row: Row, domain: list[Any]) -> bool:
        left = list(domain)
        while left:
            one = left.pop(0)
            if one == "|":
                if not any([self._true(model, row, left.pop(0)) for _ in range(2)]):  # noqa: C419
                    return False  # both are taken, whichever holds
            elif not self._true(model, row, one):
                return False
        return True

    def _true(self, model: str, row: Row, condition: list[Any]) -> bool:
        name, sign, value = condition
        if name.startswith("move_id."):
            row, name = self.rows["account.move"][row["move_id"]], name.removeprefix("move_id.")
        if name.startswith("matched_"):
            known = self.rows["account.partial.reconcile"]
            there = [known[one] for one in row[name.partition(".")[0]]]
            return any(self._true(model, one, ["write_date", sign, value]) for one in there)
        have = row[name]
        if sign in (">", ">="):
            return bool(have > value if sign == ">" else have >= value)
        return have in value if sign == "in" else (have == value) is (sign != "!=")

    def _create(self, model: str, values: Row) -> Row:
        self.clock += 1
        row = self.add(model, 0, moment(self.clock))
        self._write(model, row, values)
        return row

    def _do(self, model: str, method: str, row: Row, said: Row, context: Row) -> None:
        if method == "write":
            self._write(model, row, said["vals"])
        elif method == "action_create_payments":
            [invoice] = context["active_ids"]
            partner = self.rows["account.move"][invoice]["partner_id"]
            self._create("account.payment", {
                "memo": row["communication"], "amount": row["amount"], "date": row["payment_date"],
                "partner_id": partner, "reconciled_invoice_ids": [invoice], "state": "in_process",
            })  # fmt: skip
        else:
            states = {"button_draft": "draft", "button_cancel": "cancel",
                      "action_post": "posted" if model == "account.move" else "in_process"}  # fmt: skip
            row["state"] = states[method]

    def _write(self, model: str, row: Row, values: Row) -> None:
        unknown = set(values) - set(BARE[model])
        assert not unknown, unknown
        row |= values
        if "category_id" in values:
            row["category_id"] = values["category_id"][0][2]
        if model == "product.product" and "name" in values:
            row["display_name"] = values["name"]
        if model == "account.move":
            row["commercial_partner_id"] = row["partner_id"]
            if "invoice_line_ids" in values:
                self._lines(row, [one[2] for one in values["invoice_line_ids"] if one[0] == 0])

    def _lines(self, move: Row, lines: list[Row]) -> None:
        kept = self.rows["account.move.line"]
        self.rows["account.move.line"] = {n: one for n, one in kept.items() if one["move_id"] != move["id"]}
        for values in lines:
            net = values["price_unit"] * values["quantity"] * (1 - values["discount"] / 100)
            tax = [self.rows["account.tax"][one] for one in values["tax_ids"][0][2]]
            total = net
            if tax and tax[0]["price_include"]:
                net = total / (1 + tax[0]["amount"] / 100)
            elif tax:
                total = net * (1 + tax[0]["amount"] / 100)
            self._create("account.move.line", {
                **values, "move_id": move["id"], "price_subtotal": round(net, 2),
                "price_total": round(total, 2),
            })  # fmt: skip


def connect(**settings: Any) -> Odoo:
    """A connector of the database that doesn't wait between calls."""
    chosen = OdooSettings(**{"address": ADDRESS, "api_key": "k-1", **settings})
    return Odoo(chosen, Odoo.make_http(chosen, per_second=None, sleep=lambda seconds: None))


def _json(thing: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(thing)
