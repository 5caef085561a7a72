"""Versions of the model: kept, put in use, taken back; never changed."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from customers.matching.model import shipped
from foundation.errors import BadInput
from foundation.tables import Operation
from sync import undo
from sync.dedupe import models
from sync.dedupe.tables import MatchModel


def kept(session, automatic=7.0, refusal=""):
    return models.keep(session, replace(shipped(), automatic=automatic), "bands", "anna", {}, refusal=refusal)


def test_shipped_model_before_any_other(session):
    assert models.current(session) is shipped()


def test_version_in_use_is_current(session):
    one, other = kept(session), kept(session, 8.0)
    models.use(session, other.version, "anna")
    assert models.current(session) == replace(shipped(), automatic=8.0, version="own-2")
    models.use(session, one.version, "anna")
    assert models.current(session).automatic == 7.0
    assert [row.version for row in models.versions(session)] == ["own-2", "own-1"]
    models.use(session, models.SHIPPED, "anna")
    assert models.current(session) is shipped()


def test_undo_puts_the_one_before_in_use(session):
    first = models.use(session, kept(session).version, "anna")
    second = models.use(session, kept(session, 8.0).version, "anna")
    undo.undo(session, second.id, "boris")
    assert models.current(session).version == "own-1"
    undo.undo(session, first.id, "boris")
    assert models.current(session) is shipped()


def test_undo_leaves_a_later_choice_alone(session):
    first = models.use(session, kept(session).version, "anna")
    models.use(session, kept(session, 8.0).version, "anna")
    assert undo.undo(session, first.id, "boris").left_alone == ["another model has been put in use since"]
    assert models.current(session).version == "own-2"


@pytest.mark.parametrize("version", ["own-1", "own-9", models.SHIPPED])
def test_refused_unknown_and_present_models_are_not_put_in_use(session, version):
    kept(session, refusal="it is worse than the shipped one")
    with pytest.raises(BadInput):
        models.use(session, version, "anna")
    assert models.current(session) is shipped()
    assert not session.scalars(select(Operation)).all()
    assert not session.scalar(select(MatchModel.used_since))
