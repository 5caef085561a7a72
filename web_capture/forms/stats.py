"""What a form brought, variant by variant, and whether one is better, with intervals to be looked at daily.

The usual 95 % interval is only true for whoever looks once. The differences here carry an interval that holds
at every look (a normal mixture confidence sequence: Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021), so
stopping when it says "better" is no sin. It is about half again as wide for that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.text import _
from web_capture.forms.spec import Spec
from web_capture.forms.tables import Form, FormVersion

WORTH = 0.02  # two points: the smallest difference that is worth waiting for
ALPHA, _Z, _POWER = 0.05, 1.959964, 0.841621  # wrong in one of twenty; found in four of five
FEWEST_SHOWN, FEWEST_SUBMITTED = 100, 10  # before that the normal curve doesn't hold
MATTERS = ("fields", "title", "text", "button", "look", "consents", "coupon", "triggers", "variants")
_COUNT = text(
    "SELECT variant, count(*) FILTER (WHERE viewed), count(*) FILTER (WHERE viewed AND submitted),"
    " count(*) FILTER (WHERE submitted AND NOT viewed) FROM ("
    " SELECT variant, bool_or(viewed) AS viewed, bool_or(submitted) AS submitted FROM form_devices"
    " WHERE form_id = :form AND version = ANY(:versions) GROUP BY variant, device) AS devices"
    " GROUP BY variant"
)


@dataclass(frozen=True)
class Variant:
    """How a variant did: on how many devices it was shown, and from how many of these it came filled in."""

    name: str
    shown: int
    submitted: int
    unseen: int = 0  # devices that filled it in and never told that it was shown: in no rate

    @property
    def rate(self) -> float:
        """The share that filled it in."""
        return self.submitted / self.shown if self.shown else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate is, in 95 of 100 cases, for whoever looks once (Wilson 1927)."""
        if not self.shown:
            return 0.0, 1.0
        n, z = self.shown, _Z
        middle = (self.rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(self.rate * (1 - self.rate) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Comparison:
    """A variant against the first: the difference, its interval, and what may be said of it."""

    variant: Variant
    difference: float
    low: float
    high: float
    needed: int  # devices a variant, for a difference of WORTH to show
    verdict: str  # early better worse same

    @property
    def words(self) -> str:
        """The verdict as a sentence."""
        said = {
            "better": _("%(name)s is better: %(low)s to %(high)s points."),
            "worse": _("%(name)s is worse: %(low)s to %(high)s points."),
            "same": _("No clear difference of %(name)s to A: %(low)s to %(high)s points."),
            "early": _("Too early to say of %(name)s: shown to %(shown)s, about %(needed)s are needed."),
        }[self.verdict]
        return said % {"name": self.variant.name, "low": points(self.low), "high": points(self.high),
                       "shown": f"{self.variant.shown:,}", "needed": f"{self.needed:,}"}  # fmt: skip


def points(share: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{share * 100:+.1f}".replace("-", "−")


def read(session: Session, form: Form, versions: Sequence[FormVersion], spec: Spec) -> list[Variant]:
    """Each variant of a spec with what it brought in those versions that ask and look the same. One query."""
    alike = [one.number for one in versions if one.published_at and same(one.spec, spec)]
    values = {"form": form.id, "versions": alike}
    found = {row[0]: tuple(row[1:]) for row in session.execute(_COUNT, values)}
    names = [chr(ord("A") + place) for place in range(max(1, len(spec["variants"])))]
    return [Variant(name, *found.get(name, (0, 0))) for name in names]


def same(one: Spec, other: Spec) -> bool:
    """Whether two versions may be counted together: nothing that a visitor sees differs."""
    return all(one[name] == other[name] for name in MATTERS)


def compare(variants: Sequence[Variant]) -> list[Comparison]:
    """Each further variant against the first; with several the chance of error is shared among them."""
    first, *others = variants
    alpha = ALPHA / max(1, len(others))
    return [_compared(first, one, alpha, needed(variants, alpha)) for one in others]


def needed(variants: Collection[Variant], alpha: float = ALPHA) -> int:
    """Devices a variant must be shown on before a difference of WORTH shows, at the rate so far."""
    shown, submitted = sum(one.shown for one in variants), sum(one.submitted for one in variants)
    rate = min(0.5, max(0.01, submitted / shown if shown >= FEWEST_SHOWN else 0.05))
    return ceil(2 * rate * (1 - rate) * _information(alpha))


def _information(alpha: float) -> float:
    """The information (one over the variance) at which the interval lets a difference of WORTH be seen."""
    tuning = _tuning(alpha)
    width = sqrt((1 + 1 / tuning) * (log(1 + tuning) - 2 * log(alpha)))
    return float(((width + _POWER) / WORTH) ** 2)


def _tuning(alpha: float) -> float:
    """Where the interval is narrowest: at the information that is aimed for."""
    return -2 * log(alpha) + log(1 - 2 * log(alpha))


def _compared(first: Variant, other: Variant, alpha: float, enough: int) -> Comparison:
    difference = other.rate - first.rate
    half = _half(first, other, alpha)
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    fewest = min(first.shown, other.shown)
    verdict = "early"
    if fewest >= FEWEST_SHOWN and first.submitted + other.submitted >= FEWEST_SUBMITTED:
        verdict = "better" if low > 0 else "worse" if high < 0 else "same" if fewest >= enough else "early"
    return Comparison(other, difference, low, high, enough, verdict)


def _half(first: Variant, other: Variant, alpha: float) -> float:
    """Half the width of the interval of the difference, true at all looks together."""
    variance = 0.0
    for one in (first, other):
        rate = (one.submitted + 0.5) / (one.shown + 1)  # none so far isn't none for ever
        variance += rate * (1 - rate) / max(1, one.shown)
    information, tuned = 1 / variance, _information(alpha) / _tuning(alpha)
    return sqrt((information + tuned) * (log((information + tuned) / tuned) - 2 * log(alpha))) / information
