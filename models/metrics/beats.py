"""Does the head keep the beat of the speech? Beats of the head against onsets (BA) and pitch accents (PBAS).

After AIST++ (Li, Yang, Ross, Kanazawa 2021): a beat of the body is a local minimum of its speed, where one stroke ends
and the next begins, and each scores by how near the closest beat of the sound lies. Scoring the head's beats, not the
sound's, a head that trembles gains nothing; what a head out of time would score by luck comes beside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from models.metrics.head import angular_velocity
from schemas.arrays import Float32

Frames = npt.NDArray[np.intp]

TOLERANCE_FRAMES: Final = 2.0  # 80 ms: the standard deviation of the Gaussian that scores a distance
_STROKE: Final = 0.25  # a stroke rises out of its surroundings by this share of the speed's standard deviation
_STILL_RAD_S: Final = 1e-4
_ONSET_NATS: Final = 0.3  # a rise of 2.6 dB from one frame to the next
_ACCENT_SEMITONES: Final = 1.0
_APART_FRAMES: Final = 3
_FLOOR: Final = 1e-3  # of full scale: rustle below -60 dB has no onsets


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well beats meet events, 0..1; ``chance`` is the mean over every circular shift of the beats."""

    score: float
    chance: float


def head_beats(rotation: Float32) -> Frames:
    """Frames in which the head of ``rotation`` [T, 3] (axis-angle, radians) rests between two strokes."""
    if len(rotation) < 3:
        return np.empty(0, np.intp)
    speed = gaussian_filter1d(np.linalg.norm(angular_velocity(rotation), axis=1), 1.0)
    found, _ = find_peaks(-speed, prominence=max(_STROKE * float(speed.std()), _STILL_RAD_S))
    # Speed i lies between the frames i and i + 1; the later one is the first of the new stroke.
    return np.asarray(found + 1, np.intp)


def speech_onsets(envelope: Float32) -> Frames:
    """Frames in which the amplitude ``envelope`` [T] (linear) rises fastest."""
    loud = np.log(gaussian_filter1d(envelope.astype(np.float64), 0.7) + _FLOOR)
    rise = np.diff(loud, prepend=loud[:1])
    found, _ = find_peaks(rise, height=_ONSET_NATS, distance=_APART_FRAMES)
    return np.asarray(found, np.intp)


def pitch_accents(f0_hz: Float32) -> Frames:
    """Frames in which the pitch ``f0_hz`` [T] (0 where unvoiced) peaks by a semitone or more."""
    voiced = np.flatnonzero(f0_hz > 0)
    if voiced.size == 0:
        return np.empty(0, np.intp)
    semitones = 12 * np.log2(np.interp(np.arange(len(f0_hz)), voiced, f0_hz[voiced]))
    found, _ = find_peaks(gaussian_filter1d(semitones, 1.0), prominence=_ACCENT_SEMITONES, distance=_APART_FRAMES)
    return np.asarray(found[f0_hz[found] > 0], np.intp)


def align(beats: Frames, events: Frames, n_frames: int) -> Alignment:
    """Mean over ``beats`` of exp(-d^2 / 2 s^2), d the distance to the nearest of ``events``, over ``n_frames`` frames.

    A head without beats scores 0 and has no chance to compare with. nan where the sound has no events.
    """
    if events.size == 0:
        return Alignment(float("nan"), float("nan"))
    distance = np.abs(np.arange(n_frames)[:, None] - events).min(axis=1)
    near = np.exp(-0.5 * (distance / TOLERANCE_FRAMES) ** 2)
    if beats.size == 0:
        return Alignment(0.0, float("nan"))
    return Alignment(float(near[beats].mean()), float(near.mean()))
