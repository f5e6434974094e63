"""The rival: the same head fitted to the same landmarks with Adam, every frame for itself, as scripts do it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.fit.basis import LandmarkBasis
from models.fit.project import Lens
from models.fit.settings import FitSettings
from models.fit.solve import Fit
from models.fit.start import first_guess
from models.fit.state import FitState
from models.head.rotation import to_axis_angle, to_matrix
from schemas.arrays import Float32

STEPS: Final = 300
RATE: Final = 0.02
FALL: Final = 0.1  # of the rate, at the end


@dataclass(frozen=True)
class _Unknowns:
    """T frames; rotation as axis-angle, each by itself: only the shape is common."""

    shape: Tensor  # [B]
    rotation: Tensor  # [T, 3]
    position: Tensor  # [T, 3] metres
    jaw: Tensor  # [T, 3]
    gaze: Tensor  # [T, 2]
    expression: Tensor  # [T, 50]

    def all(self) -> list[Tensor]:
        return [self.shape, self.rotation, self.position, self.jaw, self.gaze, self.expression]


def adam_fit(basis: LandmarkBasis, landmarks: Float32, image_size: tuple[int, int], settings: FitSettings) -> Fit:
    """Minimise weighted Huber distances plus the priors of ``settings`` (no smoothness) over ``STEPS`` steps."""
    width, height = image_size
    lens = Lens(settings.focal_ratio * max(width, height), ((width - 1) / 2, (height - 1) / 2))
    guess = first_guess(basis, landmarks, lens)
    unknowns = _Unknowns(
        *(
            torch.tensor(np.array(value, np.float32), requires_grad=True)
            for value in (
                guess.shape,
                to_axis_angle(guess.rotation),
                guess.position,
                guess.jaw,
                guess.gaze,
                guess.expression,
            )
        )
    )
    problem = _Problem(basis, torch.from_numpy(landmarks), lens, settings)
    adam = torch.optim.Adam(unknowns.all(), lr=RATE)
    falling = torch.optim.lr_scheduler.ExponentialLR(adam, FALL ** (1 / STEPS))
    for _ in range(STEPS):
        adam.zero_grad()
        problem.cost(unknowns).backward()  # type: ignore[no-untyped-call]
        adam.step()
        falling.step()
    shape, rotation, position, jaw, gaze, expression = (value.detach().numpy() for value in unknowns.all())
    state = FitState(shape, to_matrix(rotation).astype(np.float32), position, jaw, gaze, expression)
    return Fit(state, lens)


class _Problem:
    def __init__(self, basis: LandmarkBasis, observed: Tensor, lens: Lens, settings: FitSettings) -> None:
        self._observed, self._lens, self._settings = observed, lens, settings
        self._template, self._pivot = torch.from_numpy(basis.template), torch.from_numpy(basis.pivot)
        self._shape = torch.from_numpy(basis.shape.reshape(-1, basis.n_shapes))
        self._expression = torch.from_numpy(basis.expression.reshape(-1, basis.expression.shape[2]))
        self._joint = torch.from_numpy(basis.joint.astype(np.int64))
        self._weight = torch.from_numpy(basis.weight)[:, None]
        self._joints, self._joints_shape = torch.from_numpy(basis.joints), torch.from_numpy(basis.joints_shape)
        self._sigma = torch.from_numpy(np.maximum(basis.sigma, settings.sigma_floor_mm * 1e-3))

    def cost(self, x: _Unknowns) -> Tensor:
        n = len(x.rotation)
        rest = self._template + (self._shape @ x.shape).reshape(-1, 3)
        rest = rest + (x.expression @ self._expression.T).reshape(n, -1, 3)
        arms = rest - (self._joints + self._joints_shape @ x.shape)[self._joint]
        gaze = _matrix(torch.nn.functional.pad(x.gaze, (0, 1)))
        turns = torch.stack([_matrix(x.jaw), gaze, gaze], 1)[:, self._joint]
        posed = rest + self._weight * ((turns @ arms[..., None])[..., 0] - arms)
        points = (posed - self._pivot) @ _matrix(x.rotation).transpose(1, 2) + x.position[:, None]
        depth = points[..., 2:].clamp(max=-0.05)
        flat = self._lens.focal_px * points[..., :2] / depth
        seen = torch.stack([self._lens.centre_px[0] - flat[..., 0], self._lens.centre_px[1] + flat[..., 1]], -1)
        pixels_per_m = self._lens.focal_px / -depth.mean(1)
        distance = ((seen - self._observed) ** 2).sum(-1).add(1e-12).sqrt() / (pixels_per_m * self._sigma)
        s = self._settings
        far = s.huber * (distance - s.huber / 2)
        data = torch.where(distance > s.huber, far, distance**2 / 2).sum()
        return data + self._priors(x)

    def _priors(self, x: _Unknowns) -> Tensor:
        s = self._settings
        sideways = float(np.radians(s.jaw_sideways_sd_deg))
        total = (x.shape**2).sum() / s.shape_sd**2 + (x.expression**2).sum() / s.expression_sd**2
        total = total + (x.expression.clamp(max=0) ** 2).sum() / s.below_zero_sd**2
        total = total + (x.jaw[:, 0] ** 2).sum() / float(np.radians(s.jaw_open_sd_deg)) ** 2
        total = total + (x.jaw[:, 0].clamp(max=0) ** 2).sum() / float(np.radians(s.jaw_closed_sd_deg)) ** 2
        total = total + (x.jaw[:, 1:] ** 2).sum() / sideways**2
        return 0.5 * (total + (x.gaze**2).sum() / float(np.radians(s.gaze_sd_deg)) ** 2)


def _matrix(axis_angle: Tensor) -> Tensor:
    """[..., 3] to [..., 3, 3] (Rodrigues)."""
    angle = (axis_angle**2).sum(-1, keepdim=True).add(1e-12).sqrt()[..., None]
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*axis_angle.shape, 3)
    eye = torch.eye(3, dtype=axis_angle.dtype)
    return eye + torch.sin(angle) / angle * k + (1 - torch.cos(angle)) / angle**2 * (k @ k)
