"""What a journey brought: figures, each letter, those held out beside those in it, a chart with its table."""

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from starlette.responses import Response

from console.format import safe_cell
from console.pages import journey_drawing, journey_figures, journeys, mailing_words
from console.pages.journey_figures import BACKS
from console.web import Call
from email_campaigns.delivery import guards
from email_campaigns.journeys import figures, store, words
from email_campaigns.journeys.enter import REFUSED
from email_campaigns.journeys.tables import Journey
from email_campaigns.results import charts
from email_campaigns.results.figures import DAYS, MOST_DAYS
from foundation.clock import now
from foundation.text import _

DAYS_DRAWN = 30
STEPS = (
    "step", "title", "reached", "waiting", "went_on", "ended", "letters_sent", "opened", "clicked",
    "unsubscribed", "complained", "bounced",
)  # fmt: skip
_OVER_TIME = text("""
SELECT slot, sum(came) AS came, sum(sent) AS sent FROM (
  SELECT floor(extract(epoch FROM entered_at - :since) / 86400) AS slot, count(*) AS came, 0 AS sent
  FROM journey_runs WHERE journey_id = :journey AND entered_at >= :since AND entered_at < :until
    AND NOT (state = 'left' AND reason = ANY(:refused)) GROUP BY 1
  UNION ALL
  SELECT floor(extract(epoch FROM d.handed_at - :since) / 86400), 0, count(*)
  FROM deliveries d WHERE d.step = ANY(ARRAY(SELECT unnest(r.letters) FROM journey_runs r
      WHERE r.journey_id = :journey AND r.entered_at >= :back)) AND d.state = 'accepted'
    AND d.handed_at >= :since AND d.handed_at < :until GROUP BY 1) w
GROUP BY 1
""")


def show(call: Call) -> Response:
    """The figures of everybody who came in lately, as they are now."""
    journey = journeys.find(call)
    asked = call.query("days", 3)
    known = asked.isascii() and asked.isdigit() and 0 < int(asked) <= MOST_DAYS
    days = int(asked) if known else DAYS
    spec = store.version(call.db, journey)
    back = _back(call, journey)
    found = figures.of(call.db, journey, days, timedelta(days=back))
    titles = journey_drawing.titles(spec["steps"], journeys.names(call.db, spec))
    letters = [(titles.get(step, _("a letter of an earlier version")), step, one)
               for step, one in found.steps.items() if one.letters]  # fmt: skip
    return journeys.page(
        call, journey, spec, "journey_results.html", tab="results", found=found, days=days,
        most_days=MOST_DAYS, back=back, backs=BACKS, letters=letters, left=_told(found.left),
        refused=_told(found.refused), skips=_skips(found), **_chart(call, journey, back),
    )  # fmt: skip


def _back(call: Call, journey: Journey) -> int:
    """The days of coming in that were asked for, else as many as the journey's size allows."""
    chosen = call.query("back", 3)
    return int(chosen) if chosen in map(str, BACKS) else journey_figures.back(call.db, journey)


def steps(call: Call) -> Response:
    """What happened at each step, as CSV: a row a step in the order of the drawing."""
    journey = journeys.find(call)
    spec = store.version(call.db, journey)
    found = figures.of(call.db, journey, back=timedelta(days=_back(call, journey))).steps
    titles = journey_drawing.titles(spec["steps"], journeys.names(call.db, spec))
    order = {step: place for place, step in enumerate(titles)}
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(STEPS)
    for id_, one in sorted(found.items(), key=lambda item: order.get(item[0], len(order))):
        title = titles.get(id_, _("a step of an earlier version"))
        cells = [id_, title, one.reached, one.waiting, one.went_on, one.ended, one.letters["accepted"],
                 one.opened, one.clicked, one.unsubscribed, one.complained, one.bounced]  # fmt: skip
        write.writerow([safe_cell(cell) for cell in cells])
    name = f'attachment; filename="journey-{journey.id}-steps.csv"'
    return Response("\ufeff" + out.getvalue(), media_type="text/csv", headers={"content-disposition": name})


def _told(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons in words, the most frequent first."""
    known = words.reasons()
    return [
        (known.get(code, code), count) for code, count in sorted(counted.items(), key=lambda one: -one[1])
    ]


def _skips(found: figures.Figures) -> list[tuple[str, int]]:
    counted: dict[str, int] = {}
    for one in found.steps.values():
        for code, count in one.skips.items():
            said = guards.sentence(code) or mailing_words.outcomes().get(code, code)
            counted[said] = counted.get(said, 0) + count
    return sorted(counted.items(), key=lambda one: -one[1])


def _chart(call: Call, journey: Journey, back: int) -> dict[str, Any]:
    """Who came in and what was sent, day by day; days of 24 hours up to now."""
    until, days = now(), min(DAYS_DRAWN, back)
    since = until - timedelta(days=days)
    values = {"journey": journey.id, "since": since, "until": until, "back": until - timedelta(days=back),
              "refused": list(REFUSED)}  # fmt: skip
    rows = {int(row.slot): (int(row.came), int(row.sent)) for row in call.db.execute(_OVER_TIME, values)}
    slots = [rows.get(slot, (0, 0)) for slot in range(days)]
    times = [
        call.reader.day_short(call.reader.local(since + timedelta(days=slot + 1)).date())
        for slot in range(days)
    ]
    series = [(_("came in"), [one[0] for one in slots]), (_("letters sent"), [one[1] for one in slots])]
    drawn = charts.bars(times, series, _("Who came in and letters sent, day by day"))
    return {"chart": drawn if rows and days > 1 else "", "slots": list(zip(times, slots, strict=True))}
