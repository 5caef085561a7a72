"""Typesets in a process of its own: what typst holds in memory ends with it. Reads its task from stdin."""

import sys
from importlib import import_module
from typing import Any, Literal

import msgspec

Form = Literal["pdf", "png"]


class Task(msgspec.Struct, frozen=True):
    """What is to be made: a source, the data it reads, and whether fonts of the machine may be used."""

    source: str
    inputs: dict[str, str]
    form: Form
    system: bool


def main() -> None:
    """Write the files, one for a PDF and one for each page that is a picture."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    # only here: who gives the task needs its shape alone
    found: Any = import_module("typst").compile(
        task.source.encode(), format=task.form, sys_inputs=task.inputs,
        ignore_system_fonts=not task.system, ppi=110,
    )  # fmt: skip
    sys.stdout.buffer.write(msgspec.msgpack.encode([found] if isinstance(found, bytes) else found))


if __name__ == "__main__":
    main()
