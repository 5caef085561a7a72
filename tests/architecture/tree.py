"""What the architecture tests look at: the product's files and their syntax trees, tracked text files."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "foundation",
    "connectors",
    "customers",
    "sync",
    "web_capture",
    "email_campaigns",
    "console",
    "kartoteka",
    "migrations",
)


@cache
def product_files() -> tuple[Path, ...]:
    """Every Python file of the product, without tests and benchmarks."""
    return tuple(sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def name_of(path: Path) -> str:
    """A path as a person would name it in a message."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones included."""
    return [
        node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files under version control that are text."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listing.decode().split("\0") if name]
    return tuple(path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096])


def offending(check, paths=None):
    """What a check finds, by file; nothing where all is well. One test a rule: one a file took minutes."""
    found = ((name_of(path), check(path)) for path in (product_files() if paths is None else paths))
    return {name: wrong for name, wrong in found if wrong}
