"""When somebody speaks, and where the voice puts weight: what gates and drives gestures."""

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from schemas.arrays import Float32
from schemas.speech import SpeechFeatures

SPEECH_QUANTILE: Final = 0.95
BELOW_SPEECH: Final = float(np.exp(-1.5))  # speech lies within 13 dB of its own level
AUDIBLE: Final = 0.003  # linear, full scale 1: nothing quieter is speech
_ENVELOPE_SIGMA: Final = 1.5  # frames
_HOLD_FRAMES: Final = 15  # a pause for breath is still speech
_FADE_SIGMA: Final = 5.0
_ACCENT_SIGMA: Final = 2.0
_ACCENT_GAP: Final = 9  # frames between accents at least
_ACCENT_PROMINENCE: Final = 0.4


def activity(speech: SpeechFeatures) -> Float32:
    """[T] 0 in silence .. 1 in speech, smooth; short pauses count as speech."""
    loud = gaussian_filter1d(speech.envelope, _ENVELOPE_SIGMA, mode="nearest")
    level = max(float(np.quantile(speech.envelope, SPEECH_QUANTILE)) * BELOW_SPEECH, AUDIBLE)
    held = maximum_filter1d((loud > level).astype(np.float32), 2 * _HOLD_FRAMES + 1, mode="nearest")
    return np.asarray(gaussian_filter1d(held, _FADE_SIGMA, mode="nearest"), np.float32)


def accents(speech: SpeechFeatures) -> tuple[Float32, Float32]:
    """Frames [N] on which the voice puts weight, and how much [N], 0..1: peaks of loudness and pitch together."""
    from scipy.signal import find_peaks  # half a second to import, which few performances need

    speaking = activity(speech)
    loudness = np.log(np.maximum(speech.envelope, AUDIBLE))
    voiced = speech.f0_hz > 0
    pitch = np.zeros(speech.n_frames, np.float32)
    if voiced.any():
        known = np.flatnonzero(voiced)
        melody = np.interp(np.arange(speech.n_frames), known, np.log(speech.f0_hz[known]))
        pitch = melody.astype(np.float32)
    weight = _standard(loudness, speaking) + _standard(pitch, speaking)
    smooth = gaussian_filter1d(weight, _ACCENT_SIGMA, mode="nearest") * speaking
    frames, found = find_peaks(smooth, distance=_ACCENT_GAP, prominence=_ACCENT_PROMINENCE)
    strength = np.clip(found["prominences"] / 2.5, 0, 1) * speaking[frames]
    return frames.astype(np.float32), strength.astype(np.float32)


def bumps(n_frames: int, at: Float32, height: Float32, sigma: float) -> Float32:
    """[T] a bump of ``height`` [N] around each of the places ``at`` [N]; all in frames, not all of them whole."""
    reach = int(4 * sigma) + 1
    near = np.rint(at).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    shape = height[:, None] * np.exp(-0.5 * ((near - at[:, None]) / sigma) ** 2)
    inside = (near >= 0) & (near < n_frames)
    return np.bincount(near[inside], shape[inside], n_frames).astype(np.float32)


def _standard(curve: Float32, weight: Float32) -> Float32:
    """``curve`` [T] in standard deviations from its mean over the weighted frames."""
    total = max(float(weight.sum()), 1e-6)
    mean = float(curve @ weight) / total
    spread = np.sqrt(float((curve - mean) ** 2 @ weight) / total)
    return np.asarray((curve - mean) / max(spread, 0.05), np.float32)
