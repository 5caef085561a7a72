"""The API's door: tokens, scopes, problem bodies, hostile input, repeated posts."""

import json
import threading
from typing import get_type_hints
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from console.api.asking import Later
from console.api.endpoints import ENDPOINTS
from console.tables import ApiToken
from foundation.clock import now
from foundation.database import transaction

NOBODY = "01a1ffba-f547-7e36-9e31-01fd5049f923"  # fixed: parallel runs collect the same names
EVERY = [(one.method, one.path.replace("{id}", NOBODY)) for one in ENDPOINTS]
PROBLEM = "application/problem+json"


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert set(body) >= {"type", "title", "status", "detail"}
    return body


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_every_endpoint_refuses_strangers(whole, method, path):
    answer = TestClient(whole, base_url="http://localhost").request(method, f"/api/v1{path}")
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), [one for one in EVERY if one[0] == "POST"])
def test_posts_need_the_write_scope(reader, method, path):
    assert "scope write" in problem(reader.request(method, f"/api/v1{path}", json={}), 403)["detail"]


def test_wider_scopes_include_narrower_ones(bearer):
    for scope in ("read", "write", "admin"):
        assert bearer(scope).get("/api/v1/counts").status_code == 200


def test_revoked_token_opens_nothing(reader, engine):
    with transaction(engine) as session:
        session.query(ApiToken).update({"revoked_at": now()})
    problem(reader.get("/api/v1/counts"), 401)


def test_unknown_path_is_a_problem(reader):
    problem(reader.get("/api/v1/nothing"), 404)


def test_wrong_method_is_a_problem(reader):
    problem(reader.delete("/api/v1/counts"), 405)


@pytest.mark.parametrize("identity", [NOBODY, "1", "'; --", "%00", "a" * 900, "Ω"])
@pytest.mark.parametrize("path", ["customers/{}", "orders/{}", "connections/{}", "runs/{}", "operations/{}"])
def test_foreign_ids_are_one_kind_of_missing(reader, path, identity):
    body = problem(reader.get(f"/api/v1/{path.format(identity)}"), 404)
    assert body["detail"] == "There is no such thing here."


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=-1", "/query/limit"),
        ("limit=٣", "/query/limit"),
        ("limit=1e2", "/query/limit"),
        ("limit=1&limit=2", "/query/limit"),
        ("cursor=zzz", "/query/cursor"),
        ("cursor=WzEsMl0", "/query/cursor"),
        ("cursor=%00", "/query/cursor"),
        ("customer=1", "/query/customer"),
        ("state=bought", "/query/state"),
        ("placed_since=yesterday", "/query/placed_since"),
        ("placed_since=2026-01-01", "/query/placed_since"),
        ("number=" + "9" * 1001, "/query/number"),
        ("colour=red", "/query/colour"),
    ],
)
def test_bad_parameter_is_named(reader, query, at):
    body = problem(reader.get(f"/api/v1/orders?{query}"), 400)
    assert [one["at"] for one in body["errors"]] == [at]


@pytest.mark.parametrize("cursor", ["~", "zzz", "1~2", "~" + "0" * 40])
def test_foreign_customer_cursor_is_refused(reader, cursor):
    problem(reader.get("/api/v1/customers", params={"cursor": cursor}), 400)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"keep": 1}', b"\xff\xfe", b'{"keep":"x","other":"y"}', b"[" * 5000]
)
def test_bad_body_is_a_problem(writer, body):
    answer = writer.post("/api/v1/customers/merge", content=body)
    assert problem(answer, 400)["errors"]


def test_unknown_field_is_named(writer, shop):
    body = problem(writer.post(f"/api/v1/connections/{shop.id}/pull", json={"ful": True}), 400)
    assert "ful" in body["detail"]


def test_large_body_is_refused(writer):
    answer = writer.post("/api/v1/customers/merge", content=b" " * 1_000_001)
    problem(answer, 413)


def test_repeat_gets_the_first_answer(writer, shop):
    headers = {"Idempotency-Key": "once"}
    path = f"/api/v1/connections/{shop.id}/pull"
    first = writer.post(path, json={}, headers=headers)
    again = writer.post(path, json={}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert first.headers["location"] == again.headers["location"] == f"/api/v1/runs/{first.json()['id']}"
    assert writer.get(first.headers["location"]).json() == first.json()


def test_repeat_of_what_is_done_at_once_has_nowhere_to_look(writer):
    path, body, headers = "/api/v1/segments/count", {"conditions": "city is set"}, {"Idempotency-Key": "once"}
    first, again = (writer.post(path, json=body, headers=headers) for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true" and again.json() == first.json()
    assert "location" not in first.headers and "location" not in again.headers


def test_key_of_another_request_is_refused(writer, shop):
    headers = {"Idempotency-Key": "once"}
    path = f"/api/v1/connections/{shop.id}/pull"
    writer.post(path, json={}, headers=headers)
    problem(writer.post(path, json={"full": True}, headers=headers), 422)


def test_failed_post_leaves_its_key_free(writer, shop):
    headers = {"Idempotency-Key": "once"}
    problem(writer.post(f"/api/v1/connections/{uuid4()}/pull", json={}, headers=headers), 404)
    assert writer.post(f"/api/v1/connections/{shop.id}/pull", json={}, headers=headers).status_code == 202


def test_simultaneous_repeats_happen_once(writer, reader, anna):
    boris = reader.get("/api/v1/customers", params={"q": "boris"}).json()["data"][0]
    answers = []

    def post():
        body = {"keep": anna["id"], "other": boris["id"]}
        answers.append(writer.post("/api/v1/customers/merge", json=body, headers={"Idempotency-Key": "k"}))

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_security_headers_stand_on_api_answers(reader):
    for answer in (reader.get("/api/v1/counts"), reader.get("/api/v1/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]


def test_description_covers_every_endpoint(whole):
    described = TestClient(whole, base_url="http://localhost").get("/api/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert {(method.upper(), path) for path, methods in described["paths"].items() for method in methods} == {
        (one.method, one.path) for one in ENDPOINTS
    }
    text = json.dumps(described)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= described["components"]["schemas"].keys()


def test_what_goes_on_in_the_background_says_where(whole):
    described = TestClient(whole, base_url="http://localhost").get("/api/v1/openapi.json").json()["paths"]
    behind = [one for one in ENDPOINTS if one.status == 202]
    assert len(behind) >= 5
    for one in behind:
        assert get_type_hints(one.handler)["return"] is Later, one.path
        assert "`Location`" in described[one.path]["post"]["responses"]["202"]["description"], one.path
