"""Versions of the model of matching: kept as they were made, and one of them in use."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from customers.matching.model import Model, shipped
from customers.undo import Undone
from foundation import operations
from foundation.clock import now
from foundation.database import lock
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _
from sync import undo
from sync.dedupe.tables import MatchModel

KIND = "model"  # of the operations that put a version in use
MODELS_LOCK = 7_401  # versions are numbered and put in use one after another
THRESHOLDS = ("automatic", "best", "review")  # that a person may move
SHIPPED = ""  # stands for the model that comes with Kartoteka, where a version is named

_IN_USE = (MatchModel.used_since.is_not(None), MatchModel.used_until.is_(None))
_read: dict[UUID, Model] = {}  # versions never change, so that a process reads each once


def current(session: Session) -> Model:
    """The model in use; the shipped one until a person has put another in use. One small query."""
    found = session.scalar(select(MatchModel.id).where(*_IN_USE))
    return shipped() if found is None else _known(session, found)


def _known(session: Session, model_id: UUID) -> Model:
    known = _read.get(model_id)
    if known is None:
        if len(_read) > 3:
            _read.clear()
        known = _read[model_id] = model_of(session.get_one(MatchModel, model_id))
    return known


def model_of(version: MatchModel) -> Model:
    """The model that a version holds."""
    return msgspec.convert(version.model, Model)


def in_use(session: Session) -> MatchModel | None:
    """The version in use; None for the shipped model."""
    return session.scalar(select(MatchModel).where(*_IN_USE))


def versions(session: Session, limit: int = 50) -> Sequence[MatchModel]:
    """Versions, the newest first. One query."""
    return session.scalars(select(MatchModel).order_by(MatchModel.number.desc()).limit(limit)).all()


def find(session: Session, version: str) -> MatchModel:
    """A version by its name; BadInput when there is none."""
    found = session.scalar(select(MatchModel).where(MatchModel.version == version))
    if found is None:
        raise BadInput(_("There is no version %s of the model.") % version[:40], "version")
    return found


def keep(
    session: Session,
    model: Model,
    origin: str,
    actor: str,
    detail: Mapping[str, Any],
    figures: Mapping[str, Any] | None = None,
    refusal: str = "",
) -> MatchModel:
    """A new version with the next number, not yet in use; `refusal` says why it never can be."""
    lock(session, MODELS_LOCK)
    number = (session.scalar(select(func.max(MatchModel.number))) or 0) + 1
    model = msgspec.structs.replace(model, version=f"own-{number}")
    kept = MatchModel(
        number=number, version=model.version, origin=origin, actor=actor, model=msgspec.to_builtins(model),
        detail={**detail, **{name: getattr(model, name) for name in THRESHOLDS}},
        figures=dict(figures or {}), refusal=refusal or None,
    )  # fmt: skip
    session.add(kept)
    session.flush()
    return kept


def use(session: Session, version: str, actor: str) -> Operation:
    """Put a version in use, or `SHIPPED`, as an operation; BadInput when it may not be or is already."""
    lock(session, MODELS_LOCK)
    chosen = find(session, version) if version != SHIPPED else None
    if chosen and chosen.refusal:
        said = {"version": version, "why": chosen.refusal}
        raise BadInput(_("%(version)s can't be used: %(why)s") % said, "version")
    before = in_use(session)
    if before is chosen:
        raise BadInput(_("This model is in use already."), "version")
    title = _("Matching by %s") % (version or _("the shipped model"))
    args = {"version": version, "before": before.version if before else SHIPPED}
    operation = operations.begin(session, KIND, title, actor, args)
    _switch(session, before, chosen)
    operations.finish(session, operation, {})
    return operation


def _switch(session: Session, before: MatchModel | None, after: MatchModel | None) -> None:
    if before:
        before.used_until = now()
        session.flush()
    if after:
        after.used_since, after.used_until = now(), None
    session.flush()


@undo.undoes(KIND)
def _undo(session: Session, operation: Operation, actor: str) -> Undone:
    """The version before it is in use again, unless somebody has chosen another since."""
    lock(session, MODELS_LOCK)
    undone, here = Undone(operation), in_use(session)
    if (here.version if here else SHIPPED) == operation.args["version"]:
        before = operation.args["before"]
        _switch(session, here, find(session, before) if before != SHIPPED else None)
    else:
        undone.left_alone.append(_("another model has been put in use since"))
    operations.mark_undone(session, operation, actor)
    return undone
