"""The model held against what people decided, and against files of the truth."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from customers import duplicates, merge
from foundation.errors import BadInput
from sync.dedupe import evaluating
from tests.customers.world import rows, say, shop
from tests.sync.dedupe.twins import person, twins


def card(session: Session, name: str):
    return rows(session, "SELECT customer_id FROM profiles WHERE external_id = :name", name=name)[0][0]


def figures(session: Session, said: evaluating.Said) -> evaluating.Figures:
    return evaluating.evaluate(evaluating.read(session, said), said)


def test_decisions_of_people(session: Session) -> None:
    twins(session, 2)
    both = ("x@x.org",)
    say(session, shop(session, "Third"), person("8", name="Anna Weber", emails=both))
    say(session, shop(session, "Fourth"), person("9", name="Boris Orlov", emails=both))
    duplicates.decide(session, duplicates.waiting(session).pairs[0].id, "different", "olga")
    merge.merge(session, card(session, "a0"), card(session, "b0"), "olga")
    found = figures(session, evaluating.decided(session))
    assert (found.same, found.different, found.unknown, found.clusters) == (1, 1, 0, None)
    automatic = next(one for one in found.thresholds if one.band == "automatic")
    assert (automatic.found, automatic.wrong, automatic.precision, automatic.recall) == (1, 0, 1.0, 1.0)
    lowest = found.thresholds[-1]
    assert (lowest.found, lowest.wrong, lowest.precision) in {(1, 1, 0.5), (1, 0, 1.0)}


def test_nobody_has_decided(session: Session) -> None:
    found = figures(session, evaluating.decided(session))
    assert (found.same, found.different) == (0, 0)
    assert {one.recall for one in found.thresholds} == {None}


def test_truth_as_clusters(session: Session, tmp_path: Path) -> None:
    twins(session, 2)
    path = tmp_path / "truth.csv"
    path.write_text("record_id,cluster_id\na00,1\nb00,1\na0,1\nb0,1\na1,2\nb1,3\nnobody,4\n", "utf-8")
    found = figures(session, evaluating.from_file(path))
    assert (found.same, found.different, found.unknown) == (1, 1, 3)
    assert found.clusters is not None
    assert (found.clusters.precision, found.clusters.recall) == (0.5, 1.0)
    assert found.as_json()["clusters"] == {"precision": 0.5, "recall": 1.0}


def test_truth_as_pairs_by_any_id(session: Session, tmp_path: Path) -> None:
    twins(session, 2)
    path = tmp_path / "truth.csv"
    path.write_text(f"left,right,same\na0,b0,yes\n{card(session, 'a1')},b1,no\n", "utf-8")
    found = figures(session, evaluating.from_file(path))
    assert (found.same, found.different, found.unknown) == (1, 1, 0)
    assert found.thresholds[-1].precision == 0.5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_truth_as_a_spreadsheet_writes_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("Id;Cluster\na0;1\nb0;1\n", encoding)
    assert evaluating.from_file(path).clusters == {"a0": "1", "b0": "1"}


def test_a_pair_without_its_answer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("left,right,same\na0,b0,yes\na1,b1\n", "utf-8")
    with pytest.raises(BadInput, match="line 3: 3 columns were expected"):
        evaluating.from_file(path)


@pytest.mark.parametrize("content", ["", "name,mail\n1,2\n", "left\n1\n"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(BadInput, match="needs the columns"):
        evaluating.from_file(path)
