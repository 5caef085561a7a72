"""A statement as PDF, made by typst from data alone, in a process of its own."""

import subprocess
import sys
import unicodedata
from pathlib import Path
from threading import Lock

import msgspec

from customers.settlements import words
from customers.settlements.reading import Statement
from customers.settlements.sheet import sheet
from customers.settlements.typeset import Form, Task
from foundation import text
from foundation.errors import BadInput, KartotekaError
from foundation.text import _

_COMMAND = (sys.executable, "-P", "-m", "customers.settlements.typeset")
_SECONDS = 60
_TEMPLATE = (Path(__file__).parent / "statement.typ").read_text("utf-8")
_MOST_LINES = 1_000  # 270 MB and 3 s while it is made
_ONE = Lock()  # at a time in a process
_UNASSIGNED = "\u0378"  # no font has it: what it looks like is what a missing letter looks like
# a page a letter, as large as the letter
_LETTERS = """#set page(width: auto, height: auto, margin: 0pt)
#set text(font: ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"), size: 20pt)
#sys.inputs.letters.clusters().map(one => text(one)).join(pagebreak())"""


def pdf(said: Statement, language: str) -> bytes:
    """The file, in one of `foundation.text.LANGUAGES`.

    The fonts of the wheel have Latin and Cyrillic letters; for others those of the machine are looked at.
    Letters that no font has are named in the document; when the document's own words have such, `BadInput`.
    """
    return made(said, language, "pdf")[0]


def made(said: Statement, language: str, form: Form) -> list[bytes]:
    """The file, or its pages as pictures."""
    told = sheet(said, language)
    lines = sum(len(part.lines) for part in told.parts)
    if lines > _MOST_LINES:
        raise BadInput(_("A PDF holds %d lines; take a shorter period, or XLSX.") % _MOST_LINES, "until")
    data = msgspec.to_builtins(told)
    own = "".join((*told.labels.values(), *(part.verdict for part in told.parts)))
    strange = _beyond(own + told.texts(), system=False)
    gone = _beyond(strange, system=True) if strange else ""
    if set(gone) & set(own):
        raise BadInput(
            _("No font here has the letters of this language; take XLSX, or install one."), "language"
        )
    with text.language(language):
        data["missing"] = words.missing(" ".join(gone)) if gone else ""
    inputs = {"said": msgspec.json.encode(data).decode()}
    return _compiled(_TEMPLATE, inputs, form, system=bool(strange))


def _beyond(letters: str, *, system: bool) -> str:
    """Those letters that no font has, each once: they look like one that there is nowhere."""
    strange = sorted({one for one in letters if ord(one) > 0x52F and unicodedata.category(one)[0] in "LN"})
    if not strange:
        return ""
    inputs = {"letters": "".join((_UNASSIGNED, *strange))}
    nothing, *pages = _compiled(_LETTERS, inputs, "png", system=system)
    return "".join(one for one, page in zip(strange, pages, strict=True) if page == nothing)


def _compiled(source: str, inputs: dict[str, str], form: Form, *, system: bool) -> list[bytes]:
    task = msgspec.json.encode(Task(source, inputs, form, system))
    with _ONE:
        try:
            done = subprocess.run(  # noqa: S603 - a program of ours, told by stdin
                _COMMAND, input=task, capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise BadInput(_("This takes too long; take a shorter period, or XLSX."), "until") from None
    if done.returncode:
        raise KartotekaError(f"typst failed: {done.stderr.decode(errors='replace')[-1000:]}")
    return msgspec.msgpack.decode(done.stdout, type=list[bytes])
