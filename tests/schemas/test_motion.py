"""3DXTalker's view of a clip's motion."""

import numpy as np
import pytest

from schemas.motion import HeadMotion, to_3dxtalker


@pytest.mark.parametrize(("detail", "width"), [(False, 156), (True, 284)])
def test_3dxtalkers_frame_has_each_part_in_its_place(detail: bool, width: int) -> None:
    def frames(columns: int, value: float) -> np.ndarray:
        return np.full((3, columns), value, np.float32)

    motion = HeadMotion(
        "clip", "open-head@1", 3, np.full(100, 1, np.float32), frames(50, 2), frames(3, 3), frames(3, 4),
        frames(6, 9), frames(2, 9), frames(3, 9), 1000.0, (0.0, 0.0), frames(128, 5) if detail else None,
    )  # fmt: skip
    view = to_3dxtalker(motion)
    assert view.shape == (3, width)
    assert [view[0, i] for i in (0, 99, 100, 149, 150, 152, 153, 155)] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert (view[:, 156:] == 5).all()
