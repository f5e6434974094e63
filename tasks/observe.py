"""Observe: the one pass over the pixels.

Enters: a ``SourceVideo``. Leaves: its ``Observation`` in parts of bounded length: per picture a cut score, a
thumbnail and the faces with their landmarks; per part the sound. Later stages work on that and never see a picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scenedetect import FrameTimecode
from scenedetect.detectors import ContentDetector

from models.deca.passing import FaceCodes, FaceEncoder
from models.face_crops import mouth_patch, sharpness
from models.points68 import SecondLook
from models.syncnet.films import FaceFilms, FilmEncoder
from schemas.arrays import Float32, UInt8
from schemas.config import StageConfig
from schemas.observation import Faces, Observation
from schemas.source import SourceVideo
from schemas.units import FRAME_RATE, MOUTH_PATCH_SIZE, N_BLENDSHAPES, N_LANDMARKS, THUMBNAIL_SIZE
from tasks.media.footage import Footage, Picture

if TYPE_CHECKING:
    from models.landmarks import FaceFinder, FoundFaces  # mediapipe: planning a run needs only the config

VERSION = "2"

_CUT_WIDTH = 128  # pixels: cuts show at this size, and the score costs a tenth


class ObserveConfig(StageConfig):
    """How large pictures are looked at, and how long a part of a source may be."""

    part_s: float = 600.0
    max_side_px: int = 1280
    restart_score: float = 27.0  # cut score from which faces are not followed across (PySceneDetect's default cut)


def observe(
    source: SourceVideo,
    landmarker: "FaceFinder",
    config: ObserveConfig,
    encoder: FaceEncoder | None = None,
    second: SecondLook | None = None,
    films: FilmEncoder | None = None,
) -> Iterator[Observation]:
    """Yield the parts of ``source`` in order, each at most ``config.part_s`` long. With an ``encoder`` every face is
    cut out and encoded on the way, with ``films`` five pictures of it together, with a ``second`` finder compared, for
    no later stage sees it again.

    Raises ``tasks.media.container.UndecodableMedia`` if not one picture can be decoded.
    """
    part_frames = round(config.part_s * FRAME_RATE)
    landmarker.restart()
    with Footage(source, config.max_side_px) as footage:
        codes = None if encoder is None else FaceCodes(encoder)
        look = _Look(landmarker, config.restart_score, codes, second, None if films is None else FaceFilms(films))
        for number, pictures in groupby(footage.pictures(), key=lambda p: p.index // part_frames):
            yield _part(footage, look, pictures, number * part_frames)


def _part(footage: Footage, look: "_Look", pictures: Iterator[Picture], start_frame: int) -> Observation:
    damaged_before = footage.damaged_frames
    notes = _Notes()
    for picture in pictures:
        notes.add(look.at(picture))
    look.finish()
    n_frames = len(notes.cut_score)
    audio, audio_span = footage.sound(start_frame, n_frames)
    return Observation(
        source=footage.source,
        start_frame=start_frame,
        n_frames=n_frames,
        width=footage.width,
        height=footage.height,
        cut_score=np.array(notes.cut_score, np.float32),
        thumbnails=np.array(notes.thumbnails, np.uint8),
        faces=notes.faces(),
        audio=audio,
        audio_span=audio_span,
        damaged_frames=min(footage.damaged_frames - damaged_before, n_frames),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one picture showed."""

    cut_score: float
    thumbnail: UInt8
    found: "FoundFaces"
    sharpness: Float32  # [F]
    mouth_patch: UInt8  # [F, 24, 24, 3]
    code: Float32 | None  # [F, 364] DECA's, filled in by the end of the part
    disagreement: Float32 | None  # [F] of the two finders
    lips: Float32 | None  # [F, 1024] SyncNet's, filled in by the end of the part


class _CutScore(ContentDetector):  # type: ignore[misc] # scenedetect is not typed
    """PySceneDetect's content value, picture by picture: mean change of hue, saturation and brightness, 0..255."""

    def of(self, bgr: UInt8, index: int) -> float:
        self.process_frame(FrameTimecode(index, float(FRAME_RATE)), bgr)
        return float(self._frame_score or 0.0)


class _Look:
    """The instruments, in the order in which they look at a picture."""

    def __init__(
        self,
        finder: "FaceFinder",
        restart_score: float,
        codes: FaceCodes | None,
        second: SecondLook | None,
        films: FaceFilms | None,
    ) -> None:
        self._finder = finder
        self._restart_score = restart_score
        self._codes = codes
        self._second = second
        self._films = films
        self._cut_score = _CutScore()
        self._last: _Seen | None = None

    def at(self, picture: Picture) -> _Seen:
        if picture.repeats and self._last is not None:
            return replace(self._last, cut_score=0.0, lips=self._lips(picture.rgb, self._last.found))
        rgb = picture.rgb
        height = max(1, round(rgb.shape[0] * _CUT_WIDTH / rgb.shape[1]))
        small = _shrunk(rgb, _CUT_WIDTH, height)
        score = self._cut_score.of(small[:, :, ::-1], picture.index)
        if score >= self._restart_score:
            self._finder.restart()
            if self._films is not None:
                self._films.finish()
        found = self._finder.find(rgb)
        self._last = _Seen(
            cut_score=score,
            thumbnail=_shrunk(small, THUMBNAIL_SIZE[1], THUMBNAIL_SIZE[0]),
            found=found,
            sharpness=np.array([sharpness(rgb, face) for face in found.landmarks], np.float32),
            mouth_patch=np.array([mouth_patch(rgb, face) for face in found.landmarks], np.uint8),
            code=None if self._codes is None else self._codes.of(rgb, found.landmarks),
            disagreement=(
                None if self._second is None else self._second.disagreement(rgb, found.landmarks, picture.index)
            ),
            lips=self._lips(rgb, found),
        )
        return self._last

    def _lips(self, rgb: UInt8, found: "FoundFaces") -> Float32 | None:
        return None if self._films is None else self._films.of(rgb, found.landmarks)

    def finish(self) -> None:
        """Nothing is owed any more to what was seen so far."""
        if self._codes is not None:
            self._codes.finish()
        if self._films is not None:
            self._films.finish()


def _shrunk(rgb: UInt8, width: int, height: int) -> UInt8:
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(slots=True)
class _Notes:
    """What the pictures of a part showed, gathered."""

    cut_score: list[float] = field(default_factory=list)
    thumbnails: list[UInt8] = field(default_factory=list)
    with_faces: list[tuple[int, _Seen]] = field(default_factory=list)

    def add(self, seen: _Seen) -> None:
        if len(seen.found):
            self.with_faces.append((len(self.cut_score), seen))
        self.cut_score.append(seen.cut_score)
        self.thumbnails.append(seen.thumbnail)

    def faces(self) -> Faces:
        def rows(arrays: list[Any], dtype: Any, *shape: int) -> Any:
            return np.concatenate(arrays) if arrays else np.zeros((0, *shape), dtype)

        noted = self.with_faces
        patch = (MOUTH_PATCH_SIZE, MOUTH_PATCH_SIZE, 3)
        codes = [s.code for _, s in noted if s.code is not None]
        apart = [s.disagreement for _, s in noted if s.disagreement is not None]
        lips = [s.lips for _, s in noted if s.lips is not None]
        return Faces(
            frame=rows([np.full(len(s.found), k, np.int32) for k, s in noted], np.int32),
            landmarks=rows([s.found.landmarks for _, s in noted], np.float32, N_LANDMARKS, 3),
            blendshapes=rows([s.found.blendshapes for _, s in noted], np.float32, N_BLENDSHAPES),
            sharpness=rows([s.sharpness for _, s in noted], np.float32),
            mouth_patch=rows([s.mouth_patch for _, s in noted], np.uint8, *patch),
            deca=np.concatenate(codes) if codes else None,
            disagreement=np.concatenate(apart) if apart else None,
            lips=np.concatenate(lips) if lips else None,
        )
