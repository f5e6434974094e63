"""Reads windows out of packs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.training.mixture import Index, Mixture
from models.training.pack import Pack
from schemas.arrays import Bool, Float32


@dataclass(frozen=True, slots=True)
class Cut:
    """Where B windows lie; frames count from their clip's first."""

    clip: Index  # [B] of the mixture
    start: Index  # [B] first frame of the window
    reference: Index  # [B]


@dataclass(frozen=True, slots=True)
class Frames:
    """B windows of T frames in fresh memory. Past a clip's end its last frame is repeated."""

    motion: Float32  # [B, T, 58]
    speech: Float32  # [B, T, D]
    envelope: Float32  # [B, T]
    f0_hz: Float32  # [B, T]
    shape: Float32  # [B, 100]
    style: Float32  # [B, 6]
    reference: Float32  # [B, 58]
    rest: Float32  # [B, 58] the clip's closed mouth
    inside: Bool  # [B, T] within the clip
    detail: Float32 | None = None  # [B, T, 128]
    rest_detail: Float32 | None = None  # [B, 128]


def gather(mixture: Mixture, cut: Cut, window_frames: int) -> Frames:
    """The windows of ``cut``, T = ``window_frames``."""
    length = mixture.length[cut.clip, None]
    within = cut.start[:, None] + np.arange(window_frames)
    inside = within < length
    within = np.minimum(within, length - 1)
    owner = np.searchsorted(mixture.first_clip, cut.clip, side="right") - 1
    found: dict[str, Float32] = {}
    for number in np.unique(owner):
        rows = np.flatnonzero(owner == number)
        clip = cut.clip[rows] - mixture.first_clip[number]
        for name, values in _of_pack(mixture.packs[number], clip, within[rows], cut.reference[rows]).items():
            if name not in found:
                found[name] = np.empty((len(owner), *values.shape[1:]), np.float32)
            found[name][rows] = values
    return Frames(inside=inside, **found)


def _of_pack(pack: Pack, clip: Index, within: Index, reference: Index) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """What ``Frames`` holds of frames ``within`` [n, T] of the clips ``clip`` [n] of one pack."""
    first, rest = pack.offset[clip], pack.rest[clip]
    index = first[:, None] + within
    found = {name: getattr(pack, name)[index] for name in ("motion", "speech", "envelope", "f0_hz")}
    found |= {"shape": pack.shape[clip], "style": pack.style[clip]}
    found |= {"reference": pack.motion[first + reference], "rest": pack.motion[rest]}
    if pack.detail is not None:
        found |= {"detail": pack.detail[index], "rest_detail": pack.detail[rest]}
    return found
