"""The collector keeps to its own description, whatever is sent: schemathesis and plain fuzzing."""

import base64
import json
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from web_capture import routes

DESCRIPTION = json.loads(Path(routes.DESCRIPTION).read_text("utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
PATHS = sorted(DESCRIPTION["paths"])
ANSWERS = {
    name: jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", **DESCRIPTION})
    for name in ("Taken", "Refused")
}
MUCH = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def post(pages):
    """One call with the secret key, whose answer is what the description says."""
    mark = "Basic " + base64.b64encode(f"{pages.secret_key}:".encode()).decode()

    def posted(path, body):
        headers = {"authorization": mark, "content-type": "application/json"}
        answer = pages.client.post(path, content=body, headers=headers)
        assert str(answer.status_code) in DESCRIPTION["paths"][path]["post"]["responses"]
        ANSWERS["Taken" if answer.status_code == 200 else "Refused"].validate(answer.json())
        return answer

    return posted


def test_description_is_served(pages):
    assert pages.client.get("/v1/openapi.json").json() == DESCRIPTION


@pytest.mark.parametrize("path", PATHS)
def test_all_that_is_described_is_taken(post, path):
    operation = SCHEMA[path]["POST"]

    @MUCH
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def sent(case):
        body = json.dumps(case.body).encode()
        answer = post(path, body)
        if len(body) < 32_000:
            assert (answer.status_code, answer.json()) == (200, {"success": True})

    sent()


@pytest.mark.parametrize("path", PATHS)
def test_all_else_is_answered(post, path):
    operation = SCHEMA[path]["POST"]

    @MUCH
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def sent(case):
        body = json.dumps(case.body, default=repr).encode()
        assert post(path, body).status_code in (200, 400, 413)

    sent()


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_any_bytes_are_answered(post, path):
    @MUCH
    @given(
        st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps({text: text}).encode())
    )
    def sent(body):
        assert post(path, body).status_code in (200, 400)

    sent()


@pytest.mark.parametrize("who", ["userId", "anonymousId"])
@pytest.mark.parametrize("value", ["", " ", "\x1f", " \x85 ", "\t\x1c", "a", "0", "guest"])
def test_what_is_empty_is_described_so(post, who, value):
    """As Python sees it: it calls more characters blank than JavaScript's regular expressions do."""
    body = {who: value}
    described = jsonschema_rs.validator_for({"$ref": "#/components/schemas/identify", **DESCRIPTION})
    answer = post("/v1/identify", json.dumps(body).encode())
    assert described.is_valid(body) == (answer.status_code == 200) == bool(value.strip())
