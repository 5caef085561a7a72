"""Settings: one's account and browsers, tokens for programs, and which source wins each golden field."""

import secrets
from zoneinfo import available_timezones

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import auth, sessions
from console.api.asking import SCOPES
from console.tables import ApiToken
from console.web import Call
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _


def account(call: Call, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
    """Name, zone, password, and the browsers one is signed in with."""
    return call.page(
        "settings_account.html",
        status,
        zones=sorted(available_timezones()),
        browsers=sessions.of_user(call.db, call.me.id),
        device=device,
        wrong=wrong or {},
    )


def device(agent: str) -> str:
    """A browser and system as people call them, from what the browser says of itself."""
    browsers = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
               "Mac": "macOS", "Linux": "Linux"}  # fmt: skip
    browser = next((name for mark, name in browsers.items() if mark in agent), "")
    system = next((name for mark, name in systems.items() if mark in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or agent[:60] or _("A browser that gives no name")


def save_account(call: Call) -> Response:
    """Change the name people see and the zone times are shown in."""
    zone = call.text("zone", 60)
    if zone not in available_timezones():
        return account(call, 422, {"zone": _("There is no such time zone.")})
    call.me.name = call.text("name", 100) or call.me.name
    call.me.zone = zone
    return call.go("/settings", _("Saved."))


def save_password(call: Call) -> Response:
    """Set a new password; every other browser is signed out."""
    old, new = call.form.get("old"), call.form.get("new")
    try:
        auth.change_password(
            call.db, call.me, old if isinstance(old, str) else "", new if isinstance(new, str) else ""
        )
    except BadInput as error:
        return account(call, 422, {"new" if error.at == "password" else error.at: error.message})
    assert call.kept is not None
    sessions.end_others(call.db, call.me.id, call.kept.token_hash)
    return call.go("/settings", _("The new password is in force. Other browsers were signed out."))


def end_browser(call: Call) -> Response:
    """Sign out one of one's browsers, or all others."""
    assert call.kept is not None
    which = call.text("browser", 64)
    if which == "others":
        sessions.end_others(call.db, call.me.id, call.kept.token_hash)
        return call.go("/settings", _("All other browsers are signed out."))
    try:
        found = sessions.end_one(call.db, call.me.id, bytes.fromhex(which))
    except ValueError:
        found = False
    if not found:
        raise HTTPException(404)
    return call.go("/settings", _("That browser is signed out."))


def tokens(call: Call, status: int = 200, fresh: str = "", wrong: str = "") -> Response:
    """Tokens for programs; a new one is shown once."""
    listed = call.db.scalars(
        select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id.desc()).limit(200)
    )
    return call.page(
        "settings_tokens.html", status, tokens=list(listed), scopes=SCOPES, fresh=fresh, wrong=wrong
    )


def create_token(call: Call) -> Response:
    """Make a token and show it this once; we keep its hash."""
    name, scope = call.text("name", 80), call.text("scope", 20)
    if not name or scope not in SCOPES:
        return tokens(call, 422, wrong=_("Give the token a name and choose what it may do."))
    token = f"kt_{secrets.token_urlsafe(32)}"
    call.db.add(ApiToken(name=name, token_hash=sessions.digest(token), scopes=[scope]))
    call.db.flush()
    return tokens(call, fresh=token)


def revoke_token(call: Call) -> Response:
    """End a token at once."""
    token = call.db.get(ApiToken, call.id())
    if token is None:
        raise HTTPException(404)
    token.revoked_at = token.revoked_at or now()
    return call.go("/settings/tokens", _("The token “%s” opens nothing any more.") % token.name)
