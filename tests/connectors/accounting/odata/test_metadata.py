"""The description of a base."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.accounting.odata import metadata
from foundation.errors import BadInput, Misconfigured
from tests.connectors.accounting.odata.onec_base import OneCBase

SAMPLES = Path(__file__).parents[5] / "shared" / "data" / "onec" / "odata"
INVOICE = "Document_СчетНаОплатуПокупателю"
BODY = OneCBase().metadata().encode()


def test_keeps_what_is_asked_for_and_nothing_else() -> None:
    found = metadata.parse(BODY, {INVOICE, "Catalog_Нет"})
    assert list(found) == [INVOICE]
    assert found[INVOICE].fields["Контрагент_Key"] == "Edm.Guid"
    assert found[INVOICE].tables["Товары"]["Номенклатура_Type"] == "Edm.String"


def test_paths_of_a_mapping_lead_to_fields_or_not() -> None:
    entity = metadata.parse(BODY, {INVOICE})[INVOICE]
    assert all(entity.has(path) for path in ("Number", "Товары", "Товары/Сумма", "@names/Что_Key"))
    assert not any(entity.has(path) for path in ("Контрагент", "Товары/Скидка", "Услуги/Сумма"))


def test_a_missing_field_is_named() -> None:
    entity = metadata.parse(BODY, {INVOICE})[INVOICE]
    with pytest.raises(
        Misconfigured, match=r"no field for “total”: the mapping looks for Итого, Всего"
    ) as caught:
        metadata.require(entity, INVOICE, {"total": ("Итого", "Всего")}, ("total",))
    assert caught.value.setting == "mapping"
    metadata.require(entity, INVOICE, {"total": ()}, ("total",))  # the mapping says that there is none


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Edmx><EntityType Name="&b;"/></Edmx>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Edmx>&f;</Edmx>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (ENTITIES, "document type"),
        (OUTSIDE, "document type"),
        ("<!DOCTYPE Edmx SYSTEM 'http://example.com/x.dtd'><Edmx/>", "document type"),
        ("<Edmx>" + "<a>" * 200, "deeply"),
        ("<Edmx><EntityType Name='X'>", "XML"),
        ("", "XML"),
        ("{}", "XML"),
        ("<html><body>Вход</body></html>", "no description"),
    ],
)
def test_what_is_no_description_is_refused(body: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        metadata.parse(body.encode(), {"X"})


def test_a_full_base_costs_little_memory() -> None:
    kind = "".join(f'<Property Name="Поле{n}" Type="Edm.String" Nullable="true"/>' for n in range(40))
    types = "".join(f'<EntityType Name="Catalog_Лишний{n}">{kind}</EntityType>' for n in range(900))
    body = BODY.replace(b"<Schema ", b"<Schema Extra='1' ").replace(
        b"</Schema>", types.encode() + b"</Schema>"
    )
    assert len(body) > 2_000_000
    tracemalloc.start()
    found = metadata.parse(body, {INVOICE})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert INVOICE in found and peak < 500_000


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(BODY)), st.integers(0, 300))
def test_no_bytes_break_the_parser(noise: bytes, at: int, cut: int) -> None:
    for body in (noise, BODY[:at] + noise + BODY[at + cut :]):
        try:
            metadata.parse(body, {INVOICE})
        except BadInput:
            continue


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("edmx*.xml")), ids=lambda p: p.stem)
def test_the_documentations_descriptions_are_read(path: Path) -> None:
    body = path.read_bytes()
    names = set(metadata.etree.fromstring(body).xpath("//*[local-name()='EntityType']/@Name"))
    found = metadata.parse(body, names)
    assert set(found) == names and all(entity.fields for entity in found.values())


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
def test_table_parts_of_the_documentation() -> None:
    goods = "Catalog_Номенклатура"
    found = metadata.parse((SAMPLES / "edmx_catalog_with_table.xml").read_bytes(), {goods})[goods]
    assert found.tables == {
        "Артикулы": {"Ref_Key": "Edm.Guid", "LineNumber": "Edm.Int64", "Артикул": "Edm.String"}
    }
