"""What is known exactly of a clip that was made: the file beside every video of ``xtalker synth``."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from schemas.arrays import Float32, InvalidArray, admit_fields
from schemas.motion import HeadMotion
from schemas.speech import Phone

SUFFIX: Final = ".truth.npz"
_CURVES: Final = ("expression", "global_rotation", "jaw", "eyes", "eyelids", "translation")


class UnreadableTruth(RuntimeError):
    """The file is missing or is not the truth of a clip."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Something covers part of the face in frames ``start_frame`` to ``stop_frame``, half open."""

    thing: str  # "hand" or "microphone"
    start_frame: int
    stop_frame: int


@dataclass(frozen=True, slots=True)
class ClipTruth:
    """A made clip of T frames, 25 a second; frame 0 is the file's first, second 0 the file's first sample."""

    speaker_id: str
    transcript: str  # what was read; the clip may begin or end within it
    phones: tuple[Phone, ...]  # of the file's sound, without gaps from second 0 to T / 25; a pause is " "
    # How much later than the picture the sound is, negative if it is early: the mouth made what is heard at second s
    # at second s - sound_delay_ms / 1000.
    sound_delay_ms: int
    occlusions: tuple[Occlusion, ...]
    lips_hidden: Float32  # [T] share of the lip landmarks that something covers, 0..1
    image_width: int
    image_height: int
    motion: HeadMotion  # parameters and pinhole of what was drawn
    vertices: Float32 | None = None  # [T, V, 3] metres, camera frame, where they were asked for

    def __post_init__(self) -> None:
        admit_fields(self, {"T": self.motion.n_frames}, lips_hidden=(np.float32, ("T",)))
        if self.vertices is not None:
            admit_fields(self, {"T": self.motion.n_frames}, vertices=(np.float32, ("T", "V", 3)))


def truth_path(video: Path) -> Path:
    """Where the truth of ``video`` lies: ``a.mp4`` has ``a.truth.npz``."""
    return video.with_name(video.stem + SUFFIX)


def write_truth(path: Path, truth: ClipTruth) -> None:
    """Write ``truth`` so that ``read_truth`` gives it back."""
    motion = truth.motion
    arrays = {name: getattr(motion, name) for name in ("shape", *_CURVES)}
    if truth.vertices is not None:
        arrays["vertices"] = truth.vertices
    np.savez_compressed(
        path,
        clip_id=np.array(motion.clip_id),
        head_model=np.array(motion.head_model),
        focal_px=np.array(motion.focal_px, np.float64),
        principal_point_px=np.array(motion.principal_point_px, np.float64),
        image_size=np.array([truth.image_width, truth.image_height], np.int32),
        speaker_id=np.array(truth.speaker_id),
        transcript=np.array(truth.transcript),
        phone=np.array([p.symbol for p in truth.phones], np.str_),
        phone_span_s=np.array([(p.start_s, p.stop_s) for p in truth.phones], np.float64).reshape(-1, 2),
        phone_stressed=np.array([p.stressed for p in truth.phones], np.bool_),
        sound_delay_ms=np.array(truth.sound_delay_ms, np.int32),
        occluder=np.array([o.thing for o in truth.occlusions], np.str_),
        occluded_span=np.array([(o.start_frame, o.stop_frame) for o in truth.occlusions], np.int32).reshape(-1, 2),
        lips_hidden=truth.lips_hidden,
        **arrays,
    )


def read_truth(path: Path) -> ClipTruth:
    """Read what lies beside a made video; T frames, P phones, O occlusions.

    The file is an npz without pickles, of these arrays. Axes, units and camera are those of ``schemas.units``:

    - ``shape`` [100] standard deviations of the head model's identities; ``expression`` [T, 50] weights of its named
      actions, 1 at full strength; ``eyelids`` [T, 2] closure of the left then the right lid, 0 open .. 1 shut
    - ``global_rotation`` [T, 3] axis-angle about the root joint, ``jaw`` [T, 3] axis-angle, ``eyes`` [T, 6] axis-angle
      of the left then the right eyeball, radians; ``translation`` [T, 3] metres, camera frame
    - ``focal_px``, ``principal_point_px`` [2] (column, row), ``image_size`` [2] (width, height), pixels
    - ``vertices`` [T, V, 3] metres, camera frame; absent unless asked for
    - ``phone`` [P] IPA symbols, ``phone_span_s`` [P, 2] start and stop in seconds of the file's sound,
      ``phone_stressed`` [P] whether the sound bears primary stress
    - ``sound_delay_ms`` by how much the sound comes after the picture
    - ``occluder`` [O] names, ``occluded_span`` [O, 2] frames, half open; ``lips_hidden`` [T] 0..1
    - ``clip_id``, ``speaker_id``, ``head_model``, ``transcript`` texts

    Raises ``UnreadableTruth``.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        spans, stressed = arrays["phone_span_s"], arrays["phone_stressed"]
        cx, cy = arrays["principal_point_px"]
        width, height = arrays["image_size"]
        motion = HeadMotion(
            clip_id=str(arrays["clip_id"]),
            head_model=str(arrays["head_model"]),
            n_frames=len(arrays["jaw"]),
            shape=arrays["shape"],
            focal_px=float(arrays["focal_px"]),
            principal_point_px=(float(cx), float(cy)),
            **{name: arrays[name] for name in _CURVES},
        )
        return ClipTruth(
            speaker_id=str(arrays["speaker_id"]),
            transcript=str(arrays["transcript"]),
            phones=tuple(
                Phone(str(symbol), float(start), float(stop), bool(stress))
                for symbol, (start, stop), stress in zip(arrays["phone"], spans, stressed, strict=True)
            ),
            sound_delay_ms=int(arrays["sound_delay_ms"]),
            occlusions=tuple(
                Occlusion(str(thing), int(start), int(stop))
                for thing, (start, stop) in zip(arrays["occluder"], arrays["occluded_span"], strict=True)
            ),
            lips_hidden=arrays["lips_hidden"],
            image_width=int(width),
            image_height=int(height),
            motion=motion,
            vertices=arrays.get("vertices"),
        )
    except (OSError, KeyError, ValueError, TypeError, InvalidArray, zipfile.BadZipFile) as error:
        raise UnreadableTruth(
            f"{path}: not the truth of a made clip ({error}); make it again: xtalker synth"
        ) from error
