"""Field policies: decided, in force, taken back."""

from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from customers import policy
from customers.tables import FieldPolicy
from foundation.errors import BadInput
from tests.customers.world import shop


def test_defaults_hold_until_decided(session: Session) -> None:
    in_force = policy.in_force(session)
    assert in_force["tax_number"] == ["accounting"]
    assert in_force["city"] == []


def test_decision_is_in_force(session: Session) -> None:
    source = shop(session)
    operation = policy.set_policy(session, "phone", ["accounting", str(source.id)], "a@b.kz")
    assert policy.in_force(session)["phone"] == ["accounting", str(source.id)]
    assert operation.title == "phone: accounting, Shop wins"
    assert operation.args["before"] == ["shop"]
    assert operation.state == "done"


def test_undo_brings_back_the_one_before(session: Session) -> None:
    policy.set_policy(session, "city", ["shop"], "a@b.kz")
    second = policy.set_policy(session, "city", ["file"], "a@b.kz")
    policy.undo(session, second.id, "a@b.kz")
    assert policy.in_force(session)["city"] == ["shop"]
    assert second.state == "undone"


def test_policies_undo_in_any_order(session: Session) -> None:
    first = policy.set_policy(session, "city", ["shop"], "a@b.kz")
    second = policy.set_policy(session, "city", ["file"], "a@b.kz")
    policy.undo(session, first.id, "a@b.kz")
    assert policy.in_force(session)["city"] == ["file"]
    policy.undo(session, second.id, "a@b.kz")
    assert policy.in_force(session)["city"] == []
    assert len(session.scalars(select(FieldPolicy)).all()) == 2


def test_undo_twice_is_refused(session: Session) -> None:
    operation = policy.set_policy(session, "city", ["shop"], "a@b.kz")
    policy.undo(session, operation.id, "a@b.kz")
    with pytest.raises(BadInput, match="no policy in force"):
        policy.undo(session, operation.id, "a@b.kz")


@pytest.mark.parametrize(
    ("field", "order", "reason"), [("shoe", [], "no field shoe"), ("city", ["moon"], "moon")]
)
def test_unknown_field_or_source_is_named(
    session: Session, field: str, order: list[str], reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        policy.set_policy(session, field, order, "a@b.kz")


def test_unknown_operation_is_named(session: Session) -> None:
    with pytest.raises(BadInput, match="no operation"):
        policy.undo(session, uuid4(), "a@b.kz")
