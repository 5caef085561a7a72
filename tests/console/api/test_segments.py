"""Segments over the API: made, changed, counted, explained, and lists put together."""

import pytest

from customers.segments import jobs

HERE = "/api/v1/segments"


def follow(engine):
    while jobs.follow_segments(engine):
        pass


def test_a_segment_from_beginning_to_end(reader, writer, engine, anna):
    made = writer.post(HERE, json={"name": "Loyal", "conditions": 'orders.count()>=2 and country="kz"'})
    assert made.status_code == 201, made.text
    body = made.json()
    assert body["conditions"] == 'orders.count() >= 2 and country = "kz"' and not body["found"]
    follow(engine)
    (one,) = reader.get(HERE).json()["data"]
    assert (one["customers"], one["found"], one["tree"]) == (1, True, body["tree"])
    members = reader.get(f"{HERE}/{one['id']}/members").json()
    assert members["next"] is None and members["data"][0]["customer"] == anna
    why = reader.get(f"{HERE}/{one['id']}/members/{anna['id']}").json()
    assert why["inside"] and [clause["holds"] for clause in why["clauses"]] == [True, True]
    changed = writer.post(
        f"{HERE}/{one['id']}", json={"tree": {"type": "field", "field": "city", "op": "set"}}
    )
    assert changed.json()["version"] == 2
    assert reader.get(f"{HERE}/{one['id']}").json()["conditions"] == "city is set"


def test_counting_keeps_nothing(reader, writer, anna):
    answer = writer.post(f"{HERE}/count", json={"conditions": "orders.count() >= 2"}).json()
    assert answer == {"count": 1, "conditions": "orders.count() >= 2", "sample": [anna["id"]]}
    assert reader.get(HERE).json()["data"] == []


def test_a_list_is_put_together(reader, writer, engine, anna):
    made = writer.post(HERE, json={"name": "VIP"}).json()
    done = writer.post(f"{HERE}/{made['id']}/entries", json={"add": ["anna@example.org", "x@example.org"]})
    assert done.json()["result"]["new"] == 1
    follow(engine)
    assert reader.get(f"{HERE}/{made['id']}").json()["customers"] == 1
    writer.post(f"{HERE}/{made['id']}/entries", json={"remove": [anna["id"]]})
    follow(engine)
    assert reader.get(f"{HERE}/{made['id']}").json()["customers"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("", {"name": "A", "conditions": "citty is set"}, 400, "did you mean city"),
        ("", {"name": "A", "tree": {"type": "field", "field": "x", "op": "set"}}, 400, "there is no field x"),
        ("", {"name": "A", "tree": [], "conditions": "city is set"}, 400, "not both"),
        ("", {"name": "", "conditions": "city is set"}, 400, "needs a name"),
        ("/count", {}, 400, "say the conditions"),
        ("/count", {"conditions": 'lists has "VIP"'}, 400, "there is no list"),
        ("/{id}/entries", {"add": ["a"], "remove": ["b"]}, 400, "one of both"),
        ("/{id}/entries", {"add": ["a"]}, 400, "is no list"),
    ],
)
def test_mistakes_are_said(writer, engine, anna, path, body, status, words):
    made = writer.post(HERE, json={"name": "Rule", "conditions": "city is set"}).json()
    answer = writer.post(HERE + path.format(id=made["id"]), json=body)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


def test_reading_needs_no_more_than_reading(reader):
    assert reader.post(HERE, json={"name": "A", "conditions": "city is set"}).status_code == 403
    assert reader.get(f"{HERE}/01a201e1-e451-7876-a5db-412f82552391").status_code == 404
