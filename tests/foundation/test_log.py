"""One line per event; secrets never, personal data only at debug."""

import json
import logging
from collections.abc import Iterator

import pytest

from foundation import log
from foundation.settings import load

CANARIES = {
    "password": "canary-password",
    "api_secret": "canary-secret",
    "hook_token": "canary-token",
    "apiKey": "canary-key",
    "Authorization": "canary-header",
    "database_url": "postgresql://u:canary-url@db",
}
PEOPLE = {
    "email": "anna@example.org",
    "phones": ["+77012345678"],
    "given_name": "Anna",
    "address": "Abai Ave 10",
    "tax_number": "770123456789",
    "payload": '{"customer": "Anna"}',
}


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    log._configure(logging.WARNING, json=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_json_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load(log_format="json"))
    log.get("sync.pull").info("page_pulled", stream="orders", rows=100, note="two\nlines")
    (line,) = lines(capsys)
    said = json.loads(line)
    assert (said["event"], said["level"], said["stream"], said["rows"]) == (
        "page_pulled",
        "info",
        "orders",
        100,
    )
    assert said["timestamp"].endswith("Z")


def test_console_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load())
    log.get("sync.pull").info("page_pulled", note="two\nlines")
    (line,) = lines(capsys)
    assert "info    page_pulled" in line
    assert "note=two\\nlines" in line


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_secrets_appear_at_no_level(capsys: pytest.CaptureFixture[str], level: str) -> None:
    log.setup(load(log_level="debug", log_format="json"))
    getattr(log.get("test"), level)("signed_in", nested={"list": [dict(CANARIES)]}, **CANARIES)
    assert "canary" not in "".join(lines(capsys))


def test_personal_data_appear_at_debug_only(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load(log_level="debug", log_format="json"))
    log.get("test").debug("resolved", **PEOPLE)
    assert "anna@example.org" in "".join(lines(capsys))
    for level in ("info", "warning", "error"):
        getattr(log.get("test"), level)("resolved", record=PEOPLE, **PEOPLE)
    said = "".join(lines(capsys))
    for trace in ("anna", "Anna", "7701234", "Abai"):
        assert trace not in said


@pytest.mark.parametrize(
    "text",
    [
        "connect to redis://worker:canary@cache:6379 failed",
        "answer to Bearer canary.canary-canary was 401",
        "GET /orders?consumer_key=canary&consumer_secret=canary&page=2",
        "GET /hook?token=canary",
    ],
)
def test_secrets_inside_texts_are_removed(capsys: pytest.CaptureFixture[str], text: str) -> None:
    log.setup(load(log_level="debug"))
    log.get("test").warning("request_failed", error=OSError(text), said=text)
    logging.getLogger("urllib3").warning(text)
    said = lines(capsys)
    assert len(said) == 2
    assert "canary" not in "".join(said)


def test_mailboxes_and_phones_inside_texts_are_removed(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load())
    log.get("test").warning("refused", error=ValueError("anna@example.org or +7 701 234-56-78 is taken"))
    said = "".join(lines(capsys))
    assert "is taken" in said
    assert "anna@" not in said
    assert "234" not in said


def test_exception_of_a_job_is_stripped_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load(log_format="json"))
    try:
        raise ValueError("Key (email)=(anna@example.org) already exists")
    except ValueError:
        log.get("test").exception("job_broke")
    (line,) = lines(capsys)
    assert "Traceback" in json.loads(line)["exception"]
    assert "anna@" not in line


def test_level_hides_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(load(log_level="warning"))
    log.get("test").info("hidden")
    logging.getLogger("alembic").info("hidden too")
    logging.getLogger("alembic").warning("shown")
    assert [line for line in lines(capsys) if "shown" not in line] == []


def test_before_setup_standard_output_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    log.get("test").info("hidden")
    log.get("test").warning("shown")
    said = capsys.readouterr()
    assert said.out == ""
    assert "shown" in said.err
    assert "hidden" not in said.err
