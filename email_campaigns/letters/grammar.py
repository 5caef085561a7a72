"""The part of Jinja2 that letters speak: what is allowed is listed, everything else is refused in words.

Checked trees are changed a little before they are compiled: loops are counted, `~` is bounded,
and a dotted name
carries its whole path, so that what is missing can be named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from jinja2 import TemplateSyntaxError, nodes

from email_campaigns.letters import limits
from email_campaigns.letters.filters import FILTERS, INTERNAL, shown
from email_campaigns.letters.sandbox import TESTS, Sandbox
from foundation.errors import BadInput
from foundation.text import _

_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.And, nodes.Or,
    nodes.Not, nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv,
    nodes.Mod, nodes.Pow, nodes.Neg, nodes.Pos, nodes.Concat, nodes.Getattr, nodes.Getitem,
)  # fmt: skip
_NAMES = {"self", "super", "caller", "varargs", "kwargs", "namespace", "cycler", "joiner", "lipsum", "dict"}


_SAID = {"FromImport": "from", "FilterBlock": "filter", "AssignBlock": "set", "CallBlock": "call",
         "Scope": "autoescape", "ScopedEvalContextModifier": "autoescape", "NSRef": "set"}  # fmt: skip
_BARE = re.compile(r"[ \t]*\n")


class BadTemplate(BadInput):
    """A text of a letter that can't be read as one; `line` is where."""

    def __init__(self, message: str, line: int | None = 1) -> None:
        line = line or 1
        super().__init__(
            message if line < 2 else _("line %(line)d: %(message)s") % {"line": line, "message": message}
        )
        self.line = line


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: plain, an expression, a statement or a comment."""

    kind: str  # data expression statement comment
    text: str


@cache
def environment(html: bool) -> Sandbox:
    """The sandbox that writes HTML, or the one that writes plain text."""
    return Sandbox(html, FILTERS | INTERNAL, shown)


def pieces(source: str) -> Iterator[Piece]:
    """A text taken apart; joined again they are the text."""
    kinds = {"variable_begin": "expression", "block_begin": "statement", "comment_begin": "comment"}
    ends = {"variable_end", "block_end", "comment_end"}
    inside, text = "", ""
    try:
        for line, token, value in environment(True).lex(source):
            if token.startswith(("raw", "linestatement", "linecomment")):
                raise BadTemplate(_("“raw” can't stand in a letter."), line)
            if token in kinds:
                inside, text = kinds[token], value
            elif token in ends:
                yield Piece(inside, text + value)
                inside = ""
            elif inside:
                text += value
            else:
                yield Piece("data", value)
    except TemplateSyntaxError as error:
        raise _refused(error) from None
    if inside:
        raise BadTemplate(_("something is opened with {{, {% or {# and not closed."))


def read(source: str) -> nodes.Template:
    """The checked tree of a text. BadTemplate says what a letter can't do, and where."""
    if len(source) > limits.TEMPLATE:
        raise BadTemplate(_("This text is too long."))
    for _one in pieces(source):
        pass
    try:
        tree = environment(True).parse(source)
        _check(tree, limits.NESTED)
    except TemplateSyntaxError as error:
        raise _refused(error) from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        raise BadTemplate(_("This text is nested too deeply or holds too large a number.")) from None
    return tree


def expression(source: str) -> nodes.Expr:
    """The tree of a condition or a list, as it stands behind “if” or “in”."""
    tree = read("{{ " + source + " }}")
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        raise BadTemplate(_("this is more than one expression."))
    found = tree.body[0].nodes[0]
    if isinstance(found, nodes.TemplateData):
        raise BadTemplate(_("an expression is missing here."))
    return found


def compiled(source: str, html: bool) -> Any:
    """A template whose `root_render_func` writes the text piece by piece."""
    env = environment(html)
    try:
        tree = env.parse(source if html else _without_bare_lines(source))
        _check(tree, limits.NESTED, trusted=True)
        _change(tree)
        code = env.compile(tree)
    except TemplateSyntaxError as error:
        raise _refused(error) from None
    except (RecursionError, ValueError, OverflowError, MemoryError, SyntaxError):
        raise BadTemplate(_("This text is nested too deeply or holds too large a number.")) from None
    return env.template_class.from_code(env, code, env.globals)


def _without_bare_lines(source: str) -> str:
    """The text without the line ends behind statements that have a line to themselves."""
    said, begun = "", True  # begun: nothing but blanks and statements stands on the line so far
    for one in pieces(source):
        if one.kind == "data":
            text = one.text
            if begun and said and (found := _BARE.match(text)):
                text = text[found.end() :]
            begun = not text.rpartition("\n")[2].strip(" \t") and ("\n" in text or begun)
            said += text
        else:
            begun = begun and one.kind != "expression"
            said += one.text
    return said


def _refused(error: TemplateSyntaxError) -> BadTemplate:
    said = str(error.message or "").rstrip(".")
    return BadTemplate(_("this can't be read: %s.") % said, error.lineno)


def _check(node: nodes.Node, depth: int, trusted: bool = False) -> None:
    """Refuse what isn't listed. Trusted text may use what compiled.py adds: filters that start with “_”."""
    if depth < 0:
        raise BadTemplate(_("this is nested too deeply."), node.lineno)
    match node:
        case nodes.Name(name=name) if name.startswith("_") or name in _NAMES:
            raise BadTemplate(_("“%s” is not known here.") % name, node.lineno)
        case nodes.Getattr(attr=attr) if attr.startswith("_"):
            raise BadTemplate(_("“%s” can't be read.") % attr, node.lineno)
        case nodes.Filter(name=name) if name not in FILTERS and not (trusted and name in INTERNAL):
            raise BadTemplate(_("there is no filter “%s”.") % name, node.lineno)
        case nodes.Test(name=name) if name not in TESTS:
            raise BadTemplate(_("there is no test “%s”.") % name, node.lineno)
        case nodes.Filter(dyn_args=None, dyn_kwargs=None) | nodes.Test(dyn_args=None, dyn_kwargs=None):
            pass
        case nodes.Call(node=nodes.Name(name="range"), kwargs=[], dyn_args=None, dyn_kwargs=None):
            pass
        case nodes.Call():
            raise BadTemplate(_("nothing but “range” can be called."), node.lineno)
        case nodes.For(recursive=False, target=nodes.Name()):
            pass
        case nodes.For():
            raise BadTemplate(_("a loop has one name before “in”."), node.lineno)
        case nodes.Assign(target=nodes.Name()):
            pass
        case nodes.List() | nodes.Tuple():
            if not all(isinstance(one, nodes.Const) for one in node.items):
                raise BadTemplate(_("a list in brackets holds plain values only."), node.lineno)
        case nodes.Const(value=int(value)) if abs(value) > limits.NUMBER:
            raise BadTemplate(_("this number is too large."), node.lineno)
        case nodes.Name() | nodes.Const() | nodes.Keyword():
            pass
        case nodes.FilterBlock() if trusted:
            pass
        case nodes.Node() if isinstance(node, _PLAIN):
            pass
        case _:
            name = type(node).__name__
            raise BadTemplate(_("“%s” can't stand in a letter.") % _SAID.get(name, name.lower()), node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth - 1, trusted)


def _change(node: nodes.Node) -> None:
    for child in node.iter_child_nodes():
        _change(child)
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        node.expr2 = nodes.Const("", lineno=node.lineno)
    if isinstance(node, nodes.For):
        node.iter = _filter("_turns", cast(nodes.Expr, node.iter))
    for name, value in node.iter_fields():
        if isinstance(value, nodes.Concat):
            setattr(node, name, _bounded(value))
        elif isinstance(value, list):
            value[:] = [_bounded(one) if isinstance(one, nodes.Concat) else one for one in value]
    if isinstance(node, nodes.Getattr) and (path := path_of(node)):
        node.attr = path


def _bounded(node: nodes.Concat) -> nodes.Filter:
    return _filter("_joined", node.nodes[0], node.nodes[1:])


def _filter(name: str, node: nodes.Expr, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    made = nodes.Filter(node, name, args or [], [], None, None, lineno=node.lineno)
    made.environment = node.environment
    return made


def path_of(node: nodes.Node) -> str:
    """“customer.given_name” or “order.lines[0]” of a name with parts, changed or not; else empty."""
    parts: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            parts.append("." + node.attr.rpartition(".")[2])
        elif isinstance(node.arg, nodes.Const):
            parts.append(f".{node.arg.value}" if isinstance(node.arg.value, str) else f"[{node.arg.value}]")
        else:
            return ""
        node = node.node
    return "".join([node.name, *reversed(parts)]) if isinstance(node, nodes.Name) else ""
