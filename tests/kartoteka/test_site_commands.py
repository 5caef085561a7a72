"""Sites from the terminal: every setting can be set, is answered, and can be taken back."""

import pytest

from kartoteka.terminal import FAILED, USAGE

USUAL = {"cart": 60, "checkout": 30, "browse": 120}


@pytest.fixture
def site(kartoteka):
    """The site as `site add --json` answered it."""
    return kartoteka("site", "add", "shop.example", "--currency", "KZT", "--json").json


def listed(kartoteka):
    (one,) = kartoteka("site", "list", "--json").json["data"]
    return one


def test_list_holds_every_setting(kartoteka, site):
    found = listed(kartoteka)
    assert (found["id"], found["snippet_url"]) == (site["id"], site["snippet_url"])
    assert {name: found[name] for name in ("origins", "currency", "consent", "gpc", "capture", "forms")} == {
        "origins": [], "currency": "KZT", "consent": "none", "gpc": True, "capture": True, "forms": True,
    }  # fmt: skip
    assert found["abandonment"] == USUAL


def test_silences_are_set(kartoteka, site):
    words = ("--cart-silence", 45, "--browse-silence", 1440)
    answer = kartoteka("site", "set", "shop.example", *words, "--json").json
    assert answer["abandonment"] == {"cart": 45, "checkout": 30, "browse": 1440}
    answer = kartoteka("site", "set", "shop.example", "--checkout-silence", 5, "--json").json
    assert answer["abandonment"] == listed(kartoteka)["abandonment"]
    assert answer["abandonment"] == {"cart": 45, "checkout": 5, "browse": 1440}


@pytest.mark.parametrize("minutes", ["0", "43201", "-5", "soon", "1.5"])
def test_silence_out_of_range_says_what_is_allowed(kartoteka, site, minutes):
    answer = kartoteka("site", "set", "shop.example", f"--cart-silence={minutes}", "--json")
    assert answer.status in (USAGE, FAILED)
    assert "from 1 to 43,200" in answer.json["error"]
    assert listed(kartoteka)["abandonment"] == USUAL


def test_switches_are_set(kartoteka, site):
    kartoteka("site", "set", "shop.example", "--no-gpc", "--no-forms")
    found = listed(kartoteka)
    assert (found["gpc"], found["capture"], found["forms"]) == (False, True, False)
    assert kartoteka("site", "set", "shop.example", "--gpc", "--json").json["gpc"] is True


def test_currency_and_hosts_are_emptied(kartoteka, site):
    kartoteka("site", "set", "shop.example", "--origin", "m.shop.test", "--origin", "shop.test")
    assert listed(kartoteka)["origins"] == ["m.shop.test", "shop.test"]
    kartoteka("site", "set", "shop.example", "--origin", "", "--currency", "")
    found = listed(kartoteka)
    assert (found["origins"], found["currency"]) == ([], "")


def test_change_is_listed_and_undone(kartoteka, site):
    done = kartoteka("site", "set", "shop.example", "--cart-silence", 45, "--json").json
    (kept,) = kartoteka("operations", "--json").json["data"]
    assert (kept["id"], kept["actor"]) == (done["operation"], "terminal")
    assert kept["result"] == {"settings": {"cart": [60, 45]}}
    undone = kartoteka("undo", done["operation"], "--json")
    assert (undone.status, undone.json["state"]) == (0, "undone")
    assert listed(kartoteka)["abandonment"] == USUAL


def test_setting_what_is_set_changes_nothing(kartoteka, site):
    answer = kartoteka("site", "set", "shop.example", "--cart-silence", 60, "--json")
    assert (answer.status, answer.json["operation"]) == (0, None)
    assert kartoteka("operations", "--json").json["data"] == []
    assert "that way already" in kartoteka("site", "set", "shop.example", "--cart-silence", 60).text
