"""The published file's names and shapes, and the refusal of everything else."""

import os
from pathlib import Path

import pytest
import torch

from models.deca.network import DecaNetworks
from models.deca.weights import DecaUnavailable, read_weights
from tests.models.deca.files import constants, parameter_shapes, published, write


def test_names_and_shapes_are_the_published_ones() -> None:
    shapes = {name: list(value.shape) for name, value in parameter_shapes().items()}
    trunk = {n.removeprefix("E_flame.encoder."): s for n, s in shapes.items() if n.startswith("E_flame.encoder.")}
    # torchvision's ResNet-50 has 320 entries and 25,557,032 parameters; its classifier (2 and 2,049,000) is left out.
    assert len(trunk) == 318
    counted = [n for n in trunk if not n.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    assert sum(torch.Size(trunk[n]).numel() for n in counted) == 23_508_032
    assert trunk["layer1.0.downsample.0.weight"] == [256, 64, 1, 1]
    assert trunk["layer3.5.conv2.weight"] == [256, 256, 3, 3]
    assert trunk["layer4.2.bn3.running_var"] == [2048]
    heads = {n: s for n, s in shapes.items() if ".layers." in n}
    assert heads == {
        f"{part}.layers.{k}.{what}": size
        for part, out in (("E_flame", 236), ("E_detail", 128))
        for k, what, size in (
            (0, "weight", [1024, 2048]),
            (0, "bias", [1024]),
            (2, "weight", [out, 1024]),
            (2, "bias", [out]),
        )
    }
    decoder = {n.removeprefix("D_detail."): s for n, s in shapes.items() if n.startswith("D_detail.")}
    weights = {n: s for n, s in decoder.items() if n.endswith("weight") and len(s) > 1}
    assert weights == {
        "l1.0.weight": [8192, 181],
        "conv_blocks.2.weight": [128, 128, 3, 3],
        "conv_blocks.6.weight": [64, 128, 3, 3],
        "conv_blocks.10.weight": [64, 64, 3, 3],
        "conv_blocks.14.weight": [32, 64, 3, 3],
        "conv_blocks.18.weight": [16, 32, 3, 3],
        "conv_blocks.21.weight": [1, 16, 3, 3],
    }
    norms = {int(n.split(".")[1]): s for n, s in decoder.items() if n.endswith("running_mean")}
    assert norms == {0: [128], 3: [128], 7: [64], 11: [64], 15: [32], 19: [16]}


@pytest.mark.parametrize("zipped", [True, False], ids=["torch >= 1.6", "torch < 1.6"])
def test_the_published_layout_loads_strictly(tmp_path: Path, zipped: bool) -> None:
    values = constants()
    read = read_weights(write(tmp_path / "deca_model.tar", values, zipped))
    assert read.ignored == ("batch_size", "global_step", "opt")
    assert not read.networks.training
    loaded = read.networks.state_dict()
    assert loaded.keys() == values.keys()
    assert all(torch.equal(loaded[name].ravel()[:1], value.ravel()[:1]) for name, value in values.items())


def test_missing_weights_say_where_they_are_had(tmp_path: Path) -> None:
    with pytest.raises(DecaUnavailable) as missing:
        read_weights(tmp_path / "deca_model.tar")
    for word in ("https://deca.is.tue.mpg.de", "register", "non-commercial", "neither size nor checksum"):
        assert word in str(missing.value)


def test_wrong_parameters_are_listed(tmp_path: Path) -> None:
    values = constants()
    del values["E_detail.layers.2.bias"]
    values["E_flame.encoder.fc.weight"] = torch.zeros(1)
    values["E_flame.layers.2.bias"] = torch.zeros(1).expand(159)
    with pytest.raises(DecaUnavailable) as wrong:
        read_weights(write(tmp_path / "deca_model.tar", values))
    assert "lacks E_detail.layers.2.bias" in str(wrong.value)
    assert "unexpected E_flame.encoder.fc.weight" in str(wrong.value)
    assert "E_flame.layers.2.bias [159] for [236]" in str(wrong.value)


class Calls:
    def __reduce__(self) -> object:
        return os.system, ("touch touched",)


def test_nothing_in_the_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for zipped in (True, False):
        torch.save(published(constants()) | {"opt": Calls()}, "deca_model.tar", _use_new_zipfile_serialization=zipped)
        with pytest.raises(DecaUnavailable, match="not a torch file of plain tensors"):
            read_weights(Path("deca_model.tar"))
    assert not Path("touched").exists()


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deca_model.tar"
    path.write_bytes(b"a page that says that you must log in")
    with pytest.raises(DecaUnavailable, match="not a torch file"):
        read_weights(path)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(DecaUnavailable, match="holds"):
        read_weights(path)
    monkeypatch.setattr("models.deca.weights._LARGEST_FILE", 100)
    with pytest.raises(DecaUnavailable, match="more than"):
        read_weights(path)


@pytest.mark.slow
def test_random_weights_come_back_as_they_were(tmp_path: Path) -> None:
    torch.manual_seed(0)
    networks = DecaNetworks()
    path = write(tmp_path / "deca_model.tar", dict(networks.state_dict()))
    loaded = read_weights(path)
    path.unlink()
    for name, value in networks.state_dict().items():
        assert torch.equal(loaded.networks.state_dict()[name], value)
