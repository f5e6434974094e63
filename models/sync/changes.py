"""What is changed about a window before it is learned from: voice, microphone, room and noise, all on the mel bands,
where they cost nothing, and the way a mouth is seen. None of it moves anything in time."""

from typing import Final

import numpy as np
from pydantic import Field
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from models.sync.features import N_MELS
from schemas.arrays import Float32
from schemas.config import StageConfig

_LOUD_PERCENTILE: Final = 90.0
_MEL_HZ: Final = 100.0
_DB: Final = 0.1  # decades of power
_WANDER_FRAMES: Final = (3.0, 15.0)  # of the smoothing


class ChangesConfig(StageConfig):
    """How often and how far; ranges are drawn from evenly."""

    throat: tuple[float, float] = Field((0.85, 1.18), description="of the formants: above 1 a shorter vocal tract")
    throat_probability: float = Field(0.7, ge=0, le=1)
    microphone_db: float = Field(5.0, ge=0, description="standard deviation of a smooth curve over frequency")
    room_probability: float = Field(0.3, ge=0, le=1)
    reverberation_s: tuple[float, float] = (0.1, 0.6)
    direct_db: tuple[float, float] = Field((2.0, 15.0), description="of the direct sound above its echoes")
    noise_probability: float = Field(0.6, ge=0, le=1)
    snr_db: tuple[float, float] = (3.0, 35.0)
    voice_share: float = Field(0.25, ge=0, le=1, description="of noises that are another clip's speech")
    mouth_size: tuple[float, float] = Field((0.5, 1.7), description="how far the mouth moves")
    axis_size: float = Field(0.15, ge=0, description="spread of that by axis and point")
    mouth_noise_mm: tuple[float, float] = (0.0, 0.35)
    wander_mm: tuple[float, float] = Field((0.0, 1.2), description="of the whole mouth: what a fit takes for lips when")
    wander_shape: tuple[float, float] = Field((0.0, 0.05), description="a head turns; as a share of the mouth's extent")
    blur_frames: tuple[float, float] = Field((0.0, 0.8), description="standard deviation over time")


def change_sound(decades: Float32, other: Float32, config: ChangesConfig, rng: np.random.Generator) -> Float32:
    """``decades`` [n, 40] heard differently. ``other`` [n, 40] is someone else who may speak at the same time."""
    if rng.random() < config.throat_probability:
        decades = _other_throat(decades, float(np.exp(rng.uniform(*np.log(config.throat)))))
    curve = gaussian_filter1d(rng.normal(size=N_MELS + 40), 6.0)[20:-20]
    decades = decades + (config.microphone_db * _DB / 0.22 * curve + rng.normal(0, 0.3)).astype(np.float32)
    power = 10.0**decades
    if rng.random() < config.room_probability:
        decay = 10 ** (-6 / (rng.uniform(*config.reverberation_s) * _MEL_HZ))
        echoes = lfilter([0.0, 1 - decay], [1.0, -decay], power, axis=0)
        power = power + 10 ** (-_DB * rng.uniform(*config.direct_db)) * echoes
    if rng.random() < config.noise_probability:
        power = power + _noise(power, other, config, rng)
    return np.asarray(np.log10(np.maximum(power, 1e-12)), np.float32)


def change_mouth(mouth: Float32, config: ChangesConfig, rng: np.random.Generator) -> Float32:
    """``mouth`` [W, 126] mm, moved further or less far, and seen less well."""
    mean = mouth.mean(axis=0)
    size = np.exp(rng.uniform(*np.log(config.mouth_size)))
    axes = np.tile(np.exp(rng.normal(0, config.axis_size, 3)), mouth.shape[1] // 3)
    points = np.repeat(np.exp(rng.normal(0, config.axis_size / 2, mouth.shape[1] // 3)), 3)
    moved = (mouth - mean) * size * axes * points
    blur = rng.uniform(*config.blur_frames)
    if blur > 0.3:
        moved = gaussian_filter1d(moved, blur, axis=0)
    noise = rng.uniform(*config.mouth_noise_mm) * rng.normal(size=mouth.shape)
    return np.asarray(mean + moved + noise + _wander(mean, len(mouth), config, rng), np.float32)


def _wander(mean: Float32, n_frames: int, config: ChangesConfig, rng: np.random.Generator) -> Float32:
    """[W, 126] mm: the mouth ``mean`` [126] slowly shifted, turned, stretched and sheared."""
    slow = gaussian_filter1d(rng.normal(size=(n_frames, 4, 3)), rng.uniform(*_WANDER_FRAMES), axis=0)
    slow /= slow.std(axis=0) + 1e-6
    points = mean.reshape(-1, 3)
    shifted = rng.uniform(*config.wander_mm) * slow[:, :1]
    bent = rng.uniform(*config.wander_shape) * (points - points.mean(axis=0)) @ slow[:, 1:]
    return np.asarray((shifted + bent).reshape(n_frames, -1), np.float32)


def _other_throat(decades: Float32, ratio: float) -> Float32:
    """Bands stretched along the mel axis, which above 1 kHz is a logarithm of frequency and below nearly so."""
    at = np.clip(np.arange(N_MELS) / ratio, 0, N_MELS - 1.001)
    below = at.astype(np.intp)
    part = (at - below).astype(np.float32)
    stretched: Float32 = decades[:, below] * (1 - part) + decades[:, below + 1] * part
    return stretched


def _noise(power: Float32, other: Float32, config: ChangesConfig, rng: np.random.Generator) -> Float32:
    loudness = power.mean(axis=1)
    level = np.percentile(loudness, _LOUD_PERCENTILE) * 10 ** (-_DB * rng.uniform(*config.snr_db))
    if rng.random() < config.voice_share:
        noise = 10.0**other
        return np.asarray(noise * level / max(np.percentile(noise.mean(axis=1), _LOUD_PERCENTILE), 1e-12))
    tilt = np.exp(rng.uniform(-0.08, 0.02) * np.arange(N_MELS))
    shape = tilt * np.exp(0.4 * rng.normal(size=N_MELS))
    # A band of noise fluctuates like a chi-squared of a few degrees of freedom, wide bands less than narrow ones.
    flicker = rng.gamma(4.0, 0.25, power.shape)
    return np.asarray(level * shape / shape.mean() * flicker)
