"""Keeping what the lips say: cancel what an expression would do to the gap between the lips and to their protrusion.

A landmark is a fixed blend of vertices, and a vertex near the mouth follows the jaw by its skinning weight, so what an
expression offset ``d`` [50] does to a landmark is exactly ``(P + R Q) d`` with ``R`` the jaw's rotation and constant
``P``, ``Q``. The identity and the expression it is added to play no part. Articulation is a stack of such rows:
the vectors from lower to upper inner lip along the whole mouth, and how far the lips stand out. A few lip actions
answer an offset so that these rows hardly move, by bounded ridge regression in every frame. The corners of the mouth
are free, and so is the rest of the face.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from models.controls.templates import sides
from models.head.landmarks import LOWER_INNER_LIP, UPPER_INNER_LIP
from models.head.model import JAW, HeadModel
from models.head.rotation import to_matrix
from schemas.arrays import Float32
from schemas.units import EXPRESSION_DIM

_PAIR_WEIGHT: Final = (0.3, 0.7, 1.0, 1.0, 1.5, 1.0, 1.0, 0.7, 0.3)  # towards the corners emotion has a say
_OUTER_LIPS: Final = (0, 17)  # MediaPipe's middle of the upper and of the lower lip
_PROTRUSION_WEIGHT: Final = 0.5
_ANSWERS: Final = (
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthFunnel",
    "mouthPucker",
)
_RIDGE_M: Final = 5e-4  # metres of articulation that one unit of an answering action may cost
_SWEEPS: Final = 60
_CHUNK: Final = 2048  # frames at once


@dataclass(frozen=True, slots=True)
class Articulation:
    """What expression offsets do to the lips of one head: rows ``P + R Q`` in three axes, weighted, metres."""

    still: Float32  # [N, 3, 50] P
    with_jaw: Float32  # [N, 3, 50] Q
    weight: Float32  # [N, 3]
    answers: tuple[int, ...]  # columns of the actions that answer

    def spare(self, base: Float32, offset: Float32, jaw: Float32) -> Float32:
        """The offset [T, 50] with the answering actions added, for frames of expression ``base`` [T, 50] and ``jaw``
        [T, 3] axis-angle. No answer leads an action out of 0..1, or further out than ``base`` is."""
        out = offset.copy()
        columns = list(self.answers)
        for start in range(0, len(offset), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            room = -base[chunk, columns] - offset[chunk, columns]
            lowest, highest = np.minimum(room, 0), np.maximum(room + 1, 0)
            out[chunk, columns] += self._answer(offset[chunk], to_matrix(jaw[chunk]), lowest, highest)
        return out

    def _answer(self, offset: Float32, jaw: Float32, lowest: Float32, highest: Float32) -> Float32:
        """[T, A] strengths of the answering actions within their bounds [T, A]."""
        columns = list(self.answers)
        moved = self._rows(self.still @ offset.T, self.with_jaw @ offset.T, jaw)  # [T, N 3]
        answers = (self._rows(self.still[:, :, k, None], self.with_jaw[:, :, k, None], jaw) for k in columns)
        effect = np.stack(list(answers), axis=-1)  # [T, N 3, A]
        across = np.swapaxes(effect, -1, -2)
        normal = across @ effect + np.float32(_RIDGE_M**2) * np.eye(len(columns), dtype=np.float32)
        wanted = -(across @ moved[..., None])[..., 0]
        return _bounded(normal, wanted, lowest, highest)

    def _rows(self, still: Float32, with_jaw: Float32, jaw: Float32) -> Float32:
        """Weighted rows [T, 3 N] of parts [N, 3, T or 1] under jaw rotations [T, 3, 3]."""
        turned = np.einsum("tij,njt->tni" if with_jaw.shape[2] > 1 else "tij,njx->tni", jaw, with_jaw)
        rows = (np.moveaxis(still, 2, 0) + turned) * self.weight
        return np.asarray(rows.reshape(len(jaw), -1), np.float32)


@lru_cache(maxsize=2)
def articulation_of(head: HeadModel) -> Articulation:
    """The articulation of ``head``, worked out once. Raises ``KeyError`` if it lacks the answering ARKit actions."""
    basis = head.expression_basis.reshape(-1, 3, EXPRESSION_DIM)
    share = head.weights[:, JAW, None, None]

    def of(vertex_rows: Float32, landmarks: tuple[int, ...]) -> Float32:
        corners = head.faces[head.landmark_face[list(landmarks)]]
        rows = np.einsum("lc,lcxe->lxe", head.landmark_weights[list(landmarks)], vertex_rows[corners])
        return np.asarray(rows, np.float32)

    still, with_jaw = (
        np.concatenate([of(part, UPPER_INNER_LIP) - of(part, LOWER_INNER_LIP), of(part, _OUTER_LIPS)])
        for part in (basis * (1 - share), basis * share)
    )
    gaps = np.repeat(np.array(_PAIR_WEIGHT, np.float32)[:, None], 3, axis=1)
    protrusion = np.array([[0, 0, _PROTRUSION_WEIGHT]] * len(_OUTER_LIPS), np.float32)
    answers = tuple(column for name in _ANSWERS for column in sides(name, head.expression_names))
    return Articulation(still, with_jaw, np.concatenate([gaps, protrusion]), answers)


def _bounded(normal: Float32, wanted: Float32, lowest: Float32, highest: Float32) -> Float32:
    """Minimise ``x N x / 2 - wanted x`` within bounds, [T, A], by cyclic coordinate descent (Hildreth 1957).

    The problem is strictly convex, so that smooth frames have smooth answers."""
    x = np.zeros_like(wanted)
    for _ in range(_SWEEPS):
        for k in range(x.shape[1]):
            step = (wanted[:, k] - np.einsum("ta,ta->t", normal[:, k], x)) / normal[:, k, k]
            x[:, k] = np.clip(x[:, k] + step, lowest[:, k], highest[:, k])
    return x
