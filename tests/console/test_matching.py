"""The page of matching: versions, weights, thresholds with what they would change."""

import re

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, select

from customers.matching.model import shipped
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.tables import Operation
from sync.dedupe import bands, models
from tests.console.conftest import Browser
from tests.sync.dedupe.twins import twins

PAGE = "/duplicates/matching"


def counts(*some: tuple[float, int]) -> list[int]:
    """Pairs by weight, as a training counts them."""
    found = [0] * bands.STEPS
    for bits, number in some:
        found[int((bits - bands.LOWEST) / bands.STEP)] = number
    return found


@pytest.fixture
def version(engine: Engine) -> str:
    """A version trained on 500 pairs, of which people decided five."""
    figures = {
        "every": 1, "side": "own",
        "own": counts((-9, 300), (0, 120), (8, 80)), "shipped": counts((-9, 500)),
        "reviewed": [(9.1, 8, 1), (8.2, 8, 1), (7.5, 7, 0), (1.2, 0, 1), (-4.0, 0, 0)],
    }  # fmt: skip
    with transaction(engine) as session:
        return models.keep(
            session, replace(shipped(), review=-3), "trained", "anna", {"pairs": 500}, figures
        ).version


def test_shipped_model_is_explained_before_any_training(browser: Browser) -> None:
    page = browser.see(PAGE)
    assert 'the shipped model</a> <span class="tag good">in use' in page
    assert "the same telephone" in page and "train on your data first" in page
    assert "the same company name" in browser.see(f"{PAGE}?kind=company")


def test_training_makes_a_version_that_says_why_it_is_refused(browser: Browser, engine: Engine) -> None:
    browser.submit(f"{PAGE}/train")
    assert "A model is being trained." in browser.see(PAGE)
    run_until_idle(engine)
    page = browser.see(PAGE)
    assert "own-1" in page and "be used: only 0 pairs" in page
    browser.submit(f"{PAGE}/use", 422, version="own-1")
    assert "A model is being trained." not in page


def test_version_is_put_in_use_and_back(browser: Browser, engine: Engine, version: str) -> None:
    browser.submit(f"{PAGE}/use", version=version)
    page = browser.see(PAGE)
    assert f'{version}</a> <span class="tag good">in use' in page
    with transaction(engine) as session:
        assert models.current(session).version == version
        operation = session.scalars(select(Operation.id).where(Operation.kind == models.KIND)).one()
    browser.submit(f"/operations/{operation}/undo")
    with transaction(engine) as session:
        assert models.current(session) is shipped()


def test_thresholds_are_tried_out_then_kept(browser: Browser, engine: Engine, version: str) -> None:
    page = " ".join(browser.see(f"{PAGE}?version={version}&automatic=10&best=2&review=-12").split())
    said = dict(re.findall(r'<tr><td>(are [^<]+)</td><td class="num">([^/]+/td><td class="num">[^<]+)', page))
    assert {key: value.split('</td><td class="num">') for key, value in said.items()} == {
        "are joined without asking": ["80", "0"],
        "are shown to a person": ["120", "500"],
        "are joined though somebody said they are two": ["1", "0"],
        "are not shown though somebody said they are one": ["0", "0"],
    }
    with transaction(engine) as session:
        assert len(models.versions(session)) == 1
    browser.submit(PAGE, version=version, automatic="10", best="2", review="-12")
    with transaction(engine) as session:
        kept = models.model_of(models.find(session, "own-2"))
        assert (kept.automatic, kept.best, kept.review) == (10, 2, -12)
        assert models.in_use(session) is None


def test_precision_and_recall_stand_in_a_table(browser: Browser, version: str) -> None:
    page = browser.see(f"{PAGE}?version={version}")
    row = re.search(r'<td class="num">7</td>(.*?)</tr>', page, re.S)
    assert row and re.findall(r"([\d.]+) %", row[1]) == ["66.7", "66.7"]


@pytest.mark.parametrize("said", ["automatic=1", "automatic=nan", "review=19", "automatic=1e99"])
def test_thresholds_out_of_reason_are_told(browser: Browser, said: str) -> None:
    page = browser.see(f"{PAGE}?{said}")
    assert '<p class="error">' in page and "Save as a new version" not in page


def test_versions_nobody_made_are_refused(browser: Browser) -> None:
    browser.see(f"{PAGE}?version=own-7", 422)
    browser.see(f"{PAGE}?version=%3Cscript%3E", 422)


def test_arrivals_are_turned_on_joined_and_off_again(browser: Browser, engine: Engine) -> None:
    with transaction(engine) as session:
        twins(session)
    assert "begins with the first plan" in browser.see(PAGE)
    browser.submit(f"{PAGE}/arrivals", wanted="on")
    assert "Everybody is being kept ready, 0 so far" in browser.see(PAGE)
    run_until_idle(engine)
    page = browser.see(PAGE)
    assert "5 records are kept ready" in page and "waits for a person" in page
    browser.submit(f"{PAGE}/arrivals", wanted="join")
    assert "joined at once, as an operation" in browser.see(PAGE)
    browser.submit(f"{PAGE}/arrivals", wanted="ask")
    assert "Join who is certain" in browser.see(PAGE)
    browser.submit(f"{PAGE}/arrivals", wanted="off")
    assert "Match who arrives" in browser.see(PAGE)
    browser.submit(f"{PAGE}/arrivals", 422, wanted="everything")
