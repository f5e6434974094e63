"""The colours of the head's surface, unlit, and how much light reaches each place."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from models.head.model import LEFT_EYE, RIGHT_EYE, HeadModel
from models.head.regions import BASE_COLOUR, Region
from models.render import Camera, rasterise, vertex_normals
from schemas.arrays import Float32, Int32

RGB = tuple[int, int, int]

_MM: Final = np.float32(1e-3)
_WAVES: Final = 24
_LOOKS: Final = 24  # directions from which light may come
_LOOK_PX: Final = 160
_FAR_M: Final = 4.0
_SURE_M: Final = 4e-3  # nearer than this to what is seen is seen
_INSIDE_MOUTH: Final = {Region.MOUTH: 0.35, Region.TONGUE: 0.6, Region.TEETH: 0.85}


@dataclass(frozen=True, slots=True)
class Palette:
    """Who it is: sRGB, 0..255, and what grows."""

    skin: RGB = BASE_COLOUR[Region.SKIN]
    lips: RGB = (184, 104, 98)
    hair: RGB = (70, 50, 38)
    iris: RGB = (96, 116, 122)
    shirt: RGB = (62, 78, 98)
    beard: float = 0.0  # share of the skin that it covers where it is densest
    hair_m: float = 0.011  # how far the hair stands off the scalp
    unevenness: float = 0.0  # of the skin's lightness, standard deviation


def step(low: float, high: float, value: Float32) -> Float32:
    """0 up to ``low``, 1 from ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def smoothed(faces: Int32, values: Float32, rounds: int) -> Float32:
    """Per-vertex ``values`` [V, K], each round half its own and half its neighbours' mean."""
    start, stop = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    n = len(values)
    degree = np.bincount(start, minlength=n)[:, None] + 1e-9
    for _ in range(rounds):
        around = np.stack([np.bincount(start, values[stop, k], n) for k in range(values.shape[1])], axis=1)
        values = (0.5 * values + 0.5 * around / degree).astype(np.float32)
    return values


def hair_share(head: HeadModel) -> Float32:
    """[V, 1] how much of the scalp's hair grows at a vertex."""
    return smoothed(head.faces, head.mask(Region.SCALP).astype(np.float32)[:, None], rounds=2)


def colours(head: HeadModel, palette: Palette, template: Float32, fields: Float32, region: Float32) -> Float32:
    """Unlit colours [V', 3], 0..1, of a refined template [V', 3].

    ``fields`` [V', 2] are the refined shares of hair and lips, ``region`` [V', 15] of every region.
    """
    skin = np.asarray(palette.skin, np.float32)
    by_region = {r: np.asarray(BASE_COLOUR[r], np.float32) for r in Region}
    by_region |= {Region.IRIS: np.asarray(palette.iris, np.float32)}
    by_region |= {r: by_region[r] * share for r, share in _INSIDE_MOUTH.items()}
    by_region |= dict.fromkeys((Region.SKIN, Region.FOREHEAD, Region.BROWS, Region.SCALP, Region.LIPS), skin)
    by_region |= {
        Region.NOSE: skin * (1.0, 0.95, 0.94),
        Region.EYELIDS: skin * (0.95, 0.89, 0.88),
        Region.EARS: skin * (1.0, 0.9, 0.88),
        Region.NECK: skin * 0.96,
    }
    base = region @ np.stack([by_region[r] for r in Region]).astype(np.float32)
    base = _mixed(base, skin * (1.02, 0.9, 0.88), 0.55 * _cheeks(head, template))
    is_skin = region[:, [Region.SKIN, Region.FOREHEAD, Region.NOSE, Region.NECK, Region.EYELIDS]].sum(axis=1)
    base *= (1 + palette.unevenness * is_skin * _blotches(template))[:, None]
    base = _mixed(base, np.multiply(palette.hair, 0.8), palette.beard * is_skin * _beard(head, template))
    base = _mixed(base, palette.lips, step(0.38, 0.58, fields[:, 1]))
    base = _mixed(
        base, np.multiply(palette.hair, 0.9), 0.88 * brows(head, template) * (region[:, Region.EYELIDS] < 0.5)
    )
    strands = np.asarray(palette.hair, np.float32) * _strands(template)[:, None]
    base = _mixed(base, strands, step(0.38, 0.6, fields[:, 0]))
    # Back teeth lie in the cheek's shadow, and the lips' corners would show them white.
    front = template[:, 2] - template[region[:, Region.LIPS] > 0.9, 2].max()
    teeth = region[:, Region.TEETH] > 0.5
    base = np.where(teeth[:, None], base * (0.15 + 0.85 * step(-0.036, -0.020, front))[:, None], base)
    deep = (region[:, Region.MOUTH] + region[:, Region.TONGUE]) > 0.5
    base = np.where(deep[:, None], base * (0.25 + 0.75 * step(-0.05, -0.012, front))[:, None], base)
    return np.asarray(base / 255, np.float32).clip(0, 1)


def _mixed(base: Float32, colour: object, share: Float32) -> Float32:
    return np.asarray(base + (np.asarray(colour, np.float32) - base) * share[:, None], np.float32)


def _from_eyes(head: HeadModel, template: Float32) -> tuple[Float32, Float32, Float32]:
    """How far to the side (1 at an eye's centre), above and before the eyes, metres."""
    eyes = (head.joint_regressor @ head.template)[[LEFT_EYE, RIGHT_EYE]]
    x, y, z = (template - eyes.mean(axis=0)).T
    return np.abs(x) / abs(float(eyes[0, 0])), y, z


def brows(head: HeadModel, template: Float32) -> Float32:
    """[V'] two arcs, thick at the nose and thin at the temples."""
    across, y, z = _from_eyes(head, template)
    arch = 20.5 * _MM - 7.5 * _MM * (across - 1.2) ** 2 * np.where(across < 1.2, 0.6, 1.25)
    thick = 4.6 * _MM * (1.12 - 0.42 * across)
    along = step(0.32, 0.58, across) * step(-1.85, -1.62, -across)
    return np.asarray(step(-1.35, -0.55, -np.abs(y - arch) / np.maximum(thick, 1e-4)) * along * (z > -0.03), np.float32)


def _strands(template: Float32) -> Float32:
    """[V'] lightness of the hair: streaks that run from the crown."""
    x, y, z = template.T
    around = np.arctan2(x, z + 0.02)
    streaks = np.sin(23 * around + 2 * np.sin(5 * around)) + 0.6 * np.sin(37 * around + 25 * y)
    return np.asarray(1.0 + 0.13 * streaks * step(0.02, 0.09, np.hypot(x, z + 0.02)), np.float32)


def _cheeks(head: HeadModel, template: Float32) -> Float32:
    across, y, z = _from_eyes(head, template)
    return np.asarray(np.exp(-(((across - 1.25) / 0.45) ** 2) - ((y + 0.034) / 0.017) ** 2) * (z > -0.04), np.float32)


def _blotches(template: Float32) -> Float32:
    """[V'] smooth unevenness of standard deviation 1, the same for everybody."""
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(_WAVES, 3)) * np.exp(rng.uniform(np.log(60), np.log(500), (_WAVES, 1)))  # radians a metre
    waves = np.sin(template @ turn.T.astype(np.float32) + rng.uniform(0, 2 * np.pi, _WAVES).astype(np.float32))
    return np.asarray(waves.sum(axis=1) * np.sqrt(2 / _WAVES), np.float32)


def _beard(head: HeadModel, template: Float32) -> Float32:
    """[V'] chin, jaw and upper lip, softer towards cheeks and throat."""
    across, y, z = _from_eyes(head, template)
    line = -0.054 + 0.028 * step(0.75, 2.1, across)  # from under the nose up to the ear
    chin = step(-0.004, 0.008, line - y) * step(-0.135, -0.112, y)
    below_nose = 1 - 0.75 * np.exp(-((across / 0.2) ** 2)) * step(-0.062, -0.056, y)
    return np.asarray(chin * below_nose * step(-0.075, -0.05, z), np.float32)


@cache
def openness(head: HeadModel) -> Float32:
    """[V, 1] share of the directions a vertex faces in which nothing of the head at rest is in the way.

    Taken from pictures of the head from all around (a z-buffer each). What is inside the mouth or behind a lid moves
    into the light, so it keeps the share that its paint allows for.
    """
    normals = vertex_normals(head.template, head.faces)
    camera = Camera(_LOOK_PX, _LOOK_PX, _LOOK_PX * _FAR_M / 0.3, ((_LOOK_PX - 1) / 2,) * 2)
    centre = (head.template.max(axis=0) + head.template.min(axis=0)) / 2
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(_LOOKS)  # Fibonacci's sphere
    height = 1 - 2 * (np.arange(_LOOKS) + 0.5) / _LOOKS
    ring = np.sqrt(1 - height**2)
    free, possible = np.zeros(len(normals)), np.zeros(len(normals))
    for towards in np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1).astype(np.float32):
        right = np.cross([0, 1, 0], towards)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
        placed = (head.template - centre) @ axes.T - np.array([0, 0, _FAR_M], np.float32)
        seen = rasterise(placed, head.faces, camera)
        depth = seen.image(seen.depth[:, None], np.inf)[:, :, 0]
        column, row = np.clip(np.round(camera.project(placed)).astype(int), 0, _LOOK_PX - 1).T
        weight = np.maximum(normals @ towards, 0)
        free += weight * (-placed[:, 2] < depth[row, column] + _SURE_M)
        possible += weight
    share = smoothed(head.faces, (free / np.maximum(possible, 1e-6)).astype(np.float32)[:, None], rounds=1)
    hidden = head.mask(Region.MOUTH, Region.TEETH, Region.TONGUE, Region.EYE_WHITE, Region.IRIS, Region.PUPIL)
    return np.where(hidden[:, None], np.float32(1), share)
