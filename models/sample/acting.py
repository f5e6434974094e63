"""A speaker says something: the mouth by the phones, blinks, brows, head and gaze by habit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from models.sample.closure import close_lips
from models.sample.faces import load_faces
from models.sample.gestures import blinks, bumps, gaze, smooth_noise, sway
from models.sample.mouths import mouth_curves
from models.sample.speaker import Speaker
from schemas.arrays import Float32
from schemas.performance import Performance
from schemas.speech import Phone
from schemas.units import FRAME_RATE

Frames = npt.NDArray[np.integer]

FORCE_SPREAD: Final = 0.12  # nobody makes a sound twice the same way
EMPHASISED: Final = 0.3  # of the stressed sounds
BROW_RAISE: Final = {"browInnerUp": 1.0, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7}

_LEAST_SMOOTHING_FRAMES: Final = 0.2
_EMPHASIS_S: Final = 0.22
_WANDER_S: Final = 0.3
_DRIFT_M: Final = np.array([0.003, 0.002, 0.005], np.float32)
_DRIFT_S: Final = 0.6


@dataclass(frozen=True, slots=True)
class Acting:
    """Curves of one take (T frames), in the terms of ``schemas.motion.HeadMotion``."""

    actions: Float32  # [T, A] weights of the named ARKit actions, blinks included
    jaw: Float32  # [T, 3] axis-angle, radians
    global_rotation: Float32  # [T, 3] axis-angle, radians
    translation: Float32  # [T, 3] metres away from the speaker's place
    eyes: Float32  # [T, 6] axis-angle, left then right, radians

    def performance(self, shape: Float32, head_model: str, frames: slice | Frames = slice(None)) -> Performance:
        """``frames`` of it as played by the head of ``shape`` [100]."""
        return Performance(
            head_model=head_model,
            n_frames=len(self.jaw[frames]),
            shape=shape,
            expression=self.actions[frames],
            global_rotation=self.global_rotation[frames],
            jaw=self.jaw[frames],
            eyes=self.eyes[frames],
            translation=self.translation[frames],
        )


def act(
    speaker: Speaker, phones: Sequence[Phone], n_frames: int, action_names: tuple[str, ...], rng: np.random.Generator
) -> Acting:
    """``speaker`` says ``phones``, which cover ``n_frames`` frames as those of a ``Recording`` do."""
    habits, rate = speaker.habits, float(FRAME_RATE)
    times = np.arange(n_frames, dtype=np.float32) / np.float32(rate)
    seen = times + np.float32(habits.lead_s)
    force = np.exp(rng.normal(0, FORCE_SPREAD, len(phones))).astype(np.float32)
    opening, actions = mouth_curves(speaker.mouths, phones, seen, action_names, force, habits.onset_s)
    if habits.mumble_s * rate > _LEAST_SMOOTHING_FRAMES:
        opening, actions = (gaussian_filter1d(c, habits.mumble_s * rate, axis=0) for c in (opening, actions))
    stressed = np.array([p.start_s for p in phones if p.stressed], np.float32)
    emphasis = bumps(times, stressed[rng.random(len(stressed)) < EMPHASISED], _EMPHASIS_S)

    faces = load_faces()
    wander = smooth_noise(n_frames, len(faces.wander), _WANDER_S * rate, rng) @ faces.wander
    actions = actions + habits.rest + np.float32(habits.restlessness) * wander
    actions += np.outer(habits.blink_depth * blinks(n_frames, habits.blink_every_s, rng), faces.blink)
    for name, share in BROW_RAISE.items():
        actions[:, action_names.index(name)] += share * habits.brows * emphasis
    opening, actions = close_lips(speaker.closer, phones, seen, habits.rest_jaw_rad + opening, actions)

    rotation = habits.sway_rad * sway(n_frames, rng)
    rotation[:, 0] += np.float32(habits.nod_rad) * emphasis
    jaw = np.zeros((n_frames, 3), np.float32)
    jaw[:, 0] = np.maximum(opening, 0)
    look = np.pad(gaze(rotation, habits.glance_deg, rng), ((0, 0), (0, 1)))
    return Acting(
        actions=actions.astype(np.float32),
        jaw=jaw,
        global_rotation=rotation,
        translation=_DRIFT_M * smooth_noise(n_frames, 3, _DRIFT_S * rate, rng),
        eyes=np.concatenate([look, look], axis=1),
    )
