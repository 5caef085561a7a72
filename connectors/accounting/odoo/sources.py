"""Odoo's models: which a stream is, which fields of it are read, and what tells of its silent changes."""

import dataclasses
from typing import Any

PARTNER_LINES = ("street", "street2", "city", "zip", "state_id", "country_id")
_PARTNER = (
    "id", "name", "email", "phone", "mobile", "is_company", "vat", "company_registry", "ref", "lang",
    "website", "comment", "category_id", "active", "create_date", "write_date", "type", "function",
    "parent_id", *PARTNER_LINES,
)  # fmt: skip
_PRODUCT = (
    "id", "name", "display_name", "default_code", "barcode", "lst_price", "currency_id", "uom_id", "categ_id",
    "active", "sale_ok", "create_date", "write_date", "product_tmpl_id", "product_variant_count",
)  # fmt: skip
_MOVE = (
    "id", "name", "ref", "move_type", "state", "payment_state", "partner_id", "commercial_partner_id",
    "currency_id", "amount_total", "amount_residual", "amount_tax", "invoice_date", "invoice_date_due",
    "invoice_origin", "company_id", "create_date", "write_date",
)  # fmt: skip
_PAYMENT = (
    "id", "name", "memo", "state", "amount", "payment_type", "partner_type", "partner_id", "currency_id",
    "date", "reconciled_invoice_ids", "company_id", "create_date", "write_date",
)  # fmt: skip
LINE = (
    "id", "move_id", "sequence", "product_id", "name", "quantity", "price_unit", "discount", "price_subtotal",
    "price_total", "display_type", "tax_ids",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Silent:
    """Rows of another model whose change is one of ours: their field that names ours, by our field.

    `since` is a domain in which None stands for an instant.
    """

    name: str  # in the cursor
    model: str
    reference: str
    since: tuple[Any, ...]
    field: str = "id"


@dataclasses.dataclass(frozen=True)
class Source:
    """A stream's model, which rows of it, and which fields; `day` puts a row into a day."""

    model: str
    domain: tuple[Any, ...]
    fields: tuple[str, ...]
    day: str
    silent: tuple[Silent, ...] = ()
    context: tuple[tuple[str, Any], ...] = ()


_NEWER = (["write_date", ">=", None],)
STOCK = Silent("stock.quant", "stock.quant", "product_id", _NEWER)
SOURCES = {
    "counterparties": Source(
        "res.partner",
        # neither people and addresses of a company, nor our own companies and users
        (["parent_id", "=", False], ["ref_company_ids", "=", False], ["partner_share", "=", True]),
        _PARTNER, "create_date",
        (Silent("children", "res.partner", "parent_id", (["parent_id", "!=", False], *_NEWER)),),
    ),
    "nomenclature": Source(
        "product.product", (), _PRODUCT, "create_date",
        (Silent("template", "product.template", "id", _NEWER, "product_tmpl_id"), STOCK),
        (("display_default_code", False),),
    ),
    "invoices": Source(
        "account.move", (["move_type", "=", "out_invoice"],), _MOVE, "invoice_date",
        (Silent(
            "lines", "account.move.line", "move_id",
            (["move_id.move_type", "=", "out_invoice"], "|", *_NEWER,
             ["matched_credit_ids.write_date", ">=", None]),
        ),),
    ),
    "payments": Source(
        "account.payment", (["partner_type", "=", "customer"],), _PAYMENT, "date",
        (Silent(
            "lines", "account.move.line", "payment_id",
            (["payment_id", "!=", False], "|", *_NEWER, ["matched_debit_ids.write_date", ">=", None]),
        ),),
    ),
}  # fmt: skip
