"""Bulk acts on record."""

from types import ModuleType
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from foundation import operations
from foundation.errors import BadInput


def test_act_is_recorded_from_begin_to_end(session: Session, clock: ModuleType) -> None:
    act = operations.begin(session, "import", "Import customers.csv", "owner@example.org", {"rows": 3})
    assert (act.state, act.started_at, act.args) == ("running", clock.now(), {"rows": 3})
    operations.finish(session, act, {"new": 2, "same": 1})
    session.expire_all()
    found = operations.find(session, act.id)
    assert (found.state, found.result, found.finished_at) == ("done", {"new": 2, "same": 1}, clock.now())


def test_failed_act_says_so(session: Session) -> None:
    act = operations.begin(session, "import", "Import customers.csv", "system")
    operations.finish(session, act, {"error": "no header"}, failed=True)
    assert act.state == "failed"


def test_undone_act_names_who(session: Session, clock: ModuleType) -> None:
    act = operations.begin(session, "merge", "Anna and Aygül", "system")
    operations.mark_undone(session, act, "owner@example.org")
    assert (act.state, act.undone_by, act.undone_at) == ("undone", "owner@example.org", clock.now())


def test_unknown_act_is_bad_input(session: Session) -> None:
    with pytest.raises(BadInput, match="there is no operation"):
        operations.find(session, uuid4())
