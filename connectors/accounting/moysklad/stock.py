"""How much of an item there is: MoySklad keeps it apart from the item, in a report."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.accounting.moysklad.client import Client
from connectors.accounting.moysklad.records import saleable
from connectors.accounting.moysklad.values import stamp
from connectors.values import text
from foundation import clock
from foundation.errors import Temporary

REPORT = "report/stock/all/current"
LOOK_BACK = timedelta(hours=23, minutes=50)  # MoySklad refuses 24
_IDS = 100  # in one address


class Stock:
    """The report of one kind of stock (`quantity`: free to sell, `stock`: in the warehouse, empty: none)."""

    def __init__(self, client: Client, kind: str) -> None:
        self._client, self.kind = client, kind

    def beside(self, rows: Sequence[Any]) -> list[Any]:
        """The same rows with what there is of them."""
        ids = [text(row["id"]) for row in rows if isinstance(row, dict) and row.get("id") and saleable(row)]
        if not self.kind or not ids:
            return list(rows)
        found: dict[str, Any] = {}
        for start in range(0, len(ids), _IDS):
            chosen = ",".join(ids[start : start + _IDS])
            report = self._report(filter=f"assortmentId={chosen}")
            found |= {text(one.get("assortmentId")): one.get(self.kind) for one in report}
        known = set(ids)
        return [
            {**row, self.kind: found.get(row["id"], 0)}  # the report leaves out what there is none of
            if isinstance(row, dict) and text(row.get("id")) in known
            else row
            for row in rows
        ]

    def changed(self, since: datetime) -> list[str]:
        """Ids of items whose stock has changed since then."""
        since = max(since, clock.now() - LOOK_BACK)
        return [text(one.get("assortmentId")) for one in self._report(changedSince=stamp(since)[:19])]

    def _report(self, **params: Any) -> list[dict[str, Any]]:
        said = self._client.get(REPORT, None, stockType=self.kind, **params)
        if not isinstance(said, list):
            raise Temporary("MoySklad answers with a report of stock that is no list.")
        return [one for one in said if isinstance(one, dict)]
