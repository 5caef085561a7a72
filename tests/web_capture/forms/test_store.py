"""Forms are published in versions that stay as they were."""

from datetime import timedelta
from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from foundation.database import transaction
from foundation.errors import BadInput
from foundation.sealing import Sealer
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.tables import Form
from web_capture.tables import Site


@pytest.fixture
def form(session: Session, sealer: Sealer) -> Form:
    site, _keys = sites.add(session, sealer, "shop.example")
    return forms.make(session, site, "Spring", "popup", "olga")


def test_published_version_stays(session: Session, form: Form) -> None:
    forms.publish(session, form)
    spec = forms.version(session, form, 1).spec
    assert forms.change(session, form, spec, "olga").number == 1
    assert forms.change(session, form, spec | {"title": "Other"}, "olga").number == 2
    assert forms.change(session, form, spec | {"title": "Third"}, "olga").number == 2
    assert forms.version(session, form, 1).spec == spec
    assert [(one.number, shown.number) for one, shown in live(session, form)] == [(1, 1)]
    forms.publish(session, form)
    assert live(session, form)[0][1].spec["title"] == "Third"


def live(session: Session, form: Form) -> list:  # type: ignore[type-arg]
    return [
        (forms.version(session, one, shown.number), shown) for one, shown in forms.live(session, form.site_id)
    ]


def test_paused_and_ended_show_to_nobody(session: Session, form: Form) -> None:
    with pytest.raises(BadInput, match="never published"):
        forms.pause(session, form)
    assert not forms.any_live(session, form.site_id)
    forms.publish(session, form)
    assert forms.any_live(session, form.site_id)
    forms.pause(session, form)
    assert not forms.live(session, form.site_id) and not forms.any_live(session, form.site_id)
    forms.resume(session, form)
    assert forms.live(session, form.site_id)
    forms.end(session, form)
    assert not forms.live(session, form.site_id)
    with pytest.raises(BadInput, match="Only a paused"):
        forms.resume(session, form)


def test_time_of_a_form_runs_out(session: Session, form: Form, clock: ModuleType) -> None:
    said = forms.start("popup") | {"schedule": {"until": "2026-03-02T15:00", "zone": "Asia/Almaty"}}
    forms.change(session, form, said, "olga")
    forms.publish(session, form)
    assert forms.live(session, form.site_id)  # 14:00 in Almaty
    clock.advance(timedelta(hours=1))
    assert not forms.live(session, form.site_id)


def test_codes_are_added_once(session: Session, form: Form) -> None:
    assert forms.add_codes(session, form, ["ONE", " TWO ", "", "ONE"]) == 2
    assert forms.add_codes(session, form, ["TWO", "THREE"]) == 1
    assert forms.codes_left(session, form) == 3
    with pytest.raises(BadInput, match="Line 2 is no code"):
        forms.add_codes(session, form, ["FOUR", "F I V E"])


def test_list_without_codes_is_not_published(session: Session, form: Form) -> None:
    forms.change(session, form, forms.start("popup") | {"coupon": {"kind": "list"}}, "olga")
    with pytest.raises(BadInput, match="no codes"):
        forms.publish(session, form)


def test_forms_are_paged(engine: Engine, sealer: Sealer) -> None:
    with transaction(engine) as session:
        site: Site = sites.add(session, sealer, "shop.example")[0]
        for number in range(5):
            forms.make(session, site, f"Form {number}", "bar", "olga")
        seen: list[str] = []
        after: UUID | None = None
        for _page in range(3):
            rows, after = forms.page(session, after, 2)
            seen += [form.name for form, _domain in rows]
    assert sorted(seen) == [f"Form {number}" for number in range(5)] and after is None


def test_name_is_needed(session: Session, form: Form) -> None:
    for name in (" ", "x" * 81):
        with pytest.raises(BadInput, match="needs a name"):
            forms.rename(session, form, name)
