"""From speech to frames: Euler steps through the flow, window by window, for a clip or for hours."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from models.avatar.avatar import Avatar
from models.avatar.motion import EXPRESSION, MOTION_DIM
from models.avatar.prosody import level_of, prosody
from models.avatar.protocol import Condition, UnknownSpeech
from models.training.team import Precision, Team
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.speech import SpeechFeatures


class SamplerConfig(StageConfig):
    """How the flow is walked. A guidance scale of 1 takes the model at its word and costs nothing; another one runs the
    network once more a step (Ho and Salimans 2022)."""

    window_frames: int = Field(100, ge=40, description="new frames a window")
    lookahead_frames: int = Field(50, ge=0, description="speech heard beyond a window before it is made")
    level_frames: int = Field(750, gt=0, description="recent speech whose loudness counts as its level")
    speech_guidance: float = Field(1.0, ge=0, description="how strongly the lips follow the speech")
    style_guidance: float = Field(1.0, ge=0, description="how strongly the head follows the style")
    temperature: float = Field(1.0, ge=0, description="of the source noise; 0 gives the likeliest motion")
    face_temperature: float = Field(1.6, ge=0, description="of the upper face's, which few steps leave too calm")
    mouth_temperature: float = Field(0.3, ge=0, description="of the mouth's, which speech decides but for little")
    precision: Precision = Field(
        Precision.AUTO, description="of the matrices; bf16 moves no lip by more than .1 mm, most by .01"
    )


class Sampler:
    """An avatar ready to perform; a ``MotionModel``."""

    def __init__(self, avatar: Avatar, config: SamplerConfig | None = None) -> None:
        self.avatar = avatar.eval()
        self.config = config or SamplerConfig()
        # What a listener's frame depends on: past this, more context changes nothing.
        self.reach = avatar.config.listener_blocks * avatar.config.band_frames + 2

    def perform(
        self, speech: SpeechFeatures, shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Float32:
        """Frames [T, 58] for ``speech``; ``shape`` stays as it is: the avatar makes motion only."""
        return np.concatenate(list(self.stream([speech], shape, condition, steps, seed)))

    def stream(
        self, chunks: Iterable[SpeechFeatures], shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Iterator[Float32]:
        """Frames in pieces [t, 58], each as soon as the speech it needs was heard, in bounded memory.

        How the speech is cut into ``chunks`` changes nothing: the same windows are made of it.
        Raises ``UnknownSpeech`` if a chunk's embedding is not of the model the avatar was trained with.
        """
        del shape  # the avatar makes motion, and no identity
        session = self.begin(condition, steps, seed)
        for chunk in chunks:
            yield from session.hear(chunk)
        yield from session.finish()

    def begin(self, condition: Condition, steps: int | None, seed: int) -> "Session":
        """``stream`` for whoever is handed the speech rather than asks for it."""
        return Session(self, condition, steps or self.avatar.config.steps, seed)

    def people(self, condition: Condition) -> Tensor:
        """Who moves [G, C]: as told; then, for guidance, without style. For ``Session``, as is ``window``."""
        reference, style = (
            None if value is None else torch.from_numpy(value.copy())[None].to(self._device)
            for value in (condition.reference, condition.style)
        )
        hidden = [[False, False]]
        if style is not None and self.config.style_guidance != 1:
            hidden.append([False, True])
        with torch.inference_mode():
            rows = [torch.tensor([row], device=self._device) for row in hidden]
            return torch.cat([self.avatar.person(reference, style, row) for row in rows])

    @property
    def _device(self) -> torch.device:
        return self.avatar.motion_mean.device

    def _matrices(self) -> AbstractContextManager[object]:
        """The precision in which matrices are multiplied; what is added up keeps its own."""
        return Team(0, 1, self._device).autocast(self.config.precision)

    @torch.inference_mode()
    def window(
        self, ear: "_Ear", noise: "_NoiseStream", people: Tensor, before: Float32, start: int, size: int, steps: int
    ) -> Float32:
        """``size`` frames from frame ``start``, going on from ``before`` [K, 58], and the overhang: up to a band of
        frames behind them."""
        k = len(before)
        # No further than the lookahead, though more may have been heard: how speech comes in must not matter.
        horizon = min(start + size + self.config.lookahead_frames, ear.known_frames)
        # The last frames too want some after them; the next window takes over from these.
        stop = min(start + size + self.avatar.config.band_frames, horizon)
        heard = self._listen(ear, start - k, stop, horizon)
        given = self.avatar.normalise(torch.from_numpy(before.copy()).to(self._device))
        z = noise.between(start, stop)
        band, rotary = self.avatar.positions(k + len(z))
        is_given = (torch.arange(k + len(z), device=self._device) < k)[None]
        n_people, n_heard = len(people), len(heard)
        who = people[[0] * n_heard + [1] * (n_people - 1)]
        what = heard[[*range(n_heard), *[0] * (n_people - 1)]]
        scales = self._scales(n_heard, n_people)
        times = torch.linspace(0, 1, steps + 1, device=self._device) ** 2  # slow motion is decided early, in much noise
        with self._matrices():
            # Of all steps at once: a matrix is read from memory once, however many rows it takes.
            every = self.avatar.mover.modulations(times[:-1].repeat_interleave(len(who)), who.repeat(steps, 1))
            by_step = zip(*(torch.split(of_block, len(who)) for of_block in every), strict=True)
            for (now, then), modulations in zip(itertools.pairwise(times), by_step, strict=True):
                noisy = torch.cat([given, z])[None].expand(len(who), -1, -1)
                told = self.avatar.mover(noisy, modulations, is_given, what, who, band, rotary).float()[:, k:]
                finished = (scales[:, None, None] * told).sum(dim=0)
                z = z + (finished - z) * (then - now) / (1 - now)
        return np.ascontiguousarray(self.avatar.frames(z).cpu().numpy(), np.float32)

    def _scales(self, n_heard: int, n_people: int) -> Tensor:
        """Weights [G] of the passes: as told, without speech, without style; their sum is 1."""
        speech = self.config.speech_guidance - 1 if n_heard > 1 else 0.0
        style = self.config.style_guidance - 1 if n_people > 1 else 0.0
        weights = [1 + speech + style, *[-speech] * (n_heard - 1), *[-style] * (n_people - 1)]
        return torch.tensor(weights, device=self._device)

    def _listen(self, ear: "_Ear", start: int, stop: int, horizon: int) -> Tensor:
        """What is heard in frames ``start`` to ``stop``, [1, t, C]; with speech guidance, [2, t, C], then without."""
        from_frame = max(start - self.reach, ear.first_frame)
        to_frame = min(stop + self.reach, horizon)
        embedding, envelope, f0_hz = (
            torch.from_numpy(a).to(self._device)[None] for a in ear.between(from_frame, to_frame)
        )
        recent = ear.between(max(stop - self.config.level_frames, ear.first_frame), stop)[1]
        level = torch.tensor([level_of(recent)], device=self._device)
        features = prosody(envelope, f0_hz, level)
        withheld = [False] if self.config.speech_guidance == 1 else [False, True]
        with self._matrices():
            heard = [self.avatar.listen(embedding, features, torch.tensor([w], device=self._device)) for w in withheld]
        whole = torch.cat(heard)
        return _padded_front(whole, start - from_frame)[:, : stop - start]


def _padded_front(x: Tensor, offset: int) -> Tensor:
    """``x`` [B, T, C] from frame ``offset`` on; frames before its first repeat it."""
    return x[:, offset:] if offset >= 0 else torch.cat([x[:, :1].expand(-1, -offset, -1), x], dim=1)


class Session:
    """One speech on its way through a sampler."""

    def __init__(self, sampler: Sampler, condition: Condition, steps: int, seed: int) -> None:
        avatar, config = sampler.avatar, sampler.config
        self._sampler = sampler
        self._steps = steps
        self._ear = _Ear(avatar.config.speech_dim)
        self._noise = _NoiseStream(seed, _temperatures(avatar, config))
        before = condition.previous if condition.previous is not None else np.zeros((0, MOTION_DIM), np.float32)
        self._before = before[-avatar.config.context_frames :]
        self._overhang = np.zeros((0, MOTION_DIM), np.float32)
        self._people = sampler.people(condition)
        self._done = 0

    def hear(self, chunk: SpeechFeatures, ahead: SpeechFeatures | None = None) -> list[Float32]:
        """The frames that can be made with ``chunk``, in pieces [t, 58]; of most chunks, none.

        ``ahead`` is a first impression of what follows, to be heard again with the next chunk. With it, every frame of
        ``chunk`` is made at once. Raises ``UnknownSpeech``.
        """
        known = self._sampler.avatar.config.speech_model
        if chunk.embedding_model != known:
            raise UnknownSpeech(f"the avatar hears {known!r}, got features of {chunk.embedding_model!r}")
        self._ear.hear(chunk, ahead)
        if ahead is not None:
            return self.finish()
        config = self._sampler.config
        ready = (self._pending - config.lookahead_frames) // config.window_frames
        return [self._next(config.window_frames) for _ in range(ready)]

    def finish(self) -> list[Float32]:
        """All frames of what was heard: the speech is over."""
        size = self._sampler.config.window_frames
        return [self._next(min(self._pending, size)) for _ in range(-(-self._pending // size))]

    @property
    def _pending(self) -> int:
        return self._ear.heard_frames - self._done

    def _next(self, size: int) -> Float32:
        avatar, config = self._sampler.avatar.config, self._sampler.config
        made = self._sampler.window(self._ear, self._noise, self._people, self._before, self._done, size, self._steps)
        frames = _faded(self._overhang, made[:size])
        self._overhang = made[size:]
        self._before = np.concatenate([self._before, frames])[-avatar.context_frames :]
        self._done += size
        self._ear.forget(self._done - max(self._sampler.reach + avatar.context_frames, config.level_frames))
        return frames


def _faded(before: Float32, after: Float32) -> Float32:
    """From ``before`` [N, 58] to ``after`` [M, 58], over as many frames as they share."""
    n = min(len(before), len(after))
    share = ((np.arange(n, dtype=np.float32) + 0.5) / max(n, 1))[:, None]
    return np.concatenate([before[:n] * (1 - share) + after[:n] * share, after[n:]])


def _temperatures(avatar: Avatar, config: SamplerConfig) -> Tensor:
    """[58] of each number of a frame."""
    temperature = torch.full_like(avatar.motion_mean, config.temperature)
    temperature[EXPRESSION] = config.face_temperature
    temperature[avatar.mouth] = config.mouth_temperature
    return temperature


class _Ear:
    """The speech heard so far, of which the distant past is forgotten, and perhaps an impression of what follows."""

    def __init__(self, speech_dim: int) -> None:
        self.first_frame = 0
        self._embedding = np.zeros((0, speech_dim), np.float32)
        self._envelope = np.zeros(0, np.float32)
        self._f0_hz = np.zeros(0, np.float32)
        self._n_ahead = 0

    @property
    def known_frames(self) -> int:
        return self.first_frame + len(self._envelope)

    @property
    def heard_frames(self) -> int:
        return self.known_frames - self._n_ahead

    def hear(self, chunk: SpeechFeatures, ahead: SpeechFeatures | None) -> None:
        heard = len(self._envelope) - self._n_ahead
        parts = [chunk] if ahead is None else [chunk, ahead]
        self._embedding = np.concatenate([self._embedding[:heard], *(part.embedding for part in parts)])
        self._envelope = np.concatenate([self._envelope[:heard], *(part.envelope for part in parts)])
        self._f0_hz = np.concatenate([self._f0_hz[:heard], *(part.f0_hz for part in parts)])
        self._n_ahead = 0 if ahead is None else ahead.n_frames

    def forget(self, before_frame: int) -> None:
        gone = max(before_frame - self.first_frame, 0)
        self._embedding, self._envelope, self._f0_hz = (
            a[gone:] for a in (self._embedding, self._envelope, self._f0_hz)
        )
        self.first_frame += gone

    def between(self, start: int, stop: int) -> tuple[Float32, Float32, Float32]:
        part = slice(start - self.first_frame, stop - self.first_frame)
        return self._embedding[part], self._envelope[part], self._f0_hz[part]


class _NoiseStream:
    """Source noise of one seed, the same however it is cut into windows."""

    def __init__(self, seed: int, temperature: Tensor) -> None:
        """``temperature`` [58]."""
        self._draw = np.random.default_rng(seed)  # draws the same numbers in pieces as at once; torch's does not
        self._temperature = temperature
        self._drawn = np.zeros((0, MOTION_DIM), np.float32)
        self._first_frame = 0

    def between(self, start: int, stop: int) -> Tensor:
        """[t, 58] for frames ``start`` to ``stop``; ``start`` never goes back."""
        self._drawn = self._drawn[start - self._first_frame :]
        self._first_frame = start
        missing = max(stop - start - len(self._drawn), 0)
        self._drawn = np.concatenate([self._drawn, self._draw.standard_normal((missing, MOTION_DIM), np.float32)])
        return self._temperature * torch.from_numpy(self._drawn[: stop - start].copy()).to(self._temperature.device)
