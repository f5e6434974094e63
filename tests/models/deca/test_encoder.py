"""The networks' numbers: against an independent ResNet-50, in order, and the same whatever the batch."""

import numpy as np
import pytest
import torch

from models.deca.code import CODE, DecaCode
from models.deca.encoder import DecaEncoder
from models.deca.network import DecaNetworks, DisplacementDecoder
from models.deca.resnet import ResNet50
from schemas.arrays import InvalidArray


class Counting(torch.nn.Module):
    """Puts out 0, 1, 2 ... in every picture, plus its mean."""

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.n_out = n_out

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        assert crops.shape[1:] == (3, 224, 224)
        return torch.arange(float(self.n_out)) + crops.mean(dim=(1, 2, 3))[:, None]


def counting_encoder() -> DecaEncoder:
    with torch.device("meta"):
        networks = DecaNetworks()
    networks.E_flame, networks.E_detail = Counting(sum(CODE.values())), Counting(128)
    networks.D_detail = DisplacementDecoder()
    return DecaEncoder(networks)


def test_the_code_is_cut_where_deca_cuts_it() -> None:
    crops = np.full((5, 224, 224, 3), 255, np.uint8) * np.array([0, 1, 0, 1, 0], np.uint8)[:, None, None, None]
    code = counting_encoder().encode(crops, batch=2)
    first = {"shape": 0, "texture": 100, "expression": 150, "rotation": 200, "jaw": 203, "camera": 206, "light": 209}
    for name, start in first.items():
        values = getattr(code, name)
        assert values[0].ravel()[0] == start
        np.testing.assert_allclose(values[1] - values[0], 1, atol=1e-5)  # 0..255 became 0..1
    assert code.light.shape == (5, 9, 3)
    assert code.detail.shape == (5, 128)
    again = DecaCode.of_rows(code.rows)
    assert all(np.array_equal(getattr(again, name), getattr(code, name)) for name in (*first, "detail"))
    np.testing.assert_allclose(code.identity, np.arange(100) + 0.4, atol=1e-5)


def test_crops_of_another_kind_are_refused() -> None:
    with pytest.raises(InvalidArray, match="crops"):
        counting_encoder().encode(np.zeros((1, 256, 256, 3), np.uint8))


def test_displacements_are_a_centimetre_at_most() -> None:
    encoder = counting_encoder()
    code = encoder.encode(np.zeros((2, 224, 224, 3), np.uint8))
    maps = encoder.displacements(code)
    assert maps.shape == (2, 256, 256)
    assert 0 < np.abs(maps).max() <= 0.01


@pytest.mark.slow
def test_the_trunk_equals_an_independent_resnet50() -> None:
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    theirs = ResNetModel(ResNetConfig(layer_type="bottleneck", downsample_in_bottleneck=False)).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.2, 0.6)
    own = {}
    for name, value in theirs.state_dict().items():
        parts = name.split(".")
        kind = "conv" if "convolution" in parts else "bn"
        if parts[0] == "embedder":
            own[f"{kind}1.{parts[-1]}"] = value
            continue
        stage, layer = int(parts[2]) + 1, parts[4]
        if parts[5] == "shortcut":
            own[f"layer{stage}.{layer}.downsample.{0 if kind == 'conv' else 1}.{parts[-1]}"] = value
        else:
            own[f"layer{stage}.{layer}.{kind}{int(parts[6]) + 1}.{parts[-1]}"] = value
    ours = ResNet50().eval()
    ours.load_state_dict(own, strict=True)
    pictures = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        expected = theirs(pictures).pooler_output.flatten(1)
        torch.testing.assert_close(ours(pictures), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_picture_s_code_does_not_depend_on_its_batch() -> None:
    torch.manual_seed(0)
    encoder = DecaEncoder(DecaNetworks())
    crops = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    together, alone = encoder.encode(crops, batch=3), encoder.encode(crops[1:2])
    np.testing.assert_allclose(together.shape[1:2], alone.shape, atol=1e-4)
    np.testing.assert_allclose(together.detail[1:2], alone.detail, atol=1e-4)
