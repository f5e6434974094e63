"""The baseline to beat: look the sound up. Every frame moves as the training frames whose sound is most alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.arrays import Float32

CONTEXT_FRAMES: Final = (-2, -1, 0, 1, 2)  # the sound around a frame decides, not the frame alone
_COMPONENTS: Final = 96
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class AudioNeighbours:
    """N training frames, found by the speech around them."""

    mean: Float32  # [D] of the training embedding
    projection: Float32  # [D, C] onto its principal components
    keys: Float32  # [N, C * contexts]
    lengths_sq: Float32  # [N] of the keys
    motion: Float32  # [N, 58]

    @classmethod
    def of(cls, embeddings: Sequence[Float32], motions: Sequence[Float32]) -> "AudioNeighbours":
        """Learn from clips: speech ``embeddings`` [T, D] each and ``motions`` [T, 58] each."""
        stacked = np.concatenate(embeddings)
        mean = stacked.mean(axis=0)
        centred = stacked - mean
        deviation = np.maximum(centred.std(axis=0), 1e-6)
        # Each dimension counts alike; the components only make the search cheap.
        _, axes = np.linalg.eigh((centred / deviation).T @ (centred / deviation))
        projection = np.asarray(axes[:, ::-1][:, :_COMPONENTS] / deviation[:, None], np.float32)
        keys = np.concatenate([_in_context(np.asarray((e - mean) @ projection, np.float32)) for e in embeddings])
        return cls(mean, projection, keys, np.einsum("nc,nc->n", keys, keys), np.concatenate(motions))

    def motion_for(self, embedding: Float32, k: int) -> Float32:
        """[T, 58] for the speech ``embedding`` [T, D]: each frame the mean of its ``k`` nearest training frames."""
        nearest = self.nearest(embedding, k)
        return np.asarray(self.motion[nearest].mean(axis=1), np.float32)

    def nearest(self, embedding: Float32, k: int) -> npt.NDArray[np.intp]:
        """[T, k] training frames, in no order."""
        asked = _in_context(np.asarray((embedding - self.mean) @ self.projection, np.float32))
        k = min(k, len(self.keys))
        found = [
            # The length of what is asked is the same for all candidates and is left out.
            np.argpartition(self.lengths_sq - 2 * (block @ self.keys.T), k - 1, axis=1)[:, :k]
            for block in np.split(asked, range(_BLOCK, len(asked), _BLOCK))
        ]
        return np.concatenate(found)


def _in_context(embedding: Float32) -> Float32:
    """[T, D * contexts]: each frame beside those around it; at the ends the last frame goes on."""
    n = len(embedding)
    around = np.clip(np.arange(n)[:, None] + np.array(CONTEXT_FRAMES), 0, n - 1)
    return np.ascontiguousarray(embedding[around].reshape(n, -1))
