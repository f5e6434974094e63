"""Who appears in the sample: looks, voice, light and room of a few people who do not exist."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.look.skin import RGB, Palette
from models.render import Light
from schemas.arrays import Float32

IDENTITY_SPREAD: Final = 0.65  # standard deviations of the identity space


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker. Colours are sRGB, 0..255; ``pitch`` and ``tempo`` as in ``PiperVoice.speak``."""

    name: str
    skin: RGB
    lips: RGB
    hair: RGB
    iris: RGB
    shirt: RGB
    wall: RGB
    pitch: float = 1.0
    tempo: float = 1.0
    light: Light = field(default_factory=Light)
    face_seed: int = 0

    def shape(self, n_components: int) -> Float32:
        """Identity coefficients, the same in every take."""
        shape = np.random.default_rng(self.face_seed).normal(0, IDENTITY_SPREAD, n_components)
        return np.clip(shape, -1.5, 1.5).astype(np.float32)

    @property
    def palette(self) -> Palette:
        return Palette(self.skin, self.lips, self.hair, self.iris, self.shirt)


PEOPLE: Final = (
    Person(
        name="ada",
        skin=(224, 178, 152),
        lips=(186, 98, 96),
        hair=(92, 62, 40),
        iris=(86, 110, 128),
        shirt=(52, 84, 120),
        wall=(176, 182, 178),
        pitch=1.3,
        light=Light(towards=(0.4, 0.5, 0.8)),
        face_seed=11,
    ),
    Person(
        name="bo",
        skin=(148, 102, 76),
        lips=(134, 78, 74),
        hair=(34, 28, 26),
        iris=(58, 42, 32),
        shirt=(196, 188, 170),
        wall=(92, 112, 128),
        pitch=0.92,
        light=Light(towards=(-0.6, 0.4, 0.7), ambient=0.5, specular=0.2),
        face_seed=22,
    ),
    Person(
        name="cleo",
        skin=(206, 156, 120),
        lips=(172, 86, 84),
        hair=(48, 36, 30),
        iris=(74, 54, 36),
        shirt=(132, 58, 62),
        wall=(208, 198, 178),
        pitch=1.15,
        tempo=1.05,
        light=Light(towards=(0.1, 0.8, 0.6), ambient=0.55),
        face_seed=33,
    ),
    Person(
        name="dan",
        skin=(232, 190, 170),
        lips=(184, 108, 104),
        hair=(150, 118, 78),
        iris=(96, 116, 90),
        shirt=(70, 92, 74),
        wall=(120, 104, 96),
        tempo=0.95,
        light=Light(towards=(-0.3, 0.3, 0.9), ambient=0.4, diffuse=0.65),
        face_seed=44,
    ),
)
