"""Error pages: what happened, what to do, and an id to quote."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.templating import render
from foundation.errors import KartotekaError, Misconfigured, Temporary
from foundation.text import _


def request_id(request: Request) -> str:
    """The id this request is logged under."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _words(error: Exception) -> tuple[int, str, str]:
    """Status, what happened, what to do."""
    if isinstance(error, HTTPException):
        said = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
        match error.status_code:
            case 404:
                return (
                    404,
                    _("There is no such page or record."),
                    said or _("It may have been removed. Use the search."),
                )
            case 403:
                return 403, _("This was refused."), said
            case 405:
                return 405, _("This address can't be used like that."), _("Open the page it belongs to.")
            case 413:
                return 413, _("This is too large."), _("Forms take up to 1 MB, files up to 2 GB.")
            case status:
                return status, _("This can't be done."), said
    if isinstance(error, Temporary):
        return 503, str(error), _("Try again in a moment.")
    if isinstance(error, Misconfigured):
        return 422, str(error), _("Change the setting, then try again.")
    if isinstance(error, KartotekaError):
        return 422, str(error), _("Go back, correct it and try again.")
    return (
        500,
        _("Something broke on our side."),
        _("Nothing was changed. Try again; if it stays, quote the id below."),
    )


def page(request: Request, error: Exception) -> Response:
    """The page for an error."""
    status, happened, advice = _words(error)
    text = render(
        "error.html",
        {"status": status, "happened": happened, "advice": advice, "id": request_id(request),
         "theme": request.cookies.get("theme", "")},
    )  # fmt: skip
    headers = dict(getattr(error, "headers", None) or {})
    return HTMLResponse(text, status, headers)


async def handle(request: Request, error: Exception) -> Response:
    """Starlette's exception handler for what no page answered: unknown paths, wrong methods, large bodies."""
    return page(request, error)


HANDLERS = {HTTPException: handle}
