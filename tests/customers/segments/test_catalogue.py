"""The catalogue is whole: every name has words, stands in a group and compiles."""

from customers.segments import words
from customers.segments.fields import FIELDS
from customers.segments.things import MEASURES, THINGS, VERBS


def test_every_name_has_words():
    assert words.fields().keys() == FIELDS.keys()
    assert words.verbs().keys() == VERBS.keys()
    assert words.measures().keys() == MEASURES.keys()
    assert words.filters().keys() == {name for thing in THINGS for name in thing.by}


def test_every_name_is_offered_once():
    offered = [name for _title, names in words.groups() for name in names]
    assert sorted(offered) == sorted(words.every())
    assert len(FIELDS.keys() & VERBS.keys()) == 0


def test_nouns_and_verbs_are_apart():
    assert len({thing.noun for thing in THINGS}) == len(THINGS)
