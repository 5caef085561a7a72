"""Matching: versions of the model, what each level weighs, and thresholds seen on people's own decisions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from console import roles
from console.templating import link
from console.web import Call
from customers.matching.compare import LEVELS
from customers.matching.model import AND, Model, Weights, probability, shipped
from customers.matching.words import signed, words
from foundation.errors import BadInput
from foundation.records import PersonKind
from foundation.text import _
from sync.dedupe import arrivals, bands, models, trainings
from sync.dedupe.models import THRESHOLDS
from sync.dedupe.tables import MatchModel

PAGE = "/duplicates/matching"
TOGETHER = 40  # weights of two comparisons together that are shown, the heaviest


class Bar(NamedTuple):
    """A weight as a bar between 0 and 100, against in the left half."""

    level: str
    weight: str
    start: float
    size: float


class Scale(NamedTuple):
    """A comparison and its bars."""

    name: str
    bars: list[Bar]


def show(call: Call) -> Response:
    """One version, and all there are; with thresholds in the address, what they would change."""
    using = models.in_use(call.db)
    chosen = _chosen(call, using)
    model = models.model_of(chosen) if chosen else shipped()
    figures = bands.figures(call.db, chosen)
    said, wrong = _said(call.request.query_params, model), ""
    try:
        tried = bands.check(model, said)
    except BadInput as error:
        tried, wrong = model, str(error)
    side = str(figures.get("side", "own"))
    kind: PersonKind = "company" if call.query("kind", 10) == "company" else "person"
    return call.page(
        "matching.html",
        versions=[*models.versions(call.db), None],
        chosen=chosen,
        using=using,
        model=model,
        tried=tried,
        wrong=wrong,
        changed=any(getattr(tried, name) != getattr(model, name) for name in THRESHOLDS),
        before=bands.effect(figures, side, model),
        after=bands.effect(figures, side, tried),
        figures=figures,
        points=bands.picture(bands.reviewed(figures, side)),
        likely=lambda bits: f"{100 * probability(bits):.1f}",
        going_on=trainings.going_on(call.db),
        kind=kind,
        scales=list(_scales(model.weights(kind))),
        together=_together(model.weights(kind)),
        arrivals=arrivals.state(call.db),
        trains=roles.allows(call.me.role, roles.ADMINISTER),
        phases=_phases(),
        here_path=PAGE,
        here=lambda **more: link(PAGE, version=chosen.version if chosen else "shipped", **more),
    )


def _phases() -> dict[str, str]:
    return {
        "Reading": _("Everybody is read."),
        "Comparing": _("Pairs are compared."),
        "Learning": _("Splink learns from them."),
    }


def _chosen(call: Call, using: MatchModel | None) -> MatchModel | None:
    """The version the address names, else the one in use; None for the shipped model."""
    version = call.query("version", 40)
    if version == "shipped":
        return None
    return models.find(call.db, version) if version else using


def _said(values: Mapping[str, Any], model: Model) -> dict[str, float]:
    """The thresholds somebody asks for; what is no number stays as it is."""
    found = {}
    for name in THRESHOLDS:
        try:
            found[name] = float(str(values.get(name, "")).replace(",", "."))
        except ValueError:
            found[name] = getattr(model, name)
    return found


def _scales(weights: Weights) -> Iterator[Scale]:
    """Every comparison that has weights of its own, its levels in their order."""
    widest = _widest(weights)
    for name, levels in LEVELS[weights.kind].items():
        bits = weights.bits.get(name, {})
        bars = [_bar(words(name, level)[1], bits[level], widest) for level in levels if level in bits]
        if bars:
            yield Scale(words(name, "")[0], bars)


def _together(weights: Weights) -> Sequence[Bar]:
    """The heaviest weights of two comparisons together."""
    found = [
        (abs(bits), bits, term.split(AND), level.split(AND))
        for term, levels in weights.bits.items()
        if AND in term
        for level, bits in levels.items()
    ]
    widest = _widest(weights)
    return [
        _bar(" · ".join(": ".join(words(*one)) for one in zip(terms, levels, strict=True)), bits, widest)
        for _size, bits, terms, levels in sorted(found, reverse=True)[:TOGETHER]
    ]


def _widest(weights: Weights) -> float:
    return max((abs(bits) for levels in weights.bits.values() for bits in levels.values()), default=0) or 1


def _bar(level: str, bits: float, widest: float) -> Bar:
    return Bar(level, signed(bits), 50 + min(0.0, 50 * bits / widest), abs(50 * bits / widest))


def train(call: Call) -> Response:
    """Have a model trained from what there is."""
    trainings.start(call.db, call.actor)
    return call.go(PAGE, _("The training begins. Its result is a new version; matching stays as it is."))


def arriving(call: Call) -> Response:
    """Have those who arrive matched or not, and joined or only asked about."""
    said = {
        "on": _("Everybody is being kept ready; then who arrives is matched."),
        "off": _("Who arrives is not matched any more; runs are as before."),
        "join": _("From now on who is certainly a known customer is joined on arrival."),
        "ask": _("From now on a person is asked about everybody who arrives and is like somebody."),
    }
    wanted = call.text("wanted", 10)
    if wanted not in said:
        raise BadInput(_("Say on, off, join or ask."), "wanted")
    if wanted == "off":
        arrivals.turn_off(call.db)
    elif wanted == "on":
        arrivals.turn_on(call.db)
    else:
        arrivals.set_joins(call.db, wanted == "join")
    return call.go(PAGE, said[wanted])


def use(call: Call) -> Response:
    """Put a version in use."""
    version = call.text("version", 40)
    operation = models.use(call.db, models.SHIPPED if version == "shipped" else version, call.actor)
    return call.go(PAGE, operation.title, operation.id)


def save(call: Call) -> Response:
    """Keep other thresholds as a new version."""
    version = call.text("version", 40)
    base = None if version == "shipped" else models.find(call.db, version)
    said = _said(call.fields(), models.model_of(base) if base else shipped())
    kept = bands.save(call.db, base, said, call.actor)
    return call.go(link(PAGE, version=kept.version), _("Kept as %s. It is not in use yet.") % kept.version)
