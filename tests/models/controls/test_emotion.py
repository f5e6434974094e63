"""Emotion: it shows, it spares the lips, it stays within range, it comes and goes smoothly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.avatar.motion import EXPRESSION, JAW
from models.controls.emotion import apply_emotion, intensity_at, parse_emotion
from models.controls.keys import BadControl
from models.head.landmarks import LOWER_INNER_LIP, UPPER_INNER_LIP
from models.head.model import NoNamedActions, load_open_head
from models.head.regions import Region
from schemas.arrays import Float32
from schemas.controls import EMOTIONS, Emotion
from tests.models.controls.heads import talking, vertices_of

HEAD = load_open_head()
SPEECH = talking(HEAD)
SPEAKING = SPEECH[::6]
ACTING = [emotion for emotion in EMOTIONS if emotion is not Emotion.NEUTRAL]


def lip_gap_mm(vertices: Float32) -> Float32:
    """[T, 9] distances of the inner lips."""
    marks = HEAD.landmarks(vertices)
    return np.linalg.norm(marks[:, UPPER_INNER_LIP] - marks[:, LOWER_INNER_LIP], axis=2) * 1e3


@pytest.mark.parametrize("emotion", ACTING)
def test_the_face_moves_and_the_lips_say_the_same(emotion: Emotion) -> None:
    before = vertices_of(HEAD, SPEAKING)
    after = vertices_of(HEAD, apply_emotion(SPEAKING, parse_emotion(emotion), HEAD))
    change = np.abs(lip_gap_mm(after) - lip_gap_mm(before))
    middle = change[:, 4]
    assert middle.mean() < 0.3
    assert middle.max() < 0.4
    assert change[:, 2:7].max() < 1.0
    closed = lip_gap_mm(before)[:, 4] < 1
    assert closed.any()
    assert middle[closed].max() < 0.3, "p, b and m stay closed"
    moved_mm = np.linalg.norm(after - before, axis=2).mean(0) * 1e3
    around = HEAD.mask(Region.BROWS, Region.EYELIDS, Region.SKIN, Region.NOSE)
    assert moved_mm[around].max() > 4


def test_without_the_answer_of_the_lips_a_smile_would_change_the_gap() -> None:
    smile = SPEAKING.copy()
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        smile[:, EXPRESSION.start + HEAD.expression_names.index(name)] += 0.7
    change = np.abs(lip_gap_mm(vertices_of(HEAD, smile)) - lip_gap_mm(vertices_of(HEAD, SPEAKING)))
    assert change[:, 4].mean() > 1


@pytest.mark.parametrize("emotion", ACTING)
def test_actions_stay_in_their_range_and_the_jaw_is_not_touched(emotion: Emotion) -> None:
    after = apply_emotion(SPEECH, parse_emotion(f"{emotion}:1.5"), HEAD)
    assert after[:, EXPRESSION].max() <= 1.001
    assert after[:, EXPRESSION].min() >= min(0.0, float(SPEECH[:, EXPRESSION].min())) - 1e-3
    np.testing.assert_array_equal(after[:, JAW.start :], SPEECH[:, JAW.start :])


def test_more_intensity_moves_the_face_more() -> None:
    half, full = (apply_emotion(SPEAKING, parse_emotion(f"happy:{level}"), HEAD) for level in (0.5, 1))
    column = HEAD.expression_names.index("mouthSmileLeft")
    np.testing.assert_allclose(half[:, column], 0.35, atol=1e-3)
    np.testing.assert_allclose(full[:, column], 0.7, atol=0.02)


def test_a_surprised_person_blinks() -> None:
    blinks = SPEECH[:, HEAD.expression_names.index("eyeBlinkLeft")]
    wide = apply_emotion(SPEECH, parse_emotion("surprised"), HEAD)[:, HEAD.expression_names.index("eyeWideLeft")]
    assert wide[blinks.argmax()] < 0.05
    assert wide[0] > 0.85


def test_no_emotion_changes_nothing() -> None:
    for text in ("neutral", "happy:0"):
        np.testing.assert_array_equal(apply_emotion(SPEECH, parse_emotion(text), HEAD), SPEECH)


def test_a_jump_becomes_a_smooth_onset() -> None:
    curve = parse_emotion("happy:0@0,happy:0@2,happy:1@2.001s")
    happy = intensity_at(curve, 100)[:, EMOTIONS.index(Emotion.HAPPY)]
    assert happy[35] == 0
    assert happy[65] == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(happy)).max() < 0.16
    assert np.abs(np.diff(happy, 2)).max() < 0.04


def test_frames_of_a_smooth_speech_stay_smooth() -> None:
    """The lips' answer has bounds; where one is reached it bends and does not jump."""
    added = apply_emotion(SPEECH, parse_emotion("happy:0@0s,happy:1@5s"), HEAD)[:, EXPRESSION] - SPEECH[:, EXPRESSION]
    smooth = np.abs(np.diff(SPEECH[:, EXPRESSION], axis=0)).max(axis=1) < 0.1
    assert np.abs(np.diff(added, axis=0))[smooth].max() < 0.12


def test_strings_and_files_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("time_s,happy,sad\n0,0,1\n2,1,0\n")
    written, said = parse_emotion(str(path)), parse_emotion("happy:0@0s,happy:1@2s,sad:1@0s,sad:0@2s")
    np.testing.assert_array_equal(written.times_s, said.times_s)
    np.testing.assert_array_equal(written.intensity, said.intensity)
    mixed = parse_emotion("happy:0.7, surprised:0.3")
    assert mixed.intensity[0].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "text", ["joy", "happy:2", "happy:-1", "happy:0.5:1", "happy@", "", "happy:1.2.3", "nowhere.csv", "happy;sad"]
)
def test_what_cannot_be_understood_is_refused_with_the_names(text: str) -> None:
    with pytest.raises(BadControl, match=r"emotion|nowhere.csv"):
        parse_emotion(text)


def test_a_head_without_named_actions_is_refused() -> None:
    flame = replace(HEAD, name="flame2023", expression_names=tuple(f"exp{k}" for k in range(50)))
    with pytest.raises(NoNamedActions, match="flame2023"):
        apply_emotion(SPEECH, parse_emotion("happy"), flame)
