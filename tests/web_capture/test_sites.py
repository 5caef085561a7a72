"""What a person may set of a site, on record and taken back."""

import pytest

from foundation.errors import BadInput
from foundation.tables import Operation
from sync import undo
from web_capture import sites
from web_capture.tables import Site

ALL = {
    "origins": ["m.shop.example.org"], "currency": "EUR", "consent": "wait", "gpc": False, "capture": False,
    "forms": False, "abandonment": {"cart": 1, "checkout": 2, "browse": 3},
}  # fmt: skip


@pytest.fixture
def site(session, sealer) -> Site:
    return sites.add(session, sealer, "shop.example", currency="KZT")[0]


def decide(session, site: Site, **options: object) -> Operation | None:
    return sites.decide(session, site, options, "anna@p.kz")


def test_everything_chosen_is_answered(session, site):
    before = sites.chosen(site)
    assert before.keys() == ALL.keys()
    assert all(before[name] != ALL[name] for name in ALL)
    decide(session, site, **ALL)
    session.expire(site)
    assert sites.chosen(site) == ALL


def test_change_is_on_record(session, site):
    operation = decide(session, site, consent="wait", gpc=True, abandonment={"cart": 45, "browse": 120})
    assert (operation.kind, operation.actor, operation.state) == ("site", "anna@p.kz", "done")
    assert operation.title == "Settings of shop.example"
    assert operation.result["settings"] == {"consent": ["none", "wait"], "cart": [60, 45]}


def test_no_change_is_no_operation(session, site):
    assert decide(session, site, currency="KZT", origins=[], abandonment={"cart": "60"}) is None


def test_undo_puts_everything_back(session, site):
    before = sites.chosen(site)
    operation = decide(session, site, **ALL)
    assert undo.undo(session, operation.id, "olga").left_alone == []
    assert sites.chosen(site) == before
    assert (operation.state, operation.undone_by) == ("undone", "olga")
    with pytest.raises(BadInput):
        undo.undo(session, operation.id, "olga")


def test_undo_leaves_what_was_changed_since(session, site):
    first = decide(session, site, currency="EUR", abandonment={"cart": 45, "checkout": 9})
    decide(session, site, abandonment={"cart": 50})
    undone = undo.undo(session, first.id, "olga")
    assert undone.left_alone == first.result["left_alone"] == ["cart: it has changed since"]
    assert (site.currency, sites.chosen(site)["abandonment"]) == (
        "KZT", {"cart": 50, "checkout": 30, "browse": 120},
    )  # fmt: skip


def test_currency_and_hosts_can_be_taken_out(session, site):
    sites.change(session, site, {"origins": ["m.shop.example.org", " "]})
    sites.change(session, site, {"currency": None, "origins": None})
    assert (site.currency, site.origins) == ("KZT", ["m.shop.example.org"])
    sites.change(session, site, {"currency": "", "origins": [""]})
    assert (site.currency, site.origins) == ("", [])


@pytest.mark.parametrize(
    ("options", "at", "says"),
    [
        ({"currency": "tenge"}, "currency", "three capital letters"),
        ({"consent": "maybe"}, "consent", "none, wait, deny"),
        ({"origins": ["m.shop.example", "a b<c"]}, "origins", "“a b<c” is no host name"),
        ({"abandonment": {"cart": 0}}, "cart", "1 to 43,200"),
    ],
)
def test_wrong_settings_are_explained(session, site, options, at, says):
    with pytest.raises(BadInput) as caught:
        sites.change(session, site, options)
    assert (caught.value.at, says in caught.value.message) == (at, True)
