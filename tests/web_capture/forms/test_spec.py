"""A spec is what was meant, or a sentence for each place that is wrong."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web_capture.forms import store as forms
from web_capture.forms.reading import BadForm
from web_capture.forms.spec import KINDS, checked, instant

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": " "}),
    ("button", {"button": "x" * 41}),
    ("fields", {"fields": [{"type": "name", "label": "Name"}], "consents": []}),
    ("fields", {"fields": [{"type": "email", "label": f"E{n}"} for n in range(13)]}),
    ("field_1", {"fields": [{"type": "email", "label": "E"}, {"type": "email", "label": "F"}]}),
    ("field_1", {"fields": [{"type": "email", "label": "E"}, {"type": "text", "label": "E"}]}),
    (
        "field_1",
        {"fields": [{"type": "email", "label": "E"}, {"type": "choice", "label": "C", "options": ["x"]}]},
    ),
    ("field_0", {"fields": [{"type": "password", "label": "P"}]}),
    ("accent", {"look": {"accent": "red; } * { display: none"}}),
    ("position", {"look": {"position": "left"}}),
    ("consent_sms", {"consents": [{"channel": "sms", "text": "SMS"}]}),
    ("consent_email", {"consents": [{"channel": "email", "text": "x" * 5_001}]}),
    ("policy_url", {"policy_url": "javascript:alert(1)"}),
    ("double_opt_in", {"double_opt_in": True, "consents": []}),
    ("coupon_code", {"coupon": {"kind": "fixed", "code": "TEN OFF"}}),
    ("delay", {"triggers": {"delay": "-1"}}),
    ("scroll", {"triggers": {"scroll": "101"}}),
    ("cart", {"triggers": {"cart": "1e3"}}),
    ("urls", {"targeting": {"urls": [f"/{n}" for n in range(21)]}}),
    ("device", {"targeting": {"device": "fridge"}}),
    ("days", {"frequency": {"kind": "days"}}),
    ("zone", {"schedule": {"zone": "Mars/Base"}}),
    ("zone", {"schedule": {"zone": "../etc/passwd"}}),
    ("until", {"schedule": {"from": "2026-05-02T10:00", "until": "2026-05-01T10:00"}}),
    ("from", {"schedule": {"from": "tomorrow"}}),
    ("variants", {"variants": [{"weight": 1}]}),
    ("v1_weight", {"variants": [{"weight": 1}, {"weight": "101"}]}),
    ("v1_accent", {"variants": [{"weight": 1}, {"weight": 1, "look": {"accent": "#12"}}]}),
]


@pytest.mark.parametrize("kind", KINDS)
def test_new_form_is_sound(kind: str) -> None:
    spec = checked(kind, forms.start(kind))
    assert checked(kind, spec) == spec


@pytest.mark.parametrize(
    ("place", "parts"), WRONG, ids=[f"{place}-{n}" for n, (place, _) in enumerate(WRONG)]
)
def test_mistake_is_said_at_its_place(place: str, parts: dict[str, Any]) -> None:
    with pytest.raises(BadForm) as caught:
        checked("popup", forms.start("popup") | parts)
    assert place in caught.value.errors and caught.value.errors[place].endswith(".")


def test_all_mistakes_are_said_together() -> None:
    with pytest.raises(BadForm) as caught:
        checked("popup", {"fields": [], "look": {"accent": "red"}, "policy_url": "x"})
    assert {"title", "button", "thanks", "fields", "accent", "policy_url"} <= caught.value.errors.keys()


def test_consent_is_kept_as_shown() -> None:
    said = forms.start("popup") | {"consents": [{"channel": "email", "text": " I\n agree  to it. "}]}
    assert checked("popup", said)["consents"] == [
        {"channel": "email", "text": "I agree to it.", "required": False}
    ]


def test_schedule_is_wall_time() -> None:
    said = {"from": "2026-03-01T10:00", "zone": "Asia/Almaty"}
    spec = checked("popup", forms.start("popup") | {"schedule": said})
    assert instant(spec["schedule"], "from") == datetime(2026, 3, 1, 10, tzinfo=ZoneInfo("Asia/Almaty"))
    assert instant(spec["schedule"], "until") is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*sorted(forms.start("popup")), "targeting", "schedule", "coupon", "variants"]), ANYTHING
)
def test_anything_is_judged(part: str, value: Any) -> None:
    try:
        spec = checked("popup", forms.start("popup") | {part: value})
    except BadForm:
        return
    assert checked("popup", spec) == spec
