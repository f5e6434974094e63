"""A training pack: many clips as a few flat, memory-mapped arrays.

In: clips as the warehouse gives them, one after the other. Out: a folder whose name is the hash of what it was made
from, so that the same selection is packed once::

    <root>/<key>/pack.json          what it is: arrays, head model, speech embedding, digest of the content
    <root>/<key>/clips.json         clip ids and speakers, in order
    <root>/<key>/<array>.bin        little-endian, row-major
    <root>/<key>/moments.safetensors
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.avatar.motion import GAZE, MOTION_DIM, to_frames
from models.avatar.protocol import STYLE_DIM
from models.avatar.style import style_of
from models.head.model import HeadModel
from models.training.folders import appearing, locked
from models.training.lips import LipGap
from models.training.statistics import Moments
from schemas.arrays import Float32
from schemas.motion import HeadMotion
from schemas.speech import SpeechFeatures
from schemas.units import DETAIL_DIM, FRAME_RATE, SHAPE_DIM

VERSION = "2"
_PAUSE_FRAMES: Final = 9
_QUIET_SHARE: Final = 0.2
_KEY_DIGITS: Final = 20
_LARGEST_HALF: Final = 65_504.0


class InvalidPack(ValueError):
    """Clips that cannot share a pack, or a folder that is not a pack."""


@dataclass(frozen=True, slots=True)
class Pack:
    """C clips of N frames in all, read where they lie: an array costs memory only where it is touched."""

    folder: Path
    head_model: str
    embedding_model: str
    digest: str  # sha256 of the content
    clip_ids: tuple[str, ...]
    speaker_ids: tuple[str, ...]
    live: tuple[int, ...]  # motion columns that live on in silence: gaze, and lids where the head names them
    offset: npt.NDArray[np.int64]  # [C + 1] first frame of each clip
    rest: npt.NDArray[np.int64]  # [C] ``rest_frame`` of each clip, counted from the pack's first
    motion: Float32  # [N, 58]
    speech: npt.NDArray[np.float16]  # [N, D]
    envelope: Float32  # [N]
    f0_hz: Float32  # [N]
    shape: Float32  # [C, 100]
    style: Float32  # [C, 6]
    detail: Float32 | None  # [N, 128]
    moments: Mapping[str, Moments]

    @property
    def n_clips(self) -> int:
        return len(self.clip_ids)

    @property
    def n_frames(self) -> int:
        return len(self.motion)

    @property
    def hours(self) -> float:
        return float(self.n_frames / FRAME_RATE / 3600)


Clips = Iterable[tuple[HeadMotion, SpeechFeatures, str]]


def write_pack(root: Path, made_from: Mapping[str, str | int | float], clips: Clips, head: HeadModel) -> Pack:
    """Pack ``clips`` (motion, speech, speaker id) under ``root``, or open the pack already made from the same.

    ``made_from`` says everything that decides which clips come and in which order (snapshot, selection, augmentation,
    seed): ``clips`` is not asked if a pack of that key is there. Memory holds one clip at a time, and the ids. Several
    processes may ask at once: one packs, the others wait.
    Raises ``InvalidPack`` if clips do not fit together or none came, ``DiskFull``.
    """
    described = json.dumps({**made_from, "head": head.name, "pack": VERSION}, sort_keys=True)
    folder = root / hashlib.sha256(described.encode()).hexdigest()[:_KEY_DIGITS]
    with locked(root / f"{folder.name}.lock", wait=True):
        if not folder.is_dir():
            with appearing(folder) as unfinished:
                _Writer(unfinished, head).write(clips)
    return open_pack(folder)


def open_pack(folder: Path) -> Pack:
    """Open a pack. Raises ``InvalidPack`` if it is not one, or not whole."""
    try:
        about = json.loads((folder / "pack.json").read_text())
        clips = json.loads((folder / "clips.json").read_text())
        numbers = load_file(folder / "moments.safetensors")
        arrays = {name: _mapped(folder, name, *entry) for name, entry in about["arrays"].items()}
        moments = {
            name: Moments(float(numbers[f"{name}.count"][0]), numbers[f"{name}.mean"], numbers[f"{name}.squares"])
            for name in about["moments"]
        }
        return Pack(
            folder=folder,
            head_model=about["head_model"],
            embedding_model=about["embedding_model"],
            digest=about["digest"],
            clip_ids=tuple(clips["clip_id"]),
            speaker_ids=tuple(clips["speaker_id"]),
            live=tuple(about["live"]),
            detail=arrays.pop("detail", None),
            moments=moments,
            **arrays,
        )
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InvalidPack(f"{folder}: not a training pack ({error}). Remove the folder; it is made anew.") from error


def rest_frame(gap_mm: Float32, envelope: Float32) -> int:
    """The frame of a clip in which the mouth rests: lips closest, ``gap_mm`` [T], while the voice pauses.

    Closest of all would be a p, b or m, with the jaw still open behind the lips; hence only the quietest fifth of the
    frames count, by the ``envelope`` [T] averaged over more than a closure's time.
    """
    width = min(_PAUSE_FRAMES, len(envelope))
    around = np.convolve(np.pad(envelope, (width // 2, (width - 1) // 2), mode="edge"), np.ones(width) / width, "valid")
    quiet = around <= np.quantile(around, _QUIET_SHARE)
    return int(np.where(quiet, gap_mm, np.inf).argmin())


class _Writer:
    """Appends clip after clip to the files of an unfinished pack."""

    def __init__(self, folder: Path, head: HeadModel) -> None:
        self._folder = folder
        self._head = head
        self._gap = LipGap(head)
        self._digest = hashlib.sha256()
        self._columns: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._files: dict[str, BinaryIO] = {}
        self._moments: dict[str, Moments] = {}

    def write(self, clips: Clips) -> None:
        clip_ids, speaker_ids, ends, rests, model = [], [], [0], [], ""
        try:
            for motion, speech, speaker_id in clips:
                model = model or speech.embedding_model
                self._check(motion, speech, model)
                frames = to_frames(motion)
                rests.append(ends[-1] + rest_frame(self._gap(motion), speech.envelope))
                ends.append(ends[-1] + motion.n_frames)
                clip_ids.append(motion.clip_id)
                speaker_ids.append(speaker_id)
                self._append_clip(motion, speech, frames)
        finally:
            for file in self._files.values():
                file.close()
        if not clip_ids:
            raise InvalidPack("no clip to pack: the selection is empty")
        self._finish({"offset": ends, "rest": rests}, {"clip_id": clip_ids, "speaker_id": speaker_ids}, model)

    def _check(self, motion: HeadMotion, speech: SpeechFeatures, model: str) -> None:
        named = f"clip {motion.clip_id}"
        if motion.head_model != self._head.name:
            raise InvalidPack(f"{named}: fitted with {motion.head_model!r}, not with {self._head.name!r}")
        if motion.n_frames != speech.n_frames or motion.n_frames == 0:
            raise InvalidPack(f"{named}: {motion.n_frames} frames of motion, {speech.n_frames} of speech")
        if speech.embedding_model != model:
            raise InvalidPack(f"{named}: embedding of {speech.embedding_model!r}, the clips before have {model!r}")
        if np.abs(speech.embedding).max() > _LARGEST_HALF:
            raise InvalidPack(f"{named}: its speech embedding does not fit float16")
        known = self._files.keys()
        if known and (motion.detail is None) == ("detail" in known):
            raise InvalidPack(f"{named}: some clips have detail and some have none; select one kind")

    def _append_clip(self, motion: HeadMotion, speech: SpeechFeatures, frames: Float32) -> None:
        style = style_of(frames)
        self._append("motion", frames)
        self._append("speech", speech.embedding.astype(np.float16))
        self._append("envelope", speech.envelope)
        self._append("f0_hz", speech.f0_hz)
        self._append("shape", motion.shape[None])
        self._append("style", style[None])
        measured = {"motion": frames, "speech": speech.embedding, "style": style[None]}
        if motion.detail is not None:
            self._append("detail", motion.detail)
            measured["detail"] = motion.detail
        for name, samples in measured.items():
            new = Moments.of(samples)
            self._moments[name] = self._moments[name].merged(new) if name in self._moments else new

    def _append(self, name: str, rows: npt.NDArray[Any]) -> None:
        column = (rows.dtype.newbyteorder("<").str, rows.shape[1:])
        if name not in self._files:
            self._columns[name] = column
            self._files[name] = (self._folder / f"{name}.bin").open("wb")
        if column != self._columns[name]:
            raise InvalidPack(
                f"{name}: rows of {list(column[1])}, the clips before have {list(self._columns[name][1])}"
            )
        raw = np.ascontiguousarray(rows).astype(column[0], copy=False).tobytes()
        self._digest.update(raw)
        self._files[name].write(raw)

    def _finish(self, indices: dict[str, list[int]], clips: dict[str, list[str]], model: str) -> None:
        (n_frames, n_clips) = indices["offset"][-1], len(clips["clip_id"])
        per_clip = {"shape": SHAPE_DIM, "style": STYLE_DIM}
        arrays: dict[str, tuple[str, list[int]]] = {
            name: (dtype, [n_clips if name in per_clip else n_frames, *width])
            for name, (dtype, width) in self._columns.items()
        }
        for name, values in indices.items():
            (self._folder / f"{name}.bin").write_bytes(np.array(values, "<i8").tobytes())
            arrays[name] = ("<i8", [len(values)])
        self._digest.update(json.dumps([indices, clips, self._head.name, model]).encode())
        numbers = {
            f"{name}.{part}": np.atleast_1d(np.asarray(getattr(moments, part), np.float64))
            for name, moments in self._moments.items()
            for part in ("count", "mean", "squares")
        }
        save_file(numbers, self._folder / "moments.safetensors")
        (self._folder / "clips.json").write_text(json.dumps(clips))
        about = {
            "arrays": arrays,
            "moments": sorted(self._moments),
            "head_model": self._head.name,
            "embedding_model": model,
            "digest": self._digest.hexdigest(),
            "live": [*_eye_columns(self._head), *range(*GAZE.indices(MOTION_DIM))],
        }
        (self._folder / "pack.json").write_text(json.dumps(about, indent=1))


def _eye_columns(head: HeadModel) -> list[int]:
    return [i for i, name in enumerate(head.expression_names) if name.startswith("eye")]


def _mapped(folder: Path, name: str, dtype: str, shape: list[int]) -> npt.NDArray[Any]:
    """The array, read-only; as a plain array, which NumPy indexes faster than its own ``memmap``."""
    path = folder / f"{name}.bin"
    wanted = {"motion": MOTION_DIM, "shape": SHAPE_DIM, "style": STYLE_DIM, "detail": DETAIL_DIM}
    if name in wanted and shape[1:] != [wanted[name]]:
        raise InvalidPack(f"{path}: rows of {shape[1:]}, wanted [{wanted[name]}]")
    kind = np.dtype(dtype)
    if path.stat().st_size != kind.itemsize * int(np.prod(shape)):
        raise InvalidPack(f"{path}: {path.stat().st_size} bytes do not make {dtype}{shape}")
    return np.asarray(np.memmap(path, kind, "r", shape=tuple(shape)))
