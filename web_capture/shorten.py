"""One-letter names for what a script of ours declares, so that readable source costs no bytes on the wire.

Not a general tool: it reads what `rjsmin` leaves of a script whose functions are all arrows, without template
literals, destructuring and shorthand properties.
"""

import re
import string
from dataclasses import dataclass, field

_LITERAL = (
    r'"(?:\\.|[^"\\])*"'
    r"|'(?:\\.|[^'\\])*'"
    r"|(?<=[(,=:!&|?{;\[>])/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+/[a-z]*"
)
_TOKEN = re.compile(rf"(?:{_LITERAL})|[\w$]+|=>|\.\.\.|\s+|.", re.S)
_NEEDLESS = re.compile(rf"({_LITERAL})|\n|;(?=}})|,(?=[}})\]])", re.S)
_LETTERS = string.ascii_lowercase + "_$" + string.ascii_uppercase
_OPEN, _CLOSE = "([{", ")]}"
_LOCAL = 4  # letters that the script's own names leave to those inside functions


@dataclass
class _Scope:
    """A function from its parameters to its end, or the whole script."""

    start: int
    end: int
    names: dict[str, str] = field(default_factory=dict)

    def holds(self, at: int) -> bool:
        """Whether a place is inside."""
        return self.start <= at < self.end


def shorten(script: str) -> str:
    """The script with short names and without the marks that nothing needs."""
    tokens = _TOKEN.findall(_NEEDLESS.sub(lambda found: found[1] or "", script))
    partner = _partners(tokens)
    scopes = [_Scope(0, len(tokens)), *_functions(tokens, partner)]
    for at, token in enumerate(tokens):
        if token in ("const", "let"):
            around = [scope for scope in scopes if scope.holds(at)]
            around[-1].names.update(dict.fromkeys(_declared(tokens, partner, at), ""))
            tokens[at] = "let"
    uses = _uses(tokens, scopes)
    _name(scopes, uses, tokens)
    return "".join(uses[at].names[token] if at in uses else token for at, token in enumerate(tokens))


def _partners(tokens: list[str]) -> dict[int, int]:
    """Where the bracket ends that opens here, and the other way round."""
    partner: dict[int, int] = {}
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token in _OPEN:
            opened.append(at)
        elif token in _CLOSE:
            partner[at] = opened.pop()
            partner[partner[at]] = at
    return partner


def _functions(tokens: list[str], partner: dict[int, int]) -> list[_Scope]:
    """Every function in order of its beginning, so that an inner one comes after its outer one."""
    found = []
    for at, text in enumerate(tokens):
        if text == "=>":
            start = partner.get(at - 1, at - 1)
            names = [word for word in tokens[start:at] if word.isidentifier()]
            found.append(_Scope(start, _end(tokens, partner, at + 1), dict.fromkeys(names, "")))
    return sorted(found, key=lambda scope: scope.start)


def _end(tokens: list[str], partner: dict[int, int], at: int) -> int:
    """Where an expression or a block that begins here is over."""
    if tokens[at] == "{":
        return partner[at]
    while at < len(tokens) and tokens[at] not in (",", ";", *_CLOSE):
        at = partner[at] + 1 if tokens[at] in _OPEN else at + 1
    return at


def _declared(tokens: list[str], partner: dict[int, int], at: int) -> list[str]:
    """The names of one declaration: `const a=1,b=2;`, `for(const a in b)`."""
    names = []
    while tokens[at] in ("const", "let", ","):
        at += 1 + tokens[at + 1].isspace()
        names.append(tokens[at])
        at = _end(tokens, partner, at)
    return names


def _uses(tokens: list[str], scopes: list[_Scope]) -> dict[int, _Scope]:
    """Which words stand for a declared name, and whose it is: neither properties nor keys of objects."""
    uses = {}
    for at, token in enumerate(tokens):
        key = tokens[at - 1] in ("{", ",") and tokens[(at + 1) % len(tokens)] == ":"
        if token.isidentifier() and tokens[at - 1] != "." and not key:
            holders = [scope for scope in scopes if scope.holds(at) and token in scope.names]
            if holders:
                uses[at] = holders[-1]
    return uses


def _name(scopes: list[_Scope], uses: dict[int, _Scope], tokens: list[str]) -> None:
    """Give letters: a function's names get the first that it doesn't use for something around it."""
    script, *functions = scopes
    script.names = dict(zip(script.names, _LETTERS[_LOCAL:], strict=False))
    for scope in functions:
        inside = [at for at in uses if scope.holds(at) and uses[at].start < scope.start]
        taken = {uses[at].names[tokens[at]] for at in inside}
        free = (letter for letter in _LETTERS if letter not in taken)
        scope.names = dict(zip(scope.names, free, strict=False))
