"""Reads windows out of packs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.training.mixture import Index, Mixture
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
    detail: Float32 | None  # [B, T, 128]
    shape: Float32  # [B, 100]
    style: Float32  # [B, 6]
    reference: Float32  # [B, 58]
    rest: Float32  # [B, 58] the clip's closed mouth
    rest_detail: Float32 | None  # [B, 128]
    inside: Bool  # [B, T] within the clip


def gather(mixture: Mixture, cut: Cut, window_frames: int) -> Frames:
    """The windows of ``cut``, T = ``window_frames``."""
    length = mixture.length[cut.clip, None]
    within = cut.start[:, None] + np.arange(window_frames)
    inside = within < length
    within = np.minimum(within, length - 1)
    owner = np.searchsorted(mixture.first_clip, cut.clip, side="right") - 1
    by_frame: dict[str, npt.NDArray[np.generic]] = {}

    def collect(name: str, rows: Index, values: npt.NDArray[np.generic]) -> None:
        """Put one pack's share of ``rows`` into the array of all."""
        if len(rows) == len(owner):
            by_frame[name] = values
            return
        if name not in by_frame:
            by_frame[name] = np.empty((len(owner), *values.shape[1:]), values.dtype)
        by_frame[name][rows] = values

    for number in np.unique(owner):
        pack, rows = mixture.packs[number], np.flatnonzero(owner == number)
        clip = cut.clip[rows] - mixture.first_clip[number]
        first = pack.offset[clip]
        index = first[:, None] + within[rows]
        for name in ("motion", "speech", "envelope", "f0_hz", "detail"):
            array: npt.NDArray[np.generic] | None = getattr(pack, name)
            if array is not None:
                collect(name, rows, array[index])
        collect("shape", rows, pack.shape[clip])
        collect("style", rows, pack.style[clip])
        collect("reference", rows, pack.motion[first + cut.reference[rows]])
        collect("rest", rows, pack.motion[pack.rest[clip]])
        if pack.detail is not None:
            collect("rest_detail", rows, pack.detail[pack.rest[clip]])
    floats = {name: values.astype(np.float32, copy=False) for name, values in by_frame.items()}
    return Frames(
        motion=floats["motion"],
        speech=floats["speech"],
        envelope=floats["envelope"],
        f0_hz=floats["f0_hz"],
        detail=floats.get("detail"),
        shape=floats["shape"],
        style=floats["style"],
        reference=floats["reference"],
        rest=floats["rest"],
        rest_detail=floats.get("rest_detail"),
        inside=inside,
    )
