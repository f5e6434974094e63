"""What does not move: a picture that stands while it should play, and a head at rest that trembles."""

import numpy as np

from schemas.arrays import Bool, Float32

_WINDOW_FRAMES = 12


def longest_standstill(landmarks: Float32, unit: Float32, present: Bool, least: float) -> int:
    """The most frames in a row, the first included, over which no landmark of ``landmarks`` [T, L, 3] (pixels) moves
    by more than ``least`` of ``unit`` [T] on average; 1 where every frame differs. A bridged frame is no standstill:
    nothing was seen in it."""
    step = np.linalg.norm(np.diff(landmarks[:, :, :2], axis=0), axis=2).mean(1) / unit[1:]
    still = (step < least) & present[1:] & present[:-1]
    edges = np.flatnonzero(~np.concatenate([[False], still, [False]]))
    return int(np.diff(edges).max())


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
