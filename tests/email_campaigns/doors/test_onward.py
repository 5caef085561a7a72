"""From a click to the company's own page: the campaign goes along, and a pass that is good once."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from customers import passes
from foundation.database import transaction
from tests.email_campaigns.delivery.world import person
from tests.web_capture.happening import happen
from web_capture import sites
from web_capture.tables import Site
from web_capture.visits import soft


@pytest.fixture
def site(engine, sealer):
    with transaction(engine) as session:
        return sites.add(session, sealer, "shop.example", currency="KZT")[0].id


def marks(answer):
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: value[0] for name, value in query.items()}


def test_own_site_hears_of_the_campaign(post, stranger, site, clock):
    post.sent()
    clock.advance(timedelta(hours=1))
    said = marks(stranger.get(post.links()["c"][0]))
    assert said.pop("_kl")
    assert said == {
        "x": "1",
        "y": "2",
        "utm_source": "kartoteka",
        "utm_medium": "email",
        "utm_campaign": "News",
    }


def test_others_addresses_stay_as_written(post, stranger, engine, sealer, clock):
    with transaction(engine) as session:
        sites.add(session, sealer, "op.example")  # the end of a name is no part of a site
    post.sent()
    clock.advance(timedelta(hours=1))
    assert stranger.get(post.links()["c"][0]).headers["location"] == "https://shop.example/a?x=1&y=2"


def test_machine_gets_no_pass(post, stranger, site, clock):
    post.sent()
    clock.advance(timedelta(hours=1))
    path = post.links()["c"][0]
    assert "_kl" not in marks(stranger.get(path, headers={"user-agent": "BarracudaCentral/3.0"}))
    assert "_kl" not in marks(stranger.head(path))


class Visitors:
    """Whom letters that devices came by were for."""

    def __init__(self, engine, site):
        self.engine, self.site = engine, site

    def come(self, device, answer, **said):
        with transaction(self.engine) as session:
            page = happen(0, device=device, url=answer.headers["location"], **said)
            soft.record(session, session.get_one(Site, self.site).id, [page])

    def known(self, post):
        return [
            tuple(row) for row in post.house.rows("SELECT device, profile_id FROM soft_visitors ORDER BY 1")
        ]


@pytest.fixture
def visitors(engine, site):
    return Visitors(engine, site)


def test_pass_is_good_once(post, stranger, visitors, clock):
    post.sent(person(1))
    clock.advance(timedelta(hours=1))
    answer = stranger.get(post.links()["c"][0])
    visitors.come("annas", answer)
    visitors.come("a friends who got the address", answer)
    visitors.come("annas", answer)
    assert visitors.known(post) == [("annas", post.delivery.profile_id)]
    assert not post.house.rows("SELECT FROM profile_links l JOIN profiles p ON p.id = l.profile_id"
                               " WHERE p.kind = 'visitor'"), "a hint joins nothing"  # fmt: skip


def test_pass_is_good_for_ten_minutes(post, stranger, visitors, clock):
    post.sent()
    clock.advance(timedelta(hours=1))
    answer = stranger.get(post.links()["c"][0])
    clock.advance(passes.GOOD)
    visitors.come("late", answer)
    assert visitors.known(post) == []
    stranger.get(post.links()["c"][0])
    assert len(post.house.rows("SELECT FROM letter_passes")) == 1, "the old one is thrown away"


@pytest.mark.parametrize("more", [{"bot": "headless"}, {"secret": True}])
def test_pass_is_for_browsers_of_people(post, stranger, visitors, clock, more):
    post.sent()
    clock.advance(timedelta(hours=1))
    visitors.come("d", stranger.get(post.links()["c"][0]), **more)
    assert visitors.known(post) == []
