"""ResNet-50's trunk (He et al. 2016; stride in the 3 x 3 convolution), with torchvision's names for its parameters."""

from collections import OrderedDict
from typing import Final

from torch import Tensor, nn

FEATURES: Final = 2048
_STAGES: Final = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of the first
_EXPANSION: Final = 4


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1, and the input added to it; [N, C, H, W] to [N, 4 * width, H / stride, W / stride]."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * _EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        past = x if self.downsample is None else self.downsample(x)
        return (y + past).relu()  # type: ignore[no-any-return]


class ResNet50(nn.Module):
    """Pictures [N, 3, H, W] to features [N, 2048]; no classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels = 64
        for number, (width, blocks, stride) in enumerate(_STAGES, start=1):
            stage = OrderedDict[str, nn.Module]()
            for block in range(blocks):
                stage[str(block)] = Bottleneck(channels, width, stride if block == 0 else 1)
                channels = width * _EXPANSION
            self.add_module(f"layer{number}", nn.Sequential(stage))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x.mean(dim=(2, 3))
