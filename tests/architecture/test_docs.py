"""The generated pages of docs/ say what the program says, and the README shows its two commands."""

import pytest

from connectors import registry
from kartoteka import reference
from kartoteka.cli import COMMANDS
from tests.architecture.tree import ROOT


@pytest.fixture(autouse=True)
def own_connectors():
    """Only what the product ships: a kill test may have left its fake shop among the connectors."""
    registry._discover.cache_clear()


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_generated_page_is_current(name):
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == reference.render(name), "run: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_heading(name):
    assert f"\n## `kartoteka {name}" in reference.render("cli.md")


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_shows_both_commands(command):
    assert command in "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:40])
