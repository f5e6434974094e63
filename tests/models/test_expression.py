import numpy as np
import pytest

from models.controls.templates import templates
from models.expression import ACTIONS, shown_emotions, valence_arousal
from schemas.controls import EMOTIONS, Emotion
from tests.builders import JAW_OPEN


def test_the_actions_are_in_mediapipes_order() -> None:
    assert len(set(ACTIONS)) == 52
    assert ACTIONS[0] == "_neutral"
    assert ACTIONS[JAW_OPEN] == "jawOpen"


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e is not Emotion.NEUTRAL])
def test_what_is_drawn_as_an_emotion_is_read_as_it(emotion: Emotion) -> None:
    face = np.clip(templates(ACTIONS)[EMOTIONS.index(emotion)], 0, 1)
    shown = shown_emotions(face)
    assert EMOTIONS[int(shown.argmax())] is emotion
    assert shown_emotions(0.3 * face)[EMOTIONS.index(emotion)] < shown[EMOTIONS.index(emotion)]


def test_a_still_face_and_an_open_mouth_are_neutral() -> None:
    for jaw in (0.0, 0.8):
        face = np.zeros(52, np.float32)
        face[JAW_OPEN] = jaw
        shown = shown_emotions(face)
        assert shown[EMOTIONS.index(Emotion.NEUTRAL)] == 1
        assert valence_arousal(shown) == (0, 0)


def test_joy_is_pleasant_sadness_is_not_and_fear_is_awake() -> None:
    weights = np.clip(templates(ACTIONS), 0, 1)
    happy, sad, fear = (
        valence_arousal(shown_emotions(weights[EMOTIONS.index(e)])) for e in (Emotion.HAPPY, Emotion.SAD, Emotion.FEAR)
    )
    assert happy[0] > 0.5 > -0.5 > sad[0]
    assert fear[1] > sad[1]
