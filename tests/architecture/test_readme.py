"""The commands that the README shows exist, with the options and settings it shows."""

import re

import click
import pytest

from connectors import registry
from kartoteka.cli import COMMANDS, main
from tests.architecture.tree import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8").replace("\\\n", " ")
LINES = re.findall(r"^ +(?:\.venv/bin/)?kartoteka (.+)$", TEXT, re.M)


@pytest.mark.parametrize("line", LINES)
def test_shown_command_exists_as_shown(line):
    words = line.split("#")[0].split()
    command = main.get_command(click.Context(main), words[0])
    assert command is not None, words[0]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    if words[0] == "connect":
        settings = {field.name for field in registry.form_fields(registry.find(words[1]))}
        assert set(re.findall(r"--set (\w+)=", line)) <= settings


def test_readme_shows_commands():
    assert len(LINES) >= 3
    assert set(re.findall(r"`kartoteka (\w[\w-]*)`", TEXT)) <= set(COMMANDS)
