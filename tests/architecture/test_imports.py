"""The arrows between packages, and nothing hidden: no cycles, no late imports outside the door."""

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.tree import PACKAGES, ROOT, functions, name_of, offending, parsed, product_files

HEAVY_DOOR = "kartoteka"  # the one package that may import late (start-up bar)


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_import_contracts_are_kept():
    """In a process of its own: the linter switches off the loggers of the process it runs in."""
    command = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_import_without_cycles(graph):
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while leaves := [module for module, wants in left.items() if not wants & left.keys()]:
        for module in leaves:
            del left[module]
    assert not left, f"in or above a cycle: {sorted(left)}"


BELOW_THE_DOOR = tuple(path for path in product_files() if not name_of(path).startswith(f"{HEAVY_DOOR}/"))


def test_imports_stand_at_the_top():
    assert not offending(late, BELOW_THE_DOOR)


def late(path):
    return [
        node.lineno
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def test_environment_is_read_in_one_place():
    assert not offending(
        reads, [path for path in product_files() if name_of(path) != "foundation/settings.py"]
    )


def reads(path):
    return [
        node.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    ]
