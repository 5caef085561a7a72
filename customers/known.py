"""What goes into a decision about identity and what comes out; plain values, nothing of the database."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from customers.identity import Key
from customers.names import NameForm


@dataclass(frozen=True, slots=True)
class Known:
    """A profile as the decision sees it.

    `home` and `group` are None for a profile that has no card yet. `group` is any label that is the same for
    all profiles connected by AUTOMATIC links in force (rules new email phone tax account proof claim alike
    device; never manual ones). Whenever one profile of a group is passed, all of its group must be.
    `by_device` says that its home link has the rule "device"; `soft` that it is a browser's, whose home was
    only likely: it is decided about anew whenever it is passed in the batch.
    """

    id: UUID
    changed_at: datetime
    external_id: str
    form: NameForm
    keys: tuple[Key, ...]
    anonymous: bool = False
    home: UUID | None = None
    group: Hashable | None = None
    by_device: bool = False
    claimed: bool = False
    soft: bool = False
    born: str = ""  # the birthday, as `birthdays.digits` gives it


@dataclass(frozen=True, slots=True)
class Link:
    """A profile belongs (also) to a card. For `rule` "new" the card was made for it."""

    profile: UUID
    card: UUID
    rule: str  # new tax account email phone proof claim alike device
    evidence: dict[str, Any]  # key: the value shared, with: the profile id it is shared with


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two home cards, left < right, that share a key but were not joined; `evidence["why"]` is a sentence."""

    left: UUID
    right: UUID
    rule: str
    evidence: dict[str, Any]  # key, why, refused: kind verdict name tax birthday unsure


@dataclass(frozen=True, slots=True)
class Shared:
    """A key that several different people use; it joins nobody from now on."""

    kind: str
    value: str
    reason: str


@dataclass(slots=True)
class Decision:
    """What to write.

    `homes` has one link per profile that got a home now: those passed without one, and those in `moved`,
    whose older links all end first. An anonymous profile that nothing identifies gets none. `new_cards` lists
    the cards to create, each with the profile it was made for. `bridges` are all further links that hold for
    the batch, those already in force included; an automatic link of a batch profile that is neither its home
    nor listed is no longer justified by its keys. Proposals do not know merges: skip the pairs that are one
    card by now.
    """

    homes: list[Link] = field(default_factory=list)
    new_cards: list[tuple[UUID, UUID]] = field(default_factory=list)  # card, profile
    moved: list[UUID] = field(default_factory=list)
    bridges: list[Link] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
