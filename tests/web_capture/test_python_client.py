"""The collector against Segment's own client for Python, unchanged: every call once, whatever gets lost."""

from collections.abc import Iterator

import pytest
from segment.analytics import request
from segment.analytics.client import Client
from segment.analytics.request import APIError

from tests.collecting import Collecting, came_through, collecting

ORDER = {"order_id": "50314", "total": 27.5, "revenue": 25, "currency": "USD", "products": [{"sku": "G-32"}]}
WAYS = pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])


@pytest.fixture
def collector(engine, settings, sealer) -> Iterator[Collecting]:
    """The collector of shop.example; the client's kept connections go with it."""
    with collecting(engine, settings, sealer, "shop.example") as opened:
        yield opened
        request._session.close()


def call_all(client, **marks):
    """One call of each kind; answers the messages as the client made them. `marks` are their messageIds."""

    def id_of(kind):
        return {"message_id": marks[kind]} if kind in marks else {}

    who = {"user_id": "7", "anonymous_id": "d1"}
    traits = {"email": "anna@p.kz", "firstName": "Anna"}
    answers = [
        client.identify(**who, traits=traits, **id_of("identify")),
        client.track(**who, event="Order Completed", properties=ORDER, **id_of("track")),
        client.page(**who, name="Home", properties={"url": "https://shop.example/"}, **id_of("page")),
        client.screen(**who, name="Start", **id_of("screen")),
        client.group(**who, group_id="g1", traits={"name": "P. & Co"}, **id_of("group")),
        client.alias(previous_id="d1", user_id="7", **id_of("alias")),
    ]
    assert all(done for done, _ in answers)
    return [message for _, message in answers]


@WAYS
def test_waiting_client_delivers_each_call_once(collector, packed):
    client = Client(collector.key, host=collector.address, sync_mode=True, gzip=packed)
    said = call_all(client)
    came_through(collector.expect(said))
    assert len(collector.posts) == 12  # one for each call, and once more
    assert {call.headers.get("content-encoding") for call in collector.posts} == {"gzip" if packed else None}
    ids = {message["type"]: message["messageId"] for message in said}
    call_all(client, **ids)
    assert len(collector.rows()) == 6


@WAYS
def test_threaded_client_delivers_each_call_once(collector, packed):
    failed = []
    client = Client(
        collector.key, host=collector.address, gzip=packed, upload_size=4, upload_interval=0.2,
        on_error=lambda error, items: failed.append(error),
    )  # fmt: skip
    said = call_all(client)
    client.shutdown()
    assert failed == []
    came_through(collector.expect(said))


def test_client_that_heard_nothing_says_it_again(collector):
    """The events are kept and the answer is lost: the client's own second try adds nothing."""
    collector.lose()
    client = Client(collector.key, host=collector.address, upload_size=6, upload_interval=5)
    said = call_all(client)
    client.shutdown()
    assert [call.headers.get("x-retry-count") for call in collector.posts] == [None, "1"]
    assert collector.posts[0].body != collector.posts[1].body  # sent at another time
    collector.expect(said, lost=1)


def test_client_comes_again_when_it_is_told(collector, monkeypatch):
    collector.hold_off(monkeypatch, 0.7)
    client = Client(collector.key, host=collector.address, upload_size=6, upload_interval=5)
    said = call_all(client)
    client.shutdown()
    first, second = collector.posts
    assert second.at - first.at >= 1  # the header counts whole seconds
    collector.expect(said, held_off=1)


def test_wrong_key_is_told_to_the_client(collector):
    client = Client("wk_wrong", host=collector.address, sync_mode=True)
    with pytest.raises(APIError) as caught:
        client.track(user_id="7", event="Order Completed")
    assert (caught.value.status, collector.rows()) == (401, [])
