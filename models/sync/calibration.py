"""From how the network agrees with a clip to probabilities, by clips it was not trained on.

Three questions, each a logistic regression on the same few numbers of the curve: do lips and sound belong together, are
they within two frames of each other, and is the best offset right within two frames?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.metrics.logistic import log_odds_of, logistic, probability
from models.sync.curve import NEAR_FRAMES, Peak, curve_of, drift_of, peak_of
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.sync import SyncReading
from schemas.units import FRAME_RATE

Float64 = npt.NDArray[np.float64]
MS_PER_FRAME: Final = float(1000 / FRAME_RATE)
_LEAST_SHARE: Final = 1e-4
_STEEPEST_SHARE: Final = 0.045
_STEEPEST_FRAMES: Final = 20.0
_STEADY_PERCENTILE: Final = 99.9
_TEMPERS: Final = np.geomspace(0.05, 20.0, 61)


@dataclass(frozen=True, slots=True)
class Trial:
    """Lips beside a sound of known offset. ``late_frames`` is nan where they are strangers."""

    products: Float32  # [T, 2 * K + 1]
    late_frames: float


class SyncCalibration(StageConfig):
    temper: float = Field(0.2, gt=0, description="of the evidence; models.sync.curve")
    match: tuple[float, ...] = Field(default=(0.0,) * 5, description="logistic weights of `signs_of`, but its last")
    right: tuple[float, ...] = Field(default=(0.0,) * 5, description="the same")
    in_sync: tuple[float, ...] = Field(default=(0.0,) * 6, description="of all of `signs_of`")
    least_confidence: float = Field(0.4, ge=0, le=1, description="below it an offset is unknown")
    least_drift_evidence: float = Field(0.0, ge=0, description="over a constant offset; with less, nothing drifts")

    def reading(self, products: Float32) -> SyncReading:
        peak = peak_of(products, self.temper)
        signs = signs_of(peak)
        confidence = _probability(self.right, signs[:-1])
        known = confidence >= self.least_confidence
        drift = float("nan")
        if known:
            found, evidence = drift_of(products, steepest_frames(len(products)))
            drift = found if evidence >= self.least_drift_evidence else 0.0
        return SyncReading(
            offset_ms=peak.late_frames * MS_PER_FRAME if known else float("nan"),
            drift_ms=drift * MS_PER_FRAME,
            confidence=confidence,
            p_in_sync=_probability(self.in_sync, signs),
            p_match=_probability(self.match, signs[:-1]),
        )


def signs_of(peak: Peak) -> Float64:
    """[6] a one, and the numbers that the probabilities are made of; the last says where the best offset lies.

    How well lips and sound agree at best tells strangers most surely, the more so the longer they are heard.
    """
    length = np.log(peak.n_frames / 75)
    return np.array(
        [
            1.0,
            10 * peak.mean,
            10 * peak.rise,
            length,
            log_odds_of(peak.share, _LEAST_SHARE),
            log_odds_of(peak.share_in_sync, _LEAST_SHARE),
        ],
        np.float64,
    )


def calibrate(trials: Sequence[Trial]) -> SyncCalibration:
    """The calibration that makes ``trials`` likeliest. They should hold what curation will meet: sound in step, sound
    that is early or late, and strangers' sound; noisy and clean, long and short."""
    temper = _best_temper(trials)
    peaks = [peak_of(trial.products, temper) for trial in trials]
    signs = np.stack([signs_of(peak) for peak in peaks])
    late = np.array([trial.late_frames for trial in trials])
    found = np.array([peak.late_frames for peak in peaks])
    with np.errstate(invalid="ignore"):
        near, right = np.abs(late) <= NEAR_FRAMES, np.abs(found - late) <= NEAR_FRAMES
    return SyncCalibration(
        temper=temper,
        match=logistic(signs[:, :-1], np.isfinite(late)),
        in_sync=logistic(signs, near),
        right=logistic(signs[:, :-1], right),
        least_drift_evidence=_evidence_by_chance(trials),
    )


def _evidence_by_chance(trials: Sequence[Trial]) -> float:
    """What a drift is said to be worth in all but one in a thousand of the trials, in none of which anything drifts."""
    own = [trial.products for trial in trials if np.isfinite(trial.late_frames)]
    found = [drift_of(products, steepest_frames(len(products)))[1] for products in own]
    return float(np.percentile(found, _STEADY_PERCENTILE))


def steepest_frames(n_frames: int) -> float:
    """The drift that is looked for over so many frames: film played at another rate (24 frames for 25) is four per cent
    off. Steeper lines through a few seconds follow nothing but chance."""
    return min(_STEEPEST_SHARE * n_frames, _STEEPEST_FRAMES)


def _best_temper(trials: Sequence[Trial]) -> float:
    """The one under which the true offsets, where there are any, are likeliest."""
    own = [trial for trial in trials if np.isfinite(trial.late_frames)]
    evidence = np.stack([len(trial.products) * curve_of(trial.products) for trial in own])
    furthest = evidence.shape[1] // 2
    true = np.array([furthest + round(trial.late_frames) for trial in own])
    best, likeliest = 1.0, -np.inf
    for temper in _TEMPERS:
        logits = temper * evidence
        logits -= logits.max(axis=1, keepdims=True)
        posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        # A frame either side counts as well: lips lead and lag by that much.
        near = sum(posterior[np.arange(len(own)), np.clip(true + k, 0, 2 * furthest)] for k in (-1, 0, 1))
        likelihood = float(np.log(np.maximum(near, 1e-12)).mean())
        if likelihood > likeliest:
            best, likeliest = float(temper), likelihood
    return best


def _probability(weights: Sequence[float], signs: Float64) -> float:
    return probability(float(np.dot(weights, signs)))
