"""Cameras: the face stays in the picture, moves are smooth and do what their names say, at any frame rate."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.controls.camera import HEAD_CENTRE_M, NEAREST_M, film, parse_camera
from models.controls.keys import BadControl
from models.head.model import load_open_head
from schemas.arrays import Float32
from schemas.controls import CameraKeys, CameraMove, CameraShot
from schemas.performance import CameraPath
from tests.models.controls.heads import talking, vertices_of, voice

HEAD = load_open_head()
FRAMES = talking(HEAD)[::10]
MARKS = HEAD.landmarks(vertices_of(HEAD, FRAMES, with_pose=True))
VOICE = voice()


def in_picture(path: CameraPath, points: Float32, aspect: float) -> Float32:
    """[T, L, 2] where points [T, L, 3] fall; 1 is the edge of the picture."""
    ahead = path.target - path.position
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    right = np.cross(ahead, [0, 1, 0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(right, ahead)
    cosine, sine = np.cos(path.roll)[:, None], np.sin(path.roll)[:, None]
    right, up = cosine * right - sine * up, cosine * up + sine * right
    x, y, z = (np.einsum("tlk,tk->tl", points - path.position[:, None], axis) for axis in (right, up, ahead))
    edge = np.tan(path.vertical_fov / 2)[:, None] * z
    return np.stack([x / (edge * aspect), y / edge], axis=-1)


@pytest.mark.parametrize("move", CameraMove)
def test_the_face_stays_in_the_picture_and_the_camera_out_of_the_head(move: CameraMove) -> None:
    for aspect in (9 / 16, 1.0, 16 / 9):
        for speech in (VOICE, None):
            path = film(CameraShot(move), 150, aspect, speech)
            seen = CameraPath(15, path.position[::10], path.target[::10], path.roll[::10], path.vertical_fov[::10])
            where = np.abs(in_picture(seen, MARKS, aspect))
            assert where.max() < 1
            assert where.max() > 0.4, "the face fills a good part of the picture"
            assert np.linalg.norm(path.position - np.array(HEAD_CENTRE_M), axis=1).min() > NEAREST_M
            assert (path.position[:, 2] > 0.2).all(), "it sees the face"


@pytest.mark.parametrize("move", CameraMove)
@pytest.mark.parametrize("n_frames", [25, 150])
def test_moves_are_smooth(move: CameraMove, n_frames: int) -> None:
    path = film(CameraShot(move), n_frames, 1.0, voice(n_frames))
    acceleration = np.diff(path.position, 2, axis=0) * 625
    assert np.linalg.norm(acceleration, axis=1).max() < 8, "m/s^2"
    assert np.abs(np.diff(np.degrees(path.roll))).max(initial=0) < 1.2


@pytest.mark.parametrize("move", CameraMove)
def test_the_frame_rate_changes_only_the_sampling(move: CameraMove) -> None:
    slow, fast = (film(CameraShot(move), n, 1.0, None, rate) for n, rate in ((100, Fraction(25)), (200, Fraction(50))))
    np.testing.assert_allclose(fast.position[::2], slow.position, atol=1e-4)
    np.testing.assert_allclose(fast.roll[::2], slow.roll, atol=1e-4)


def test_moves_do_what_their_names_say() -> None:
    def distance(move: CameraMove) -> Float32:
        path = film(CameraShot(move), 150, 1.0, VOICE)
        return np.linalg.norm(path.position - path.target, axis=1)

    push, pull, whip = (distance(m) for m in (CameraMove.PUSH_IN, CameraMove.PULL_OUT, CameraMove.PUSH_WHIP_PULL))
    assert push[-1] < 0.8 * push[0]
    assert pull[-1] > 1.3 * pull[0]
    assert whip.min() < 0.8 * whip[0] < whip[-1]
    assert np.ptp(film(CameraShot(CameraMove.ORBIT), 300, 1.0).position[:, 0]) > 1
    assert (film(CameraShot(CameraMove.LOW_ANGLE_HERO), 150, 1.0).position[:, 1] < 0).all()
    assert np.ptp(film(CameraShot(CameraMove.FIXED), 150, 1.0).position, axis=0).max() == 0
    swings = film(CameraShot(CameraMove.BROADWAY_SWING), 250, 1.0)
    assert np.corrcoef(swings.position[:, 0], swings.roll)[0, 1] > 0.9


def test_the_bounce_follows_the_voice() -> None:
    shot = CameraShot(CameraMove.BEAT_BOUNCE)
    rest = voice(150, silent_from=60)
    lift = film(shot, 150, 1.0, rest).target[:, 1]
    assert np.ptp(lift[:60]) > 0.004
    assert np.ptp(lift[100:]) < 1e-4


def test_intensity_and_tempo() -> None:
    plain, half, none = (film(CameraShot(CameraMove.ORBIT, i), 300, 1.0).position for i in (1.0, 0.5, 0.0))
    assert np.ptp(none, axis=0).max() == pytest.approx(0, abs=1e-6)
    assert np.ptp(half[:, 0]) < 0.7 * np.ptp(plain[:, 0])
    quick = film(CameraShot(CameraMove.ORBIT, tempo=2.0), 150, 1.0).position
    np.testing.assert_allclose(quick[:, 0], plain[::2][:, 0], atol=1e-4)


def test_keyframes(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("time_s,azimuth_deg,zoom\n0,0,1\n2,30,1\n4,30,2\n")
    keys = parse_camera(str(path))
    assert isinstance(keys, CameraKeys)
    filmed = film(keys, 126, 1.0)
    from_head = filmed.position - filmed.target
    distance = np.linalg.norm(from_head, axis=1)
    assert np.degrees(np.arctan2(from_head[50, 0], from_head[50, 2])) == pytest.approx(30, abs=0.1)
    assert distance[100] == pytest.approx(distance[0] / 2, rel=1e-3)
    assert all(after <= before + 1e-6 for before, after in pairwise(distance)), "no overshoot"


@pytest.mark.parametrize("text", ["sideways", "orbit:7", "orbit:fast"])
def test_an_unknown_move_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(BadControl, match="push-whip-pull"):
        parse_camera(text)


def test_a_view_from_inside_the_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("time_s,zoom\n0,40\n")
    with pytest.raises(BadControl, match="zoom"):
        parse_camera(str(path))
