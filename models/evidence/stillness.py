"""What does not move: a picture that stands while it should play, and a head at rest that trembles."""

from typing import Final

import numpy as np

from schemas.arrays import Bool, Float32

_STANDSTILL_STEPS: Final = 8
_STILL_OF_THEM: Final = 6
_WINDOW_FRAMES: Final = 12


def longest_standstill(landmarks: Float32, unit: Float32, present: Bool, least: float) -> int:
    """The most steps from frame to frame in a row over which the picture of ``landmarks`` [T, L, 3] (pixels) stands:
    of every eight of them six move the landmarks by less than ``least`` of ``unit`` [T] on average. A codec refines a
    picture that stands in jumps, so not all need to. 0 below eight; a bridged frame is no standstill."""
    if len(landmarks) <= _STANDSTILL_STEPS:
        return 0
    step = np.linalg.norm(np.diff(landmarks[:, :, :2], axis=0), axis=2).mean(1) / unit[1:]
    still = (step < least) & present[1:] & present[:-1]
    stands = np.lib.stride_tricks.sliding_window_view(still, _STANDSTILL_STEPS).sum(1) >= _STILL_OF_THEM
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands, [False]])))
    runs = edges[1::2] - edges[::2]
    return int(runs.max()) + _STANDSTILL_STEPS - 1 if runs.size else 0


def trembling(points: Float32, unit: Float32, present: Bool) -> float | None:
    """Mean length of the second difference of ``points`` [T, P, 2] (pixels) over ``unit`` [T] in the half second in
    which it is least: what is left when a head that moves smoothly, or not at all, is followed.

    None for less than half a second, or where there is no half second in which every frame is ``present``.
    """
    if len(points) < _WINDOW_FRAMES + 2:
        return None
    bend = np.linalg.norm(np.diff(points, n=2, axis=0), axis=2).mean(1) / unit[1:-1]
    seen = present[:-2] & present[1:-1] & present[2:]
    windows = np.lib.stride_tricks.sliding_window_view
    whole = windows(seen, _WINDOW_FRAMES).all(1)
    means = windows(bend, _WINDOW_FRAMES).mean(1)
    return float(means[whole].min()) if whole.any() else None
