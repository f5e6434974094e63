"""A finished model explains itself, comes back as it was, and a damaged one says what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.training.checkpoint import (
    ModelCard,
    UnreadableCheckpoint,
    WeightsDtype,
    fill,
    read_card,
    read_checkpoint,
    write_checkpoint,
)
from models.training.statistics import Statistics
from schemas.arrays import InvalidArray
from tests.models.training.toy import Linear

CARD = ModelCard(
    kind="toy",
    network={"width": 4, "names": ["a", None]},
    head_model="open-head@1",
    speech_model="toy:0",
    speech_dim=4,
    frame_dim=58,
    snapshot=3,
    selection="keep",
    data_hours=0.25,
    licence_class="cc-by-4.0",
    code_version="0.1.0",
    parent="model-1",
    metrics={"lve_mm": 1.25},
)


def numbers(width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=width).astype(np.float32)


STATISTICS = Statistics(numbers(58), numbers(58, 1), numbers(4), numbers(4, 1), numbers(6), numbers(6, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "model", CARD, Linear().state_dict(), STATISTICS)
    return tmp_path / "model"


@pytest.mark.parametrize(("dtype", "error"), [(WeightsDtype.FLOAT16, 1e-3), (WeightsDtype.FLOAT32, 0.0)])
def test_comes_back_as_it_was(tmp_path: Path, dtype: WeightsDtype, error: float) -> None:
    module = Linear()
    card = write_checkpoint(tmp_path / "m", CARD.model_copy(update={"dtype": dtype}), module.state_dict(), STATISTICS)
    read = read_checkpoint(tmp_path / "m")
    assert read.card == card == read_card(tmp_path / "m")
    assert read.card.metrics == CARD.metrics
    assert read.card.network == CARD.network
    np.testing.assert_array_equal(read.statistics.motion_std, STATISTICS.motion_std)
    assert read.statistics.detail_mean is None
    other = Linear()
    torch.nn.init.zeros_(other.map.weight)
    fill(other, read)
    assert torch.allclose(other.map.weight, module.map.weight, rtol=error, atol=0.0)
    stored = load_file(tmp_path / "m" / "model.safetensors")
    assert str(stored["weights/map.weight"].dtype) == f"torch.{dtype}"
    assert torch.equal(stored["weights/norm.weight"], module.norm.weight)  # vectors keep their precision
    assert stored["weights/norm.num_batches_tracked"].dtype == torch.int64


def test_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(FileExistsError, match="never overwritten"):
        write_checkpoint(folder, CARD, Linear().state_dict(), STATISTICS)


def test_refuses_weights_that_do_not_fit_float16(tmp_path: Path) -> None:
    weights = {"w": torch.tensor([[1e6]])}
    with pytest.raises(ValueError, match="float32"):
        write_checkpoint(tmp_path / "m", CARD, weights, STATISTICS)
    assert not (tmp_path / "m").exists()
    write_checkpoint(tmp_path / "m", CARD.model_copy(update={"dtype": WeightsDtype.FLOAT32}), weights, STATISTICS)


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("{", "config.json"),
        ("[" * 100_000, "config.json"),
        ("[]", "config.json"),
        ('{"kind": "toy"}', "network"),
        (CARD.model_copy(update={"format": 2}).model_dump_json(warnings=False), "format"),
        (json.dumps({**CARD.model_dump(mode="json"), "weights_url": "http://"}), "weights_url"),
        (json.dumps({**CARD.model_dump(mode="json"), "speech_dim": -1}), "speech_dim"),
        (" " * (2 << 20), "bytes"),
    ],
)
def test_a_bad_card_is_named(folder: Path, card: str, says: str) -> None:
    (folder / "config.json").write_text(card)
    with pytest.raises(UnreadableCheckpoint, match=says) as error:
        read_checkpoint(folder)
    assert len(str(error.value)) < 600


def resigned(folder: Path) -> None:
    """The card vouches for whatever the weights' file now holds."""
    import hashlib

    card = json.loads((folder / "config.json").read_text())
    card["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(card))


def test_damaged_weights_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(UnreadableCheckpoint, match="fetch it again"):
        read_checkpoint(folder)
    for content in (b"", whole[:40], whole[:-8], b"\xff" * 200):
        path.write_bytes(content)
        resigned(folder)
        with pytest.raises(UnreadableCheckpoint, match="whole model"):
            read_checkpoint(folder)
    path.unlink()
    with pytest.raises(UnreadableCheckpoint, match="missing"):
        read_checkpoint(folder)
    with pytest.raises(UnreadableCheckpoint, match="missing"):
        read_checkpoint(folder / "nowhere")


def test_weights_of_the_wrong_kind_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    for change in (
        {"weights/map.weight": torch.full((58, 4), torch.nan)},
        {"elsewhere/map.weight": torch.zeros(1)},
        {"statistics/motion_mean": torch.zeros(57)},
        {"statistics/speech_mean": torch.zeros(5), "statistics/speech_std": torch.ones(5)},
        {"statistics/unheard_of": torch.zeros(5)},
    ):
        save_file(tensors | change, path)
        resigned(folder)
        with pytest.raises(UnreadableCheckpoint):
            read_checkpoint(folder)


def test_another_network_is_named(folder: Path) -> None:
    with pytest.raises(UnreadableCheckpoint, match="kind 'toy'"):
        fill(Linear(5), read_checkpoint(folder))
    with pytest.raises(UnreadableCheckpoint, match="kind 'toy'"):
        fill(torch.nn.Linear(2, 2), read_checkpoint(folder))


def test_statistics_have_a_door() -> None:
    with pytest.raises(InvalidArray, match="motion_mean"):
        Statistics(numbers(57), numbers(58), numbers(4), numbers(4), numbers(6), numbers(6))
