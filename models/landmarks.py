"""MediaPipe's FaceLandmarker as a plain object: a picture in, every face's landmarks in pixels out.

It runs in video mode with room for several faces, on purpose: with room for one only, MediaPipe smooths the landmarks
over time, which on speech delays the lips by about half a frame and flattens their opening (9 % on GRID clips, measured
against its own still-image results). With room for several nothing is smoothed, the detector looks at every picture,
and a face it misses for a moment is still followed.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from schemas.arrays import Float32, UInt8
from schemas.units import N_BLENDSHAPES, N_LANDMARKS

_TICK_MS = 40  # MediaPipe only asks that time grows


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The faces of one picture (F rows)."""

    landmarks: Float32  # [F, 478, 3] pixels, x right, y down; z in pixels, towards the viewer negative
    blendshapes: Float32  # [F, 52] scores 0..1, "_neutral" first

    def __len__(self) -> int:
        return len(self.landmarks)


class FaceFinder(Protocol):
    """What looks for faces in the pictures of one shot after another."""

    def restart(self) -> None:
        """Forget the faces followed so far: what comes next is another shot."""

    def find(self, rgb: UInt8) -> FoundFaces:
        """The faces of ``rgb`` [H, W, 3], the next picture of the shot."""


class FaceLandmarker:
    """A ``FaceFinder``. Finds faces picture by picture; a context manager, for MediaPipe must be closed.

    ``model`` is the path of ``face_landmarker.task`` (asset "face-landmarker"). The same pictures in the same order
    since ``restart`` give the same numbers.
    """

    def __init__(self, model: Path, max_faces: int = 4) -> None:
        if max_faces < 2:
            raise ValueError(f"max_faces: got {max_faces}, wanted at least 2 (with 1, MediaPipe smooths over time)")
        self._options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=max_faces,
            output_face_blendshapes=True,
        )
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(self._options)
        self._time_ms = 0
        self._fresh = True

    def restart(self) -> None:
        """As ``FaceFinder``; costs some 15 ms."""
        if not self._fresh:
            self.close()
            self._start()

    def close(self) -> None:
        self._landmarker.close()

    def find(self, rgb: UInt8) -> FoundFaces:
        """The faces of ``rgb`` [H, W, 3], the next picture of the shot."""
        height, width = rgb.shape[:2]
        # MediaPipe reads the buffer as if its rows were packed, whatever the strides say.
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        result = self._landmarker.detect_for_video(image, self._time_ms)
        self._time_ms += _TICK_MS
        self._fresh = False
        n = len(result.face_landmarks)
        landmarks = np.fromiter(
            (c for face in result.face_landmarks for p in face for c in (p.x, p.y, p.z)),
            np.float32,
            n * N_LANDMARKS * 3,
        ).reshape(n, N_LANDMARKS, 3)
        blendshapes = np.fromiter(
            (c.score for face in result.face_blendshapes for c in face), np.float32, n * N_BLENDSHAPES
        ).reshape(n, N_BLENDSHAPES)
        return FoundFaces(landmarks * np.array([width, height, width], np.float32), blendshapes)
