"""Listen to a sound of any length, for the avatar to speak to it.

Enters: sound, block by block. Leaves: its ``SpeechFeatures`` in passages of some 14 seconds, whose concatenation is
the whole: no seams, and the same memory for a minute as for hours. A speech model takes a window at a time; windows
overlap, and where one takes over from the other their embeddings are cross-faded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from pydantic import Field

from models.pitch import pitch
from models.speech_encoder import SpeechEncoder
from models.vad import speech_windows
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.speech import SpeechFeatures
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME, frames_to_seconds
from tasks.media.hearing import CannotListen, SoundFile
from tasks.speech import SpeechConfig, amplitude_envelope
from tasks.voice import SpeechDetector

VERSION = "1"

_NO_PEAK: Final = -np.inf
_JUDGED_S: Final = 1  # in less, whether there is speech cannot be told


class WindowEncoder(SpeechEncoder, Protocol):
    """A speech encoder that takes a window for what it is: ``models.whisper.steady.SteadyWhisper`` is one."""

    def peak(self, audio: Float32) -> float:
        """How loud ``audio`` is at its loudest, in the encoder's own unit."""
        ...

    def encode_at(self, audio: Float32, peak: float) -> Float32:
        """The embedding [T, D] of ``audio`` [T * 640], a part of a sound as loud as ``peak``."""
        ...


class ListenConfig(StageConfig):
    """How a long sound is cut into windows, and what is worth a warning."""

    speech: SpeechConfig = Field(default_factory=SpeechConfig)
    hop_s: float = Field(14.0, gt=1, le=20, description="from one window to the next")
    context_s: float = Field(1.0, ge=0.5, le=5, description="by which a window is longer at either end")
    fade_s: float = Field(0.96, gt=0, description="over which a window takes over from the one before")
    peak_fall_per_s: float = Field(0.01, ge=0, description="how fast a loud moment is forgotten; 0.1 is 4 dB")
    audible: float = Field(0.001, ge=0, description="least amplitude, full scale 1, that counts as sound")
    min_speech_ratio: float = Field(0.1, ge=0, le=1, description="with less speech, a warning")


@dataclass(frozen=True, slots=True)
class Impression:
    """What is to be said of a stretch of a sound."""

    n_frames: int
    speech_ratio: float  # share of it that is speech
    amplitude: float  # the largest, full scale 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a sound: what a motion model hears of it, and the sound itself."""

    features: SpeechFeatures
    audio: Float32  # [T * 640] the last passage's is padded with zeros to a whole frame
    impression: Impression


def features_of_audio(audio: Float32, encoder: SpeechEncoder, config: SpeechConfig) -> SpeechFeatures:
    """Features of ``audio`` [T * 640], 16 kHz mono, at most what ``encoder`` takes at once.

    The very numbers that ``tasks.speech`` stores for a clip with this sound.
    """
    f0_hz, _ = pitch(audio, config.min_f0_hz, config.max_f0_hz)
    embedding = encoder.encode(audio)
    return SpeechFeatures(len(embedding), amplitude_envelope(audio), f0_hz, embedding, encoder.name)


def listen(
    sound: Iterable[Float32], encoder: WindowEncoder, detector: SpeechDetector, config: ListenConfig
) -> Iterator[Passage]:
    """Yield the passages of ``sound``, blocks of 16 kHz mono samples of any lengths (``SoundFile.blocks``).

    At most a window and a block of it is held. Raises ``CannotListen`` if there is not one sample.
    """
    plan = _Plan.of(config)
    reader = _Reader(iter(sound))
    peak, start, over = _NO_PEAK, 0, None
    while True:
        core_end = start + plan.hop
        last = not reader.reaches(core_end + plan.context + 1)
        stop = reader.n_frames if last else core_end + plan.context
        first = max(0, min(start - plan.context, stop - plan.shortest))
        audio = reader.window(first, stop)
        peak = max(encoder.peak(audio), peak - config.peak_fall_per_s * config.hop_s)
        embedding = encoder.encode_at(audio, peak)
        begin = start - plan.fade // 2 if start else 0
        end = stop if last else core_end - plan.fade // 2
        if over is not None:
            embedding[begin - first :][: plan.fade] = _faded(over, embedding[begin - first :][: plan.fade])
        over = embedding[end - first :][: plan.fade].copy()
        yield _passage(audio, embedding, slice(begin - first, end - first), encoder.name, detector, config.speech)
        if last:
            return
        start = core_end


def concerns(heard: Sequence[Impression], sound: SoundFile | None, config: ListenConfig) -> tuple[str, ...]:
    """What a person should know about a sound that was heard to its end, a sentence each; mostly nothing.

    ``heard`` are the impressions of all its passages, of which there is at least one; ``sound`` is the file, if any.
    """
    n_frames = sum(h.n_frames for h in heard)
    speech_ratio = sum(h.n_frames * h.speech_ratio for h in heard) / n_frames
    amplitude = max(h.amplitude for h in heard)
    said = []
    if amplitude < config.audible:
        said.append(f"nothing can be heard (largest amplitude {amplitude:.5f}): the face rests")
    elif speech_ratio < config.min_speech_ratio and n_frames >= _JUDGED_S * FRAME_RATE:
        said.append(
            f"{speech_ratio:.0%} of the {frames_to_seconds(n_frames):.1f} s sounds like speech: lips that follow music "
            "or noise look arbitrary"
        )
    if sound is not None and (sound.damaged_packets or sound.broken_off):
        where = "it breaks off before its end" if sound.broken_off else f"{sound.damaged_packets} packets were lost"
        said.append(f"{sound.path.name} is damaged: {where}; what is missing is silent")
    return tuple(said)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The windows, in frames."""

    hop: int
    context: int
    fade: int

    @property
    def shortest(self) -> int:
        """A last window begins earlier, so as to be no shorter: with little context the embedding is another."""
        return self.hop // 2 + self.context

    @classmethod
    def of(cls, config: ListenConfig) -> "_Plan":
        hop, context, fade = (round(s * FRAME_RATE) for s in (config.hop_s, config.context_s, config.fade_s))
        return cls(hop, context, min(fade, 2 * context))


class _Reader:
    """The last stretch of a sound, in frames from its beginning; what lies before the last window is forgotten."""

    def __init__(self, blocks: Iterator[Float32]) -> None:
        self._blocks = blocks
        self._kept = np.zeros(0, np.float32)
        self._start = 0  # frame at which ``_kept`` begins

    @property
    def n_frames(self) -> int:
        """Frames heard so far, one that has only begun included."""
        return self._start + -(-self._kept.size // SAMPLES_PER_FRAME)

    def reaches(self, frame: int) -> bool:
        """Read on until ``frame`` whole frames are there. False if the sound ends before. Raises ``CannotListen``."""
        blocks = [self._kept]
        missing = (frame - self._start) * SAMPLES_PER_FRAME - self._kept.size
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            blocks.append(block)
            missing -= block.size
        self._kept = np.concatenate(blocks)
        if self._kept.size == 0 and self._start == 0:
            raise CannotListen("the sound has not one sample; give a longer one")
        return missing <= 0

    def window(self, first: int, stop: int) -> Float32:
        """The samples of frames ``[first, stop)``, a frame that has only begun padded with zeros."""
        self._kept = self._kept[(first - self._start) * SAMPLES_PER_FRAME :].copy()
        self._start = first
        samples = self._kept[: (stop - first) * SAMPLES_PER_FRAME]
        return np.pad(samples, (0, (stop - first) * SAMPLES_PER_FRAME - samples.size))


def _faded(before: Float32, after: Float32) -> Float32:
    """From ``before`` [N, D] to ``after`` [N, D]."""
    share = ((np.arange(len(after)) + 0.5) / len(after)).astype(np.float32)[:, None]
    return before[: len(after)] * (1 - share) + after * share


def _passage(
    audio: Float32, embedding: Float32, part: slice, name: str, detector: SpeechDetector, config: SpeechConfig
) -> Passage:
    """``part``, in frames, of the window ``audio``. Envelope and pitch need the rest of it as context only."""
    f0_hz, _ = pitch(audio, config.min_f0_hz, config.max_f0_hz)
    envelope = amplitude_envelope(audio)
    own = audio[part.start * SAMPLES_PER_FRAME : part.stop * SAMPLES_PER_FRAME]
    speech = speech_windows(detector.speech_probability(own))
    return Passage(
        features=SpeechFeatures(part.stop - part.start, envelope[part], f0_hz[part], embedding[part], name),
        audio=own,
        impression=Impression(part.stop - part.start, float(speech.mean()), float(np.abs(own).max())),
    )
