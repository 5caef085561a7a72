"""Reading a base that knows no time of change."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.accounting.odata import walk
from connectors.base import Raw
from foundation.errors import Misconfigured, Permanent, Temporary
from tests.connectors.accounting.odata.onec_base import OneCBase, connect, fault

PARTIES, GOODS, INVOICES = "Catalog_Контрагенты", "Catalog_Номенклатура", "Document_СчетНаОплатуПокупателю"
BANK, CASH = "Document_ПоступлениеНаРасчетныйСчет", "Document_ПриходныйКассовыйОрдер"


def pulled(
    cursor: str | None, stream: str = "counterparties", **settings: Any
) -> tuple[list[Raw], str | None]:
    """What a pull lands, and the cursor that is saved with it: pages without one leave it where it is."""
    found: list[Raw] = []
    for page in connect(**settings).pull(stream, cursor):
        found += page.records
        cursor = page.cursor or cursor
    return found, cursor


def test_everything_is_read_once_and_then_only_what_changed(base: OneCBase) -> None:
    refs = [base.add(PARTIES, Description=f"Party {n}") for n in range(25)]
    first, cursor = pulled(None, page_size=10)
    assert sorted(r.external_id for r in first) == sorted(refs)
    base.calls.clear()
    assert pulled(cursor, page_size=10) == ([], cursor)
    assert all("$select" in options for _, path, options in base.calls if path == PARTIES), "a light scan"
    base.touch(PARTIES, refs[3], Description="Changed")
    late = base.add(PARTIES, Description="New")
    changed, after = pulled(cursor, page_size=10)
    assert {refs[3], late} <= {r.external_id for r in changed} and len(changed) <= 6
    assert pulled(after, page_size=10) == ([], after)


def test_a_pull_cut_in_the_middle_goes_on_where_it_was(base: OneCBase) -> None:
    refs = [base.add(PARTIES) for _ in range(300)]
    _, cursor = pulled(None)
    for ref in refs[::4]:
        base.touch(PARTIES, ref)
    landed: set[str] = set()
    for page in connect(page_size=20).pull("counterparties", cursor):
        landed |= {r.external_id for r in page.records}
        cursor = page.cursor or cursor
        if len(landed) > 30:
            break
    rest, cursor = pulled(cursor, page_size=20)
    assert not landed & {r.external_id for r in rest if r.external_id in refs[::4]}
    assert set(refs[::4]) <= landed | {r.external_id for r in rest}
    assert pulled(cursor) == ([], cursor)


def test_a_page_of_the_first_reading_carries_no_cursor_before_the_end(base: OneCBase) -> None:
    for _ in range(5):
        base.add(PARTIES)
    cursors = [page.cursor for page in connect(page_size=2).pull("counterparties", None)]
    assert cursors[:-1] == [None, None, None] and cursors[-1]
    assert connect().pull("counterparties", None).__next__().total == 5


def test_a_row_hidden_by_a_shifting_page_comes_with_the_next_pull(base: OneCBase) -> None:
    refs = [base.add(PARTIES) for _ in range(6)]
    pages = connect(page_size=2).pull("counterparties", None)
    landed = {r.external_id for r in next(pages).records}
    del base.sets[PARTIES][refs[0]]  # everything after it moves up by one
    cursor = None
    for page in pages:
        landed |= {r.external_id for r in page.records}
        cursor = page.cursor or cursor
    assert refs[2] not in landed
    assert refs[2] in {r.external_id for r in pulled(cursor)[0]}


def test_a_page_cut_short_by_a_gateway_is_no_end(base: OneCBase) -> None:
    refs = {base.add(PARTIES) for _ in range(7)}
    pages = connect(page_size=5)
    base.before = lambda request: None
    listed = base._list

    def cut(entity: str, rows: list[Any], options: dict[str, str]) -> Any:
        return listed(entity, rows, {**options, "$top": str(min(3, int(options["$top"])))})

    base._list = cut  # type: ignore[method-assign]
    assert {r.external_id for page in pages.pull("counterparties", None) for r in page.records} == refs


def test_a_base_that_ignores_paging_is_no_endless_loop(base: OneCBase) -> None:
    base.add(PARTIES)
    listed = base._list

    def stuck(entity: str, rows: list[Any], options: dict[str, str]) -> Any:
        return listed(entity, rows, {**options, "$skip": "0"})

    base._list = stuck  # type: ignore[method-assign]
    with pytest.raises(Permanent, match="the same page"):
        list(connect().pull("counterparties", None))


def test_many_changes_are_read_by_pages_of_the_list(base: OneCBase) -> None:
    refs = [base.add(GOODS) for _ in range(200)]
    _, cursor = pulled(None, "nomenclature", page_size=50)
    for ref in refs:
        base.touch(GOODS, ref)
    base.calls.clear()
    assert len(pulled(cursor, "nomenclature", page_size=50)[0]) == 200
    assert not any("Ref_Key eq" in options.get("$filter", "") for _, _, options in base.calls)


def test_marked_for_deletion_is_gone_and_comes_back(base: OneCBase) -> None:
    ref = base.add(PARTIES)
    _, cursor = pulled(None)
    base.touch(PARTIES, ref, DeletionMark=True)
    (gone,), cursor = pulled(cursor)
    assert gone.gone and gone.external_id == ref
    base.touch(PARTIES, ref, DeletionMark=False)
    (back,), _ = pulled(cursor)
    assert not back.gone


def test_groups_are_left_out_everywhere(base: OneCBase) -> None:
    group = base.add(GOODS, Description="Чай", IsFolder=True)
    unit = base.add("Catalog_КлассификаторЕдиницИзмерения", Description="шт")
    item = base.add(GOODS, Parent_Key=group, ЕдиницаИзмерения_Key=unit)
    found, cursor = pulled(None, "nomenclature")
    assert [r.external_id for r in found] == [item]
    assert '"Parent_Key":"Чай"' in found[0].payload and '"ЕдиницаИзмерения_Key":"шт"' in found[0].payload
    assert "navigationLinkUrl" not in found[0].payload
    assert [e.external_id for e in connect().listing("nomenclature")] == [item]
    base.touch(GOODS, group, Description="Кофе")
    assert pulled(cursor, "nomenclature") == ([], cursor)


def test_a_catalogue_without_groups_is_listed(base: OneCBase) -> None:
    del base.schema[PARTIES]["IsFolder"]
    ref = base.add(PARTIES)
    assert [e.external_id for e in connect().listing("counterparties")] == [ref]


def test_payments_come_from_all_their_documents(base: OneCBase) -> None:
    refs = {base.add(BANK), base.add(CASH)}
    found, cursor = pulled(None, "payments")
    assert {r.external_id for r in found} == refs
    extra = base.add(CASH)
    again, _ = pulled(cursor, "payments")
    assert extra in {r.external_id for r in again}
    assert {r.external_id for r in connect().fetch("payments", sorted(refs))} == refs


def test_what_is_not_published_is_passed_over_but_never_called_gone(base: OneCBase) -> None:
    del base.sets[INVOICES]
    assert list(connect().pull("invoices", None)) == []
    with pytest.raises(Misconfigured, match="publishes none of Document_СчетНаОплатуПокупателю"):
        list(connect().fetch("invoices", ["x"]))
    with pytest.raises(Misconfigured):
        list(connect().listing("invoices"))


def test_single_objects_are_read_again_and_lost_ones_are_gone(base: OneCBase) -> None:
    refs = [base.add(PARTIES) for _ in range(45)]
    lost = "00000000-1111-2222-3333-444444444444"
    found = {r.external_id: r.gone for r in connect().fetch("counterparties", [*refs, lost, "no reference"])}
    assert found == {**dict.fromkeys(refs, False), lost: True, "no reference": True}


def test_addresses_stay_shorter_than_web_servers_take(base: OneCBase) -> None:
    lengths: list[int] = []

    def measure(request: Any) -> None:
        lengths.append(len(request.url.partition("?")[2]))

    base.before = measure
    list(connect().fetch("counterparties", [base.add(PARTIES) for _ in range(60)]))
    assert max(lengths) < 2_000


def test_documents_are_listed_by_their_day(base: OneCBase) -> None:
    base.add(INVOICES, Date="2026-01-31T23:00:00")
    late = base.add(INVOICES, Date="2026-02-01T01:00:00")
    marked = base.add(INVOICES, Date="2026-02-03T01:00:00", DeletionMark=True)
    since = datetime(2026, 1, 31, 21, tzinfo=UTC)  # midnight in Moscow
    found = {e.external_id: e.day_at for e in connect().listing("invoices", since)}
    assert found == {late: datetime(2026, 1, 31, 22, tzinfo=UTC)} and marked not in found
    assert len(list(connect().listing("invoices"))) == 2


def test_another_mapping_reads_everything_again(base: OneCBase) -> None:
    base.add(PARTIES)
    _, cursor = pulled(None)
    said = '{"counterparties": {"names": {"Parent_Key": ["Catalog_Контрагенты", "Description"]}}}'
    assert len(pulled(cursor, mapping=said)[0]) == 1


def test_a_partner_is_read_with_its_counterparty_where_there_are_partners(base: OneCBase) -> None:
    base.add(PARTIES)
    pulled(None)
    assert not any("$expand" in options for _, _, options in base.calls)
    base.sets["Catalog_Партнеры"] = {}
    base.calls.clear()
    pulled(None)
    whole = [o for _, path, o in base.calls if path == PARTIES and "$select" not in o]
    assert whole[0]["$expand"] == "Партнер"


def test_a_row_that_is_none_is_reported_and_the_rest_goes_on(base: OneCBase) -> None:
    base.add(PARTIES)
    base.sets[PARTIES]["odd"] = {**base.sets[PARTIES][next(iter(base.sets[PARTIES]))], "Ref_Key": "odd"}
    pages = list(connect().pull("counterparties", None))
    assert len(pages[0].records) == 1 and pages[0].bad[0].reason == "a row without Ref_Key"


def test_trouble_is_worth_another_try(base: OneCBase) -> None:
    base.before = lambda request: fault(500, "", "Конфликт блокировок") if PARTIES in _path(request) else None
    with pytest.raises(Temporary, match="Конфликт блокировок"):
        list(connect().pull("counterparties", None))


@pytest.mark.parametrize("cursor", ["", "not a cursor", "{}", walk.write_cursor([b"1234"])])
def test_a_cursor_that_cannot_be_read_begins_anew(base: OneCBase, cursor: str) -> None:
    base.add(PARTIES)
    assert len(pulled(cursor)[0]) == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(min_size=4, max_size=4), max_size=40))
def test_a_cursor_says_what_was_written(some: list[bytes]) -> None:
    digests = [*some, *[bytes(4)] * (walk.BUCKETS - len(some))]
    assert walk.read_cursor(walk.write_cursor(digests)) == digests


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader_of_cursors(text: str) -> None:
    assert walk.read_cursor(text) is None


def _path(request: Any) -> str:
    return unquote(request.url)
