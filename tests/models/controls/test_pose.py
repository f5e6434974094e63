"""Head pose: right axes, still in silence, the eyes where they were, styles that match."""

from pathlib import Path

import numpy as np
import pytest

from models.avatar.motion import EXPRESSION, GAZE, ROTATION
from models.avatar.style import style_of
from models.controls.keys import BadControl
from models.controls.pose import (
    LIMITS_RAD,
    PoseStyle,
    apply_pose,
    parse_pose,
    wanted_style,
)
from models.head.angles import from_angles, to_angles
from models.head.model import load_open_head
from models.head.rotation import to_matrix
from schemas.arrays import Float32
from schemas.controls import HeadPose, PoseKeys, PoseOfClip, PosePreset
from tests.models.controls.heads import talking, vertices_of, voice

HEAD = load_open_head()
FRAMES = talking(HEAD)
VOICE = voice()


def angles_of(frames: Float32) -> Float32:
    return np.degrees(to_angles(np.ascontiguousarray(frames[:, ROTATION])))


def line_of_sight(frames: Float32) -> Float32:
    head, eyes = to_matrix(frames[:, ROTATION].copy()), to_matrix(np.pad(frames[:, GAZE], ((0, 0), (0, 1))))
    return (head @ eyes)[:, :, 2]


def test_angles_and_rotations_are_inverse() -> None:
    angles = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(to_angles(from_angles(angles)), angles, atol=2e-5)


def test_each_axis_moves_the_nose_as_its_name_says() -> None:
    keys = PoseKeys(
        np.arange(4, dtype=np.float32), np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]], np.float32)
    )
    at_keys = apply_pose(np.zeros((76, 58), np.float32), keys, voice(76))[::25]
    marks = HEAD.landmarks(vertices_of(HEAD, at_keys, with_pose=True))
    nose, brow = marks[:, 1] - marks[0, 1], marks[:, 10] - marks[0, 10]
    assert nose[1, 1] < -0.005, "pitch nods down"
    assert nose[2, 0] > 0.005, "yaw turns to the subject's left"
    assert brow[3, 0] < -0.005, "roll tilts the crown to the subject's right"
    np.testing.assert_allclose(angles_of(at_keys), keys.degrees, atol=1e-3)


def test_natural_is_the_model_while_somebody_speaks() -> None:
    natural = apply_pose(FRAMES, HeadPose(PosePreset.NATURAL), VOICE)
    np.testing.assert_allclose(natural, FRAMES, atol=2e-3)


@pytest.mark.parametrize("preset", PosePreset)
def test_the_head_rests_in_silence_and_blinks_go_on(preset: PosePreset) -> None:
    posed = apply_pose(FRAMES, HeadPose(preset), voice(silent_from=60))
    np.testing.assert_array_equal(posed[:, EXPRESSION], FRAMES[:, EXPRESSION])
    silent = angles_of(posed)[100:]
    assert np.abs(np.diff(silent, axis=0)).max() < 0.11
    assert np.abs(silent).max() < 0.8
    assert np.abs(np.diff(angles_of(posed), 2, axis=0)).max() < 1, "it does not stop dead"


def test_still_hardly_moves_and_a_presenter_moves_more_within_limits() -> None:
    still, presenter, wild = (
        angles_of(apply_pose(FRAMES, pose, VOICE))
        for pose in (
            HeadPose(PosePreset.STILL),
            HeadPose(PosePreset.PRESENTER),
            HeadPose(PosePreset.PRESENTER, 1.5),
        )
    )
    own = angles_of(FRAMES)
    assert (still.std(0) < 0.1 * own.std(0)).all()
    assert (presenter.std(0)[:2] > 1.15 * own.std(0)[:2]).all()
    assert (np.abs(wild).max(0) <= np.degrees(LIMITS_RAD) + 1e-3).all()


def test_a_presenter_nods_on_accents() -> None:
    frames = np.zeros_like(FRAMES)
    pitch = angles_of(apply_pose(frames, HeadPose(PosePreset.PRESENTER), VOICE))[:, 0]
    loudest = np.arange(0, 150, 37.5)[1:].astype(int)  # the voice is accented every 1.5 s
    assert pitch[loudest].mean() > 2 * pitch.mean() > 0


def test_a_style_is_matched_and_told_to_the_model() -> None:
    style = np.log(np.radians([5.0, 1.0, 3.0, 20.0, 5.0, 12.0])).astype(np.float32)
    posed = apply_pose(FRAMES, PoseStyle(style), VOICE)
    np.testing.assert_allclose(style_of(posed)[:3], style[:3], atol=0.02)
    told = wanted_style(PoseStyle(style))
    assert told is not None
    np.testing.assert_array_equal(told, style)
    assert wanted_style(HeadPose(PosePreset.NATURAL)) is None
    presenter, still = (wanted_style(HeadPose(p)) for p in (PosePreset.PRESENTER, PosePreset.STILL))
    assert presenter is not None
    assert still is not None
    assert (presenter > still).all()


def test_the_eyes_stay_on_the_viewer_unless_told_otherwise() -> None:
    keys = PoseKeys(np.array([0, 3], np.float32), np.array([[0, -15, 3], [8, 15, -3]], np.float32))
    watching = apply_pose(FRAMES, keys, VOICE)
    np.testing.assert_allclose(line_of_sight(watching), line_of_sight(FRAMES), atol=2e-3)
    riding = apply_pose(FRAMES, keys, VOICE, eye_contact=0.0)
    np.testing.assert_allclose(riding[:, GAZE], FRAMES[:, GAZE], atol=1e-5)


def test_speech_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="150 frames and speech of 40"):
        apply_pose(FRAMES, HeadPose(PosePreset.NATURAL), voice(40))


def test_what_people_write(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("time_s,pitch_deg,yaw_deg,roll_deg\n0,0,0,0\n1,5,-10,0\n")
    keys = parse_pose(str(path))
    assert isinstance(keys, PoseKeys)
    np.testing.assert_array_equal(keys.degrees[1], [5, -10, 0])
    assert parse_pose("presenter:0.6") == HeadPose(PosePreset.PRESENTER, 0.6)
    assert parse_pose("clip:ab12") == PoseOfClip("ab12")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,pitch_deg,yaw_deg\n0,0,0\n", "missing"),
        ("time_s,pitch_deg,yaw_deg,roll_deg\n0,0,120,0\n", "80 degrees"),
        ("time_s,pitch_deg,yaw_deg,roll_deg\n1,0,0,0\n0,0,0,0\n", "rise"),
        ("time_s,pitch_deg,yaw_deg,roll_deg\n0,0,nan,0\n", ":2:"),
        ("time_s,pitch_deg,yaw_deg,roll_deg\n0,0,x,0\n", ":2:"),
        ("", "missing"),
        ("time_s,pitch_deg,yaw_deg,roll_deg\n", "0 keyframes"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(BadControl, match=said):
        parse_pose(str(path))


@pytest.mark.parametrize("text", ["wobbly", "still:9", "clip:", "presenter:much"])
def test_an_unknown_pose_is_refused(text: str) -> None:
    with pytest.raises(BadControl, match="natural"):
        parse_pose(text)
