"""A classifier of the user's own: its own numbers, its own labels, and what is not one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from flows.errors import InvalidRecipe
from flows.recipe import load_recipe
from models.speech_encoder import SpeechModelUnavailable
from models.voice_emotion import TransformersEmotion
from schemas.speech import VoiceQuality
from tasks.cues import CuesConfig, voice_emotion
from tests.builders import clip, speech_like
from tests.models.test_speech_encoder import SMALL, write_tiny

LABELS = {0: "calm", 1: "happy", 2: "angry"}
SOUND = speech_like(50 * 640)


def write_classifier(folder: Path, **settings: Any) -> Path:
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(**SMALL, id2label=LABELS, classifier_proj_size=8, **settings)
    transformers.Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=16_000).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_probabilities_are_the_models_own_under_its_own_labels(tmp_path: Path, problem: str) -> None:
    folder = write_classifier(tmp_path / "mine", problem_type=problem)
    found = TransformersEmotion(str(folder)).classify(SOUND)
    assert (found.model, found.labels) == ("mine", ("calm", "happy", "angry"))
    network = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(folder).eval()
    heard = torch.from_numpy((SOUND - SOUND.mean()) / SOUND.std())[None]
    with torch.inference_mode():
        logits = network(heard).logits[0].numpy()
    odds = np.exp(logits)
    expected = odds / odds.sum() if problem.startswith("single") else odds / (1 + odds)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)


def test_where_little_is_said_nothing_is_said_about_it(tmp_path: Path) -> None:
    classifier = TransformersEmotion(str(write_classifier(tmp_path)))
    spoken, quality = clip(50, audio=SOUND), VoiceQuality(0.9, 30, 0, 3, 3, 3, 3)
    found = voice_emotion(spoken, quality, classifier, CuesConfig())
    assert found is not None
    assert found.probabilities.sum() == pytest.approx(1)
    assert voice_emotion(spoken, replace(quality, speech_ratio=0.1), classifier, CuesConfig()) is None
    assert voice_emotion(spoken, quality, None, CuesConfig()) is None


def test_a_recipe_names_it_by_a_folder_beside_it_and_is_refused_otherwise(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "mine")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("cues: {emotion_model: mine}\n")
    read = load_recipe(recipe)
    assert read.cues.emotion_model == str(folder)
    assert read.curation_key != load_recipe().curation_key
    recipe.write_text("cues: {emotion_model: nobody/none}\n")
    with pytest.raises(InvalidRecipe, match=r"cues\.emotion_model: cannot load.*nobody/none"):
        load_recipe(recipe)


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechModelUnavailable, match=r"hf download nobody/no-such-model.*licence"):
        TransformersEmotion("nobody/no-such-model")
    with pytest.raises(SpeechModelUnavailable, match="not trained to classify: it lacks classifier"):
        TransformersEmotion(str(write_tiny("Wav2Vec2", tmp_path / "headless")))
    with pytest.raises(SpeechModelUnavailable, match="gives no labels but a regression"):
        TransformersEmotion(str(write_classifier(tmp_path / "numbers", problem_type="regression")))
    (write_classifier(tmp_path / "damaged") / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(SpeechModelUnavailable, match="cannot load"):
        TransformersEmotion(str(tmp_path / "damaged"))
    folder = write_classifier(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SpeechModelUnavailable, match="safetensors"):
        TransformersEmotion(str(folder))
