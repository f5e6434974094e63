from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.speech_encoder import SpeechEncoder, SpeechModelUnavailable, TransformersEncoder
from models.whisper.states import WhisperEmbedding
from schemas.units import SAMPLES_PER_FRAME
from tests.builders import speech_like
from tests.models.whisper_files import write_tiny_whisper

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


def write_tiny(kind: str, folder: Path) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SMALL)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=16_000).save_pretrained(folder)
    return folder


MAKERS: dict[str, Callable[[Path], SpeechEncoder]] = {
    "whisper": lambda folder: WhisperEmbedding(write_tiny_whisper(folder)),
    "wav2vec2": lambda folder: TransformersEncoder(str(write_tiny("Wav2Vec2", folder)), 1),
    "wavlm": lambda folder: TransformersEncoder(str(write_tiny("WavLM", folder)), 2),
}


@pytest.fixture(scope="module", params=MAKERS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SpeechEncoder:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("n_frames", [1, 2, 74])
def test_one_finite_vector_a_frame(encoder: SpeechEncoder, n_frames: int) -> None:
    embedding = encoder.encode(speech_like(n_frames * SAMPLES_PER_FRAME))
    assert embedding.shape == (n_frames, encoder.dim)
    assert embedding.dtype == np.float32
    assert np.isfinite(embedding).all()


def test_same_sound_same_vectors(encoder: SpeechEncoder) -> None:
    audio = speech_like(20 * SAMPLES_PER_FRAME)
    assert np.array_equal(encoder.encode(audio), encoder.encode(audio.copy()))


def test_frames_stay_where_the_sound_is(encoder: SpeechEncoder) -> None:
    audio = speech_like(50 * SAMPLES_PER_FRAME)
    changed = audio.copy()
    changed[40 * SAMPLES_PER_FRAME :] = 0
    difference = np.abs(encoder.encode(audio) - encoder.encode(changed)).mean(axis=1)
    assert difference[42:].mean() > 2 * difference[:30].mean()


def test_name_tells_the_layer(encoder: SpeechEncoder) -> None:
    model, layer = encoder.name.rsplit(":", 1)
    assert model
    assert layer.isdigit()


def test_unavailable_model_says_how_to_get_it() -> None:
    with pytest.raises(SpeechModelUnavailable, match="hf download nobody/no-such-model"):
        TransformersEncoder("nobody/no-such-model", 1)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder = write_tiny("Wav2Vec2", tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SpeechModelUnavailable, match="safetensors"):
        TransformersEncoder(str(folder), 1)


def test_layer_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SpeechModelUnavailable, match="2 layers"):
        TransformersEncoder(str(write_tiny("Wav2Vec2", tmp_path)), 3)
