"""What lips are doing, read from a speech embedding by one linear map: not well enough to animate a face, but well
enough to tell to the frame whether these lips say this (``models/data/LIP_READOUT.md``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.metrics.logistic import log_odds_of, logistic, probability
from schemas.arrays import Float32, admit_fields

_FILE: Final = Path(__file__).parent.parent / "data" / "lip_readout.npz"
_CORNERS: Final = (61, 291)
_MIDDLES: Final = (13, 14)
_SYNC_WEIGHT: Final = 0.5  # of the sync model's log odds, which are too sure of people it was not trained on


@dataclass(frozen=True, slots=True, eq=False)
class LipReadout:
    """Lip gap and mouth width, each in its own standard deviations over a clip, out of an embedding of D numbers."""

    embedding_model: str
    weights: Float32  # [D, 2]
    match: tuple[float, float] = (0.0, 0.0)  # logistic weights of a one and of Fisher's z of a correlation

    def __post_init__(self) -> None:
        admit_fields(self, {}, weights=(np.float32, ("D", 2)))

    def expected(self, embedding: Float32) -> Float32:
        """[T, 2] of a clip's ``embedding`` [T, D]."""
        return np.asarray((embedding - embedding.mean(0)) @ self.weights, np.float32)

    def p_match(self, correlation: float, by_sync: float) -> float:
        """0..1, that lips and voice belong together: by their ``correlation`` with what was expected of them, at the
        best lag, and by the sync model's own probability ``by_sync``, as witnesses that do not know of each other."""
        bias, slope = self.match
        return probability(bias + slope * _fisher(correlation) + _SYNC_WEIGHT * log_odds_of(by_sync))


def lips_of(points: Float32) -> Float32:
    """[T, 2] lip gap and mouth width of landmarks ``points`` [T, 478, 3], in their unit."""
    pairs = ((points[:, a], points[:, b]) for a, b in (_MIDDLES, _CORNERS))
    return np.stack([np.linalg.norm(a - b, axis=1) for a, b in pairs], axis=1).astype(np.float32)


def learn(clips: Iterable[tuple[Float32, Float32]], embedding_model: str, ridge: float) -> LipReadout:
    """Ridge regression on clips' embeddings [T, D] and lips [T, 2] (``lips_of``), each clip about its own mean;
    ``ridge`` is relative to the embeddings' variance."""
    parts = [(e - e.mean(0), (lips - lips.mean(0)) / np.maximum(lips.std(0), 1e-6)) for e, lips in clips]
    heard = np.concatenate([e for e, _ in parts], dtype=np.float64)
    moved = np.concatenate([lips for _, lips in parts], dtype=np.float64)
    spread = heard.T @ heard / len(heard)
    spread += ridge * np.trace(spread) / len(spread) * np.eye(len(spread))
    return LipReadout(embedding_model, np.linalg.solve(spread, heard.T @ moved / len(heard)).astype(np.float32))


def calibrated(readout: LipReadout, own: Sequence[float], strange: Sequence[float]) -> LipReadout:
    """``readout`` with what correlations of lips with their ``own`` voice and with a ``strange`` one are worth."""
    z = np.array([_fisher(r) for r in (*own, *strange)])
    bias, slope = logistic(np.stack([np.ones_like(z), z], axis=1), np.arange(len(z)) < len(own))
    return replace(readout, match=(bias, slope))


def write_readout(path: Path, readout: LipReadout) -> None:
    embedding_model, match = np.array(readout.embedding_model), np.array(readout.match)
    np.savez(path, embedding_model=embedding_model, weights=readout.weights, match=match)


@cache
def load_readout() -> LipReadout:
    """The one that ships with the package, read once per process."""
    with np.load(_FILE, allow_pickle=False) as arrays:
        bias, slope = arrays["match"].tolist()
        return LipReadout(str(arrays["embedding_model"]), arrays["weights"], (bias, slope))


def _fisher(correlation: float) -> float:
    """Fisher's z, in which a correlation's error is about the same everywhere."""
    return float(np.arctanh(np.clip(correlation, -0.999, 0.999)))
