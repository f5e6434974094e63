"""face-alignment's networks (Bulat and Tzimiropoulos 2017) as a second landmark finder, with weights by path.

The package ``face-alignment`` would fetch its weights, and those of a face detector, from the net; here
its loaders are replaced by ones that read the user's own files, and faces are where MediaPipe found them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from models.points68 import N_POINTS, WHERE_FAN_IS_HAD, boxes_within
from models.tensor_file import read_tensors
from schemas.arrays import Float32, UInt8

_LARGEST_FILE: Final = 1 << 30


class FanUnavailable(RuntimeError):
    """face-alignment's weights are missing or not what they should be."""


class FanPoints:
    """A ``models.points68.PointFinder``: two dimensions, or three with the depth network."""

    def __init__(self, network: Path, depth: Path | None = None, device: str = "cpu") -> None:
        """``network`` is 2DFAN-4's file, or, beside ``depth``, 3DFAN-4's. Raises ``FanUnavailable``."""
        self._aligner = _aligner(network, depth, device)
        self._n_dims = 2 if depth is None else 3

    def points(self, rgb: UInt8, landmarks: Float32) -> Float32:
        """As ``PointFinder``; z grows away from the viewer, about zero at the face's middle."""
        if not len(landmarks):
            return np.zeros((0, N_POINTS, self._n_dims), np.float32)
        # The boxes that the networks were trained on reach from the chin to the forehead, as MediaPipe's points do.
        boxes = boxes_within(rgb, landmarks).astype(np.float64)
        found = self._aligner.get_landmarks_from_image(rgb, detected_faces=list(boxes))
        return np.stack(found).astype(np.float32)


def _aligner(network: Path, depth: Path | None, device: str) -> Any:
    from face_alignment import FaceAlignment, LandmarksType  # numba: two seconds that only this finder is to cost
    from face_alignment.models import FAN, ResNetDepth

    class ByPath(FaceAlignment):  # type: ignore[misc] # the package is not typed
        def _load_native(self, _name: str, size: int, device: str, dtype: torch.dtype) -> Any:
            return _filled(FAN(size), read_parameters(network), network).to(device, dtype=dtype)

        def _load_native_depth(self, device: str, dtype: torch.dtype) -> Any:
            assert depth is not None
            return _filled(ResNetDepth(), read_parameters(depth), depth).to(device, dtype=dtype)

    kind = LandmarksType.TWO_D if depth is None else LandmarksType.THREE_D
    # The detector "folder" is the one without weights; it is never asked, for faces are given.
    return ByPath(kind, device=device, face_detector="folder", compile=False)


def read_parameters(path: Path) -> Mapping[str, torch.Tensor]:
    """The parameters in one of the published files, running nothing it holds: a mapping of names to tensors, either
    itself or, in the depth network's, under "state_dict" with names that begin with "module.".

    Raises ``FanUnavailable``.
    """
    try:
        content = read_tensors(path, _LARGEST_FILE)
    except ValueError as error:
        raise FanUnavailable(f"{error}. {WHERE_FAN_IS_HAD}.") from error
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise FanUnavailable(f"{path} holds no parameters of a network. {WHERE_FAN_IS_HAD}.")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _filled(network: torch.nn.Module, parameters: Mapping[str, torch.Tensor], path: Path) -> torch.nn.Module:
    try:
        network.load_state_dict(parameters, strict=True)
    except RuntimeError as error:
        raise FanUnavailable(f"{path} is not of this network: {str(error)[:400]}. {WHERE_FAN_IS_HAD}.") from error
    return network.requires_grad_(False).eval()
