"""3DXTalker to train and to perform with: its flow, its loss, its sampler (arXiv 2602.10516).

Path ``z_t = t x_1 + (1 - t) x_0`` (Lipman et al. 2023) from source noise to the code relative to the first frame,
normalised by the training data; the network predicts the velocity ``v = x_1 - x_0``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import Condition, UnknownSpeech
from models.paper.config import PaperConfig
from models.paper.frame import DETAILED_DIM, EXPRESSION, JAW, ROTATION, clamp_jaw, code_of, to_code, to_frames
from models.paper.network import Heard, PaperNetwork
from models.paper.noise import source_noise
from models.paper.statistics import PaperStatistics
from models.training.batch import Batch
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures, joined
from schemas.units import DETAIL_DIM


class Paper(nn.Module):
    """The rival. A ``MotionModel``, and an ``Objective`` of training."""

    code_mean: Tensor
    code_std: Tensor
    speech_mean: Tensor
    speech_std: Tensor

    def __init__(self, config: PaperConfig, statistics: PaperStatistics) -> None:
        super().__init__()
        self.config = config
        self.network = PaperNetwork(config)
        for name in ("code_mean", "code_std", "speech_mean", "speech_std"):
            self.register_buffer(name, torch.from_numpy(getattr(statistics, name).copy()))

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of the velocity over all numbers of the valid frames; "total" is to be minimised, the
        others are its parts.

        The reference is each window's own first frame, whatever ``batch.reference`` says; the style is not the paper's
        and not looked at. Raises ``DetailMissing``.
        """
        code = code_of(batch, self.config.frame_dim)
        reference = code[:, :1]
        finished = (code - reference - self.code_mean) / self.code_std
        noise = source_noise(batch.envelope, batch.valid, self.config, generator)
        n_steps = self.config.time_steps
        step = torch.randint(0, n_steps, (len(code),), generator=generator, device=generator.device).to(code.device)
        t = (step / n_steps)[:, None, None]
        heard = self._listen(batch.speech, batch.envelope, batch.f0_hz, batch.valid)
        noisy = t * finished + (1 - t) * noise
        velocity = self.network(noisy, reference, self.network.modulation(step), heard)
        error = (velocity.float() - (finished - noise)) ** 2
        return {
            "total": _mean(error, batch.valid),
            "expression": _mean(error[..., EXPRESSION], batch.valid),
            "rotation": _mean(error[..., ROTATION], batch.valid),
            "jaw": _mean(error[..., JAW], batch.valid),
        }

    def perform(
        self, speech: SpeechFeatures, shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Float32:
        """Frames [T, 58] of any length, for the identity ``shape`` [100], by ``steps`` Euler steps.

        The reference is the last of the frames before, else the given reference, else a face at rest; the style is not
        looked at. The paper stops after 10 s, 250 frames. Longer speech is cut here into even parts of
        ``config.window_frames`` at most, each referred to the last frame of the one before; nothing else carries over,
        so nothing else keeps a seam smooth. Raises ``UnknownSpeech``.
        """
        self._require_known(speech)
        device = self.code_mean.device
        code = self._reference(shape, condition).to(device)
        generator = torch.Generator().manual_seed(seed)
        features = [torch.from_numpy(np.array(f)).to(device) for f in (speech.embedding, speech.envelope, speech.f0_hz)]
        parts = []
        with torch.inference_mode(), _evaluating(self):
            for cut in zip(*(f.tensor_split(self._n_parts(speech.n_frames)) for f in features), strict=True):
                embedding, envelope, f0_hz = (f[None] for f in cut)
                codes = self.sample(embedding, envelope, f0_hz, code, steps or self.config.steps, generator)
                parts.append(to_frames(codes[0]))
                code = codes[:, -1:]
        return torch.cat(parts).cpu().numpy()

    def stream(
        self, chunks: Iterable[SpeechFeatures], shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Iterator[Float32]:
        """As ``perform``, once all of the speech is there: the paper's sampler knows no other way."""
        yield self.perform(joined(chunks), shape, condition, steps, seed)

    def sample(
        self, speech: Tensor, envelope: Tensor, f0_hz: Tensor, reference: Tensor, steps: int, generator: torch.Generator
    ) -> Tensor:
        """Codes [B, T, F], jaw clamped, that go on from ``reference`` [B, 1, F] with ``speech`` [B, T, D], ``envelope``
        and ``f0_hz`` [B, T]. Euler's method, step k at the integer time ``floor(512 k / steps)``."""
        valid = torch.ones_like(envelope, dtype=torch.bool)
        heard = self._listen(speech, envelope, f0_hz, valid)
        z = source_noise(envelope, valid, self.config, generator)
        times = torch.arange(steps, device=z.device) * self.config.time_steps // steps
        for time in self.network.modulation(times):
            z = z + self.network(z, reference, time[None], heard) / steps
        return clamp_jaw(z * self.code_std + self.code_mean + reference)

    def _listen(self, speech: Tensor, envelope: Tensor, f0_hz: Tensor, valid: Tensor) -> Heard:
        return self.network.listen((speech - self.speech_mean) / self.speech_std, envelope, f0_hz, valid)

    def _reference(self, shape: Float32, condition: Condition) -> Tensor:
        """The code [1, 1, F] to go on from. Its detail is none: our records keep none of a still frame."""
        frame = np.zeros(MOTION_DIM, np.float32)
        if condition.previous is not None and len(condition.previous):
            frame = condition.previous[-1]
        elif condition.reference is not None:
            frame = condition.reference
        detail = torch.zeros(1, 1, DETAIL_DIM) if self.config.frame_dim == DETAILED_DIM else None
        frames, shapes = (torch.from_numpy(np.array(a, np.float32)) for a in (frame, shape))
        return to_code(frames[None, None], shapes[None], detail)

    def _n_parts(self, n_frames: int) -> int:
        return -(-n_frames // self.config.window_frames)

    def _require_known(self, speech: SpeechFeatures) -> None:
        known = (self.config.speech_model, self.config.speech_dim)
        came = (speech.embedding_model, speech.embedding.shape[1])
        if came != known:
            raise UnknownSpeech(f"speech is embedded by {came[0]} ({came[1]}), the model hears {known[0]} ({known[1]})")


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Without dropout, with the batch norms' running statistics; as it was before when done."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def _mean(error: Tensor, valid: Tensor) -> Tensor:
    """Mean of ``error`` [B, T, D] over the ``valid`` [B, T] frames."""
    return error[valid].mean()
