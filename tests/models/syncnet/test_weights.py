"""The published file: its names and shapes, and what is not it."""

import os
from pathlib import Path

import pytest
import torch

from models.syncnet.network import SyncNetNetwork
from models.syncnet.weights import SyncNetUnavailable, read_weights
from tests.models.syncnet.files import constants, write

# Read in the authors' SyncNetModel.py; beside each convolution its normalisation, one further on.
CONVOLUTIONS = {
    "netcnnaud": {0: (64, 1, 3, 3), 4: (192, 64, 3, 3), 8: (384, 192, 3, 3), 11: (256, 384, 3, 3),
                  14: (256, 256, 3, 3), 18: (512, 256, 5, 4)},
    "netcnnlip": {0: (96, 3, 5, 7, 7), 4: (256, 96, 1, 5, 5), 8: (256, 256, 1, 3, 3), 11: (256, 256, 1, 3, 3),
                  14: (256, 256, 1, 3, 3), 18: (512, 256, 1, 6, 6)},
}  # fmt: skip
NORMALISED = ("weight", "bias", "running_mean", "running_var")


def published() -> dict[str, tuple[int, ...]]:
    shapes = {}
    for tower, layers in CONVOLUTIONS.items():
        for number, shape in layers.items():
            shapes |= {f"{tower}.{number}.weight": shape, f"{tower}.{number}.bias": shape[:1]}
            shapes |= {f"{tower}.{number + 1}.{name}": shape[:1] for name in NORMALISED}
    for head in ("netfcaud", "netfclip"):
        shapes |= {f"{head}.0.weight": (512, 512), f"{head}.0.bias": (512,)}
        shapes |= {f"{head}.1.{name}": (512,) for name in NORMALISED}
        shapes |= {f"{head}.3.weight": (1024, 512), f"{head}.3.bias": (1024,)}
    return shapes


@pytest.mark.parametrize("zipped", [True, False], ids=["torch >= 1.6", "torch < 1.6"])
def test_the_published_names_and_shapes_come_back_as_they_were(tmp_path: Path, zipped: bool) -> None:
    values = constants()
    assert {name: tuple(value.shape) for name, value in values.items()} == published()
    path = write(tmp_path / "syncnet_v2.model", values, zipped)
    network = read_weights(path)
    path.unlink()
    assert not network.training
    loaded = network.state_dict()
    assert all(torch.equal(loaded[name].ravel()[:1], value.ravel()[:1]) for name, value in values.items())


def test_pictures_and_cepstra_of_a_fifth_of_a_second_become_embeddings() -> None:
    network = SyncNetNetwork().eval()
    with torch.inference_mode():
        assert network.see(torch.zeros(1, 3, 5, 224, 224)).shape == (1, 1024)
        assert network.hear(torch.zeros(2, 13, 20)).shape == (2, 1024)


class Calls:
    def __reduce__(self) -> object:
        return os.system, ("touch touched",)


def test_what_is_not_the_file_says_where_it_is_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("syncnet_v2.model")
    with pytest.raises(SyncNetUnavailable, match=r"is not there.*robots\.ox\.ac\.uk.*MIT licence"):
        read_weights(path)
    torch.save(constants() | {"netfclip.3.bias": Calls()}, path)
    with pytest.raises(SyncNetUnavailable, match="not a torch file of plain tensors"):
        read_weights(path)
    assert not Path("touched").exists()
    wrong = constants() | {"netfclip.3.bias": torch.zeros(512), "more": torch.zeros(1)}
    del wrong["netcnnaud.0.weight"]
    write(path, wrong)
    with pytest.raises(SyncNetUnavailable) as told:
        read_weights(path)
    for said in ("lacks netcnnaud.0.weight", "unexpected more", r"netfclip.3.bias [512] for [1024]"):
        assert said in str(told.value)
