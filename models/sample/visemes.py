"""Phonemes to mouth shapes: which ARKit actions a sound asks for, and how neighbours blend.

Targets follow the usual viseme classes (Massaro's and the MPEG-4 set) in ARKit's vocabulary. Neighbouring sounds
overlap by dominance functions (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993): lips
that must touch outweigh vowels, and vowels outweigh sounds made behind the teeth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.sample.voice import Phone
from schemas.arrays import Float32

BOTH: Final = ("Left", "Right")


@dataclass(frozen=True, slots=True)
class Viseme:
    """A mouth shape: jaw opening 0..1, weights of ARKit mouth actions, and how firmly it insists on them."""

    jaw: float
    actions: dict[str, float] = field(default_factory=dict)  # without the Left/Right of paired actions
    dominance: float = 1.0


REST: Final = Viseme(0.0, dominance=0.6)
_BILABIAL: Final = Viseme(0.0, {"mouthRollLower": 0.35, "mouthRollUpper": 0.25, "mouthPress": 0.35}, dominance=6.0)
_LABIODENTAL: Final = Viseme(0.06, {"mouthRollLower": 0.55, "mouthUpperUp": 0.3}, dominance=4.0)
_DENTAL: Final = Viseme(0.22, {"mouthLowerDown": 0.15}, dominance=1.0)
_ALVEOLAR: Final = Viseme(0.18, {"mouthLowerDown": 0.15}, dominance=0.7)
_SIBILANT: Final = Viseme(0.06, {"mouthStretch": 0.25, "mouthLowerDown": 0.25}, dominance=1.5)
_POSTALVEOLAR: Final = Viseme(0.12, {"mouthFunnel": 0.6, "mouthPucker": 0.2}, dominance=2.0)
_VELAR: Final = Viseme(0.25, {}, dominance=0.6)
_RHOTIC: Final = Viseme(0.22, {"mouthFunnel": 0.35, "mouthPucker": 0.2}, dominance=1.0)
_ROUNDED_CLOSE: Final = Viseme(0.14, {"mouthPucker": 0.75, "mouthFunnel": 0.25}, dominance=2.0)
_ROUNDED_MID: Final = Viseme(0.55, {"mouthFunnel": 0.6, "mouthPucker": 0.2}, dominance=1.8)
_SPREAD_CLOSE: Final = Viseme(0.22, {"mouthSmile": 0.3, "mouthStretch": 0.3, "mouthLowerDown": 0.2}, dominance=1.4)
_SPREAD_MID: Final = Viseme(0.6, {"mouthStretch": 0.25, "mouthLowerDown": 0.25, "mouthUpperUp": 0.15}, dominance=1.6)
_OPEN: Final = Viseme(1.0, {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15}, dominance=1.8)
_NEUTRAL: Final = Viseme(0.35, {"mouthLowerDown": 0.1}, dominance=0.8)

VISEMES: Final[dict[str, Viseme]] = {
    symbol: viseme
    for symbols, viseme in (
        ("^$ ,;.", REST),
        ("pbm", _BILABIAL),
        ("fv", _LABIODENTAL),
        ("θð", _DENTAL),
        ("tdnl", _ALVEOLAR),
        ("sz", _SIBILANT),
        ("ʃʒ", _POSTALVEOLAR),
        ("kɡŋh", _VELAR),
        ("ɹɚɜ", _RHOTIC),
        ("uʊw", _ROUNDED_CLOSE),
        ("oɔ", _ROUNDED_MID),
        ("iɪj", _SPREAD_CLOSE),
        ("eɛ", _SPREAD_MID),
        ("aɑæ", _OPEN),
        ("əɐʌᵻ", _NEUTRAL),
    )
    for symbol in symbols
}

# A sound reaches this much past its own span, and its mouth shape is seen a little before it is heard.
REACH_S: Final = 0.05
LEAD_S: Final = 0.02


def mouth_curves(phones: Sequence[Phone], times_s: Float32, action_names: Sequence[str]) -> tuple[Float32, Float32]:
    """The mouth at ``times_s`` [T] while ``phones`` are spoken.

    Returns jaw opening [T], 0..1, and action weights [T, len(action_names)], 0..1; actions no sound moves stay zero.
    Raises ``KeyError`` for a symbol without a mouth shape.
    """
    targets = np.zeros((len(phones), len(action_names)), np.float32)
    index = {name: k for k, name in enumerate(action_names)}
    for row, phone in enumerate(phones):
        for name, weight in VISEMES[phone.symbol].actions.items():
            for key in (name, *(name + side for side in BOTH)):
                if key in index:
                    targets[row, index[key]] = weight
    jaw = np.array([VISEMES[p.symbol].jaw for p in phones], np.float32)
    blend = _dominance(phones, times_s)
    return blend @ jaw, blend @ targets


def _dominance(phones: Sequence[Phone], times_s: Float32) -> Float32:
    """Share of every phone in the mouth at every instant, [T, len(phones)], rows sum to 1."""
    starts = np.array([p.start_s for p in phones], np.float32) - LEAD_S
    stops = np.array([p.stop_s for p in phones], np.float32) - LEAD_S
    firmness = np.array([VISEMES[p.symbol].dominance for p in phones], np.float32)
    centre, half = (starts + stops) / 2, (stops - starts) / 2
    away = (times_s[:, None] - centre) / (half + REACH_S)
    log_weight = np.log(firmness) - 3.0 * away**2
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    share: Float32 = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return share
