"""The builder's rows and groups as they are typed, and what the buttons beside them do."""

import re
from dataclasses import dataclass, field

from starlette.datastructures import FormData

from customers.segments import checks
from customers.segments.fields import FIELDS, OPS, PERIODS, Spec
from customers.segments.things import MEASURES, VERBS, By, Thing
from customers.segments.tree import DEEPEST

MOST_PARTS = 400
LONGEST = 5_000
COMPARE = ("=", "!=", "<", "<=", ">", ">=")
_PATH = re.compile(r"n\.(0(?:\.\d{1,3}){0,20})\.(\w+)(?:\.(\w+))?")


@dataclass
class Row:
    """A condition as it is typed, complete or not; `wrong` says what is missing."""

    path: str
    what: str = "city"
    negated: bool = False
    op: str = ""
    value: str = ""
    currency: str = ""
    period: str = ""
    amount: str = ""
    unit: str = "days"
    start: str = ""
    end: str = ""
    by: dict[str, str] = field(default_factory=dict)
    properties: list[tuple[str, str, str]] = field(default_factory=list)
    wrong: str = ""

    @property
    def spec(self) -> Spec | None:
        """The field, when it is about one."""
        return FIELDS.get(self.what)

    @property
    def thing(self) -> Thing | None:
        """What happens, when it is about that."""
        return checks.thing(self.what)

    @property
    def ops(self) -> tuple[str, ...]:
        """The operators to choose from."""
        if self.spec:
            return OPS[self.spec.kind]
        return COMPARE if self.what in MEASURES else ()

    @property
    def chosen(self) -> str:
        """The operator, the first one when none is chosen that fits."""
        usual = ">=" if self.what in MEASURES else self.ops[0] if self.ops else ""
        return self.op if self.op in self.ops else usual

    @property
    def valued(self) -> str:
        """What the value is typed into: text, lines, choice, number, or nothing."""
        if self.what in VERBS or self.chosen in ("set", "not set", "during"):
            return ""
        if self.chosen in ("in", "not in"):
            return "lines"
        if self.spec and self.spec.choices:
            return "choice"
        return (
            "number"
            if self.what in MEASURES or (self.spec and self.spec.kind in ("number", "money"))
            else "text"
        )

    @property
    def money(self) -> bool:
        """Whether a currency may stand beside the value."""
        return (
            MEASURES[self.what][1].money
            if self.what in MEASURES
            else bool(self.spec and self.spec.kind == "money")
        )

    @property
    def periods(self) -> tuple[str, ...]:
        """The kinds of periods to choose from; of happenings also none."""
        if self.spec:
            return PERIODS[self.spec.kind] if self.chosen == "during" else ()
        more = ("next",) if self.thing and self.thing.future else ()
        return ("", "last", "ago", "since", "before", "between", *more)

    @property
    def when(self) -> str:
        """The kind of period, the first one when none is chosen that fits."""
        return self.period if self.period in self.periods else self.periods[0] if self.periods else ""

    @property
    def narrowed(self) -> dict[str, By]:
        """What narrows it down."""
        return self.thing.by if self.thing else {}


@dataclass
class Group:
    """Rows and groups of which all, or any, must hold."""

    path: str
    any: bool = False
    negated: bool = False
    parts: "list[Row | Group]" = field(default_factory=list)
    wrong: str = ""


def read(form: FormData) -> Group:
    """The rows as they were typed; what no builder of ours sends is passed over."""
    typed: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        found = _PATH.fullmatch(name)
        if found and isinstance(value, str) and len(typed) < MOST_PARTS:
            path, part, more = found.groups()
            said = value.replace("\x00", "").replace("\r\n", "\n").strip()[:LONGEST]
            typed.setdefault(path, {})[f"{part}.{more}" if more else part] = said
    root = Group("0")
    groups = {"0": root}
    for path in sorted(typed, key=lambda one: [int(part) for part in one.split(".")]):
        fields, parent = typed[path], groups.get(path.rpartition(".")[0])
        if "join" in fields:
            group = root if path == "0" else Group(path)
            group.any, group.negated = fields["join"] == "any", fields.get("not") == "not"
            groups[path] = group
            if parent is not None:
                parent.parts.append(group)
        elif parent is not None and fields.get("what") in (*FIELDS, *VERBS, *MEASURES):
            parent.parts.append(_typed(path, fields))
    return root


def _typed(path: str, said: dict[str, str]) -> Row:
    row = Row(path, said["what"], said.get("not") == "not")
    for name in ("op", "value", "currency", "period", "amount", "unit", "start", "end"):
        setattr(row, name, said.get(name, getattr(row, name)))
    if said.get("was", row.what) != row.what:
        row.op = row.period = ""  # those of what it was about before
    row.by = {name: said[f"by.{name}"] for name in row.narrowed if said.get(f"by.{name}")}
    count = sum(name.startswith("prop.") for name in said)
    for place in range(min(count, checks.MOST_FILTERS)):
        if called := said.get(f"prop.{place}"):
            row.properties.append(
                (called, said.get(f"propop.{place}", "="), said.get(f"propvalue.{place}", ""))
            )
    return row


# what the buttons beside rows do


def act(root: Group, do: str) -> None:
    """Add a row or a group to a group, or take one away; anything else changes nothing."""
    what, _colon, path = do.partition(":")
    place = _find(root, path)
    if place is None:
        return
    parent, part = place
    if what == "remove" and parent is not None:
        parent.parts.remove(part)
    elif isinstance(part, Group) and what in ("row", "group") and path.count(".") < DEEPEST:
        following = max((int(one.path.rpartition(".")[2]) for one in part.parts), default=-1) + 1
        at = f"{path}.{following}"
        part.parts.append(Row(at) if what == "row" else Group(at, not part.any, parts=[Row(f"{at}.0")]))


def _find(group: Group, path: str, parent: Group | None = None) -> tuple[Group | None, Row | Group] | None:
    if group.path == path:
        return parent, group
    for part in group.parts:
        if part.path == path:
            return group, part
        if isinstance(part, Group) and (found := _find(part, path, group)):
            return found
    return None
