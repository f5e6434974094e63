"""Sentences put one after the other with pauses, as a microphone in a room hears them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.sample.mouths import PAUSE
from models.sample.voice import START, STOP, Speech
from schemas.arrays import Float32
from schemas.speech import Phone
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

_PUNCTUATION: Final = ".,;:?!"
_ENDS: Final = (START, STOP)
LEVELS_DB: Final = (-14.0, 0.0)  # of speech, against a full peak
ROOMS_DB: Final = (-75.0, -48.0)  # of what is heard without speech, against full scale
_LONG_PAUSES: Final = 0.15
_SHORTEST_TAIL_S: Final = 0.2
_LEAST_PAUSE_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Recording:
    """T frames of sound. ``audio`` [T * 640] at 16 kHz; ``phones`` cover it from start to end."""

    audio: Float32
    phones: tuple[Phone, ...]

    @property
    def n_frames(self) -> int:
        return len(self.audio) // SAMPLES_PER_FRAME

    def cut(self, first_sample: int, n_frames: int) -> "Recording":
        """``n_frames`` frames of it from ``first_sample`` on; the recording is long enough."""
        start_s, length_s = first_sample / SAMPLE_RATE, n_frames / float(FRAME_RATE)
        phones = tuple(
            replace(phone, start_s=max(phone.start_s, 0.0), stop_s=min(phone.stop_s, length_s))
            for phone in moved(self.phones, -start_s)
            if phone.stop_s > 0 and phone.start_s < length_s
        )
        return Recording(self.audio[first_sample : first_sample + n_frames * SAMPLES_PER_FRAME], phones)


def record(
    speeches: Sequence[Speech],
    rng: np.random.Generator,
    levels_db: tuple[float, float] = LEVELS_DB,
    rooms_db: tuple[float, float] = ROOMS_DB,
) -> Recording:
    """One recording of ``speeches`` (16 kHz), with silence before, between and after them; how loud they and the room
    are is drawn between ``levels_db`` and ``rooms_db``."""
    at_s = float(rng.uniform(0.15, 1.0))
    phones: list[Phone] = []
    placed: list[tuple[int, Float32]] = []
    for speech in speeches:
        placed.append((round(at_s * SAMPLE_RATE), speech.audio))
        phones += moved(speech.phones, at_s)
        at_s += speech.duration_s + _pause_s(rng)
    length_s = placed[-1][0] / SAMPLE_RATE + speeches[-1].duration_s + float(rng.uniform(_SHORTEST_TAIL_S, 1.2))
    n_frames = int(np.ceil(length_s * FRAME_RATE))
    audio = rng.normal(0, _amplitude(rng.uniform(*rooms_db)), n_frames * SAMPLES_PER_FRAME).astype(np.float32)
    gain = np.float32(_amplitude(rng.uniform(*levels_db)))
    for start, wave in placed:
        audio[start : start + len(wave)] += gain * wave
    return Recording(np.clip(audio, -1, 1), settled(phones, n_frames / float(FRAME_RATE)))


def settled(phones: Sequence[Phone], stop_s: float) -> tuple[Phone, ...]:
    """Every instant up to ``stop_s`` belongs to a sound or a ``PAUSE``: what a voice calls punctuation, start and stop
    are pauses, as is what lies between sentences; the spaces inside a phrase, where nobody pauses, are not."""
    out: list[Phone] = []
    silent_from_s = 0.0
    for phone in _without_gaps(phones):
        if phone.symbol == PAUSE or phone.symbol in _PUNCTUATION or phone.symbol in _ENDS:
            continue
        if phone.start_s > silent_from_s + _LEAST_PAUSE_S:
            out.append(Phone(PAUSE, silent_from_s, phone.start_s, stressed=False))
        out.append(phone)
        silent_from_s = phone.stop_s
    out.append(Phone(PAUSE, silent_from_s, stop_s, stressed=False))
    return tuple(out)


def _pause_s(rng: np.random.Generator) -> float:
    if rng.random() < _LONG_PAUSES:
        return float(rng.uniform(1.0, 2.5))
    return float(rng.uniform(0.15, 0.8))


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def moved(phones: Iterable[Phone], by_s: float) -> list[Phone]:
    """The phones ``by_s`` later."""
    return [Phone(p.symbol, p.start_s + by_s, p.stop_s + by_s, p.stressed) for p in phones]


def _without_gaps(phones: Sequence[Phone]) -> list[Phone]:
    """The same phones without the spaces inside a phrase, where nobody pauses: the neighbours meet half way."""
    out: list[Phone] = []
    pending_s: float | None = None
    for k, phone in enumerate(phones):
        after = phones[k + 1].symbol if k + 1 < len(phones) else STOP
        beside = (phones[k - 1].symbol if k else START, after)
        if phone.symbol == PAUSE and not any(s in _PUNCTUATION or s in _ENDS for s in beside):
            pending_s = (phone.start_s + phone.stop_s) / 2
            last = out[-1]
            out[-1] = Phone(last.symbol, last.start_s, pending_s, last.stressed)
        else:
            start_s = phone.start_s if pending_s is None else pending_s
            out.append(Phone(phone.symbol, start_s, phone.stop_s, phone.stressed))
            pending_s = None
    return out
