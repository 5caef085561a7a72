"""Every module that registers work is loaded by the processes that do work."""

import ast
import subprocess
import sys

from tests.architecture.tree import ROOT, parsed, product_files

REGISTERING = {"job", "duty", "beat"}


def registering_modules():
    for path in product_files():
        for node in ast.walk(parsed(path)):
            names = getattr(node, "decorator_list", [])
            if any(isinstance(one, ast.Call) and getattr(one.func, "id", "") in REGISTERING for one in names):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts)
                break


def test_no_registered_work_is_forgotten():
    code = "import sys; from kartoteka.worker import load_jobs; load_jobs(); print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(registering_modules()) <= set(loaded.stdout.split())
