"""What a row is known by where its file has no ids, so that the next file finds the same customer again."""

import hashlib
import re
from collections.abc import Mapping

from connectors.files.values import clean, digits_lost, is_nothing
from foundation.errors import BadInput


def customer_key(fields: Mapping[str, str]) -> str:
    """What a customer is known by in a file: the id column, else e-mail, phone, tax number or name."""
    if own := clean(fields.get("external_id", "")):
        return own[:200]
    if email := next(iter(emails(fields.get("email", ""))), ""):
        return _short("email", email.casefold())
    for part in phones(fields.get("phone", "")):
        digits = re.sub(r"\D", "", part)
        if len(digits) >= 7 and not digits_lost(part):
            return _short("phone", _trunk(digits, part))
    if tax := re.sub(r"[^0-9A-Za-z]", "", fields.get("tax_number", "")):
        return _short("tax", tax.upper())
    name = " ".join(
        clean(fields.get(f, "")) for f in ("name", "given_name", "middle_name", "family_name", "company")
    )
    if any(letter.isalpha() for letter in name):
        return _short(
            "name", f"{' '.join(name.split()).casefold()} {clean(fields.get('birthday', ''))}".strip()
        )
    raise BadInput("nothing to know the customer by: no id, e-mail, phone, tax number or name")


def order_key(fields: Mapping[str, str]) -> str:
    """The order's number; BadInput without one."""
    if number := clean(fields.get("number", "")):
        return number[:200]
    raise BadInput("the order has no number")


def product_key(fields: Mapping[str, str]) -> str:
    """The id column, else SKU, barcode or name."""
    for field, prefix in (("external_id", ""), ("sku", "sku"), ("barcode", "barcode"), ("name", "name")):
        if said := clean(fields.get(field, "")):
            return _short(prefix, said) if prefix else said[:200]
    raise BadInput("nothing to know the product by: no id, SKU, barcode or name")


def emails(cell: str) -> tuple[str, ...]:
    """The addresses of a cell that may hold several, without names and brackets."""
    if "@" not in cell:
        return ()
    found = (part.strip("<>()[]\"'").removeprefix("mailto:") for part in re.split(r"[\s,;|/]+", clean(cell)))
    return tuple({part.casefold(): part for part in found if "@" in part[1:-1]}.values())


def phones(cell: str) -> list[str]:
    """The numbers of a cell that may hold several, as they were written."""
    if digits_lost(cell):
        return [cell.strip()]
    return [
        part
        for p in re.split(r"[,;|\n]|/(?=\s*\+)|\s+(?=\+)", cell)
        if (part := clean(p)) and not is_nothing(part)
    ]


def _trunk(digits: str, written: str) -> str:
    """Digits with 8 (Russia, Kazakhstan) and 00 before a number read as the country's or none."""
    if len(digits) == 11 and digits[0] == "8" and not written.startswith("+"):
        return "7" + digits[1:]
    return digits[2:] if digits.startswith("00") else digits


def _short(prefix: str, said: str) -> str:
    if len(said) > 180:
        said = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{prefix}:{said}"
