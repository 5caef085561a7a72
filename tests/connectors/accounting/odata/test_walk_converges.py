"""Whatever happens in a base between and during pulls: the next whole pull knows it as it is."""

import json

import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.accounting.odata.onec_base import OneCBase, connect

BANK, CASH = "Document_ПоступлениеНаРасчетныйСчет", "Document_ПриходныйКассовыйОрдер"

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "edit", "mark", "unmark", "delete", "pull", "cut"]), st.integers(0, 9)),
    max_size=25,
)


class Hub:
    """What landed, and the cursor that was saved with it."""

    def __init__(self, base: OneCBase, size: int) -> None:
        self.base, self.size = base, size
        self.landed: dict[str, tuple[str, bool]] = {}
        self.cursor: str | None = None

    def pull(self, pages: int = 1_000, meanwhile: int | None = None) -> None:
        """Some pages of a pull; in the middle of it something may happen over there."""
        for number, page in enumerate(connect(page_size=self.size).pull("payments", self.cursor)):
            for raw in page.records:
                row = json.loads(raw.payload)
                self.landed[raw.external_id] = (row["DataVersion"], raw.gone)
            self.cursor = page.cursor or self.cursor
            if number == 0 and meanwhile is not None:
                self.happen("edit", meanwhile)
            if number >= pages:
                return

    def happen(self, what: str, which: int) -> None:
        """Something in the base."""
        if what == "add":
            self.base.add(BANK if which % 2 else CASH, Date=f"2026-01-{which + 1:02}T00:00:00")
            return
        there = [(entity, ref) for entity in (BANK, CASH) for ref in self.base.sets[entity]]
        if not there:
            return
        entity, ref = there[which % len(there)]
        if what == "delete":
            del self.base.sets[entity][ref]
        else:
            marks = {"mark": {"DeletionMark": True}, "unmark": {"DeletionMark": False}}
            self.base.touch(entity, ref, **marks.get(what, {"СуммаДокумента": which}))


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 4), st.integers(0, 30))
def test_pulls_converge(steps: list[tuple[str, int]], size: int, many: int) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        base = OneCBase()
        base.open(mocked)
        hub = Hub(base, size)
        for number in range(many):
            hub.happen("add", number % 10)
        for what, which in steps:
            if what == "pull":
                hub.pull(meanwhile=which)
            elif what == "cut":
                hub.pull(pages=which)
            else:
                hub.happen(what, which)
        hub.pull()
        hub.pull()
        truth = {
            ref: (row["DataVersion"], row["DeletionMark"])
            for entity in (BANK, CASH)
            for ref, row in base.sets[entity].items()
        }
        assert {ref: hub.landed.get(ref) for ref in truth} == truth
        base.calls.clear()
        hub.pull()
        assert not any("Ref_Key eq" in options.get("$filter", "") for _, _, options in base.calls), "no echo"
