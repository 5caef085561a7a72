"""What tests of writing share: a furnished base, and changes to write."""

from typing import Any

from connectors.accounting.odata.connector import OneCOData
from connectors.base import Change, Raw
from foundation.records import AnyRecord
from tests.connectors.accounting.odata.onec_base import OneCBase

PARTIES, GOODS, INVOICES = "Catalog_Контрагенты", "Catalog_Номенклатура", "Document_СчетНаОплатуПокупателю"


def furnish(base: OneCBase) -> None:
    """What a working base has before anything is written into it."""
    base.add("Catalog_ВидыКонтактнойИнформации", Ref_Key=ref(1), PredefinedDataName="EmailКонтрагента")
    base.add("Catalog_ВидыКонтактнойИнформации", Ref_Key=ref(2), PredefinedDataName="ТелефонКонтрагента")
    base.add("Catalog_Организации", Ref_Key=ref(3), Description="Мы")
    base.add("Catalog_Валюты", Ref_Key=ref(4), Code="643")


def ref(number: int) -> str:
    return f"5e2b1c40-11aa-11ee-9c01-00155d0b{number:04x}"


def make(record: AnyRecord, key: str = "k1", **changes: Any) -> Change:
    return Change(key=key, record=record, **changes)


def read(connector: OneCOData, stream: str, raw: Raw) -> Any:
    return connector.normalise(stream, raw, connector.settings)[0]


def writes(base: OneCBase) -> list[str]:
    return [method for method, _, _ in base.calls if method != "GET"]
