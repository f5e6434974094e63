"""What the people look like: tones of skin, hair, eyes and lips that go together, drawn by chance."""

from typing import Final

import numpy as np
import numpy.typing as npt

from models.look.skin import RGB, Palette
from schemas.arrays import Float32

# sRGB under white light, from the palest to the darkest.
_SKIN: Final = np.array(
    [
        (246, 212, 194),
        (234, 192, 168),
        (218, 170, 142),
        (196, 146, 114),
        (168, 118, 88),
        (136, 92, 68),
        (104, 69, 52),
        (78, 52, 41),
    ],
    np.float32,
)
_HAIR: Final[dict[str, RGB]] = {
    "black": (30, 26, 25),
    "dark brown": (56, 40, 31),
    "brown": (92, 64, 44),
    "auburn": (118, 62, 38),
    "fair": (172, 138, 92),
    "grey": (146, 143, 140),
}
_HAIR_SHARES: Final = {True: (0.14, 0.27, 0.26, 0.08, 0.15, 0.10), False: (0.68, 0.2, 0.02, 0.0, 0.0, 0.10)}
_IRIS: Final[dict[bool, tuple[RGB, ...]]] = {
    True: ((98, 122, 140), (92, 112, 84), (110, 86, 54), (74, 52, 36), (120, 132, 138)),
    False: ((62, 42, 30), (50, 35, 26), (80, 56, 36)),
}
_PALE: Final = 2.6  # of the row of tones: who is darker has dark hair and eyes
_BEARDED: Final = 0.3
_SHAVEN_HEADS: Final = 0.12
_PAINTED_LIPS: Final = 0.2


def draw_palette(rng: np.random.Generator) -> Palette:
    """Somebody's colours."""
    tone = float(rng.uniform(0, len(_SKIN) - 1))
    pale = tone < _PALE
    row = min(int(tone), len(_SKIN) - 2)
    skin = _SKIN[row] + (tone - row) * (_SKIN[row + 1] - _SKIN[row])
    skin = skin * (1 + rng.normal(0, (0.02, 0.025, 0.035)))
    lips = skin * (0.92, 0.68, 0.7) * rng.uniform(0.85, 1.05)
    if rng.random() < _PAINTED_LIPS:
        lips = 0.45 * lips + 0.55 * np.array([170, 40, 62]) * rng.uniform(0.7, 1.1)
    hair = np.array(_HAIR[str(rng.choice(list(_HAIR), p=_HAIR_SHARES[pale]))]) * rng.uniform(0.8, 1.2)
    iris = _IRIS[pale][rng.integers(len(_IRIS[pale]))]
    bearded = rng.random() < _BEARDED
    shaven = rng.random() < _SHAVEN_HEADS
    return Palette(
        skin=_rgb(skin),
        lips=_rgb(lips),
        hair=_rgb(hair),
        iris=iris,
        shirt=_rgb(_cloth(rng)),
        beard=float(rng.uniform(0.15, 0.85)) if bearded else 0.0,
        hair_m=0.001 if shaven else float(rng.uniform(0.005, 0.016)),
        unevenness=float(rng.uniform(0.005, 0.03)),
    )


def _cloth(rng: np.random.Generator) -> Float32:
    """Mostly greys, blues and muted colours, as people dress."""
    grey = rng.uniform(25, 225)
    return np.asarray(grey + rng.normal(0, 1, 3) * rng.choice([4.0, 26.0]), np.float32)


def _rgb(colour: npt.NDArray[np.floating]) -> RGB:
    r, g, b = (int(c) for c in np.clip(colour, 4, 252).round())
    return r, g, b
