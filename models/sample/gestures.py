"""What a face does besides speaking: curves over T frames, 25 a second, each drawn from a generator."""

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from schemas.arrays import Float32
from schemas.units import FRAME_RATE

_BLINK: Final = np.array([0.2, 0.7, 1.0, 0.8, 0.48, 0.25, 0.12, 0.05], np.float32)  # as fits of real blinks show it
# Gaussian widths in seconds and shares of the variance: together they have the speed (three to four standard deviations
# a second) and the acceleration (a dozen speeds a second) of fitted heads of public speakers.
_SWAY: Final = ((1.2, 0.5), (0.4, 0.35), (0.11, 0.15))
_SHORTEST_BETWEEN_BLINKS_S: Final = 0.5


def bumps(times_s: Float32, centres_s: Float32, width_s: float) -> Float32:
    """[T] a smooth bump of height 1 around each centre."""
    away = (times_s[:, None] - centres_s) / width_s
    summed: Float32 = np.exp(-(away**2)).sum(axis=1).clip(0, 1).astype(np.float32)
    return summed


def smooth_noise(n_frames: int, width: int, period_frames: float, rng: np.random.Generator) -> Float32:
    """[T, width] noise of standard deviation 1, smoothed by a Gaussian of ``period_frames``."""
    margin = int(4 * period_frames) + 1
    white = rng.normal(size=(n_frames + 2 * margin, width))
    slow = gaussian_filter1d(white, period_frames, axis=0)[margin : margin + n_frames]
    # The standard deviation that a Gaussian of this width leaves of white noise.
    left_over = 1.0 / np.sqrt(2 * np.sqrt(np.pi) * period_frames)
    noise: Float32 = (slow / left_over).astype(np.float32)
    return noise


def sway(n_frames: int, rng: np.random.Generator) -> Float32:
    """[T, 3] a head's drifting and bobbing, each axis of standard deviation 1 in the long run."""
    octaves = (np.float32(np.sqrt(part)) * smooth_noise(n_frames, 3, s * float(FRAME_RATE), rng) for s, part in _SWAY)
    summed: Float32 = np.sum(list(octaves), axis=0, dtype=np.float32)
    return summed


def gaze(rotation: Float32, glance_deg: float, rng: np.random.Generator) -> Float32:
    """[T, 2] pitch and yaw, radians, of eyes that stay on the camera while the head turns by ``rotation`` [T, 3], and
    glance aside about once a second."""
    n_frames = len(rotation)
    n_glances = 1 + n_frames // int(FRAME_RATE)
    starts = np.sort(rng.integers(0, n_frames, n_glances))
    targets = np.radians(rng.normal(0, (0.7 * glance_deg, glance_deg), (n_glances, 2)))
    current = np.searchsorted(starts, np.arange(n_frames), side="right") - 1
    glance = np.where(current[:, None] >= 0, targets[np.maximum(current, 0)], 0.0)
    return (glance - rotation[:, :2]).astype(np.float32)


def blinks(n_frames: int, every_s: float, rng: np.random.Generator) -> Float32:
    """[T] closure of the lids, 0..1: blinks at random, ``every_s`` apart in the mean."""
    closure = np.zeros(n_frames + len(_BLINK), np.float32)
    wait_s = max(every_s - _SHORTEST_BETWEEN_BLINKS_S, 0.1)
    frame = int(rng.exponential(wait_s) * FRAME_RATE)
    while frame < n_frames:
        closure[frame : frame + len(_BLINK)] = np.maximum(closure[frame : frame + len(_BLINK)], _BLINK)
        frame += int((_SHORTEST_BETWEEN_BLINKS_S + rng.exponential(wait_s)) * FRAME_RATE)
    return closure[:n_frames]
