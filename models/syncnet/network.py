"""SyncNet v2's two towers, their parameters named as in the published ``syncnet_v2.model``.

Layout read in the authors' repository (joonson/syncnet_python, SyncNetModel.py).
"""

import torch
from torch import Tensor, nn

from schemas.units import LIPS_DIM


class SyncNetNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_conv2d(1, 64),
            nn.Identity(),  # a pooling of one by one, which keeps the numbering
            *_conv2d(64, 192),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_conv2d(192, 384),
            *_conv2d(384, 256),
            *_conv2d(256, 256),
            nn.MaxPool2d(3, stride=2),
            *_conv2d(256, 512, (5, 4), padding=0),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_conv3d(3, 96, (5, 7, 7), stride=2, padding=0),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_conv3d(96, 256, (1, 5, 5), stride=2),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *_conv3d(256, 256, (1, 3, 3)),
            *_conv3d(256, 256, (1, 3, 3)),
            *_conv3d(256, 256, (1, 3, 3)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_conv3d(256, 512, (1, 6, 6), padding=0),
        )

    def hear(self, mfcc: Tensor) -> Tensor:
        """Embeddings [B, 1024] of a fifth of a second of ``mfcc`` [B, 13, 20]."""
        out: Tensor = self.netfcaud(self.netcnnaud(mfcc[:, None]).flatten(1))
        return out

    def see(self, films: Tensor) -> Tensor:
        """Embeddings [B, 1024] of five pictures of a face, ``films`` [B, 3, 5, 224, 224]: BGR, 0..255."""
        out: Tensor = self.netfclip(self.netcnnlip(films).flatten(1))
        return out


def _conv2d(n_in: int, n_out: int, kernel: tuple[int, int] = (3, 3), padding: int = 1) -> tuple[nn.Module, ...]:
    return nn.Conv2d(n_in, n_out, kernel, padding=padding), nn.BatchNorm2d(n_out), nn.ReLU()


def _conv3d(
    n_in: int, n_out: int, kernel: tuple[int, int, int], stride: int = 1, padding: int = 1
) -> tuple[nn.Module, ...]:
    """Strides and pads in the picture alone."""
    convolution = nn.Conv3d(n_in, n_out, kernel, stride=(1, stride, stride), padding=(0, padding, padding))
    return convolution, nn.BatchNorm3d(n_out), nn.ReLU()


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, LIPS_DIM))


def empty() -> SyncNetNetwork:
    """Without numbers, on the meta device."""
    with torch.device("meta"):
        return SyncNetNetwork()
