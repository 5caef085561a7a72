"""Which requests for a letter's links come from machines: proxies, scanners, programs. Pure.

A verdict is empty for a person; else it says why it isn't one. Verdicts are made over all traces of a letter,
so that a scanner that goes through the links takes its first click along.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

BURST = timedelta(seconds=2)  # two links within it: nobody reads so fast
NEAR = timedelta(seconds=60)  # what the same caller asks around a burst belongs to it
QUICK = timedelta(seconds=10)  # after the hand-over, without having opened the letter
_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy|Mail Privacy|CloudFront|ggpht\.com", re.I)
_APPLE = re.compile(r"Mozilla/5\.0(?: \(\))?")  # all that Apple's relay says of itself
_PROGRAM = re.compile(
    r"bot\b|crawl|spider|scan|preview|monitor|headless|barracuda|mimecast|proofpoint|safelinks|sophos|symantec"
    r"|curl|wget|python|java/|okhttp|go-http|libwww|httpclient|axios|node-fetch|ruby|perl",
    re.I,
)
_EARLY = re.compile(r"prefetch|preview|prerender", re.I)


class Seen(NamedTuple):
    """A request as the rules look at it."""

    kind: str
    link: int
    at: datetime
    address: str
    alone: str


def alone(method: str, agent: str, headers: Mapping[str, str]) -> str:
    """What one request by itself looks like."""
    if method == "HEAD":
        return "head"
    if any(_EARLY.search(headers.get(name, "")) for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")):
        return "prefetch"
    if _PROXY.search(agent) or _APPLE.fullmatch(agent.strip()):
        return "proxy"
    return "program" if not agent.strip() or _PROGRAM.search(agent) else ""


def judge(traces: Sequence[Seen], handed_at: datetime | None) -> list[str]:
    """The verdict of each trace, given all of them in the order they came."""
    verdicts = [one.alone for one in traces]
    _bursts(traces, verdicts)
    if handed_at is not None:
        opened = [
            one.at
            for one, verdict in zip(traces, verdicts, strict=True)
            if one.kind == "open" and not verdict
        ]
        for number, one in enumerate(traces):
            quick = one.kind == "click" and one.at - handed_at < QUICK
            if quick and not verdicts[number] and not any(at <= one.at for at in opened):
                verdicts[number] = "quick"
    return verdicts


def _bursts(traces: Sequence[Seen], verdicts: list[str]) -> None:
    links = [one for one in traces if one.kind != "open"]
    inside = set[int]()
    for first in links:
        near = [one for one in links if timedelta() <= one.at - first.at <= BURST]
        if len({(one.kind, one.link) for one in near}) > 1:
            inside |= {id(one) for one in near}
    members = [one for one in traces if id(one) in inside]
    for number, one in enumerate(traces):
        beside = any(abs(one.at - other.at) <= NEAR and one.address == other.address for other in members)
        if not verdicts[number] and (id(one) in inside or beside):
            verdicts[number] = "burst"
