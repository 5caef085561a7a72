"""Runs commands in this process against the test's servers."""

import json
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from foundation import jobs
from kartoteka.cli import main
from sync import context


class Answer:
    """What a command came to."""

    def __init__(self, result: Result) -> None:
        self.status, self.text, self.errors = result.exit_code, result.stdout, result.stderr
        error = result.exception
        if error is not None and not isinstance(error, SystemExit | click.exceptions.Exit):
            raise error

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def kartoteka(engine, settings, monkeypatch) -> Callable[..., Answer]:
    """`kartoteka("pull", "Shop")`: the command's exit status and output."""
    told = {
        "DATA": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEY": settings.key,
        "ALLOW_PRIVATE_ADDRESSES": "true",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"KARTOTEKA_{name}", value)

    def run(*words: object, says: str | None = None) -> Answer:
        return Answer(CliRunner().invoke(main, [str(word) for word in words], input=says))

    yield run
    context.use(None)
    jobs.connect(None)
