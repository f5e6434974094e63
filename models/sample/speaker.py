"""Who speaks in synthetic motion: the face, the voice and the habits of people who do not exist.

The ranges are those of fits to real clips (``models/data/MOUTHS.md``), drawn a little wider than the dozen people seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.head.model import HeadModel
from models.sample.closure import Closer, closer_of
from models.sample.faces import Faces
from models.sample.mouths import Mouths
from models.sample.people import IDENTITY_SPREAD
from models.sample.timbre import Timbre
from schemas.arrays import Float32
from schemas.units import SHAPE_DIM

FURTHEST_SHAPE: Final = 2.0  # standard deviations; beyond, the head model's own samples were few
_HIGH_VOICES: Final = 0.5
_ACCENT: Final = 0.2
_DICTION: Final = 0.9  # of how far s1 moves: GRID is read out clearly, people at large speak less so
_SWAY_DEG: Final = (1.6, 1.6, 1.1)  # median speaker's standard deviation of pitch, yaw, roll
_SWAY_RANGE_DEG: Final = (0.2, 9.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """What differs between people who say the same thing."""

    lead_s: float  # the mouth before the sound, beyond the mean speaker's
    mumble_s: float  # standard deviation of a smoothing of the mouth
    onset_s: float  # how long before the first sound the lips part
    rest: Float32  # [A] the resting face
    rest_jaw_rad: float
    restlessness: float  # how far the face strays from it, 1 as measured
    sway_rad: Float32  # [3] standard deviation of pitch, yaw, roll
    nod_rad: float  # on stressed words
    blink_every_s: float
    blink_depth: float
    brows: float  # raised on stressed words, 0..1
    glance_deg: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """A person who does not exist. ``shape`` [100]."""

    speaker_id: str
    shape: Float32
    timbre: Timbre
    mouths: Mouths
    closer: Closer
    habits: Habits


def draw_speaker(speaker_id: str, head: HeadModel, mouths: Mouths, faces: Faces, rng: np.random.Generator) -> Speaker:
    """A person by chance, whose mouths and resting face vary about ``mouths`` and ``faces``."""
    shape = rng.normal(0, IDENTITY_SPREAD, SHAPE_DIM).clip(-FURTHEST_SHAPE, FURTHEST_SHAPE).astype(np.float32)
    opening, articulation = _DICTION * np.exp(rng.normal(0, (0.17, 0.2)))
    own = mouths.of_someone(float(opening), float(articulation), _ACCENT, rng)
    return Speaker(speaker_id, shape, _timbre(rng), own, closer_of(head, shape, own), draw_habits(faces, rng))


def _timbre(rng: np.random.Generator) -> Timbre:
    high = rng.random() < _HIGH_VOICES
    f0 = rng.uniform(1.35, 2.1) if high else rng.uniform(0.75, 1.3)
    # A throat is shorter in people with a high voice, but far from in proportion (Peterson and Barney 1952).
    formants = (1.14 if high else 1.0) * np.exp(rng.normal(0, 0.05))
    return Timbre(f0, float(formants), float(rng.uniform(0.6, 1.5)), float(np.exp(rng.normal(0, 0.13))))


def draw_habits(faces: Faces, rng: np.random.Generator) -> Habits:
    """Somebody's habits, the resting face among them."""
    liveliness = float(np.exp(rng.normal(0, 0.7)))  # from sitting for GRID to speaking at a rally
    sway_deg = np.array(_SWAY_DEG) * liveliness * np.exp(rng.normal(0, 0.35, 3))
    return Habits(
        lead_s=float(rng.normal(0, 0.012)),
        mumble_s=float(rng.uniform(0.0, 0.025)),
        onset_s=float(rng.uniform(0.08, 0.35)),
        rest=(faces.rest + faces.rest_sd * rng.normal(size=len(faces.rest))).astype(np.float32),
        rest_jaw_rad=float(np.radians(rng.uniform(0.7, 4.5))),
        restlessness=float(rng.uniform(0.3, 0.75) * np.sqrt(liveliness)),
        sway_rad=np.radians(sway_deg.clip(*_SWAY_RANGE_DEG)).astype(np.float32),
        nod_rad=float(np.radians(rng.uniform(0, 1.0) * liveliness)),
        blink_every_s=float(rng.uniform(1.0, 4.5)),
        blink_depth=float(rng.uniform(0.7, 1.3)),
        brows=float(rng.uniform(0, 0.25)),
        glance_deg=float(rng.uniform(0.5, 2.5)),
    )
