"""Figures of a comparison: right, and not fooled by who looks at them every day."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from foundation.database import transaction
from foundation.sealing import Sealer
from tests.console.test_queries import counted
from tests.web_capture.conftest import Pages, Rows
from tests.web_capture.forms.made import published
from web_capture import sites
from web_capture.forms import answers
from web_capture.forms import stats as form_stats
from web_capture.forms import store as forms
from web_capture.forms.stats import Variant, compare, needed
from web_capture.forms.tables import Form


def test_wilson_interval_is_as_published() -> None:
    low, high = Variant("A", 263, 81).interval  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = Variant("A", 148, 15).interval
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
    assert Variant("A", 0, 0).interval == (0.0, 1.0)


def test_verdicts_say_what_is_known() -> None:
    few, many = Variant("A", 90, 4), Variant("A", 20_000, 1_000)
    [early] = compare([few, Variant("B", 90, 30)])
    assert early.verdict == "early" and "Too early to say of B: shown to 90" in early.words
    [better] = compare([many, Variant("B", 20_000, 1_840)])
    assert better.verdict == "better" and better.low > 0
    assert (
        better.words
        == f"B is better: {form_stats.points(better.low)} to {form_stats.points(better.high)} points."
    )
    [worse] = compare([many, Variant("B", 20_000, 200)])
    assert worse.verdict == "worse" and worse.high < 0
    [same] = compare([many, Variant("B", 20_000, 1_010)])
    assert same.verdict == "same" and same.low < 0 < same.high


def test_needed_number_follows_rate() -> None:
    assert 2_000 < needed([Variant("A", 0, 0)]) < 10_000
    assert needed([Variant("A", 1_000, 300)]) > needed([Variant("A", 1_000, 20)])


def test_further_variants_share_the_error() -> None:
    rows = [Variant(name, 3_000, count) for name, count in (("A", 150), ("B", 210), ("C", 150), ("D", 150))]
    alone, together = compare(rows[:2])[0], compare(rows)[0]
    assert together.low < alone.low and together.needed > alone.needed


def test_daily_looks_find_no_ghosts() -> None:
    """Two equal variants, looked at 60 times: a plain 95 % interval is wrong in every third comparison."""
    chance, plain, honest = random.Random(7), 0, 0
    for _ in range(200):
        counts, seen = [[0, 0], [0, 0]], [False, False]
        for _look in range(60):
            for one in counts:
                one[0] += 100
                one[1] += sum(chance.random() < 0.08 for _visitor in range(100))
            first, other = (Variant("A", *counts[0]), Variant("B", *counts[1]))
            seen[1] = seen[1] or compare([first, other])[0].verdict in ("better", "worse")
            spread = sum(one.rate * (1 - one.rate) / one.shown for one in (first, other)) ** 0.5
            seen[0] = seen[0] or abs(first.rate - other.rate) > 1.96 * spread
        plain, honest = plain + seen[0], honest + seen[1]
    assert plain > 40, "this test must be able to see peeking"
    assert honest <= 10


def test_worthwhile_difference_is_found() -> None:
    chance, enough, found = random.Random(11), needed([Variant("A", 1_000, 50)]), 0
    for _ in range(60):
        first = sum(chance.random() < 0.05 for _visitor in range(enough))
        other = sum(chance.random() < 0.07 for _visitor in range(enough))
        found += compare([Variant("A", enough, first), Variant("B", enough, other)])[0].verdict == "better"
    assert found >= 40


def view(pages: Pages, form: Form, device: str, event: str = "Form Viewed", **about: object) -> None:
    said = {"form_id": form.key, "form": form.name, "variant": "A", "version": 1, **about}
    pages.say("track", event=event, anonymousId=device, properties=said, secret=event == "Form Submitted")


@pytest.fixture
def form(engine: Engine, pages: Pages) -> Form:
    return published(engine, pages.id, variants=[{"weight": 1}, {"weight": 1, "title": "Another"}])


def test_devices_are_counted_once(engine: Engine, pages: Pages, rows: Rows, form: Form) -> None:
    for device in ("d1", "d1", "d2", "d3"):
        view(pages, form, device)
    view(pages, form, "d4", variant="B")
    view(pages, form, "d1", "Form Submitted")
    view(pages, form, "d1", "Form Submitted")
    view(pages, form, "d9", version="1'); DROP TABLE forms --")
    view(pages, form, "d8", "Form Closed")
    view(pages, form, "d7", variant="Z")
    rows("SELECT 1")
    with transaction(engine) as session:
        versions = forms.versions(session, form)
        with counted(engine) as sent:
            found = form_stats.read(session, form, versions, versions[0].spec)
    assert found == [Variant("A", 3, 1), Variant("B", 1, 0)] and len(sent) == 1


def test_what_a_page_says_was_submitted_is_in_no_list(
    engine: Engine, pages: Pages, rows: Rows, form: Form
) -> None:
    forged = {"form_id": form.key, "variant": "A", "version": 1, "email": "victim@p.kz",
              "consent": [{"channel": "email", "given": True, "text": "I agree"}]}  # fmt: skip
    pages.say("track", anonymousId="evil", event="Form Submitted", properties=forged)
    assert rows("SELECT kind FROM timeline") == [{"kind": "web.lead"}]
    with transaction(engine) as session:
        assert answers.page(session, form) == []
    assert counts(engine, form) == [(0, 0, 0), (0, 0, 0)]


def test_unseen_submissions_are_apart(engine: Engine, pages: Pages, rows: Rows, form: Form) -> None:
    """Who fills in what never told that it was shown would else make the rate better, up to one."""
    for device in ("d1", "d2"):
        view(pages, form, device)
    for device in ("d1", "d3", "d4", "d4"):
        view(pages, form, device, "Form Submitted")
    view(pages, form, "d2", "Form Submitted", variant="B")
    rows("SELECT 1")
    with transaction(engine) as session:
        versions = forms.versions(session, form)
        found = form_stats.read(session, form, versions, versions[0].spec)
    assert found == [Variant("A", 2, 1, unseen=2), Variant("B", 0, 0, unseen=1)]


def counts(engine: Engine, form: Form) -> list[tuple[int, int, int]]:
    with transaction(engine) as session:
        versions = forms.versions(session, form)
        found = form_stats.read(session, form, versions, versions[0].spec)
    return [(one.shown, one.submitted, one.unseen) for one in found]


def test_bots_and_other_sites_count_nowhere(
    engine: Engine, pages: Pages, rows: Rows, form: Form, sealer: Sealer
) -> None:
    with transaction(engine) as session:
        other, keys = sites.add(session, sealer, "other.example")
        elsewhere = replace(pages, write_key=keys.write_key, id=str(other.id))
    view(elsewhere, form, "d1")
    said = {"form_id": form.key, "variant": "A", "version": 1}
    message = {"event": "Form Viewed", "anonymousId": "d2", "properties": said}
    assert pages.post("track", message, **{"user-agent": "Googlebot/2.1"}).status_code == 200
    view(pages, form, "d3", version="1")
    pages.say("track", event="Form Viewed", userId="7", properties=said)  # of no device
    assert rows("SELECT count(*) AS n FROM timeline WHERE kind = 'web.event'") == [{"n": 4}]
    assert counts(engine, form) == [(2, 0, 0), (0, 0, 0)]


def test_known_device_costs_no_write(engine: Engine, pages: Pages, rows: Rows, form: Form) -> None:
    """A form in every page is shown to the same device again and again."""
    kept = "SELECT CAST(xmin AS text) AS written, device, viewed, submitted FROM form_devices"
    view(pages, form, "d1")
    [first] = rows(kept)
    view(pages, form, "d1")
    assert rows(kept) == [first]
    view(pages, form, "d1", "Form Submitted")
    [last] = rows(kept)
    assert (last["viewed"], last["submitted"]) == (True, True) and last["written"] != first["written"]


def test_what_a_device_did_adds_up(engine: Engine, pages: Pages, rows: Rows, form: Form) -> None:
    for events in (("Form Viewed", "Form Submitted"), ("Form Submitted", "Form Viewed")):
        for event in events:
            view(pages, form, events[0], event)
            rows("SELECT 1")
    assert counts(engine, form)[0] == (2, 2, 0)


def test_changed_form_counts_anew(engine: Engine, pages: Pages, rows: Rows, form: Form) -> None:
    view(pages, form, "d1")
    with transaction(engine) as session:
        kept = session.get_one(Form, form.id)
        spec = forms.version(session, kept, 1).spec
        forms.change(session, kept, spec | {"thanks": "Thanks"}, "olga")
        forms.publish(session, kept)
    view(pages, form, "d2", version=2)
    with transaction(engine) as session:
        forms.change(session, session.get_one(Form, form.id), spec | {"button": "Join"}, "olga")
        forms.publish(session, session.get_one(Form, form.id))
    view(pages, form, "d3", version=3)
    rows("SELECT 1")
    with transaction(engine) as session:
        versions = forms.versions(session, form)
        shown = [form_stats.read(session, form, versions, one.spec)[0].shown for one in versions]
    assert shown == [1, 2, 2]
