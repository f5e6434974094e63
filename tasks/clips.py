"""Cut a face track into candidates.

Enters: an ``Observation`` and one of its face tracks. Leaves: self-contained ``Clip`` records, or the verdict that the
track is too short to be one. A track longer than the limit is cut into even pieces, each cut where it is quietest.
``SourceTally`` answers two questions about the whole source: does it show a face at all, and can it be heard?
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from schemas.arrays import Float32, Int32
from schemas.clip import Clip, FaceTrack, clip_id_of
from schemas.config import StageConfig
from schemas.observation import Observation
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME, frames_to_seconds
from schemas.verdict import Reason, Verdict

VERSION = "1"

_QUIET_FRAMES = 3  # on each side of a cut, 240 ms in all: a stop consonant's closure is shorter, a pause is not
_FLOOR_DB = -120.0


class ClipsConfig(StageConfig):
    min_duration_s: float = Field(1.0, gt=0, description="a shorter track is a fragment, not a candidate")
    max_duration_s: float = Field(30.0, gt=0, description="a longer track is cut into pieces")
    quiet_window_s: float = Field(2.0, ge=0, description="how far from an even cut to look for a quiet place")
    min_face_share: float = Field(
        0.1, ge=0, le=1, description="a source with a face in fewer frames, and never for min_duration_s, has no face"
    )
    min_peak_dbfs: float = Field(-60.0, description="a source whose loudest sample is below is silent")

    @model_validator(mode="after")
    def _pieces_fit(self) -> "ClipsConfig":
        if (self.max_duration_s - 2 * self.quiet_window_s) / 2 - 2 * self.quiet_window_s < self.min_duration_s:
            raise ValueError("max_duration_s must be at least 2 * min_duration_s + 6 * quiet_window_s")
        return self


def cut_clips(
    observation: Observation,
    track: FaceTrack,
    config: ClipsConfig,
    stage_versions: str,
    loudness: Float32 | None = None,
) -> tuple[tuple[Clip, ...], tuple[Verdict, ...]]:
    """The candidates of ``track``, and a verdict for a fragment too short to be one.

    ``stage_versions`` enters the clips' identity. ``loudness`` [N], one value per frame of the observation in any
    unit (a speech probability, say), tells where to cut a long track; without it the sound's own energy does.
    """
    duration_s = frames_to_seconds(track.n_frames)
    if duration_s < config.min_duration_s:
        subject = f"{observation.source.source_id}/{observation.start_frame + track.start_frame}+{track.n_frames}"
        return (), (_refusal(subject, "duration", Reason.TOO_SHORT, duration_s, config.min_duration_s),)
    if loudness is None and duration_s > config.max_duration_s:
        loudness = loudness_of(observation.audio)
    bounds = _bounds(track, loudness, config)
    return tuple(_clips(observation, track, bounds, stage_versions)), ()


def loudness_of(audio: Float32) -> Float32:
    """Level of each frame's sound, dB of full scale: [N * 640] gives [N]."""
    mean_square = np.square(audio, dtype=np.float64).reshape(-1, SAMPLES_PER_FRAME).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(mean_square, 10 ** (_FLOOR_DB / 10))), np.float32)


@dataclass(frozen=True, slots=True)
class SourceTally:
    """What the parts of a source add up to, for two questions about all of it: is there a face, is there a sound?"""

    n_frames: int = 0
    face_frames: int = 0
    longest_face_frames: int = 0  # without interruption, within a part
    audio_samples: int = 0  # that the file really holds
    peak: float = 0.0

    def plus(self, part: Observation) -> "SourceTally":
        with_face = np.zeros(part.n_frames + 2, np.int8)
        with_face[part.faces.frame + 1] = 1
        begins, ends = np.flatnonzero(np.diff(with_face) == 1), np.flatnonzero(np.diff(with_face) == -1)
        return SourceTally(
            self.n_frames + part.n_frames,
            self.face_frames + int(with_face.sum()),
            max(self.longest_face_frames, int((ends - begins).max(initial=0))),
            self.audio_samples + part.audio_span[1] - part.audio_span[0],
            max(self.peak, float(np.abs(part.audio).max(initial=0.0))),
        )

    def refusals(self, source_id: str, config: ClipsConfig) -> tuple[Verdict, ...]:
        """The verdicts against the whole source: no face, no sound, both or none."""
        verdicts = []
        share = self.face_frames / max(self.n_frames, 1)
        brief = frames_to_seconds(self.longest_face_frames) < config.min_duration_s
        if not self.face_frames or (brief and share < config.min_face_share):
            detail = f"a face in {self.face_frames} of {self.n_frames} frames"
            verdicts.append(_refusal(source_id, "face_share", Reason.NO_FACE, share, config.min_face_share, detail))
        peak_dbfs = max(20 * float(np.log10(max(self.peak, 1e-30))), _FLOOR_DB)
        if not self.audio_samples or peak_dbfs < config.min_peak_dbfs:
            detail = "the audio stream is silent" if self.audio_samples else "no sound while there is a picture"
            verdicts.append(
                _refusal(source_id, "peak_dbfs", Reason.SILENT_AUDIO, peak_dbfs, config.min_peak_dbfs, detail)
            )
        return tuple(verdicts)


def _refusal(
    subject_id: str, gate: str, reason: Reason, measured: float, threshold: float, detail: str = ""
) -> Verdict:
    return Verdict(subject_id, gate, False, reason, measured, threshold, f"clips@{VERSION}", detail)


def _bounds(track: FaceTrack, loudness: Float32 | None, config: ClipsConfig) -> list[int]:
    """Where the pieces begin and end, in frames of the track. No piece is longer than the maximum: even pieces leave
    room for both their ends to move by the window."""
    most = int(config.max_duration_s * FRAME_RATE)
    if track.n_frames <= most or loudness is None:
        return [0, track.n_frames]
    window = int(config.quiet_window_s * FRAME_RATE)
    n_pieces = -(-track.n_frames // (most - 2 * window))
    bounds = [0]
    for even in (round(i * track.n_frames / n_pieces) for i in range(1, n_pieces)):
        offsets = np.arange(-window, window + 1)
        around = np.arange(-_QUIET_FRAMES, _QUIET_FRAMES)
        level = loudness[track.start_frame + even + offsets[:, None] + around].mean(axis=1)
        bounds.append(even + int(offsets[np.lexsort((np.abs(offsets), level))[0]]))
    return [*bounds, track.n_frames]


def _clips(observation: Observation, track: FaceTrack, bounds: list[int], stage_versions: str) -> Iterator[Clip]:
    source, faces = observation.source, observation.faces
    before, after, weight = _neighbours(track)
    for low, high in pairwise(bounds):
        piece = slice(low, high)
        first, n_frames = track.start_frame + low, high - low
        sound = (first * SAMPLES_PER_FRAME, (first + n_frames) * SAMPLES_PER_FRAME)
        start_frame = observation.start_frame + first
        a, b, w = before[piece], after[piece], weight[piece]
        yield Clip(
            clip_id=clip_id_of(source.sha256, start_frame, n_frames, track.track_index, stage_versions),
            source_id=source.source_id,
            track_index=track.track_index,
            start_frame=start_frame,
            n_frames=n_frames,
            image_width=observation.width,
            image_height=observation.height,
            landmarks=_between(faces.landmarks, a, b, w),
            blendshapes=_between(faces.blendshapes, a, b, w),
            present=track.rows[piece] >= 0,
            n_faces=track.n_faces[piece],
            sharpness=_between(faces.sharpness, a, b, w),
            mouth_patch=faces.mouth_patch[np.where(w < 0.5, a, b)],
            audio=observation.audio[slice(*sound)].copy(),
            audio_coverage=_overlap(observation.audio_span, sound) / (n_frames * SAMPLES_PER_FRAME),
            damaged_ratio=observation.damaged_frames / observation.n_frames,
            deca=None if faces.deca is None else _between(faces.deca, a, b, w),
            disagreement=None if faces.disagreement is None else faces.disagreement[np.where(w < 0.5, a, b)],
            lips=None if faces.lips is None else _seen_alone(faces.lips, track.rows[piece]),
        )


def _seen_alone(rows: Float32, which: Int32) -> Float32:
    """``rows`` [M, D] of the frames ``which`` [T]; zero where one is bridged, and was not seen."""
    return np.where(which[:, None] >= 0, rows[which], np.float32(0))


def _neighbours(track: FaceTrack) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Float32]:
    """For each frame of the track: the last row seen, the next row seen, and how far between them it lies (0..1)."""
    seen = np.flatnonzero(track.rows >= 0)
    every = np.arange(track.n_frames)
    before = seen[np.searchsorted(seen, every, side="right") - 1]
    after = seen[np.searchsorted(seen, every, side="left")]
    weight = (every - before) / np.maximum(after - before, 1)
    rows = track.rows.astype(np.intp)
    return rows[before], rows[after], weight.astype(np.float32)


def _between(values: Float32, before: npt.NDArray[np.intp], after: npt.NDArray[np.intp], weight: Float32) -> Float32:
    out = values[before]
    gaps = np.flatnonzero(weight)
    w = weight[gaps].reshape(-1, *(1,) * (values.ndim - 1))
    out[gaps] = (1 - w) * values[before[gaps]] + w * values[after[gaps]]
    return out


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> int:
    return max(min(a[1], b[1]) - max(a[0], b[0]), 0)
