"""The doors in and out: sign-in, the owner's set-up, one-time links, sign-out, and the theme."""

from urllib.parse import quote
from zoneinfo import available_timezones

from starlette.responses import Response

from console import auth, sessions
from console.tables import User
from console.web import Call, client_address, cookie_name
from foundation.errors import BadInput


def _local_path(wanted: str) -> str:
    """Where to go after sign-in: a path of ours, never another site."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/sign-in"))
    return wanted if plain and "\n" not in wanted and "\r" not in wanted else "/"


def _enter(call: Call, user: User, path: str) -> Response:
    """Begin a session under a new token and go on."""
    name = cookie_name(call.request, "session")
    sessions.prune(call.db)
    call.cookies[name] = sessions.start(
        call.db,
        user,
        agent=call.request.headers.get("user-agent", ""),
        address=client_address(call.request),
        replaces=call.request.cookies.get(name),
    )
    call.cookies[cookie_name(call.request, "form")] = None
    return call.go(path)


def sign_in_form(call: Call) -> Response:
    """The form; before anybody is set up, where to find the set-up address."""
    if call.user:
        return call.go(_local_path(call.query("next", 500)))
    return _form(call, wanted=call.query("next", 500))


def _form(call: Call, status: int = 200, *, wanted: str, email: str = "", refused: str = "") -> Response:
    return call.page(
        "sign_in.html", status, ready=auth.has_owner(call.db), next=wanted, email=email, refused=refused
    )


def sign_in(call: Call) -> Response:
    """Check e-mail and password; the same words for every refusal."""
    email, wanted = call.text("email", 254), call.text("next", 500)
    password = call.form.get("password", "")
    try:
        user = auth.sign_in(
            call.engine,
            call.db,
            email,
            password if isinstance(password, str) else "",
            client_address(call.request),
        )
    except auth.Refused as refused:
        response = _form(call, 429 if refused.wait else 401, wanted=wanted, email=email, refused=str(refused))
        if refused.wait:
            response.headers["retry-after"] = str(refused.wait)
        return response
    return _enter(call, user, _local_path(wanted))


def set_up_form(call: Call) -> Response:
    """The owner's set-up, behind the token that the terminal printed."""
    return _set_up(call)


def _set_up(call: Call, status: int = 200, **shown: object) -> Response:
    token = str(call.request.path_params["token"])
    valid = auth.open_link(call.db, token, "set-up", hold=False) is not None and not auth.has_owner(call.db)
    given = {"typed": {"name": "", "email": ""}, "wrong": {}, "refused": ""} | shown
    return call.page("set_up.html", status if valid else 404, valid=valid, **given)


def set_up(call: Call) -> Response:
    """Create the owner and enter; the token is spent with it."""
    typed = {"name": call.text("name", 100), "email": call.text("email", 254)}
    password = call.form.get("password", "")
    zone = call.text("zone", 60)
    try:
        user = auth.create_first_owner(
            call.db,
            str(call.request.path_params["token"]),
            typed["email"],
            typed["name"],
            password if isinstance(password, str) else "",
            zone if zone in available_timezones() else "UTC",
        )
    except BadInput as error:
        call.db.rollback()
        wrong = {error.at: error.message} if error.at else {}
        return _set_up(call, 422, typed=typed, wrong=wrong, refused="" if error.at else str(error))
    return _enter(call, user, "/")


def link_form(call: Call) -> Response:
    """A page with one button: opening the link changes nothing, so scanners may open it."""
    token = str(call.request.path_params["token"])
    valid = auth.open_link(call.db, token, "sign-in", hold=False) is not None
    return call.page("sign_in_link.html", 200 if valid else 404, valid=valid)


def link(call: Call) -> Response:
    """Spend the link and enter."""
    try:
        user = auth.use_link(call.db, str(call.request.path_params["token"]))
    except auth.Refused:
        return call.page("sign_in_link.html", 404, valid=False)
    return _enter(call, user, "/")


def sign_out(call: Call) -> Response:
    """End this browser's session."""
    name = cookie_name(call.request, "session")
    sessions.end(call.db, call.request.cookies.get(name, ""))
    call.cookies[name] = None
    return call.go("/sign-in")


def theme(call: Call) -> Response:
    """Keep the chosen theme in a cookie and return to the page."""
    chosen = call.text("theme", 10)
    call.cookies["theme"] = chosen if chosen in ("light", "dark") else None
    return call.go(quote(_local_path(call.text("next", 500)), safe="/?&=%:+,;@~-_.!*'()"))
