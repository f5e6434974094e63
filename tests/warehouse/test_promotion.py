"""The promotion rule: controls first, then the champion on the same clips, then nothing lost elsewhere."""

from dataclasses import replace

import pytest

from schemas.version import ModelMetric
from tests.warehouse.models import metric, metrics
from warehouse.promotion import Guard, Measure, PromotionRule, Ruling, rule_on

LVE = PromotionRule(min_improvement=0.05, guards=())
CORRELATION = Measure(metric="gap correlation", better="higher")
SPREAD = Measure(metric="upper spread", better="one")
GUARDED = PromotionRule(
    guards=(Guard(measure=CORRELATION, at_most_worse=0.02), Guard(measure=SPREAD, at_most_worse=0.1))
)


def with_guards(lve: float, correlation: float, spread: float, **rows: float) -> list[ModelMetric]:
    return [*metrics(lve, **rows), metric(correlation, measure=CORRELATION), metric(spread, measure=SPREAD)]


def test_the_first_model_must_beat_the_controls() -> None:
    ruling = rule_on(LVE, metrics(2.7), None, ())
    assert (ruling.passes, ruling.threshold) == (True, 0)
    assert ruling.measured == pytest.approx(0.1)  # over mean motion, the nearer of the two
    assert "LVE (seen speakers, new sentences, speech span) 2.7 against 3 of mean motion" in ruling.reason
    equal = rule_on(LVE, metrics(3.0), None, ())
    assert not equal.passes
    shuffled = rule_on(LVE, [*metrics(2.7)[:2], metric(2.6, "shuffled audio")], None, ())
    assert not shuffled.passes
    assert "shuffled audio" in shuffled.reason


def test_a_later_model_must_beat_the_champion_by_enough() -> None:
    better, worse = rule_on(LVE, metrics(1.8), "old", metrics(2.0)), rule_on(LVE, metrics(1.96), "old", metrics(2.0))
    assert (better.passes, better.threshold) == (True, 0.05)
    assert better.measured == pytest.approx(0.1)
    assert not worse.passes
    assert worse.measured == pytest.approx(0.02)
    assert worse.reason.endswith("2 % better, at least 5 % better is wanted")
    same = PromotionRule(min_improvement=0, guards=())
    assert not rule_on(same, metrics(2.0), "old", metrics(2.0)).passes
    assert not rule_on(LVE, metrics(3.1), "old", metrics(9.0)).passes  # better, and worse than a head that stands still


def test_the_champion_measured_beside_the_candidate_goes_first() -> None:
    assert not rule_on(LVE, metrics(1.8, old=1.5), "old", metrics(2.0)).passes
    assert rule_on(LVE, metrics(1.8, old=2.5), "old", ()).passes


def test_what_was_not_measured_decides_nothing() -> None:
    def reason(ruling: Ruling) -> str:
        assert not ruling.passes
        assert ruling.measured is None
        return ruling.reason

    assert "'old' was not measured on these clips" in reason(rule_on(LVE, metrics(1.0), "old", ()))
    assert "'model' was not measured" in reason(rule_on(LVE, metrics(float("nan")), None, ()))
    assert "'shuffled audio' was not measured" in reason(rule_on(LVE, metrics(1.0)[:2], None, ()))
    other = PromotionRule(measure=Measure(metric="MOD"), guards=())
    assert "MOD" in reason(rule_on(other, metrics(1.0), None, ()))


def test_where_only_unseen_speakers_are_held_out_they_decide() -> None:
    unseen = [replace(m, split="unseen speakers") for m in metrics(2.7)]
    ruling = rule_on(LVE, unseen, None, ())
    assert ruling.passes
    assert ruling.measure.split == "unseen speakers"
    assert "LVE (unseen speakers, speech span) 2.7" in ruling.reason
    assert rule_on(LVE, [*unseen, *metrics(2.7)], None, ()).measure == LVE.measure


def test_guards_may_lose_a_little_and_no_more() -> None:
    old = with_guards(2.0, 0.90, 0.9)
    assert rule_on(GUARDED, with_guards(1.8, 0.89, 1.15), "old", old).passes
    lost = rule_on(GUARDED, with_guards(1.8, 0.85, 0.9), "old", old)
    assert (lost.passes, lost.measure, lost.threshold) == (False, CORRELATION, -0.02)
    assert lost.measured == pytest.approx(-0.05 / 0.9)
    assert "5.56 % worse, at most 2 % worse is allowed" in lost.reason
    lively = rule_on(GUARDED, with_guards(1.8, 0.9, 1.25), "old", old)
    assert (lively.passes, lively.measure) == (False, SPREAD)
    assert lively.measured == pytest.approx(-0.15)
    assert not rule_on(GUARDED, metrics(1.8), "old", metrics(2.0)).passes  # unmeasured guards guard nothing
    assert rule_on(GUARDED, metrics(1.8), None, ()).passes  # nothing to lose yet
