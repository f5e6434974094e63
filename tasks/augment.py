"""The same clip heard differently: another voice, pace, room, noise or level, saying the same with the same face.

Enters: a clip's sound and its ``HeadMotion``. Leaves: an ``Augmented``, both of them changed so that they still fit,
for speech features to be computed again (``tasks.listen.features_of_audio``). So a model trained on one man's voice
hears a woman's and a child's too, and poor microphones.

Only pace moves anything in time. Frame t is the face at t / 25 s and sample n is heard at n / 16,000 s; at speed v both
are read at v times that instant, exactly, by interpolation.
"""

import hashlib
import warnings
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pyworld asks pkg_resources for its own version number
    import pyworld

VERSION = "1"

Doubles = npt.NDArray[np.float64]
Range = tuple[float, float]

_WORLD_STEP_MS: Final = 5.0
_PEAK: Final = 0.99  # no change pushes a sample past it
_SPOKEN: Final = 0.01  # of the loud frames' power: frames above it count as speech where a noise's level is set
_EARLIEST_ECHO_S: Final = 0.002
_VOICES_IN_BABBLE: Final = 6


class NoiseKind(StrEnum):
    WHITE = "white"
    PINK = "pink"
    BABBLE = "babble"  # many copies of the voice itself, backwards


class AugmentConfig(StageConfig):
    """How often and how far each thing is changed. Ranges are (lowest, highest), drawn evenly."""

    seed: int = Field(0, ge=0)
    voice_probability: float = Field(0.7, ge=0, le=1)
    formant_ratio: Range = Field((0.82, 1.25), description="above 1 a shorter vocal tract: a woman, a child")
    f0_exponent: float = Field(3.0, description="pitch goes with that power of the formants, as it does among speakers")
    f0_semitones: Range = Field((-3.0, 3.0), description="of pitch beyond that")
    f0_limits_hz: Range = Field((75.0, 380.0), description="where the middle of the new pitch must stay")
    speed_probability: float = Field(0.5, ge=0, le=1)
    speed_percent: tuple[int, int] = Field((85, 118), description="100 leaves the pace as it is")
    room_probability: float = Field(0.3, ge=0, le=1)
    reverberation_s: Range = Field((0.1, 0.4), description="until an echo has fallen by 60 dB")
    direct_db: Range = Field((3.0, 15.0), description="of the direct sound above its echoes")
    noise_probability: float = Field(0.5, ge=0, le=1)
    snr_db: Range = Field((5.0, 30.0), description="of speech above the noise")
    gain_db: Range = (-12.0, 6.0)

    @model_validator(mode="after")
    def _in_order(self) -> "AugmentConfig":
        for name, value in self:
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"{name}: {value[0]} is above {value[1]}")
        if self.formant_ratio[0] <= 0 or self.f0_limits_hz[0] <= 0 or self.speed_percent[0] <= 0:
            raise ValueError("formant_ratio, f0_limits_hz and speed_percent must be above 0")
        return self


@dataclass(frozen=True, slots=True)
class Variation:
    """What is changed. The defaults change nothing."""

    formant_ratio: float = 1.0
    f0_ratio: float = 1.0
    speed_percent: int = 100
    reverberation_s: float = 0.0
    direct_db: float = 0.0
    noise: NoiseKind | None = None
    snr_db: float = 0.0
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Augmented:
    """A clip heard differently: ``audio`` [T * 640] and T frames of ``motion``, T that of the new pace."""

    audio: Float32
    motion: HeadMotion
    variation: Variation


def augment(audio: Float32, motion: HeadMotion, config: AugmentConfig, variant: int = 0) -> Augmented:
    """Variant ``variant`` of the clip with ``audio`` [T * 640], 16 kHz mono, and T frames of ``motion``.

    The configuration's seed, the clip's id and ``variant`` decide it, whatever else is done before or at the same time.
    The new motion's clip_id is "<clip_id>+<variant>".
    """
    key = hashlib.sha256(f"{config.seed}:{motion.clip_id}:{variant}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(key, np.uint32))
    variation = draw(config, rng)
    sound, moved = apply(audio, motion, variation, config.f0_limits_hz, rng)
    return Augmented(sound, replace(moved, clip_id=f"{motion.clip_id}+{variant}"), variation)


def draw(config: AugmentConfig, rng: np.random.Generator) -> Variation:
    """One variation, as often and as far as ``config`` says."""
    formants = float(np.exp(rng.uniform(*np.log(config.formant_ratio))))
    pitch = formants**config.f0_exponent * 2 ** (rng.uniform(*config.f0_semitones) / 12)
    speed = int(rng.integers(config.speed_percent[0], config.speed_percent[1], endpoint=True))
    room = (float(rng.uniform(*config.reverberation_s)), float(rng.uniform(*config.direct_db)))
    kind, snr_db = list(NoiseKind)[rng.integers(len(NoiseKind))], float(rng.uniform(*config.snr_db))
    voice_changes, speed_changes, room_changes, noise_comes = rng.random(4) < (
        config.voice_probability,
        config.speed_probability,
        config.room_probability,
        config.noise_probability,
    )
    return Variation(
        formant_ratio=formants if voice_changes else 1.0,
        f0_ratio=float(pitch) if voice_changes else 1.0,
        speed_percent=speed if speed_changes else 100,
        reverberation_s=room[0] if room_changes else 0.0,
        direct_db=room[1] if room_changes else 0.0,
        noise=kind if noise_comes else None,
        snr_db=snr_db if noise_comes else 0.0,
        gain_db=float(rng.uniform(*config.gain_db)),
    )


def apply(
    audio: Float32, motion: HeadMotion, variation: Variation, f0_limits_hz: Range, rng: np.random.Generator
) -> tuple[Float32, HeadMotion]:
    """``audio`` [T * 640] and ``motion`` as ``variation`` says; [T' * 640] and T' frames. Noises come from ``rng``."""
    sound = audio.astype(np.float64)
    if (variation.formant_ratio, variation.f0_ratio) != (1.0, 1.0):
        sound = other_voice(sound, variation.formant_ratio, variation.f0_ratio, f0_limits_hz)
    if variation.speed_percent != 100:
        sound, motion = other_speed(sound, motion, variation.speed_percent)
    if variation.reverberation_s > 0:
        sound = in_a_room(sound, variation.reverberation_s, variation.direct_db, rng)
    if variation.noise is not None:
        sound = sound + noise_of(variation.noise, sound, variation.snr_db, rng)
    gain = 10 ** (variation.gain_db / 20)
    peak = np.abs(sound).max(initial=0.0)
    return (sound * min(gain, _PEAK / max(peak, 1e-9))).astype(np.float32), motion


def other_voice(sound: Doubles, formant_ratio: float, f0_ratio: float, f0_limits_hz: Range) -> Doubles:
    """``sound`` [S] with its resonances at ``formant_ratio`` and its pitch at ``f0_ratio`` times theirs, as loud as it
    was, instant by instant the same word. The ratio of pitch gives way where the median would leave its limits.

    WORLD (Morise et al. 2016): pitch, spectral envelope (CheapTrick) and breathiness (D4C), put together again.
    """
    f0, times_s = pyworld.dio(sound, SAMPLE_RATE, frame_period=_WORLD_STEP_MS)
    f0 = pyworld.stonemask(sound, f0, times_s, SAMPLE_RATE)
    spectrum = pyworld.cheaptrick(sound, f0, times_s, SAMPLE_RATE)
    breath = pyworld.d4c(sound, f0, times_s, SAMPLE_RATE)
    if (f0 > 0).any():
        lowest, highest = f0_limits_hz / np.median(f0[f0 > 0])
        f0 = f0 * np.clip(f0_ratio, lowest, highest)
    warped = _warped(spectrum, formant_ratio)
    made: Doubles = pyworld.synthesize(f0, warped, breath, SAMPLE_RATE, _WORLD_STEP_MS)
    fitted = np.zeros_like(sound)
    fitted[: made.size] = made[: sound.size]
    fitted *= np.sqrt(np.square(sound).sum() / max(np.square(fitted).sum(), 1e-12))
    return fitted


def _warped(spectrum: Doubles, ratio: float) -> Doubles:
    """Power ``spectrum`` [N, bins] stretched along frequency by ``ratio``; what lies above the band holds its edge."""
    bins = spectrum.shape[1]
    source = np.minimum(np.arange(bins) / ratio, bins - 1)
    below = np.minimum(source.astype(int), bins - 2)
    part = source - below
    log = np.log(spectrum)
    return np.ascontiguousarray(np.exp(log[:, below] * (1 - part) + log[:, below + 1] * part))


def other_speed(sound: Doubles, motion: HeadMotion, speed_percent: int) -> tuple[Doubles, HeadMotion]:
    """``sound`` [T * 640] and T frames of ``motion``, played at ``speed_percent``; pitch and formants go with it."""
    from scipy import interpolate, signal  # a second to import, which planning a run need not wait for

    speed = Fraction(speed_percent, 100)
    n_frames = min(int((motion.n_frames - 1) / speed) + 1, int(motion.n_frames / speed))
    if n_frames < 2:
        return sound, motion
    resampled = signal.resample_poly(sound, speed.denominator, speed.numerator)[: n_frames * SAMPLES_PER_FRAME]
    read_at = np.arange(n_frames) * float(speed)

    def again(track: Float32) -> Float32:
        # A cubic, since a straight line between frames takes a quarter off a 6 Hz lip; no axis-angle of a head comes
        # near pi, so its three numbers may be treated as such. What overshoots is held within the clip's own range.
        curve = interpolate.CubicSpline(np.arange(len(track)), track, axis=0)(read_at)
        return np.clip(curve, track.min(axis=0), track.max(axis=0)).astype(np.float32)

    tracks: dict[str, Any] = {
        name: again(getattr(motion, name))
        for name in ("expression", "global_rotation", "jaw", "eyes", "eyelids", "translation")
    }
    detail = None if motion.detail is None else again(motion.detail)
    return resampled, replace(motion, n_frames=n_frames, detail=detail, **tracks)


def in_a_room(sound: Doubles, reverberation_s: float, direct_db: float, rng: np.random.Generator) -> Doubles:
    """``sound`` [S] and its echoes: noise that falls by 60 dB in ``reverberation_s``, ``direct_db`` below the direct
    sound in all, which stays where it is in time."""
    from scipy import signal

    echo_s = np.arange(1, int(1.2 * reverberation_s * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(echo_s.size) * 10 ** (-3 * echo_s / reverberation_s) * (echo_s >= _EARLIEST_ECHO_S)
    echoes *= 10 ** (-direct_db / 20) / np.sqrt(max(np.square(echoes).sum(), 1e-12))
    room = np.concatenate([[1.0], echoes])
    heard: Doubles = signal.fftconvolve(sound, room)[: sound.size]
    return heard


def noise_of(kind: NoiseKind, sound: Doubles, snr_db: float, rng: np.random.Generator) -> Doubles:
    """Noise [S] ``snr_db`` below the speech in ``sound`` [S]; none where that is silent."""
    noise: Doubles
    if kind is NoiseKind.BABBLE:
        shifts = rng.integers(0, max(sound.size, 1), _VOICES_IN_BABBLE)
        noise = np.stack([np.roll(sound[::-1], shift) for shift in shifts]).sum(axis=0)
    else:
        noise = rng.standard_normal(sound.size)
    if kind is NoiseKind.PINK:
        spectrum = np.fft.rfft(noise)
        spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
        spectrum[0] = 0.0
        noise = np.fft.irfft(spectrum, sound.size)
    wanted = _speech_power(sound) * 10 ** (-snr_db / 10)
    noise *= np.sqrt(wanted / max(np.square(noise).mean(), 1e-12))
    return noise


def _speech_power(sound: Doubles) -> float:
    """Mean square of the frames that hold speech."""
    power = np.square(sound.reshape(-1, SAMPLES_PER_FRAME)).mean(axis=1)
    return float(power[power >= _SPOKEN * np.percentile(power, 95)].mean())
