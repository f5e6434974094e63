"""How a face differs from its mirror image: by it a mirrored video of someone known is told.

No face is symmetric, and a person's asymmetry stays. But most of what MediaPipe shows of asymmetry is its own: it sees
the far side of a turned head otherwise than the near one, by 6 mm over all 90 numbers for every 10 degrees of yaw, and
no face as symmetric. A person's own is 2 to 4 mm, so what any symmetric face would show in that pose is taken off.
``models/data/ASYMMETRY.md`` says how it was learned.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.evidence.turning import laid_on, odd_turns
from schemas.arrays import Bool, Float32

_FILE: Final = Path(__file__).parent.parent / "data" / "asymmetry.npz"
_RIGHT: Final = (
    33, 133, 159, 145, 70, 105, 107, 46, 55, 61, 39, 181, 37, 84, 98, 48, 64, 50, 205, 117, 58, 172, 136, 150, 127,
    234, 132, 67, 54, 21,
)  # fmt: skip
_LEFT: Final = (
    263, 362, 386, 374, 300, 334, 336, 276, 285, 291, 269, 405, 267, 314, 327, 278, 294, 280, 425, 346, 288, 397, 365,
    379, 356, 454, 361, 297, 284, 251,
)  # fmt: skip
ASYMMETRY_DIM: Final = 3 * len(_LEFT)


def asymmetry(landmarks: Float32, present: Bool, mean_face: Float32) -> Float32:
    """[90] by how much 30 points of the left half, mean over the frames ``present``, lie off the mirror image of the
    right's, less what MediaPipe would see of a symmetric face in that pose; mm, in the frame of ``mean_face`` [478, 3]
    (metres), onto which every frame's ``landmarks`` [T, 478, 3] (pixels) are laid by the best similarity."""
    faces, turns = seen_asymmetry(landmarks[present], mean_face)
    of_any_face, by_turn = _of_symmetric_faces()
    return np.asarray(faces.mean(0) - of_any_face - turns.mean(0) @ by_turn, np.float32)


def seen_asymmetry(landmarks: Float32, mean_face: Float32) -> tuple[Float32, Float32]:
    """``asymmetry`` [T, 90] of every frame with MediaPipe's own still in it, and what of the head's pose decides that
    [T, 4]: ``odd_turns``."""
    faces, angles = laid_on(mean_face, landmarks)
    differ = (faces[:, list(_LEFT)] - faces[:, list(_RIGHT)] * np.array([-1, 1, 1], np.float32)) / 2
    return differ.reshape(len(faces), ASYMMETRY_DIM).astype(np.float32), odd_turns(angles)


@cache
def _of_symmetric_faces() -> tuple[Float32, Float32]:
    with np.load(_FILE, allow_pickle=False) as arrays:
        return arrays["of_any_face"], arrays["by_turn"]
