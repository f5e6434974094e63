"""Faces that pass by, five pictures at a time: followed from picture to picture, cut out, and only embeddings kept."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from models.syncnet.crop import SMOOTHED_FRAMES, boxes_of, cut, overlap
from models.syncnet.published import WINDOW_FRAMES
from schemas.arrays import Float32, UInt8
from schemas.units import LIPS_DIM

_AHEAD: Final = SMOOTHED_FRAMES // 2
_MIDDLE: Final = WINDOW_FRAMES // 2
_SAME_FACE: Final = 0.5  # least overlap from one picture to the next, as in the authors' run_pipeline.py
_AT_ONCE: Final = 8  # windows that wait; 6 MB


class FilmEncoder(Protocol):
    """``models.syncnet.reader.SyncNet``."""

    @property
    def every_frames(self) -> int: ...

    def see(self, films: UInt8) -> Float32:
        """[B, 1024] of ``films`` [B, 5, 224, 224, 3], BGR."""
        ...


@dataclass(slots=True, eq=False)
class _Followed:
    """A face in pictures one after the other."""

    first: int  # number of the picture
    boxes: list[Float32] = field(default_factory=list)
    places: list[Float32] = field(default_factory=list)
    crops: deque[UInt8] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    n_cut: int = 0


class FaceFilms:
    """The faces of one part of a source, picture by picture, all of which are to be shown: repeated ones too."""

    def __init__(self, encoder: FilmEncoder) -> None:
        self._encoder = encoder
        self._pictures: deque[UInt8] = deque(maxlen=_AHEAD + 1)
        self._n = 0
        self._followed: list[_Followed] = []
        self._waiting: list[tuple[UInt8, Float32]] = []

    def of(self, rgb: UInt8, landmarks: Float32) -> Float32:
        """The embeddings [F, 1024] of the faces with MediaPipe's ``landmarks`` [F, 478, 3] in the picture ``rgb``
        [H, W, 3], each over the five pictures about this one. They are filled in later, at the latest by ``finish``,
        and stay zero where the face was not seen in all five, and in the frames between every so many."""
        codes = np.zeros((len(landmarks), LIPS_DIM), np.float32)
        self._pictures.append(rgb)
        still, ended = [], self._followed
        for box, code in zip(boxes_of(landmarks), codes, strict=True):
            face = max(ended, key=lambda f: overlap(f.boxes[-1], box), default=None)
            if face is None or overlap(face.boxes[-1], box) <= _SAME_FACE:
                face = _Followed(self._n)
            else:
                ended.remove(face)
            face.boxes.append(box)
            face.places.append(code)
            still.append(face)
        self._n += 1
        for face in ended:
            self._cut(face, len(face.boxes))
        for face in still:
            self._cut(face, len(face.boxes) - _AHEAD)
        self._followed = still
        return codes

    def finish(self) -> None:
        """Fill in what is still owed; no face is followed any further."""
        for face in self._followed:
            self._cut(face, len(face.boxes))
        self._followed = []
        self._encode()

    def _cut(self, face: _Followed, stop: int) -> None:
        """Cut the face out of its pictures before the one with index ``stop``."""
        oldest = self._n - len(self._pictures)
        for t in range(face.n_cut, stop):
            box = np.median(face.boxes[max(t - _AHEAD, 0) : t + _AHEAD + 1], axis=0)
            face.crops.append(cut(self._pictures[face.first + t - oldest], box))
            face.n_cut = t + 1
            if t + 1 >= WINDOW_FRAMES and (face.first + t - _MIDDLE) % self._encoder.every_frames == 0:
                self._waiting.append((np.stack(face.crops), face.places[t - _MIDDLE]))
                if len(self._waiting) == _AT_ONCE:
                    self._encode()

    def _encode(self) -> None:
        if self._waiting:
            films, places = zip(*self._waiting, strict=True)
            for place, row in zip(places, self._encoder.see(np.stack(films)), strict=True):
                place[:] = row
            self._waiting.clear()
