"""Who appears in the sample: looks, voice, light and room of a few people who do not exist."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.head.model import HeadModel
from models.head.regions import BASE_COLOUR, Region
from models.render import Light
from schemas.arrays import Float32

RGB = tuple[int, int, int]
IDENTITY_SPREAD: Final = 0.65  # standard deviations of the identity space
_LIGHT_INSIDE_MOUTH: Final = {Region.MOUTH: 0.5, Region.TONGUE: 0.55, Region.TEETH: 0.8}


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

    def colours(self, head: HeadModel) -> Float32:
        """Unlit vertex colours [V, 3], 0..1."""
        skin = np.asarray(self.skin, np.float32)
        palette = {region: np.asarray(BASE_COLOUR[region], np.float32) for region in Region}
        palette |= {Region.LIPS: np.asarray(self.lips, np.float32), Region.IRIS: np.asarray(self.iris, np.float32)}
        palette |= {region: np.asarray(self.hair, np.float32) for region in (Region.SCALP, Region.BROWS)}
        # The renderer casts no shadows, so the inside of the mouth is painted as dark as it would be.
        palette |= {region: palette[region] * share for region, share in _LIGHT_INSIDE_MOUTH.items()}
        palette |= {
            Region.SKIN: skin,
            Region.FOREHEAD: skin * 1.02,
            Region.NOSE: skin * (1.0, 0.97, 0.97),
            Region.EYELIDS: skin * (0.93, 0.9, 0.91),
            Region.EARS: skin * (0.98, 0.92, 0.91),
            Region.NECK: skin * 0.95,
        }
        colours: Float32 = (np.stack([palette[region] for region in Region])[head.region] / 255).astype(np.float32)
        return colours.clip(0, 1)


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
