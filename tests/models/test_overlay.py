"""The window shows what it says it shows, at the place where the camera says it is."""

import numpy as np

from models.head.model import load_open_head
from models.overlay import HeadPainter, Window, lip_gap
from schemas.motion import HeadMotion


def still_head(n_frames: int = 1, jaw_rad: float = 0.0) -> HeadMotion:
    zeros = np.zeros((n_frames, 3), np.float32)
    jaw = zeros.copy()
    jaw[:, 0] = jaw_rad
    return HeadMotion(
        clip_id="clip",
        head_model="open-head@1",
        n_frames=n_frames,
        shape=np.zeros(100, np.float32),
        expression=np.zeros((n_frames, 50), np.float32),
        global_rotation=zeros,
        jaw=jaw,
        eyes=np.zeros((n_frames, 6), np.float32),
        eyelids=np.zeros((n_frames, 2), np.float32),
        translation=zeros + np.float32([0, 0, -0.8]),
        focal_px=300.0,
        principal_point_px=(79.5, 59.5),
    )


def test_a_window_and_its_camera_agree() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[40:44, 100:104] = 255  # centre (101.5, 41.5)
    window = Window(left=90, top=30, side=24, panel_px=96)
    row, column = np.argwhere(window.cut(frame)[:, :, 0] > 128).mean(axis=0)
    motion = still_head()
    point = np.array([[(79.5 - 101.5) / -300.0, (59.5 - 41.5) / 300.0, -1.0]])
    np.testing.assert_allclose(window.camera(motion).project(point)[0], [column, row], atol=0.3)


def test_a_window_over_the_edge_is_black_there() -> None:
    cut = Window(left=-10, top=-10, side=40, panel_px=40).cut(np.full((20, 20, 3), 200, np.uint8))
    assert cut[:10].max() == 0
    assert cut[:, 30:].max() == 0
    assert cut[10:30, 10:30].min() == 200


def test_a_window_far_outside_is_black() -> None:
    assert Window(left=500, top=-300, side=40, panel_px=32).cut(np.full((20, 20, 3), 200, np.uint8)).max() == 0


def test_the_overlay_lies_on_the_face_and_nowhere_else() -> None:
    head = load_open_head()
    motion = still_head()
    vertices = head.vertices(
        motion.shape, motion.expression, motion.global_rotation, motion.jaw, motion.eyes, motion.translation
    )
    window = Window(20, 0, 120, 120)
    panels = HeadPainter(head, opacity=0.5, supersample=1).paint(
        np.full((120, 160, 3), 100, np.uint8), vertices[0], window, window.camera(motion)
    )
    changed = np.abs(panels.overlay.astype(int) - panels.original).max(axis=2) > 4
    points = window.camera(motion).project(head.landmarks(vertices)[0])
    nose = np.round(points[1]).astype(int)
    assert changed[nose[1], nose[0]]
    assert not changed[:5].any()
    rows, columns = np.nonzero(changed)
    low, high = points.min(axis=0) - 12, points.max(axis=0) + 12
    assert (columns >= low[0]).all()
    assert (columns <= high[0]).all()
    assert (rows <= high[1]).all()


def test_an_open_jaw_shows_in_the_lip_gap() -> None:
    head = load_open_head()
    gaps = []
    for jaw_rad in (0.0, 0.3):
        m = still_head(jaw_rad=jaw_rad)
        vertices = head.vertices(m.shape, m.expression, m.global_rotation, m.jaw, m.eyes, m.translation)
        gaps.append(float(lip_gap(head.landmarks(vertices))[0]))
    assert gaps[0] < 0.05
    assert gaps[1] > 0.2
