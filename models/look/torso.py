"""What carries the head: a neck that goes on below the model's cut, and shoulders."""

import numpy as np
import numpy.typing as npt

from models.head.model import HeadModel
from models.head.regions import Region
from schemas.arrays import Float32, Int32

_BELOW_M = 0.05  # the lowest point of the cut
_NARROWER = 0.92


def neck(head: HeadModel) -> tuple[npt.NDArray[np.int64], Float32, Int32]:
    """The neck's continuation: the vertices at its cut [R], a point below each [R, 3] (head's rest frame, metres), and
    the triangles between them, which count the new points after the head's own.

    The points below stay where they are when the head turns.
    """
    faces = head.faces.astype(np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    number = edges[:, 0] * len(head.template) + edges[:, 1]
    open_edge = ~np.isin(number, edges[:, 1] * len(head.template) + edges[:, 0])
    rim = edges[open_edge & head.mask(Region.NECK)[edges].all(axis=1)]
    upper, which = np.unique(rim, return_inverse=True)
    lower = head.template[upper] * np.array([_NARROWER, 0, _NARROWER], np.float32)
    lower[:, 1] = head.template[upper, 1].min() - _BELOW_M
    a, b = rim.T
    a_below, b_below = (len(head.template) + which.reshape(-1, 2)).T
    between = np.concatenate([np.stack([b, a, a_below], axis=1), np.stack([b, a_below, b_below], axis=1)])
    return upper, lower.astype(np.float32), between.astype(np.int32)


def shoulders(neck_y: float) -> tuple[Float32, Int32]:
    """A lathe of ellipses from inside the neck, whose lowest point is at height ``neck_y``, over the collar to the
    chest: points [V, 3] in the head's rest frame, metres, and triangles [F, 3]."""
    drop = np.array([-0.006, -0.014, -0.004, 0.006, 0.028, 0.06, 0.11, 0.2, 0.35, 0.6])
    half_width = np.array([0.04, 0.068, 0.08, 0.1, 0.155, 0.195, 0.215, 0.225, 0.22, 0.2])
    half_depth = np.array([0.035, 0.074, 0.086, 0.092, 0.1, 0.11, 0.12, 0.125, 0.125, 0.12])
    around = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    height = np.broadcast_to(neck_y + 0.01 - drop[:, None], (len(drop), len(around)))
    ring = np.stack(
        [half_width[:, None] * np.sin(around), height, half_depth[:, None] * np.cos(around) - 0.02], axis=-1
    )
    at = np.arange(len(drop) * len(around)).reshape(len(drop), len(around))
    upper, lower = at[:-1], at[1:]
    beside_upper, beside_lower = np.roll(upper, -1, axis=1), np.roll(lower, -1, axis=1)
    faces = [np.stack([upper, lower, beside_lower], -1), np.stack([upper, beside_lower, beside_upper], -1)]
    return ring.reshape(-1, 3).astype(np.float32), np.concatenate([f.reshape(-1, 3) for f in faces]).astype(np.int32)
