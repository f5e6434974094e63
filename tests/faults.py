"""Faults planted into clips: what a 3D gate must catch, done to what the first stages saw, so that nothing is rendered.

Each takes a ``Clip`` and gives another; nothing about the fault is told to what measures it.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.head.landmarks import OUTER_EYE_CORNERS
from models.landmarks import FaceFinder, FoundFaces
from schemas.arrays import Float32, UInt8
from schemas.clip import Clip
from schemas.units import SAMPLES_PER_FRAME

_EYES = list(OUTER_EYE_CORNERS)


def frozen(clip: Clip, start: int, n_frames: int) -> Clip:
    """The picture stands still for ``n_frames`` from ``start`` while the sound goes on."""
    sound = np.arange(clip.n_frames)
    pictures = sound.copy()
    pictures[start : start + n_frames] = start
    stands = _moments(clip, pictures, sound)
    # What MediaPipe makes of a codec's refinements of a picture that stands: 0.03 % of the eyes' distance a step.
    tremble = np.random.default_rng(start).normal(0, 1.7e-4, (n_frames, *clip.landmarks.shape[1:]))
    landmarks = stands.landmarks.copy()
    landmarks[start : start + n_frames] += (tremble * _eyes_apart(landmarks[:1])).astype(np.float32)
    return replace(stands, landmarks=landmarks)


def late_picture(clip: Clip, n_frames: int) -> Clip:
    """The picture comes ``n_frames`` after its sound (before it, if negative); the clip is as much shorter."""
    kept = np.arange(clip.n_frames - abs(n_frames))
    pictures, sound = (kept, kept + n_frames) if n_frames > 0 else (kept - n_frames, kept)
    return _moments(clip, pictures, sound)


def swapped(clip: Clip, other: Clip) -> Clip:
    """From its middle on the clip shows ``other``'s face, where its own was and as large."""
    middle = clip.n_frames // 2
    tail = other.landmarks[np.resize(np.arange(other.n_frames), clip.n_frames)[middle:]].copy()
    own = clip.landmarks[middle:]
    scale = _eyes_apart(own).mean() / _eyes_apart(tail).mean()
    tail = (tail - tail.mean((0, 1))) * scale + own.mean((0, 1))
    landmarks = np.concatenate([clip.landmarks[:middle], tail.astype(np.float32)])
    return replace(clip, landmarks=landmarks)


class Mirroring:
    """A face finder that is shown every picture in a mirror. MediaPipe does not see a mirrored face as it sees the
    face, so that mirrored landmarks would be none that a mirrored video has."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder

    def restart(self) -> None:
        self._finder.restart()

    def find(self, rgb: UInt8) -> FoundFaces:
        rgb[:] = rgb[:, ::-1].copy()
        return self._finder.find(rgb)


class Covering:
    """A face finder before whose every picture something is held over the mouth, in the frames ``[start, stop)``.

    It paints into the picture it is given, so that whatever looks at it afterwards sees the same.
    """

    def __init__(self, finder: FaceFinder, start: int, stop: int, seed: int) -> None:
        self._finder = finder
        self._covered = range(start, stop)
        self._rng = np.random.default_rng(seed)
        self._colour = self._rng.uniform(30, 220, 3)
        self._frame = -1

    def restart(self) -> None:
        self._finder.restart()

    def find(self, rgb: UInt8) -> FoundFaces:
        found = self._finder.find(rgb)
        self._frame += 1
        if self._frame not in self._covered or not len(found):
            return found
        for face in found.landmarks:
            self._paint(rgb, face)
        return self._finder.find(rgb)

    def _paint(self, rgb: UInt8, face: Float32) -> None:
        """An upright cup or microphone: an ellipse of one colour, shaded across, somewhat more than the mouth wide."""
        mouth, size = face[[13, 14], :2].mean(0), float(_eyes_apart(face[None])[0])
        y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
        across, down = (x - mouth[0]) / (0.42 * size), (y - mouth[1] - 0.05 * size) / (0.5 * size)
        inside = across**2 + down**2 < 1
        shade = (1 - 0.35 * across[inside])[:, None]
        rgb[inside] = np.clip(self._colour * shade + self._rng.normal(0, 3, (inside.sum(), 3)), 0, 255)


def _moments(clip: Clip, pictures: npt.NDArray[np.intp], sound: npt.NDArray[np.intp]) -> Clip:
    """The frames ``pictures`` [T] of ``clip`` with the sound of its frames ``sound`` [T]."""
    audio = clip.audio.reshape(-1, SAMPLES_PER_FRAME)[sound].reshape(-1)
    per_frame = ("landmarks", "blendshapes", "present", "n_faces", "sharpness", "mouth_patch")
    seen = {name: getattr(clip, name)[pictures] for name in per_frame}
    return replace(clip, n_frames=len(sound), audio=audio, **seen)


def _eyes_apart(landmarks: Float32) -> Float32:
    right, left = (landmarks[:, i] for i in _EYES)
    return np.asarray(np.linalg.norm(left - right, axis=1), np.float32)
