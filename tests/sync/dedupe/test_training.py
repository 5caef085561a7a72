"""A model of one's own: what Splink learns, when weights move, and when the result may not be used."""

import random
import shutil

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from customers import duplicates
from customers.matching import compare
from customers.matching.model import shipped
from foundation import jobs
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured
from foundation.records import Address, Person
from sync.dedupe import bands, learning, models, sanity, training, trainings
from sync.dedupe.batch import Batch
from sync.dedupe.learning import SURE, Learnt, Pairs
from sync.dedupe.sanity import Measure, Reviewed
from sync.dedupe.training import Decision, Lesson
from tests.console import company

GIVEN = ("Anna", "Boris", "Clara", "David", "Elena", "Fedor", "Greta", "Henri", "Irina", "Jakob", "Karla")
FAMILY = (
    "Adler",
    "Braun",
    "Conrad",
    "Dorn",
    "Ebert",
    "Fuchs",
    "Graf",
    "Haas",
    "Imhof",
    "Jung",
    "Kern",
    "Lang",
)


def crowd(number, birthday=None):
    """So many people, each twice: once with a slip, another phone, or under a work address."""
    chance = random.Random(3)
    for index in range(number):
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
        mail, phone = f"{given}.{family}{index}@example.org".lower(), f"+4915{chance.randrange(10**8, 10**9)}"
        place = (Address(line=f"Lindenstr. {index % 90}", city="Berlin", postcode=f"10{index % 900:03}"),)
        one = Person(
            external_id=str(index), name=f"{given} {family}", given_name=given, family_name=family,
            emails=(mail,), phones=(phone,), addresses=place, country="DE", birthday=birthday,
        )  # fmt: skip
        yield one
        how = index % 4
        given = given[:-1] if how == 2 else given
        yield replace(
            one, emails=(f"{given}{index}@work.example.net".lower(),) if how == 0 else one.emails,
            phones=(f"+4916{chance.randrange(10**8, 10**9)}",) if how == 1 else one.phones,
            given_name=given, name=f"{given} {family}",
        )  # fmt: skip


def lesson(number, decisions=()):
    batch = Batch(shipped())
    for person in crowd(number):
        batch.add(person)
    return Lesson(batch, [index // 2 for index in range(2 * number)], decisions)


@pytest.fixture(scope="module")
def trained():
    return training.train(lesson(1100), shipped())


def vector(**levels):
    return tuple(levels.get(name, known[0]) for name, known in compare.LEVELS["person"].items())


def pairs_of(*some):
    """Pairs that people decided: (how many, the same, levels)."""
    pairs = Pairs("person", sum(number for number, _same, _levels in some))
    for number, same, levels in some:
        for _one in range(number):
            pairs.add(vector(**levels), SURE if same else -SURE)
    return pairs


def test_splink_learns_how_often_levels_are():
    same, other = {"birthday": "same"}, {"birthday": "other"}
    learnt = learning.learn(
        pairs_of((300, True, same), (100, True, other), (50, False, same), (950, False, other))
    )
    assert learnt.pairs == 1400
    assert learnt.same == pytest.approx(400 / 1400, abs=1e-4)
    assert learnt.known["birthday"] == pytest.approx((400, 1000), abs=0.01)
    assert learnt.levels["birthday"]["same"] == pytest.approx((0.75, 0.05), abs=1e-4)
    assert learnt.levels["birthday"]["other"] == pytest.approx((0.25, 0.95), abs=1e-4)
    assert set(learnt.levels) == {"birthday"}


def test_undecided_pairs_count_by_what_the_shipped_model_says():
    pairs = Pairs("person", 1200)
    for _one in range(600):
        pairs.add(vector(email="same"), 1.0)
        pairs.add(vector(email="other"), -9.0)
    learnt = learning.learn(pairs)
    two_thirds, hardly = 600 * 2 / 3, 600 / (1 + 2**9)
    assert learnt.levels["email"]["same"][0] == pytest.approx(two_thirds / (two_thirds + hardly), abs=1e-3)


def test_weights_follow_ones_own_pairs():
    weights = shipped().person
    here = {"same": (0.9, 0.5), "other": (0.1, 0.5)}  # a shop where everybody was born on one day
    there = {"same": (0.9, 0.01), "other": (0.1, 0.99)}
    own, other = (
        Learnt(900_000, 0.5, {"birthday": (400_000, 400_000)}, {"birthday": one}) for one in (here, there)
    )
    moved = learning.moved(weights, own, other)
    assert moved.bits["birthday"]["same"] == pytest.approx(weights.bits["birthday"]["same"] - 2.8, abs=0.2)
    assert moved.bits["email"] == weights.bits["email"]
    assert learning.moved(weights, other, other) == weights
    few = replace(own, known={"birthday": (400_000, 200)})
    assert learning.moved(weights, few, other).bits == weights.bits


def test_what_was_ordered_is_learnt_without_a_reference():
    weights = shipped().person
    shares = {"several": (0.2, 0.001), "rare": (0.1, 0.01), "common": (0.3, 0.3), "other": (0.4, 0.689)}
    own = Learnt(900_000, 0.5, {"goods": (400_000, 400_000)}, {"goods": shares})
    moved = learning.moved(weights, own, Learnt(9, 0.5, {}, {})).bits["goods"]
    assert moved == pytest.approx({"several": 4.69, "rare": 2.16, "common": 0.1, "other": -0.39}, abs=0.05)
    few = replace(own, known={"goods": (400_000, 200)})
    assert learning.moved(weights, few, few).bits == weights.bits


@pytest.mark.parametrize(("share", "down"), [(0.8, 0.0), (0.2, -1.0)])
def test_start_moves_down_only(share, down):
    own, other = (Learnt(9000, one, {}, {}) for one in (share, 0.5))
    weights = shipped().person
    assert learning.moved(weights, own, other).start == pytest.approx(weights.start + down, abs=0.01)


def test_spark_learns_the_same():
    pytest.importorskip("pyspark", reason="needs kartoteka[spark]")
    if not shutil.which("java"):
        pytest.skip("needs Java")
    pairs = pairs_of((30, True, {"email": "same"}), (90, False, {"email": "other"}))
    here, there = learning.learn(pairs), learning.learn(pairs, "local[1]")
    assert here.levels["email"].keys() == there.levels["email"].keys()
    for level, shares in here.levels["email"].items():
        assert there.levels["email"][level] == pytest.approx(shares)


def test_spark_that_is_not_there_is_named():
    pairs = pairs_of((3, True, {"email": "same"}), (9, False, {"email": "other"}))
    with pytest.raises(Misconfigured) as raised:
        learning.learn(pairs, "nonsense://nowhere")
    assert raised.value.setting == "KARTOTEKA_SPARK"


def test_reference_is_of_the_shipped_model():
    """`python -m benchmarks.dedupe … --reference` writes it whenever the shipped model changes."""
    reference = learning.reference()
    assert reference.version == shipped().version
    for kind in ("person", "company"):
        for name, levels in reference.learnt(kind).levels.items():
            assert set(levels) <= set(compare.LEVELS[kind][name])


def test_training_makes_a_sane_model_without_labels(trained):
    assert trained.refusal == ""
    assert trained.detail["moved"] == ["person"]
    assert trained.detail["homes"]["own"] >= 0.98 * trained.detail["homes"]["all"] > 1000
    assert trained.model.company == shipped().company
    assert trained.model.person != shipped().person
    assert sum(trained.figures["own"]) == sum(trained.figures["shipped"]) == trained.detail["pairs"]


def test_weighing_in_columns_is_weighing_one_by_one():
    pairs = Pairs("person", 3)
    vectors = [
        vector(name="same", rarity="-7", email="other"),
        vector(name="different", phone="same_3", place="flat", postcode="near"),
        vector(),
    ]
    for one in vectors:
        pairs.add(one, 0)
    weights = shipped().person
    assert sanity.weigh(weights, pairs.codes) == pytest.approx(
        [weights.weigh(one) for one in vectors], abs=1e-4
    )


def test_few_pairs_teach_nothing():
    trained = training.train(lesson(20), shipped())
    assert trained.refusal.startswith("only ")
    assert trained.model == shipped()


def test_decisions_teach_and_some_examine(trained):
    decisions = [Decision(False, index % 5 == 0, [(2 * index, 2 * index + 1)]) for index in range(900)]
    taught = training.train(lesson(1100, decisions), shipped())
    assert taught.detail["decisions"] == 900 and taught.detail["held"] == 180
    assert taught.detail["share"]["person"] < 0.7 * trained.detail["share"]["person"]
    assert [one[2] for one in taught.figures["reviewed"]] == [0] * 900
    assert sum(taught.figures["own"]) == taught.detail["pairs"] == trained.detail["pairs"]
    examined = [one._replace(held=True) for one in decisions]
    held = training.train(lesson(1100, examined), shipped())
    assert held.detail["share"] == trained.detail["share"]


def measured(**more):
    empty = [0] * bands.STEPS
    usual = {"own": empty, "shipped": empty, "homes": 0, "own_homes": 0, "shipped_homes": 0, "reviewed": []}
    return Measure(**{**usual, **more})


def heavy(number):
    return [*[0] * (bands.STEPS - 1), number]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({}, ""),
        ({"own": heavy(200), "shipped": heavy(100)}, "it would join 200 pairs by itself"),
        ({"homes": 100, "own_homes": 90, "shipped_homes": 99}, "of 100 pairs with an exact key it finds 90"),
        ({"reviewed": [Reviewed(9, 2, False, True)] * 20}, "of 20 decisions held out it would"),
        ({"reviewed": [Reviewed(1, 3, True, True)] * 20}, "it foresees 20 decisions"),
        ({"reviewed": [Reviewed(9, 2, False, False)] * 20}, ""),  # it learnt from these
        ({"reviewed": [Reviewed(9, 2, False, True)] * 19}, ""),
    ],
)  # fmt: skip
def test_model_worse_than_shipped_is_refused(found, why):
    enough = {"person": Learnt(1000, 0.5, {}, {})}
    said = sanity.refusal(shipped(), enough, measured(**found))
    assert said.startswith(why) and bool(said) == bool(why)


def test_model_with_weights_upside_down_is_refused():
    bits = {**shipped().person.bits, "birthday": {"same": -1.0, "other": 1.0}}
    odd = replace(shipped(), person=replace(shipped().person, bits=bits))
    said = sanity.refusal(odd, {"person": Learnt(1000, 0.5, {}, {})}, measured())
    assert said.startswith("“birthday: same” would speak less")


def test_job_reads_cards_and_decisions(engine, sync_context):
    company.found(engine)
    with transaction(engine) as session:
        one, other = duplicates.waiting(session).pairs
        duplicates.decide(session, one.id, "joined", "anna")
        assert [said.same for said in training.gather(session).decisions] == [True]
        duplicates.decide(session, other.id, "different", "anna")
        lesson = training.gather(session)
        job = trainings.start(session, "anna")
        assert trainings.start(session, "boris") == job
        assert trainings.going_on(session) == ("", 0, 0)
    profiles = "SELECT count(*) FROM profiles WHERE customer_id IS NOT NULL AND gone_at IS NULL"
    with transaction(engine) as session:
        assert 3 < len(lesson.homes) <= session.scalar(text(profiles))
    assert sorted(one.same for one in lesson.decisions) == [False, True]
    jobs.run_until_idle(engine)
    with transaction(engine) as session:
        assert trainings.going_on(session) is None
        assert trainings.stand(engine, job) is None
        version = models.versions(session)[0]
        assert (version.version, version.origin, version.actor) == ("own-1", "trained", "anna")
        assert version.refusal.startswith("only ") and version.detail["decisions"] == 2
        with pytest.raises(BadInput):
            models.use(session, "own-1", "anna")


def test_picture_counts_decided_pairs():
    picture = bands.picture([(5.2, True), (3.1, True), (3.9, False), (-1.5, True)])
    assert [one.bits for one in picture] == list(range(-2, 6))
    assert picture[0] == (-2, 0.75, 1.0, 4)
    assert picture[5] == (3, 2 / 3, 2 / 3, 3)
    assert picture[-1] == (5, 1.0, 1 / 3, 1)
    assert bands.picture([(5.0, True)]) == []


def test_other_thresholds_are_another_version(session, trained):
    base = models.keep(session, trained.model, "trained", "anna", trained.detail, trained.figures)
    said = msgspec.to_builtins(models.model_of(base))
    other = bands.save(session, base, {"automatic": 9.0}, "boris")
    assert (other.version, other.detail["base"]) == ("own-2", "own-1")
    assert models.model_of(other).automatic == 9.0
    assert msgspec.to_builtins(models.model_of(base)) == said
    few, many = (bands.effect(one.figures, "own", models.model_of(one)) for one in (other, base))
    assert few.joined < many.joined and few.joined + few.asked == many.joined + many.asked
    assert many.joined == sum(np.array(trained.figures["own"])[2 * 26 + 1 :])


@pytest.mark.parametrize(
    "said", [{"automatic": 3.0}, {"review": 2.0}, {"best": float("nan")}, {"automatic": 25}, {}]
)
def test_thresholds_out_of_order_or_reason_are_refused(session, said):
    with pytest.raises(BadInput):
        bands.save(session, None, said, "anna")
    assert not models.versions(session)
