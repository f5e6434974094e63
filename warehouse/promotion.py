"""The promotion rule: when a model is better than the one that carries an alias.

In: the metrics of both. Out: a ruling with the number that decided. A model must beat its own controls, then the
holder of the alias on the same clips, and lose nothing elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from pydantic import Field

from schemas.config import StageConfig
from schemas.version import MODEL_ROW, ModelMetric

_TINY: Final = 1e-12


class Measure(StageConfig):
    """Which number of an evaluation, and which way is better: ``one`` for a ratio that should be 1."""

    metric: str = "LVE"
    split: str = "seen speakers, new sentences"
    span: str = "speech span"
    better: Literal["lower", "higher", "one"] = "lower"

    def improvement(self, value: float, reference: float) -> float:
        """How much better ``value`` is: as a share of ``reference``, or, for ratios, by how much it is nearer to 1."""
        match self.better:
            case "one":
                return abs(reference - 1) - abs(value - 1)
            case "higher":
                return (value - reference) / max(abs(reference), _TINY)
            case "lower":
                return (reference - value) / max(abs(reference), _TINY)


class Guard(StageConfig):
    """What must not get worse by more than ``at_most_worse`` (see ``Measure.improvement``)."""

    measure: Measure
    at_most_worse: float = Field(ge=0)


class PromotionRule(StageConfig):
    """When an alias moves."""

    measure: Measure = Field(default_factory=Measure)
    min_improvement: float = Field(default=0.01, ge=0, description="over the holder of the alias, as a share")
    controls: tuple[str, ...] = Field(
        default=("mean motion", "shuffled audio"), description="rows of its own evaluation that a model must beat"
    )
    guards: tuple[Guard, ...] = (
        Guard(measure=Measure(metric="gap correlation", better="higher"), at_most_worse=0.02),
        Guard(measure=Measure(metric="upper spread", better="one"), at_most_worse=0.1),
    )

    def on_split(self, split: str) -> "PromotionRule":
        """The same rule, measured on the clips of another split."""
        moved = {"split": split}
        guards = tuple(
            guard.model_copy(update={"measure": guard.measure.model_copy(update=moved)}) for guard in self.guards
        )
        return self.model_copy(update={"measure": self.measure.model_copy(update=moved), "guards": guards})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rule says, and the comparison that decided."""

    passes: bool
    reason: str
    measure: Measure
    measured: float | None
    threshold: float | None


def rule_on(
    rule: PromotionRule,
    candidate: Iterable[ModelMetric],
    champion: str | None,
    champion_metrics: Iterable[ModelMetric],
) -> Ruling:
    """Whether a model with the metrics ``candidate`` may take the alias from version ``champion``, None if it is free.

    The champion's numbers are those that the candidate's evaluation gives it in a row of its name, else
    ``champion_metrics``: give these only if they were measured on the same clips. Where the candidate was measured on
    one other split alone (all held-out clips are of unseen speakers, say), the rule is applied to that one.
    """
    ours, theirs = _by_place(candidate), _by_place(champion_metrics)
    splits = {split for _, split, _, _ in ours}
    if rule.measure.split not in splits and len(splits) == 1:
        rule = rule.on_split(splits.pop())

    def of_champion(measure: Measure) -> float | None:
        return _value(ours, measure, champion or "", or_else=_value(theirs, measure, MODEL_ROW))

    measure = rule.measure
    checks = [(measure, row, _value(ours, measure, row), 0.0, True) for row in rule.controls]
    if champion is not None:
        checks.append((measure, champion, of_champion(measure), rule.min_improvement, rule.min_improvement == 0))
        checks += [(g.measure, champion, of_champion(g.measure), -g.at_most_worse, False) for g in rule.guards]
    rulings = [
        _compare(place, _value(ours, place, MODEL_ROW), row, reference, wanted, strictly)
        for place, row, reference, wanted, strictly in checks
    ]
    refusal = next((ruling for ruling in rulings if not ruling.passes), None)
    if refusal is not None:
        return refusal
    if not rulings:
        return Ruling(True, "nothing was asked of it", measure, None, None)
    return rulings[len(rule.controls)] if champion is not None else min(rulings, key=lambda r: r.measured or 0.0)


def _compare(
    measure: Measure, value: float | None, row: str, reference: float | None, wanted: float, strictly: bool
) -> Ruling:
    what = f"{measure.metric} ({measure.split}, {measure.span})"
    if value is None or reference is None:
        missing = MODEL_ROW if value is None else row
        return Ruling(False, f"{what} of {missing!r} was not measured on these clips", measure, None, wanted)
    measured = measure.improvement(value, reference)
    passes = measured > wanted if strictly else measured >= wanted
    unit = "" if measure.better == "one" else " %"
    scale = 1.0 if measure.better == "one" else 100.0
    direction = "better" if measured >= 0 else "worse"
    if wanted < 0:
        asked = f"at most {-scale * wanted:.3g}{unit} worse is allowed"
    else:
        asked = f"{'more than' if strictly else 'at least'} {scale * wanted:.3g}{unit} better is wanted"
    reason = (
        f"{what} {value:.4g} against {reference:.4g} of {row}: {abs(scale * measured):.3g}{unit} {direction}, {asked}"
    )
    return Ruling(passes, reason, measure, measured, wanted)


_Places = Mapping[tuple[str, str, str, str], float]


def _by_place(metrics: Iterable[ModelMetric]) -> _Places:
    return {(m.metric, m.split, m.span, m.row): m.value for m in metrics if isfinite(m.value)}


def _value(places: _Places, measure: Measure, row: str, or_else: float | None = None) -> float | None:
    return places.get((measure.metric, measure.split, measure.span, row), or_else)
