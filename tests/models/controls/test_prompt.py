"""Prompts: what is understood, how strongly, what is denied, and that nothing is guessed."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.assets import AssetStore
from models.controls.emotion import parse_emotion
from models.controls.prompt import PromptReader
from models.controls.sentence import ASSET, SentenceEncoder, UnreadableSentenceModel
from schemas.arrays import Float32
from schemas.controls import EMOTIONS, CameraMove, CameraShot, Direction, Emotion, HeadPose, PosePreset

PROMPTS = Path(__file__).parent / "data" / "prompts.csv"


class SharedWords:
    """An embedder that knows only whether texts share words."""

    def __init__(self) -> None:
        self._words: dict[str, int] = {}

    def embed(self, texts: Sequence[str]) -> Float32:
        out = np.zeros((len(texts), 2000), np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in text.lower().split():
                row[self._words.setdefault(word, len(self._words))] = 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def reader() -> PromptReader:
    return PromptReader(SharedWords())


def strength(direction: Direction, emotion: Emotion, stage: int = 0) -> float:
    assert direction.emotion is not None
    return float(direction.emotion.intensity[stage, EMOTIONS.index(emotion)])


def test_the_example_of_the_readme(reader: PromptReader) -> None:
    direction = reader.read("cheerful, lively nods, slow push-in")
    assert strength(direction, Emotion.HAPPY) == pytest.approx(0.75)
    assert direction.pose == HeadPose(PosePreset.PRESENTER)
    assert direction.camera == CameraShot(CameraMove.PUSH_IN, tempo=0.5)
    assert [u.control for u in direction.understood] == ["emotion happy", "pose presenter", "camera push-in"]
    assert [u.phrase for u in direction.understood] == ["cheerful", "lively nods", "slow push-in"]
    assert direction.not_understood == ()


@pytest.mark.parametrize("prompt", ["", "  ,, ;", "purple monkey dishwasher", "asdf qwer"])
def test_nothing_is_guessed(reader: PromptReader, prompt: str) -> None:
    direction = reader.read(prompt)
    assert (direction.emotion, direction.pose, direction.camera) == (None, None, None)
    assert direction.understood == ()
    assert direction.not_understood == ((prompt,) if prompt.strip(" ,;") else ())


def test_adverbs_scale(reader: PromptReader) -> None:
    levels = [strength(reader.read(f"{word} sad"), Emotion.SAD) for word in ("slightly", "", "very", "extremely")]
    assert levels == sorted(levels)
    assert levels[0] < 0.4
    assert levels[3] <= 1.5


@pytest.mark.parametrize("text", ["not happy", "without any joy", "never smiling", "don't look happy"])
def test_an_emotion_denied_is_absent(reader: PromptReader, text: str) -> None:
    direction = reader.read(text)
    assert strength(direction, Emotion.HAPPY) == 0
    assert [(u.control, u.intensity) for u in direction.understood] == [("emotion happy", 0.0)]


def test_movement_denied_is_stillness(reader: PromptReader) -> None:
    direction = reader.read("no camera movement and no head movement")
    assert direction.camera == CameraShot(CameraMove.FIXED)
    assert direction.pose == HeadPose(PosePreset.STILL)
    assert reader.read("without nodding").pose == HeadPose(PosePreset.STILL)
    assert reader.read("no orbit").camera == CameraShot(CameraMove.FIXED)
    assert reader.read("camera movement").camera is None, "which movement is not said"


def test_several_at_once_and_one_after_the_other(reader: PromptReader) -> None:
    both = reader.read("angry and surprised, fast orbit")
    assert strength(both, Emotion.ANGRY) == strength(both, Emotion.SURPRISED) == 0.75
    assert both.camera == CameraShot(CameraMove.ORBIT, tempo=1.8)
    turn = reader.read("sad then happy", duration_s=6.0)
    assert turn.emotion is not None
    np.testing.assert_allclose(turn.emotion.times_s, [2.5, 3.5])
    assert (strength(turn, Emotion.SAD, 0), strength(turn, Emotion.SAD, 1)) == (0.75, 0)
    assert (strength(turn, Emotion.HAPPY, 0), strength(turn, Emotion.HAPPY, 1)) == (0, 0.75)
    assert reader.read("sad, then happy", duration_s=6.0).emotion is not None


def test_a_tempo_on_its_own_is_the_cameras(reader: PromptReader) -> None:
    assert reader.read("orbit, slowly").camera == CameraShot(CameraMove.ORBIT, tempo=0.5)


def test_an_explicit_option_goes_before_the_prompt(reader: PromptReader) -> None:
    told = parse_emotion("sad:0.4")
    direction = reader.read("cheerful, slow push-in").override(emotion=told)
    assert direction.emotion is told
    assert direction.camera == CameraShot(CameraMove.PUSH_IN, tempo=0.5)


def test_a_folder_without_the_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSentenceModel, match="xtalker assets pull minilm"):
        SentenceEncoder(tmp_path)


@pytest.fixture(scope="module")
def real_reader() -> PromptReader:
    root = Path(os.environ.get("XTALKER_ASSETS", "~/.cache/xtalker/assets")).expanduser()
    return PromptReader(SentenceEncoder(AssetStore(root).path(ASSET)))


def judge(reader: PromptReader, split: str) -> tuple[float, float]:
    """Share of prompts understood exactly, and of off-topic ones that are refused; 1 where there are none."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    with PROMPTS.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                found = {
                    f"{u.control}:0" if u.intensity == 0 else u.control
                    for u in reader.read(row["prompt"]).understood
                    if not u.control.startswith("tempo")
                }
                wanted = set(filter(None, row["controls"].split("|")))
                right[bool(wanted)].append(found == wanted)
    return tuple(float(np.mean(right[k])) if right[k] else 1.0 for k in (True, False))  # type: ignore[return-value]


@pytest.mark.slow
def test_prompts_that_chose_no_threshold_are_understood(real_reader: PromptReader) -> None:
    understood, refused = judge(real_reader, "held_out")
    assert understood >= 0.9
    assert refused >= 0.95


@pytest.mark.slow
def test_most_sentences_that_only_borrow_a_word_are_refused(real_reader: PromptReader) -> None:
    """ "A neutral country", "pull the door open": no encoder of this size sees through all of them."""
    _, refused = judge(real_reader, "lookalike")
    assert refused >= 0.7
