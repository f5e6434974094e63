"""A head's vertices, cut along the seams of its texture: formats that know one place a vertex want them so."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.head.model import HeadModel
from schemas.arrays import Float32, Int32


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """W vertices: the head's V in their order, then those that lie on a seam again."""

    vertices: npt.NDArray[np.intp]  # [W] which of the head's
    faces: Int32  # [F, 3] of the W
    uv: Float32  # [W, 2] v upwards

    @property
    def from_the_top(self) -> Float32:
        """``uv`` with v downwards."""
        return np.stack([self.uv[:, 0], 1 - self.uv[:, 1]], axis=1)

    @classmethod
    def of(cls, head: HeadModel) -> "Unwrapped | None":
        """None for a head without a texture's places."""
        if head.uv is None or head.uv_faces is None:
            return None
        n = len(head.template)
        corners = np.stack([head.faces, head.uv_faces], axis=-1).reshape(-1, 2)
        pairs, which = np.unique(corners, axis=0, return_inverse=True)
        is_first = np.r_[True, np.diff(pairs[:, 0]) > 0]
        number = np.where(is_first, pairs[:, 0], n - 1 + np.cumsum(~is_first))
        vertices = np.concatenate([np.arange(n), pairs[~is_first, 0]])
        uv = np.zeros((len(vertices), 2), np.float32)
        uv[number] = head.uv[pairs[:, 1]]
        return cls(vertices, number[which].reshape(-1, 3).astype(np.int32), uv)
