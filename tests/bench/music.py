"""Music that nobody wrote: chords that swell, plucked notes, a small band. For tests of what finds music."""

import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE

_SCALE = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])  # major, in semitones


def tune(kind: str, n_samples: int, rng: np.random.Generator) -> Float32:
    """[n_samples] at 16 kHz, of unit power; ``kind`` is "pad", "piano" or "band"."""
    sound = np.zeros(n_samples)
    root = int(rng.choice([48, 50, 52, 53, 55, 57]))
    end_s = n_samples / SAMPLE_RATE
    if kind == "pad":
        for bar in np.arange(0, end_s, 2.0):
            degree = int(rng.integers(0, 5))
            for step in (0, 2, 4):
                _note(sound, rng, root + _SCALE[degree + step], bar, 2.1, attack_s=0.15, decay=0.1)
    elif kind == "piano":
        for beat in np.arange(0, end_s, rng.choice([0.2, 0.25, 0.33])):
            _note(sound, rng, root + 12 * int(rng.integers(0, 2)) + int(rng.choice(_SCALE)), beat, 1.5, decay=2.5)
    else:
        for beat in np.arange(0, end_s, 0.5):
            _note(sound, rng, root - 12 + int(rng.choice([0, 5, 7])), beat, 0.5, decay=2.0)
            for step in (0, 4, 7):
                _note(sound, rng, root + step + int(rng.choice([0, 5, 7])), beat, 0.5, decay=1.5)
            _hit(sound, beat, 3 * np.sin(2 * np.pi * 60 * np.arange(3000) / SAMPLE_RATE), 600)
            _hit(sound, beat + 0.25, rng.standard_normal(2000), 300)
    return np.asarray(sound / np.sqrt(np.square(sound).mean()), np.float32)


def _note(
    sound: np.ndarray,
    rng: np.random.Generator,
    key: float,
    at_s: float,
    for_s: float,
    decay: float,
    attack_s: float = 0.01,
) -> None:
    """Eight harmonics of a key of the piano (69 is 440 Hz)."""
    hz, begin = 440 * 2 ** ((key - 69) / 12), int(at_s * SAMPLE_RATE)
    t = np.arange(max(min(int(for_s * SAMPLE_RATE), len(sound) - begin), 0)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * k * hz * t + rng.uniform(0, 6)) / k**1.3 for k in range(1, 9) if k * hz < 7500)
    sound[begin : begin + len(t)] += np.minimum(t / attack_s, 1) * np.exp(-decay * t) * tone


def _hit(sound: np.ndarray, at_s: float, what: np.ndarray, fades_samples: float) -> None:
    begin = int(at_s * SAMPLE_RATE)
    what = what[: max(len(sound) - begin, 0)]
    sound[begin : begin + len(what)] += what * np.exp(-np.arange(len(what)) / fades_samples)
