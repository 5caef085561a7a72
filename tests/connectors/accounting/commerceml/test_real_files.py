"""Every real file that lies beside the repository is read whole, with the counts a text search finds."""

import re
from pathlib import Path

import pytest
from lxml import etree

from connectors.accounting.commerceml.connector import CommerceML, CommerceMLSettings
from connectors.accounting.commerceml.parts import Names, kept_of
from connectors.accounting.commerceml.records import unread
from connectors.accounting.commerceml.values import clean
from connectors.base import Bad, Raw
from foundation.records import Order, Person, Product
from tests.connectors.accounting.commerceml.cml import head, landed, parse

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "onec" / "commerceml"
FILES = sorted(FOLDER.glob("*/*.xml"))
COUNTED = {  # goods, offers, counterparties by themselves, documents
    "from_cp1251.xml": (0, 0, 0, 1), "to_cp1251.xml": (0, 0, 0, 1), "to_cp1251_arsengoian.xml": (0, 0, 0, 1),
    "bitrix_query_empty_cp1251.xml": (0, 0, 0, 0), "ua_import.xml": (282, 0, 0, 0),
    "carono_classifier.xml": (0, 0, 0, 0), "carono_import.xml": (2, 0, 0, 0),
    "carono_import_wo_classifier.xml": (2, 0, 0, 0), "carono_offers.xml": (0, 5, 0, 0),
    "dob_import0_1.xml": (36, 0, 0, 0), "dob_import0_1_nested_groups.xml": (283, 0, 0, 0),
    "dob_offers0_1.xml": (0, 44, 0, 0), "bogutski_import.xml": (540, 0, 0, 0),
    "bogutski_offers.xml": (0, 523, 0, 0), "bitrixmod_import_classifier.xml": (0, 0, 0, 0),
    "bitrixmod_offers.xml": (0, 978, 0, 0), "bitrixmod_prices.xml": (0, 978, 0, 0),
    "bitrixmod_rests.xml": (0, 978, 0, 0), "contragents_demo.xml": (0, 0, 4, 0),
    "documents_from_1c_demo.xml": (0, 0, 0, 2), "site_import_0_UTCdate.xml": (0, 0, 0, 0),
    "site_import_1_UTCdate.xml": (1, 0, 0, 0), "arg_groups.xml": (0, 0, 0, 0), "arg_prices.xml": (0, 3, 0, 0),
    "arg_products.xml": (1, 0, 0, 0), "arg_rests.xml": (0, 2, 0, 0),
}  # fmt: skip

CODES = {
    "Тип",
    "ХозОперация",
    "Валюта",
    "НомерВерсии",
    "ПометкаУдаления",
    "Статус",
    "УчтеноВСумме",
    "ИдТипаЦены",
}
UNDERSTOOD = {"true", "false", "DELIVERY"}
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")

pytestmark = pytest.mark.skipif(not FILES, reason="the real files don't lie beside this repository")
each_file = pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])


def stream_of(raw: Raw) -> str:
    kept = kept_of(raw.payload)
    return "documents" if kept.document else "counterparties" if kept.party else "products"


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return data.decode("cp1251" if "cp1251" in path.name else "utf-8-sig")


@each_file
def test_the_counts_are_exactly_right(path: Path) -> None:
    counts = head(path.read_bytes()).counts
    found = tuple(counts[kind] for kind in ("goods", "offers", "counterparties", "documents"))
    assert found == COUNTED[path.name]
    text = text_of(path)
    starts = {name: len(re.findall(rf"<{name}[\s>]", text)) for name in ("Товар", "Предложение", "Документ")}
    lines = sum(one.count("<Товар>") for one in re.findall(r"<Документ>.*?</Документ>", text, re.S))
    assert found[0] == starts["Товар"] - lines
    assert (found[1], found[3]) == (starts["Предложение"], starts["Документ"])


@each_file
def test_nothing_is_refused_and_all_becomes_records(path: Path) -> None:
    data, settings, names = path.read_bytes(), CommerceMLSettings(), Names()
    assert not [one for one in parse(data) if isinstance(one, Bad)]
    for raw in landed(data, names=names).values():
        stream = stream_of(raw)
        found = CommerceML.normalise(stream, raw, settings)
        if '"good"' in raw.payload or '"offer"' in raw.payload or stream != "products":
            assert found
        unread(raw.payload)


@each_file
def test_groups_are_all_learnt(path: Path) -> None:
    names = Names()
    parse(path.read_bytes(), names)
    said = set(re.findall(r"<(?:Группа|Категория)>\s*<Ид>(.*?)</Ид>", text_of(path)))
    assert set(names.groups) == said


def words_of(fragment: str) -> set[str]:
    """The longest word of every text that is neither a code nor the name of another value."""
    found = set()
    for element in etree.fromstring(fragment).iter(etree.Element):
        above = "" if element.getparent() is None else element.getparent().tag
        named = (above, element.tag) in (("ЗначениеРеквизита", "Наименование"), ("Цена", "Представление"))
        if element.text and not named and element.tag not in CODES and not GUID.match(element.text.strip()):
            words = re.findall(r"[^\W\d_]{4,}", clean(element.text))
            found.update(sorted(words, key=len)[-1:])
    return found - UNDERSTOOD


@each_file
def test_every_value_is_in_a_record_or_listed(path: Path) -> None:
    settings = CommerceMLSettings()
    for raw in list(landed(path.read_bytes()).values())[:60]:
        if not raw.gone:
            told = repr(CommerceML.normalise(stream_of(raw), raw, settings)) + "\n".join(unread(raw.payload))
            for fragment in kept_of(raw.payload).parts().values():
                assert not {word for word in words_of(fragment) if word not in told}


def records_of(*names: str) -> list:
    data = [(next(FOLDER.glob(f"*/{name}"))).read_bytes() for name in names]
    found = []
    for raw in landed(*data).values():
        found += CommerceML.normalise(stream_of(raw), raw, CommerceMLSettings())
    return found


def test_split_files_come_together() -> None:
    found = records_of("bitrixmod_offers.xml", "bitrixmod_prices.xml", "bitrixmod_rests.xml")
    products = [one for one in found if isinstance(one, Product)]
    assert len(products) == 978
    assert all(one.name and one.price is not None and one.currency for one in products)
    assert sum(one.stock is not None for one in products) == 978


def test_the_demo_documents_of_1c() -> None:
    orders = [one for one in records_of("documents_from_1c_demo.xml") if isinstance(one, Order)]
    assert [(o.number, o.state, str(o.total), len(o.lines)) for o in orders] == [
        ("142", "shipped", "8186.84", 2),
        ("235", "paid", "4100", 1),
    ]
    assert all(sum(line.total for line in o.lines) + o.shipping == o.total for o in orders)


def test_the_demo_counterparties_of_1c() -> None:
    people = [one for one in records_of("contragents_demo.xml") if isinstance(one, Person)]
    assert [one.kind for one in people] == ["company"] * 4
    assert people[2].emails == ("demo@example.org",) and people[2].phones == ("+7 (3272) 25-39-39",)
