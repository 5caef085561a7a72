"""What stands in the files: docstrings everywhere, time from our clock, no machine of ours named."""

import ast
import re

from tests.architecture.tree import functions, name_of, offending, parsed, tracked_files

SQL_CLOCK = re.compile(
    r"\b(?:now\(\)|CURRENT_TIMESTAMP|LOCALTIMESTAMP|clock_timestamp\(\)|CURRENT_DATE)", re.I
)
REGISTRY = re.compile(r"https?://[^\s\"')]*(?:artifactory|nexus|devpi|pypi|npmjs|simple/)[^\s\"')]*", re.I)
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/[\w.-]+")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|for now\b")


def test_module_says_what_it_is_for():
    assert not offending(lambda path: not ast.get_docstring(parsed(path)))


def test_public_functions_have_docstrings():
    assert not offending(silent)


def silent(path):
    inner = {
        id(below)
        for function in functions(path)
        for below in ast.walk(function)
        if below is not function and isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return [
        function.name
        for function in functions(path)
        if not function.name.startswith("_") and id(function) not in inner and not ast.get_docstring(function)
        and not overrides(function)
    ]  # fmt: skip


def overrides(function):
    names = [ast.unparse(one) for one in function.decorator_list]
    return any(name.endswith(("override", ".setter")) or name in ("job", "overload") for name in names)


def test_sql_never_asks_its_own_clock():
    assert not offending(asking)


def asking(path):
    texts = [
        node.value
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(parsed(path)) if has_docstring(node)}
    return [text for text in texts if text not in docs and SQL_CLOCK.search(text)]


def has_docstring(node):
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def test_nothing_is_left_unfinished():
    assert not offending(lambda path: UNFINISHED.findall(path.read_text("utf-8")))


def test_no_registry_is_named():
    named = {}
    for path in tracked_files():
        if found := REGISTRY.findall(path.read_text("utf-8", "replace")):
            named[name_of(path)] = found
    assert not named


def test_no_machine_path_is_named():
    named = {}
    for path in tracked_files():
        if path.name == "test_texts.py":
            continue
        if found := MACHINE.findall(path.read_text("utf-8", "replace")):
            named[name_of(path)] = found
    assert not named
