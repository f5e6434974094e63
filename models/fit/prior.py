"""What is believed of a head before a landmark is seen: of its identity, and of each frame's jaw, gaze and expression.

A head's expressions are either actions of natural strength 0..1, of which none is negative (the open head), or
components with a standard deviation of one either way (FLAME). FLAME's identities differ in size, which one camera
cannot tell from distance; without a belief in sizes a fit lets them run away, the open head's have none.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.fit.basis import LandmarkBasis
from models.fit.settings import FitSettings
from models.fit.state import EXPRESSION, GAZE, JAW, N_PARAMETERS, FitState
from schemas.arrays import Float32


@dataclass(frozen=True, slots=True)
class Prior:
    """Gaussians about ``shape`` [B] and ``motion`` [T or 1, 61]; one-sided parts count only on their side."""

    shape: Float32  # [B]
    shape_precision: Float32  # [B, B]
    motion: Float32  # [T, 61], or [1, 61] if all frames are alike
    motion_precision: Float32  # [61]
    below_precision: Float32  # [61] on top where a value is negative, whatever ``motion`` says

    @classmethod
    def of(cls, basis: LandmarkBasis, settings: FitSettings) -> "Prior":
        """About the mean head at rest."""
        about, below = np.zeros(N_PARAMETERS, np.float32), np.zeros(N_PARAMETERS, np.float32)
        sideways = 1 / np.radians(settings.jaw_sideways_sd_deg) ** 2
        about[JAW] = [1 / np.radians(settings.jaw_open_sd_deg) ** 2, sideways, sideways]
        below[JAW.start] = 1 / np.radians(settings.jaw_closed_sd_deg) ** 2
        about[GAZE] = 1 / np.radians(settings.gaze_sd_deg) ** 2
        if basis.has_actions:
            about[EXPRESSION] = 1 / settings.expression_sd**2
            below[EXPRESSION] = 1 / settings.below_zero_sd**2
        else:
            about[EXPRESSION] = 1 / settings.component_sd**2
        shape_precision = np.eye(basis.n_shapes, dtype=np.float32) / np.float32(settings.shape_sd**2)
        if not basis.has_actions:
            size = basis.size_of_shapes
            shape_precision += np.outer(size, size) / np.float32(settings.size_sd**2)
        still = np.zeros((1, N_PARAMETERS), np.float32)
        return cls(np.zeros(basis.n_shapes, np.float32), shape_precision, still, about, below)

    def about(self, guess: FitState, settings: FitSettings) -> "Prior":
        """The same belief moved to ``guess`` [T frames], another instrument's answer, and narrowed to its errors."""
        motion = np.zeros((len(guess.expression), N_PARAMETERS), np.float32)
        motion[:, JAW], motion[:, EXPRESSION] = guess.jaw, guess.expression
        about = self.motion_precision.copy()
        about[JAW] += 1 / np.radians(settings.guess_jaw_sd_deg) ** 2
        about[EXPRESSION] += 1 / settings.guess_expression_sd**2
        nearer = np.eye(len(guess.shape), dtype=np.float32) / np.float32(settings.guess_shape_sd**2)
        return replace(
            self,
            shape=guess.shape,
            shape_precision=self.shape_precision + nearer,
            motion=motion,
            motion_precision=about,
        )

    def at(self, frames: npt.NDArray[np.intp]) -> "Prior":
        """Of these frames only."""
        return self if len(self.motion) == 1 else replace(self, motion=self.motion[frames])

    def on_shape(self, shape: Float32) -> tuple[Float32, float]:
        """Gradient [B] and cost of ``shape`` [B]."""
        off = shape - self.shape
        pull = self.shape_precision @ off
        return pull, 0.5 * float(off @ pull)

    def on_motion(self, state: FitState) -> tuple[Float32, Float32, float]:
        """Precisions [T, 61], gradient [T, 61] and cost of the frames of ``state``."""
        values = np.zeros((len(state.expression), N_PARAMETERS), np.float32)
        values[:, JAW], values[:, GAZE], values[:, EXPRESSION] = state.jaw, state.gaze, state.expression
        off = values - self.motion
        below = self.below_precision * (values < 0)
        gradient = self.motion_precision * off + below * values
        cost = 0.5 * float((self.motion_precision * off**2 + below * values**2).sum())
        return self.motion_precision + below, gradient, cost
