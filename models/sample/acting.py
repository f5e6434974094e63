"""What a speaker does besides articulating: blinks, brow raises on stressed words, a moving head, a wandering gaze."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.sample.visemes import mouth_curves
from models.sample.voice import Phone
from schemas.arrays import Float32
from schemas.units import FRAME_RATE

FULL_JAW_RAD: Final = float(np.radians(19.0))  # what ARKit's jawOpen = 1 amounts to on the open head
SPOKEN_JAW: Final = 0.9  # how far speech opens it at most

_HEAD_SWAY_DEG: Final = (2.0, 4.0, 1.6)  # standard deviations of pitch, yaw, roll
_HEAD_DRIFT_M: Final = (0.004, 0.003, 0.006)
_SWAY_PERIOD_FRAMES: Final = 14.0
_NOD_DEG: Final = 1.6
_BLINK: Final = np.array([0.45, 0.95, 1.0, 0.75, 0.45, 0.2, 0.05], np.float32)  # lids close in 80 ms, open in 160


@dataclass(frozen=True, slots=True)
class Acting:
    """Curves of one take (T frames), in the terms of ``schemas.motion.HeadMotion``."""

    actions: Float32  # [T, A] weights of the named ARKit actions, 0..1, blinks included
    jaw: Float32  # [T, 3] axis-angle, radians
    global_rotation: Float32  # [T, 3] axis-angle, radians
    translation: Float32  # [T, 3] metres away from the speaker's place
    eyes: Float32  # [T, 6] axis-angle, left then right, radians


def act(phones: Sequence[Phone], n_frames: int, action_names: tuple[str, ...], rng: np.random.Generator) -> Acting:
    """Speak ``phones`` (times from frame 0) for ``n_frames`` frames, with the body language of one seed.

    ``action_names`` are ARKit's, blinks and brows among them; lids and brows are moved through them.
    """
    times = np.arange(n_frames, dtype=np.float32) / np.float32(FRAME_RATE)
    jaw_opening, actions = mouth_curves(phones, times, action_names)
    stressed = np.array([p.start_s for p in phones if p.stressed], np.float32)
    emphasis = _bumps(times, stressed[rng.random(len(stressed)) < 0.45], width_s=0.22)
    blinks = _blinks(n_frames, rng)
    gestures = {
        "browInnerUp": 0.5 * emphasis,
        "browOuterUpLeft": 0.35 * emphasis,
        "browOuterUpRight": 0.35 * emphasis,
        "eyeBlinkLeft": blinks,
        "eyeBlinkRight": blinks,
    }
    for name, curve in gestures.items():
        actions[:, action_names.index(name)] += curve

    rotation = np.radians(_HEAD_SWAY_DEG).astype(np.float32) * _smooth_noise(n_frames, 3, rng)
    rotation[:, 0] += np.float32(np.radians(_NOD_DEG)) * emphasis
    jaw = np.zeros((n_frames, 3), np.float32)
    jaw[:, 0] = FULL_JAW_RAD * SPOKEN_JAW * jaw_opening
    gaze = _gaze(rotation, rng)
    return Acting(
        actions=np.clip(actions, 0.0, 1.0),
        jaw=jaw,
        global_rotation=rotation,
        translation=np.asarray(_HEAD_DRIFT_M, np.float32) * _smooth_noise(n_frames, 3, rng),
        eyes=np.concatenate([gaze, gaze], axis=1),
    )


def _bumps(times_s: Float32, centres_s: Float32, width_s: float) -> Float32:
    """[T] a smooth bump of height 1 around each centre."""
    away = (times_s[:, None] - centres_s) / width_s
    bumps: Float32 = np.exp(-(away**2)).sum(axis=1).clip(0, 1).astype(np.float32)
    return bumps


def _smooth_noise(n_frames: int, width: int, rng: np.random.Generator) -> Float32:
    """[T, width] slow noise of standard deviation 1."""
    margin = int(4 * _SWAY_PERIOD_FRAMES)
    white = rng.normal(size=(n_frames + 2 * margin, width))
    slow = gaussian_filter1d(white, _SWAY_PERIOD_FRAMES, axis=0)[margin : margin + n_frames]
    # The standard deviation that a Gaussian of this width leaves of white noise.
    left_over = 1.0 / np.sqrt(2 * np.sqrt(np.pi) * _SWAY_PERIOD_FRAMES)
    noise: Float32 = (slow / left_over).astype(np.float32)
    return noise


def _gaze(rotation: Float32, rng: np.random.Generator) -> Float32:
    """[T, 3] eyes that stay on the camera while the head turns, and glance aside about once a second."""
    n_frames = len(rotation)
    n_glances = 1 + n_frames // int(FRAME_RATE)
    starts = np.sort(rng.integers(0, n_frames, n_glances))
    targets = np.radians(rng.normal(0, (1.5, 2.5), (n_glances, 2)))
    current = np.searchsorted(starts, np.arange(n_frames), side="right") - 1
    glance = np.where(current[:, None] >= 0, targets[np.maximum(current, 0)], 0.0)
    gaze = np.zeros((n_frames, 3), np.float32)
    gaze[:, :2] = glance - rotation[:, :2]
    return gaze


def _blinks(n_frames: int, rng: np.random.Generator) -> Float32:
    """[T] closure of the lids: a blink every two to four seconds."""
    closure = np.zeros(n_frames + len(_BLINK), np.float32)
    frame = int(rng.uniform(0.4, 1.6) * FRAME_RATE)
    while frame < n_frames:
        closure[frame : frame + len(_BLINK)] = _BLINK
        frame += int(rng.uniform(2.0, 4.0) * FRAME_RATE)
    return closure[:n_frames]
