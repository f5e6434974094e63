"""From embeddings of lips and sound to offset and confidence, as SyncNet's authors read them.

Of every shift within 15 frames the mean distance; the offset is the shift with the least, the confidence how far that
lies under the median of all (SyncNetInstance.py). Means are over the frames that lips and sound share, where theirs
count zeros beyond the ends; between frames the offset is where a parabola has its lowest point.
"""

from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch

from models.metrics.logistic import probability
from models.sync.calibration import MS_PER_FRAME, steepest_frames
from models.sync.curve import NEAR_FRAMES, drift_of, parabola
from models.sync.model import products_of
from models.syncnet.mfcc import mfcc
from models.syncnet.network import SyncNetNetwork
from models.syncnet.published import (
    CROP_PX,
    FURTHEST_FRAMES,
    MFCC_PER_FRAME,
    WINDOW_FRAMES,
)
from models.syncnet.settings import SyncNetSettings
from models.syncnet.weights import read_weights
from schemas.arrays import Float32, UInt8, admit
from schemas.sync import SyncReading
from schemas.units import LIPS_DIM, SAMPLES_PER_FRAME

Float64 = npt.NDArray[np.float64]
_MIDDLE: Final = WINDOW_FRAMES // 2
_N_MFCC: Final = WINDOW_FRAMES * MFCC_PER_FRAME
_SOUNDS_AT_ONCE: Final = 64
UNKNOWN: Final = SyncReading(offset_ms=np.nan, drift_ms=np.nan, confidence=0.0, p_in_sync=0.0, p_match=0.0)


class SyncNet:
    """The published network, on ``device``; ``name`` says by which weights."""

    def __init__(self, network: SyncNetNetwork, name: str, settings: SyncNetSettings, device: str = "cpu") -> None:
        self.name = name
        self.every_frames = settings.every_frames
        self._settings = settings
        self._network = network.to(device).eval()
        self._device = torch.device(device)

    @classmethod
    def from_file(cls, path: Path, name: str, settings: SyncNetSettings, device: str = "cpu") -> Self:
        """From ``syncnet_v2.model``. Raises ``models.syncnet.weights.SyncNetUnavailable``."""
        return cls(read_weights(path), name, settings, device)

    @torch.inference_mode()
    def see(self, films: UInt8) -> Float32:
        """[B, 1024] of ``films`` [B, 5, 224, 224, 3], BGR, cut as ``models.syncnet.crop`` does."""
        admit("films", films, np.uint8, ("B", WINDOW_FRAMES, CROP_PX, CROP_PX, 3))
        seen = torch.from_numpy(films).to(self._device).permute(0, 4, 1, 2, 3).float()
        return np.asarray(self._network.see(seen).cpu().numpy(), np.float32)

    @torch.inference_mode()
    def hear(self, audio: Float32) -> Float32:
        """[T, 1024] of ``audio`` [T * 640], each over the five frames about its own; zero where these are not all
        there."""
        cepstra = mfcc(audio)
        n = max((len(cepstra) - _N_MFCC) // MFCC_PER_FRAME + 1, 0)
        heard = np.zeros((len(audio) // SAMPLES_PER_FRAME, LIPS_DIM), np.float32)
        for start in range(0, n, _SOUNDS_AT_ONCE):
            at = MFCC_PER_FRAME * np.arange(start, min(start + _SOUNDS_AT_ONCE, n))[:, None] + np.arange(_N_MFCC)
            part = torch.from_numpy(cepstra[at]).transpose(1, 2).to(self._device)
            heard[_MIDDLE + start : _MIDDLE + start + len(at)] = self._network.hear(part).cpu().numpy()
        return heard

    def read(self, lips: Float32, audio: Float32) -> SyncReading:
        """How ``lips`` [T, 1024], as ``see`` has them, zero where there are none, and ``audio`` [T * 640] lie to each
        other.

        The probabilities are a logistic curve of the confidence about ``even_confidence``, one nat to a unit, and are
        not calibrated: nobody has published clips with both. Below it the offset is unknown.
        """
        admit("lips", lips, np.float32, (len(audio) // SAMPLES_PER_FRAME, LIPS_DIM))
        distance = distances(lips, self.hear(audio))
        mean = mean_distances(distance)
        if np.isnan(mean).all():
            return UNKNOWN
        best = int(np.nanargmin(mean))
        near = mean[FURTHEST_FRAMES - NEAR_FRAMES : FURTHEST_FRAMES + NEAR_FRAMES + 1]
        median = float(np.nanmedian(mean))
        confidence = median - float(mean[best])
        p_in_sync = 0.0 if np.isnan(near).all() else self._probability(median - float(np.nanmin(near)))
        offset = drift = float("nan")
        if confidence >= self._settings.even_confidence:
            offset = best - FURTHEST_FRAMES + parabola(-mean, best)
            drift, gain = drift_of(-distance, min(steepest_frames(len(lips)), FURTHEST_FRAMES))
            drift = drift if gain >= self._settings.least_drift_gain * len(distance) else 0.0
        return SyncReading(
            offset_ms=offset * MS_PER_FRAME,
            drift_ms=drift * MS_PER_FRAME,
            confidence=self._probability(confidence),
            p_in_sync=p_in_sync,
            p_match=self._probability(confidence),
        )

    def _probability(self, confidence: float) -> float:
        return probability(confidence - self._settings.even_confidence)


def distances(lips: Float32, sound: Float32) -> Float32:
    """[V, 31] Euclidean distance of ``lips`` at ``t`` from ``sound`` at ``t + k``, both [T, 1024], of the V frames that
    have lips; nan where there is no sound. Least at k > 0 where the sound is late (the authors' own sign is the other).
    """
    heard = np.where(sound.any(axis=1, keepdims=True), sound, np.float32(np.nan))
    of_lips, of_sound = (np.square(rows).sum(axis=1) for rows in (lips, heard))
    squared = of_lips[:, None] + _around(of_sound) - 2 * products_of(lips, heard, FURTHEST_FRAMES)
    found: Float32 = np.sqrt(np.maximum(squared, 0))
    return found[lips.any(axis=1)]


def mean_distances(distance: Float32) -> Float64:
    """[31] over the frames; nan for a shift that fewer than half of the frames have."""
    there = np.isfinite(distance)
    n = there.sum(axis=0)
    summed = np.where(there, distance, 0).sum(axis=0, dtype=np.float64)
    return np.where((n > 0) & (2 * n >= len(distance)), summed / np.maximum(n, 1), np.nan)


def _around(values: Float32) -> Float32:
    padded = np.pad(values, FURTHEST_FRAMES, constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * FURTHEST_FRAMES + 1)
