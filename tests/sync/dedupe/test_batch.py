"""All records into customers: the same as one pair at a time, and as good as promised."""

import csv
import gzip
import json
from collections import Counter
from math import comb
from pathlib import Path

import pytest

from connectors.files.settings import SheetSettings
from customers.matching.model import shipped
from foundation.records import Address, Person
from sync.dedupe.batch import Batch
from sync.dedupe.files import person

DATA = Path(__file__).parents[4] / "shared" / "data" / "dedup"
COLUMNS = {
    "name": "name", "given_name": "first_name", "family_name": "last_name", "middle_name": "middle_name",
    "company": "company", "tax_number": "tax_id", "email": "email", "phone": "phone", "country": "country",
    "birthday": "birth_date", "city": "city", "postcode": "postcode", "address": "address",
    "device_id": "visitor_id", "kind": "party_type",
}  # fmt: skip


def read(row):
    at = {field: index for index, field in enumerate(COLUMNS)}
    return person([row[heading] for heading in COLUMNS.values()], at, SheetSettings())


@pytest.fixture(scope="module")
def matched():
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/dedup: generated customers with the truth beside them")
    with gzip.open(DATA / "customers_10k.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with gzip.open(DATA / "truth_10k.csv.gz", "rt", encoding="utf-8") as file:
        truth = {row["record_id"]: row["cluster_id"] for row in csv.DictReader(file)}
    batch = Batch(shipped())
    for row in rows:
        batch.add(read(row))
    return batch, batch.match(), [truth[row["record_id"]] for row in rows]


def pairs(labels):
    return sum(comb(size, 2) for size in Counter(labels).values())


@pytest.mark.parametrize(
    ("tier", "precision", "recall", "merged"),
    [("automatic", 0.997, 0.84, 0.005), ("best", 0.975, 0.94, 0.03)],
)
def test_ten_thousand_customers_are_told_apart(matched, tier, precision, recall, merged):
    _, outcome, truth = matched
    found = getattr(outcome, tier)
    right = pairs(zip(truth, found, strict=True))
    assert right / pairs(found) >= precision
    assert right / pairs(truth) >= recall
    mixed = {
        root
        for root, number in Counter(root for _, root in set(zip(truth, found, strict=True))).items()
        if number > 1
    }
    wrong = {customer for customer, root in zip(truth, found, strict=True) if root in mixed}
    assert len(wrong) / len(set(truth)) <= merged


def test_link_has_the_weight_that_one_pair_gets(matched):
    batch, outcome, _ = matched
    linked = [index for index, other in enumerate(outcome.link) if other >= 0]
    assert len(linked) > 5_000
    for index in linked[::50]:
        other = outcome.link[index]
        weight = batch.model.weigh(batch.records[index], batch.records[other], batch.counts)
        assert outcome.bits[index] == pytest.approx(weight, abs=1e-4)
        assert outcome.best[index] == outcome.best[other]


def test_best_guess_never_parts_what_is_certain(matched):
    _, outcome, _ = matched
    assert len(set(zip(outcome.automatic, outcome.best, strict=True))) == len(set(outcome.automatic))


def anna(**said):
    return Person(external_id="", name="Anna Krylova", emails=("anna.krylova183@mail.ru",), **said)


def test_records_without_anything_stay_alone():
    batch = Batch(shipped())
    for _ in range(3):
        batch.add(Person(external_id=""))
    assert batch.match().best == [0, 1, 2]


def test_nothing_to_match():
    assert Batch(shipped()).match().best == []


def test_crowded_key_brings_nobody_together_by_itself():
    batch = Batch(shipped())
    for number in range(70):
        batch.add(Person(external_id="", name=f"Anna{number}", device_ids=("kiosk",)))
    assert batch.match().best == list(range(70))


def test_person_and_company_of_one_mailbox_are_not_compared():
    batch = Batch(shipped())
    batch.add(anna(phones=("+79161112233",)))
    batch.add(anna(phones=("+79161112233",), kind="company", company="Krylova"))
    batch.add(anna(phones=("+79161112233",)))
    one, other, _ = batch.weighed()
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == [(0, 2)]
    assert batch.counts.sharing("mail", "anna.krylova183@mail.ru").records == 3


@pytest.mark.parametrize(("said", "compared"), [({}, 0), ({"city": "Tomsk"}, comb(13, 2))])
def test_namesakes_are_compared_within_their_town(said, compared):
    batch = Batch(shipped())
    for _ in range(13):
        batch.add(Person(external_id="", name="Anna Krylova", addresses=(Address(**said),)))
    assert len(batch.weighed()[0]) == compared


def test_progress_is_told():
    told = []
    batch = Batch(shipped())
    batch.add(anna())
    batch.add(anna(phones=("+79123456789",)))
    outcome = batch.match(lambda *step: told.append(step))
    assert outcome.automatic == [0, 0]
    assert told[-1] == ("Comparing", 1, 1)
    assert json.dumps(told)
