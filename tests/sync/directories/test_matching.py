"""Which thing of ours an object there is."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sync.directories.fields import Said
from sync.directories.matching import Match, Thing, keys_of, pair_up, why

ONE, TWO = UUID(int=1), UUID(int=2)


def test_the_strongest_key_decides():
    ours = [Thing(ONE, {"sku": "k1", "name": "kettle"}), Thing(TWO, {"barcode": "460", "name": "kettle"})]
    theirs = [Thing("x", {"sku": "k1", "barcode": "460", "name": "kettle"})]
    assert pair_up(ours, theirs) == {"x": (TWO, Match("barcode", "460"))}


def test_a_key_of_several_decides_nothing():
    ours = [Thing(ONE, {"sku": "k1"}), Thing(TWO, {"sku": "k1"})]
    assert pair_up(ours, [Thing("x", {"sku": "k1"})]) == {"x": (ONE, Match("sku", "k1", False, 1))}


def test_a_name_alone_is_a_guess():
    found = pair_up([Thing(ONE, {"name": "lamp"})], [Thing("x", {"name": "lamp"})])
    assert found == {"x": (ONE, Match("name", "lamp", False))}


def test_what_a_stronger_key_has_paired_is_nobody_s_guess():
    ours = [Thing(ONE, {"sku": "k1", "name": "lamp"})]
    theirs = [Thing("x", {"sku": "k1", "name": "bulb"}), Thing("y", {"name": "lamp"})]
    assert pair_up(ours, theirs) == {"x": (ONE, Match("sku", "k1"))}


def test_names_are_compared_in_one_alphabet_and_without_spaces():
    assert keys_of({"name": Said("  Алтын  Трейд ")}) == keys_of({"name": Said("Алтын Трейд")})
    assert keys_of({"sku": Said("K-1")}) == {"sku": "k-1"}


def test_why_two_on_one_card_are_the_same():
    assert why({}, {"name": Said("A")}) is None
    assert why({"email": Said("a@x.org")}, {"email": Said("A@x.org")}) == Match("email", "A@x.org")
    assert why({"phone": Said("+7")}, {"email": Said("a@x.org")}) == Match("card")


things = st.lists(
    st.fixed_dictionaries(
        {}, optional={key: st.sampled_from("abc") for key in ("tax_number", "sku", "name")}
    ),
    max_size=6,
)


@given(things, things)
def test_nobody_is_paired_twice_for_sure(ours, theirs):
    mine = [Thing(UUID(int=at), keys) for at, keys in enumerate(ours)]
    found = pair_up(mine, [Thing(str(at), keys) for at, keys in enumerate(theirs)])
    sure = [partner for partner, match in found.values() if match.sure]
    assert len(sure) == len(set(sure))
    for there, (partner, match) in found.items():
        assert mine[partner.int].keys[match.by] == theirs[int(there)][match.by] == match.value
        assert partner not in sure or match.sure
