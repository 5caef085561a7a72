"""What a person says about a file before it is read."""

import dataclasses
from collections.abc import Mapping

from connectors.base import setting


@dataclasses.dataclass(frozen=True)
class SheetSettings:
    """One file and how to read it; what is left empty is guessed from the file."""

    path: str = setting("File", default="")
    what: str = setting(
        "What it holds",
        default="customers",
        choices=(("customers", "Customers"), ("orders", "Orders"), ("products", "Products")),
    )
    mapping: Mapping[str, str] | None = setting(
        "Columns", help="Our field → the column's heading.", default=None
    )
    encoding: str = setting("Encoding", default="")
    delimiter: str = setting("Delimiter", default="")
    dates: str = setting(
        "Order of dates",
        default="",
        choices=(("", "By the file"), ("dmy", "31/12/2024"), ("mdy", "12/31/2024")),
    )
    decimal: str = setting(
        "Decimal mark", default="", choices=(("", "By the file"), (",", "1,5"), (".", "1.5"))
    )
    country: str = setting(
        "Country", help="Two letters; for phone numbers without a country code.", default=""
    )
    currency: str = setting("Currency", help="For amounts that don't name theirs.", default="")
    zone: str = setting("Time zone", help="Of the times in the file.", default="UTC")
