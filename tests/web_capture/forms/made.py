"""Forms made for tests, and what their pages send."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from foundation.database import transaction
from web_capture.forms import routes as form_routes
from web_capture.forms import store as forms
from web_capture.forms.spec import Spec
from web_capture.forms.tables import Form
from web_capture.tables import Site

CONSENT = "I agree to receive offers by e-mail."
Change = Callable[[Spec], None]


def with_forms(app: Starlette) -> Starlette:
    """The application with the addresses of forms, whether or not the door has mounted them."""
    if not any(getattr(route, "path", "") == "/v1/lead" for route in app.router.routes):
        app.router.routes[:0] = form_routes.ROUTES
    return app


def published(engine: Engine, site: str, kind: str = "popup", **parts: Any) -> Form:
    """A live form of a site; `parts` take the place of those a new form has."""
    with transaction(engine) as session:
        form = forms.make(session, session.get_one(Site, UUID(site)), "Spring", kind, "olga@example.org")
        codes = parts.pop("codes", ())
        forms.change(session, form, forms.start(kind) | parts, "olga@example.org")
        forms.add_codes(session, form, codes)
        forms.publish(session, form)
        return form


def said(form: Form, key: str, message: str = "message-0001", **more: Any) -> dict[str, Any]:
    """What the drawing script sends when Anna signs up."""
    lead = {
        "writeKey": key, "messageId": message, "form_id": form.key, "version": form.live_version or 1,
        "variant": "A", "anonymousId": "device-1", "fields": {"email": "anna@example.org"},
        "consent": ["email"], "seconds": 9.5, "honeypot": "",
        "page": {"url": "https://shop.example/sale", "title": "Sale", "referrer": ""},
    }  # fmt: skip
    return lead | more


def send(client: TestClient, lead: dict[str, Any], **headers: str) -> Any:
    """The answer to a submission."""
    given = {"content-type": "text/plain;charset=UTF-8", "user-agent": "Mozilla/5.0 Firefox/140.0", **headers}
    return client.post("/v1/lead", content=msgspec.json.encode(lead), headers=given)
