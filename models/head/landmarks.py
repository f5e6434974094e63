"""Named sets of MediaPipe's 478 face landmarks. Left and right are the subject's."""

from typing import Final

import numpy as np

OUTER_EYE_CORNERS: Final = (33, 263)  # right, left
INNER_LIPS: Final = (13, 14)  # middle of the upper and of the lower lip, where they meet
UPPER_INNER_LIP: Final = (191, 80, 81, 82, 13, 312, 311, 310, 415)  # from the right to the left
LOWER_INNER_LIP: Final = (95, 88, 178, 87, 14, 317, 402, 318, 324)

LIPS: Final = np.array(
    [
        *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),  # outer contour
        *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),  # inner contour
    ]
)

# Openings: upper and lower point. Their distance says more about speech and blinks than where either point lies.
LIP_GAPS: Final = np.array([(13, 14), (82, 87), (312, 317), (81, 178), (311, 402)])
LID_GAPS: Final = np.array([(159, 145), (386, 374)])

RIGHT_IRIS: Final = np.arange(468, 473)
LEFT_IRIS: Final = np.arange(473, 478)
