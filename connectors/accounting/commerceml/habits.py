"""What a connection knows that its files don't say."""

import msgspec

from foundation.records import OrderState


class Habits(msgspec.Struct, frozen=True):
    """The wall clock, country and money of a 1C, which of its prices counts, and what its statuses mean."""

    zone: str = "UTC"
    country: str = ""
    currency: str = ""
    price_type: str = ""  # the name or id of the prices that count; empty: the first kind
    statuses: dict[str, OrderState] = {}  # by the folded code or text of a status
