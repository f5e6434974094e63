"""Emotion on top of speech: what brows, lids, cheeks, nose and the corners of the mouth add, articulation spared."""

import re
from pathlib import Path
from typing import Final

import numpy as np
from scipy.ndimage import convolve1d

from models.avatar.motion import EXPRESSION, JAW
from models.controls.articulation import articulation_of
from models.controls.keys import BadControl, frame_times, read_keys
from models.controls.templates import PROTOTYPES, sides, templates
from models.head.model import HeadModel, NoNamedActions
from schemas.arrays import Float32
from schemas.controls import EMOTIONS, Emotion, EmotionCurve

ONSET_FRAMES: Final = 13  # an emotion comes and goes over half a second
_FULL: Final = 1.0  # the end of an ARKit action's range
_KNEE: Final = 6.0  # how late and how sharply an addition bends into that end
_WITH_OPEN_EYES: Final = ("eyeWide", "eyeSquint")

_ITEM: Final = re.compile(r"(?P<name>[a-z]+)(?::(?P<value>[0-9.]+))?(?:@(?P<time>[0-9.]+)s?)?", re.IGNORECASE)


def parse_emotion(text: str) -> EmotionCurve:
    """``happy``, ``happy:0.7,surprised:0.3``, keyframes ``happy:0@0s,happy:1@2s``, or the path of a CSV with time_s
    and a column per emotion. An emotion without a time lasts throughout. Raises ``BadControl``."""
    if text.lower().endswith(".csv"):
        times_s, columns = read_keys(Path(text), optional=dict.fromkeys(EMOTIONS, 0.0))
        return _checked(text, times_s, np.stack([columns[emotion] for emotion in EMOTIONS], axis=1))
    keys: dict[Emotion, list[tuple[float, float]]] = {}
    for item in text.split(","):
        match = _ITEM.fullmatch(item.strip())
        if match is None or match["name"].lower() not in EMOTIONS:
            raise BadControl(
                f"emotion {item.strip()!r}: wanted NAME[:STRENGTH][@SECONDS] with a name of {', '.join(EMOTIONS)}"
            )
        try:
            key = (float(match["time"] or 0), float(match["value"] or 1))
        except ValueError as error:
            raise BadControl(f"emotion {item.strip()!r}: {error}") from error
        keys.setdefault(Emotion(match["name"].lower()), []).append(key)
    times_s = np.array(sorted({time for own in keys.values() for time, _ in own}), np.float32)
    intensity = np.zeros((len(times_s), len(EMOTIONS)), np.float32)
    for emotion, own in keys.items():
        at, values = zip(*sorted(own), strict=True)
        intensity[:, EMOTIONS.index(emotion)] = np.interp(times_s, at, values)
    return _checked(text, times_s, intensity)


def _checked(text: str, times_s: Float32, intensity: Float32) -> EmotionCurve:
    try:
        return EmotionCurve(times_s, intensity)
    except ValueError as error:
        raise BadControl(f"emotion {text}: {error}") from error


def intensity_at(curve: EmotionCurve, n_frames: int) -> Float32:
    """[T, 8] intensity in every frame: linear between keys, then every corner and jump rounded (raised cosine)."""
    at = frame_times(n_frames)
    linear = np.stack([np.interp(at, curve.times_s, column) for column in curve.intensity.T], axis=1)
    window = np.hanning(ONSET_FRAMES + 2)
    return np.asarray(convolve1d(linear, window / window.sum(), axis=0, mode="nearest"), np.float32)


def apply_emotion(frames: Float32, curve: EmotionCurve, head: HeadModel) -> Float32:
    """``frames`` [T, 58] (``models.avatar.motion``) with the emotion added; jaw, head and gaze are not touched.

    Raises ``NoNamedActions`` for a head without ARKit's actions.
    """
    intensity = intensity_at(curve, len(frames))
    if not intensity.any():
        return frames
    names = head.expression_names
    wanted = {name for prototype in PROTOTYPES.values() for name in prototype}
    if not all(any(name in (w, f"{w}Left", f"{w}Right") for name in names) for w in wanted):
        raise NoNamedActions(f"{head.name} has no ARKit actions; use the open head to speak with an emotion")
    speaking = frames[:, EXPRESSION]
    offset = intensity @ templates(names)
    # A blink shuts the eye whatever the emotion does to the lids.
    for name in _WITH_OPEN_EYES:
        offset[:, sides(name, names)] *= 1 - head.eyelids(speaking)
    offset = _within_range(speaking, offset)
    out = frames.copy()
    out[:, EXPRESSION] += articulation_of(head).spare(speaking, offset, frames[:, JAW])
    return out


def _within_range(base: Float32, offset: Float32) -> Float32:
    """``offset`` bent so that ``base + offset`` never passes an end of the range 0..1; untouched far from it."""
    room = np.maximum(np.where(offset > 0, _FULL - base, base), 1e-3)
    return np.asarray(offset / (1 + (np.abs(offset) / room) ** _KNEE) ** (1 / _KNEE), np.float32)
