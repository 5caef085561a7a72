"""Which profiles are one person: a pure decision over a batch and the profiles that share its keys.

The caller loads, the caller writes; nothing here knows a database. Links by operators (merges) must not be
visible here: the answer has to be the same whether two cards were merged by hand or not, so that undoing
the merge gives the state of a run that never had it.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from customers.identity import Key
from customers.names import NameForm
from foundation.clock import new_id


@dataclass(frozen=True, slots=True)
class Known:
    """A profile as the decision sees it.

    `home` and `group` are None for a profile that has no card yet. `group` is any label that is the same for
    all profiles connected by AUTOMATIC links in force (rules new email phone tax account device; not manual
    ones). Whenever one profile of a group is passed, all of its group must be. `by_device` says that the home
    link has the rule "device".
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


@dataclass(frozen=True, slots=True)
class Link:
    """A profile belongs (also) to a card. For `rule` "new" the card was made for it."""

    profile: UUID
    card: UUID
    rule: str  # new tax account email phone device
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two home cards, left < right, that share a key but were not joined; `evidence["why"]` is a sentence."""

    left: UUID
    right: UUID
    rule: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shared:
    """A key that several different people use; it joins nobody from now on."""

    kind: str
    value: str
    reason: str


@dataclass(slots=True)
class Decision:
    """What to write.

    `homes` has one link per profile that got a (new) home: those passed without one, and those in `moved`,
    whose older links end first. `new_cards` lists the cards to create, each with the profile it was made for.
    `bridges` are all further links that hold for the batch, those already in force included.
    """

    homes: list[Link] = field(default_factory=list)
    new_cards: list[tuple[UUID, UUID]] = field(default_factory=list)  # card, profile
    moved: list[UUID] = field(default_factory=list)
    bridges: list[Link] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)


def decide(
    batch: Sequence[Known],
    existing: Sequence[Known],
    *,
    shared: Collection[tuple[str, str]] = (),
    verdicts: Collection[tuple[UUID, UUID]] = (),
    mint: Callable[[], UUID] = new_id,
) -> Decision:
    """Homes, links, proposals and newly shared keys for the profiles of `batch`.

    `batch`: new and changed profiles; `existing`: all others that hold a strong key of the batch, with their
    whole groups. `verdicts` are pairs of home cards that are never the same. The order of the input is of no
    consequence.
    """
    decision = Decision()
    for profile in sorted(batch, key=lambda known: (known.changed_at, known.external_id, known.id)):
        if profile.home is None:
            card = mint()
            decision.new_cards.append((card, profile.id))
            decision.homes.append(Link(profile.id, card, "new", {}))
    return decision
