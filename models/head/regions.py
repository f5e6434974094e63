"""Which part of the head a vertex belongs to."""

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt


class Region(IntEnum):
    """One value per vertex of the open head (``HeadModel.region``)."""

    SKIN = 0  # cheeks, chin, temples
    FOREHEAD = 1
    NOSE = 2
    LIPS = 3
    EYELIDS = 4
    BROWS = 5
    EARS = 6
    SCALP = 7
    NECK = 8
    MOUTH = 9  # the cavity
    TEETH = 10
    TONGUE = 11
    EYE_WHITE = 12
    IRIS = 13
    PUPIL = 14


FACE: Final = (Region.SKIN, Region.FOREHEAD, Region.NOSE, Region.LIPS, Region.EYELIDS, Region.BROWS)
EYEBALLS: Final = (Region.EYE_WHITE, Region.IRIS, Region.PUPIL)

# sRGB, 0..255: a light-skinned, brown-haired head that a face detector takes for a person.
BASE_COLOUR: Final[dict[Region, tuple[int, int, int]]] = {
    Region.SKIN: (214, 164, 138),
    Region.FOREHEAD: (216, 168, 142),
    Region.NOSE: (216, 160, 134),
    Region.LIPS: (178, 96, 92),
    Region.EYELIDS: (200, 148, 126),
    Region.BROWS: (84, 60, 46),
    Region.EARS: (210, 150, 126),
    Region.SCALP: (62, 45, 36),
    Region.NECK: (204, 154, 128),
    Region.MOUTH: (92, 34, 34),
    Region.TEETH: (232, 226, 214),
    Region.TONGUE: (176, 88, 90),
    Region.EYE_WHITE: (236, 234, 230),
    Region.IRIS: (88, 68, 48),
    Region.PUPIL: (14, 12, 12),
}


def base_colours(region: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """[V, 3] sRGB colour of each vertex by its region."""
    return np.array([BASE_COLOUR[r] for r in Region], np.uint8)[region]
