"""A performance as lines of JSON, one a frame, for whoever shows it while it is being made.

Each is ``{"frame", "time_s", "arkit", "head_deg", "left_eye_deg", "right_eye_deg"}``: ARKit's 52 actions by name, 0..1
(``models.export.arkit``), and pitch, yaw and roll in degrees (``models.head.angles``), the eyes' beside the head's.
"""

import json
from typing import Final

import numpy as np

from models.export.arkit import ACTIONS, to_actions
from models.head.angles import to_angles
from models.head.model import HeadModel
from schemas.performance import Performance
from schemas.units import frames_to_seconds

_ACTION_DECIMALS: Final = 4
_DEGREE_DECIMALS: Final = 2


def to_lines(performance: Performance, head: HeadModel, first_frame: int = 0) -> list[str]:
    """The lines, each with its line feed, of a piece of a performance that begins at ``first_frame``."""
    actions = to_actions(performance, head).clip(0, 1).round(_ACTION_DECIMALS).tolist()
    head_deg, left_deg, right_deg = (
        np.degrees(to_angles(turn).astype(np.float64)).round(_DEGREE_DECIMALS).tolist()
        for turn in (performance.global_rotation, performance.eyes[:, :3], performance.eyes[:, 3:])
    )
    lines = []
    for k in range(performance.n_frames):
        line = {
            "frame": first_frame + k,
            "time_s": frames_to_seconds(first_frame + k),
            "arkit": dict(zip(ACTIONS, actions[k], strict=True)),
            "head_deg": head_deg[k],
            "left_eye_deg": left_deg[k],
            "right_eye_deg": right_deg[k],
        }
        lines.append(json.dumps(line) + "\n")
    return lines
