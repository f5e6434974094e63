from pathlib import Path

import numpy as np
import pytest
import torch

from models.whisper.checkpoint import InvalidWhisperModel, read_checkpoint
from models.whisper.encoder import MAX_POSITIONS, encoder_from_checkpoint
from models.whisper.logmel import PEAK, SILENCE, levelled_log_mel, log_mel
from models.whisper.states import ClipTooLong, WhisperEmbedding, WhisperStates
from schemas.units import SAMPLES_PER_FRAME
from tests.builders import speech_like
from tests.models.whisper_files import (
    DIM,
    N_HEADS,
    N_LAYERS,
    N_MELS,
    random_encoder,
    write_checkpoint,
    write_tiny_whisper,
)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> WhisperStates:
    return WhisperStates(write_tiny_whisper(tmp_path_factory.mktemp("whisper")))


def test_an_embedding_needs_only_the_first_layers(states: WhisperStates, tmp_path: Path) -> None:
    early = WhisperEmbedding(write_tiny_whisper(tmp_path))
    audio = speech_like(20 * SAMPLES_PER_FRAME)
    np.testing.assert_array_equal(early.encode(audio), states.encode(audio))
    np.testing.assert_array_equal(early.encode(audio), states.hear(audio).embedding)
    assert len(early._encoder.layers) == 2 < len(states._encoder.layers)


def test_encoder_is_transformers_encoder() -> None:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder as Reference

    config = WhisperConfig(
        num_mel_bins=N_MELS,
        d_model=DIM,
        encoder_layers=N_LAYERS,
        encoder_attention_heads=N_HEADS,
        encoder_ffn_dim=4 * DIM,
    )
    ours = random_encoder()
    weights = {"embed_positions.weight": ours["encoder/position_encodings/encodings"]}
    for name in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"):
        weights[name] = ours["encoder/" + name.replace(".", "/")]
    norms = {"layer_norm": "layer_norm"}
    for i in range(N_LAYERS):
        at, theirs = f"encoder/layer_{i}", f"layers.{i}"
        norms |= {
            f"layer_{i}/self_attention/layer_norm": f"{theirs}.self_attn_layer_norm",
            f"layer_{i}/ffn/layer_norm": f"{theirs}.final_layer_norm",
        }
        for kind in ("weight", "bias"):
            q, k, v = np.split(ours[f"{at}/self_attention/linear_0/{kind}"], 3)
            weights |= {f"{theirs}.self_attn.q_proj.{kind}": q, f"{theirs}.self_attn.v_proj.{kind}": v}
            if kind == "weight":
                weights[f"{theirs}.self_attn.k_proj.weight"] = k
            weights[f"{theirs}.self_attn.out_proj.{kind}"] = ours[f"{at}/self_attention/linear_1/{kind}"]
            weights[f"{theirs}.fc1.{kind}"] = ours[f"{at}/ffn/linear_0/{kind}"]
            weights[f"{theirs}.fc2.{kind}"] = ours[f"{at}/ffn/linear_1/{kind}"]
    for our_name, their_name in norms.items():
        weights[f"{their_name}.weight"] = ours[f"encoder/{our_name}/gamma"]
        weights[f"{their_name}.bias"] = ours[f"encoder/{our_name}/beta"]
    reference = Reference(config).eval()
    reference.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in weights.items()})

    mel = torch.randn(1, N_MELS, 2 * MAX_POSITIONS, generator=torch.Generator().manual_seed(0))
    encoder = encoder_from_checkpoint(ours)
    with torch.no_grad():
        mine = encoder(mel)
        wanted = reference(mel, output_hidden_states=True)
    torch.testing.assert_close(encoder.norm(mine[-1]), wanted.last_hidden_state, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mine[2], wanted.hidden_states[2], atol=1e-4, rtol=1e-4)


def test_a_silent_clip_before_silence_is_the_silent_window() -> None:
    encoder = encoder_from_checkpoint(random_encoder())
    silence = encoder.hear_silence(SILENCE)
    with torch.no_grad():
        states = encoder.norm(encoder(torch.full((1, N_MELS, 200), SILENCE), silence)[-1])
    # The last positions' convolutions see the end of the input.
    torch.testing.assert_close(states[:, :98], silence.states[:, :98], atol=0.02, rtol=0.02)


@pytest.mark.parametrize("n_frames", [1, 74, 750])
def test_one_embedding_a_frame(states: WhisperStates, n_frames: int) -> None:
    audio = speech_like(n_frames * SAMPLES_PER_FRAME)
    heard = states.hear(audio)
    assert heard.embedding.shape == (n_frames, DIM)
    assert heard.embedding.dtype == np.float32
    assert 2 * n_frames <= heard.final.shape[1] <= MAX_POSITIONS
    assert np.array_equal(states.encode(audio), heard.embedding)
    assert states.name == f"whisper-{DIM}:2"


@pytest.mark.parametrize("n_samples", [0, SAMPLES_PER_FRAME + 1, 751 * SAMPLES_PER_FRAME])
def test_refuses_other_lengths(states: WhisperStates, n_samples: int) -> None:
    with pytest.raises(ClipTooLong, match=str(n_samples)):
        states.encode(np.zeros(n_samples, np.float32))


def test_embedding_hears_the_sound_not_its_level(states: WhisperStates) -> None:
    audio = speech_like(50 * SAMPLES_PER_FRAME)
    loud, soft, other = states.encode(audio), states.encode(audio / 4), states.encode(speech_like(audio.size, 3, 200))
    assert np.abs(loud - soft).max() < 1e-3
    assert np.abs(loud - other).max() > 0.1


def test_log_mel_of_a_tone_and_of_silence() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    mel = log_mel(tone, 100)
    assert mel.shape == (N_MELS, 100)
    assert {int(band) for band in mel[:, 10:90].argmax(axis=0)} == {26}  # Slaney: 1 kHz is mel 15 of 45.2, in 81 steps
    assert levelled_log_mel(tone, 100).max() == pytest.approx(PEAK)
    assert np.all(levelled_log_mel(np.zeros(16_000, np.float32), 100) == SILENCE)


def test_checkpoint_reads_back_what_was_written(tmp_path: Path) -> None:
    variables = random_encoder() | {"decoder/half": np.ones((2, 3), np.float16)}
    read = read_checkpoint(write_checkpoint(tmp_path / "model.bin", variables))
    assert read.pop("alias") == N_HEADS
    assert read.keys() == variables.keys()
    assert all(np.array_equal(read[name], variables[name]) for name in variables)


def test_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "model.bin", random_encoder())
    whole = path.read_bytes()
    for damaged in (b"", whole[:1000], whole[:-3], b"\x07" + whole[1:]):
        path.write_bytes(damaged)
        with pytest.raises(InvalidWhisperModel, match=r"model\.bin"):
            read_checkpoint(path)
    with pytest.raises(InvalidWhisperModel, match="assets pull"):
        read_checkpoint(tmp_path / "absent.bin")


def test_layer_beyond_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidWhisperModel, match="3 layers"):
        WhisperStates(write_tiny_whisper(tmp_path), layer=4)
