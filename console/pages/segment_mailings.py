"""What was sent to a segment: its mailings with their figures."""

from starlette.responses import Response

from console.pages import mailing_words, segments
from console.web import Call, as_id
from email_campaigns.mailings import store

PAGE = 50


def show(call: Call) -> Response:
    """Mailings whose audience has the segment, the newest first."""
    segment, after = segments.find(call), call.query("after")
    rows, older = store.page(call.db, as_id(after) if after else None, PAGE, segment=segment.id)
    return call.page(
        "segment_mailings.html", segment=segment, rows=rows, older=older, newer=bool(after), at="mailings",
        here=f"/segments/{segment.id}/mailings", states=mailing_words.states_(),
    )  # fmt: skip
