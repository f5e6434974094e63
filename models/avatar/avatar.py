"""The avatar: flow matching from speech to head motion.

Path ``z_t = t x_1 + (1 - t) x_0`` from noise to normalised motion (Lipman et al. 2023). The network predicts ``x_1``
itself, so that vertices of the head model can be compared: a prototype's lip error was .24 mm lower for it than with a
velocity target. Time is logit-normal (Esser et al. 2024). The frames just before a window are given as finished, which
is how a long speech goes on without a seam.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.avatar.config import AvatarConfig
from models.avatar.geometry import FaceGeometry
from models.avatar.motion import MOTION_DIM, mouth_channels
from models.avatar.network import Listener, Mover, band_of, rotary_of
from models.avatar.prosody import prosody, speech_level
from models.head.model import HeadModel
from models.training.batch import Batch
from models.training.statistics import Statistics

LIP_SCALE_MM: Final = 2.0  # an error this large costs as much as one standard deviation of motion
LIPS: Final = 2.0  # weight of the lips against the motion as a whole


class Avatar(nn.Module):
    """The network with its statistics and its loss."""

    def __init__(self, config: AvatarConfig, statistics: Statistics, head: HeadModel) -> None:
        super().__init__()
        self.config = config
        self.listener = Listener(config)
        self.mover = Mover(config)
        self.face = FaceGeometry(head)
        self.mouth: Tensor
        self.register_buffer("mouth", torch.from_numpy(mouth_channels(head.expression_names)), persistent=False)
        self.motion_mean: Tensor
        self.motion_std: Tensor
        self.speech_mean: Tensor
        self.speech_std: Tensor
        self.style_mean: Tensor
        self.style_std: Tensor
        for name in ("motion_mean", "motion_std", "speech_mean", "speech_std", "style_mean", "style_std"):
            self.register_buffer(name, torch.from_numpy(np.array(getattr(statistics, name), np.float32)))

    def normalise(self, frames: Tensor) -> Tensor:
        return (frames - self.motion_mean) / self.motion_std

    def frames(self, normalised: Tensor) -> Tensor:
        return normalised * self.motion_std + self.motion_mean

    def person(self, reference: Tensor | None, style: Tensor | None, withheld: Tensor) -> Tensor:
        """Who moves [B, C], of a frame of them [B, 58] and their style [B, 6]; ``withheld`` [B, 2] hides either."""
        looks = None if reference is None else self.normalise(reference)
        moves = None if style is None else (style - self.style_mean) / self.style_std
        told: Tensor = self.mover.person(looks, moves, withheld)
        return told

    def listen(self, speech: Tensor, features: Tensor, withheld: Tensor) -> Tensor:
        """Hear ``speech`` [B, T, D] and prosody ``features`` [B, T, 4]; [B, T, C]."""
        normalised = (speech - self.speech_mean) / self.speech_std
        band, rotary = self.positions(speech.shape[1])
        heard: Tensor = self.listener(normalised, features, withheld, band, rotary)
        return heard

    def positions(self, n_frames: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        device = self.motion_mean.device
        band = band_of(n_frames, self.config.band_frames, device)
        return band, rotary_of(n_frames, self.config.width // self.config.heads, device)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow matching on windows, with what the face makes of the prediction; "total" is to be minimised."""
        b, w, _ = batch.motion.shape
        device = batch.motion.device
        target = self.normalise(batch.motion)
        withheld = _uniform((b, 3), device, generator) < self.config.condition_dropout
        level = speech_level(batch.envelope, batch.valid)
        heard = self.listen(batch.speech, prosody(batch.envelope, batch.f0_hz, level), withheld[:, 0])
        person = self.person(batch.reference, batch.style, withheld[:, 1:])

        time = torch.sigmoid(_normal((b,), device, generator))
        goes_on = _uniform((b, 1), device, generator) < 0.5
        given = goes_on & (torch.arange(w, device=device) < self.config.context_frames)
        finished = torch.where(given, 1.0, time[:, None])[..., None]
        noise = _normal((b, w, MOTION_DIM), device, generator)
        noisy = finished * target + (1 - finished) * noise
        band, rotary = self.positions(w)
        seen = band & batch.valid[:, None, None, :]
        itself = torch.eye(w, dtype=torch.bool, device=device)  # padding must look at something
        modulations = self.mover.modulations(time, person)
        predicted = self.mover(noisy, modulations, given, heard, person, seen | itself, rotary)

        counts = (batch.valid & ~given).float()
        return self._losses(predicted.float(), target, counts)

    def _losses(self, predicted: Tensor, target: Tensor, counts: Tensor) -> dict[str, Tensor]:
        moving = counts[:, 1:] * counts[:, :-1]
        flow = _mean(((predicted - target) ** 2).mean(-1), counts)
        lips, upper = self.face(self.frames(predicted))
        with torch.no_grad():
            true_lips, true_upper = self.face(self.frames(target))
        lip_error, upper_error = (lips - true_lips) / LIP_SCALE_MM, (upper - true_upper) / LIP_SCALE_MM
        lip = _mean((lip_error**2).sum(-1).mean(-1), counts)
        lip_speed = _mean((lip_error.diff(dim=1) ** 2).sum(-1).mean(-1), moving)
        upper_face = _mean((upper_error**2).sum(-1).mean(-1), counts)
        speed = _mean(((predicted - target).diff(dim=1) ** 2).mean(-1), moving)
        total = flow + LIPS * (lip + 0.5 * lip_speed) + 0.1 * upper_face + 0.5 * speed
        return {"total": total, "flow": flow, "lips": lip, "lip speed": lip_speed, "upper face": upper_face}


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum() / counts.sum().clamp_min(1)


def _normal(size: tuple[int, ...], device: torch.device, generator: torch.Generator) -> Tensor:
    return torch.randn(size, generator=generator, device=generator.device).to(device)


def _uniform(size: tuple[int, ...], device: torch.device, generator: torch.Generator) -> Tensor:
    return torch.rand(size, generator=generator, device=generator.device).to(device)
