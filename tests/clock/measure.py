"""How far a file's pictures and chirps lie from where they belong, in the clips that curation cuts from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.landmarks import FoundFaces
from schemas.arrays import UInt8
from schemas.clip import Clip
from schemas.source import Offer, SourceVideo
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.clips import ClipsConfig, cut_clips
from tasks.ingest import IngestConfig, ingest
from tasks.observe import ObserveConfig, observe
from tasks.shots import ShotsConfig, shots
from tasks.tracks import TracksConfig, tracks
from tests.builders import Actor
from tests.clock.signals import CHIRP_S, chirp_error_s, number_of

_CLIPS = ClipsConfig(min_duration_s=0.2, max_duration_s=1.3, quiet_window_s=0.1)
_PART_S = 2.0  # so that a film of three seconds has two parts
_HALF_FRAME_S = float(1 / FRAME_RATE) / 2
_SHIFTS_S = np.arange(-100, 101) / 1000  # of a recording behind a join
_CLEAR_S = 0.03  # from a clip's ends: a chirp nearer to one is not wholly in the clip


@dataclass(frozen=True)
class Truth:
    """When everything is presented, on the file's own clock. Not every picture need come out, nor every chirp."""

    pictures_s: dict[int, float]  # by number
    chirps_s: tuple[float, ...]
    joins_s: tuple[float, ...] = ()  # where recordings were joined; when exactly one goes on is for the reader to say


@dataclass(frozen=True)
class Errors:
    """Seconds. One number for each frame of each clip, and for each chirp that lies in a clip."""

    picture: tuple[float, ...]  # how much farther from the frame's instant than the nearest possible picture
    lag: tuple[float, ...]  # when the picture was presented after the frame's instant; negative: before it
    chirp: tuple[float, ...]
    lost: int = 0  # chirps that are not there, and pictures that cannot be read

    @property
    def all(self) -> tuple[float, ...]:
        return (*np.abs(self.picture), *np.abs(self.chirp))


class Refused(Exception):
    """The file was refused; the message is the verdict."""


class _Reader:
    """Finds one steady face in every picture, and notes the picture's number in its first blendshape."""

    def restart(self) -> None: ...

    def find(self, rgb: UInt8) -> FoundFaces:
        actor, frame = Actor(center_px=(80.0, 48.0), height_px=40.0, sway_px=0.0, talks=False), np.zeros(1)
        blendshapes = actor.blendshapes(frame)
        blendshapes[0, 0] = number_of(rgb)
        return FoundFaces(actor.landmarks(frame), blendshapes)


def clips_of(path: Path) -> list[Clip]:
    """The clips of a film of numbered pictures, by the stages of curation; ``blendshapes[:, 0]`` tells the number."""
    source = ingest(Offer(path), IngestConfig())
    if not isinstance(source, SourceVideo):
        raise Refused(f"{path.name}: {source.reason} ({source.detail})")
    cut: list[Clip] = []
    for part in observe(source, _Reader(), ObserveConfig(part_s=_PART_S)):
        for track in tracks(part, shots(part, ShotsConfig()), TracksConfig()):
            cut += cut_clips(part, track, _CLIPS, "clock")[0]
    return cut


def errors_of(clips: Sequence[Clip], truth: Truth) -> Errors:
    """Every error there is in the clips of one file.

    The frame k of a source stands for k / 25 s after the first picture that comes out. The nearest possible picture is
    the one presented nearest to that instant, among the one on screen then and those that come within half a frame.
    Where recordings are joined, the second may begin a little earlier or later, pictures and sound alike. Raises
    ``KeyError`` if a picture is none of the film's, ``ValueError`` if the clips do not begin where the pictures do.
    """
    first = clips[0]
    if first.start_frame != 0:
        raise ValueError(f"the first clip begins at frame {first.start_frame}: nothing says when frame 0 was presented")
    origin_s = truth.pictures_s[int(first.blendshapes[0, 0])]
    times = np.array(sorted(truth.pictures_s.values())) - origin_s
    joins = np.array(truth.joins_s) - origin_s
    seen: list[tuple[float, float]] = []  # instant of a frame, and when its picture is presented
    heard: list[tuple[float, float]] = []  # when a chirp is to be heard, and how much later it is
    lost = 0
    for clip in clips:
        start_s = clip.start_frame / float(FRAME_RATE)
        for k, number in enumerate(clip.blendshapes[:, 0].astype(int)):
            if number < 0:
                lost += 1
            else:
                seen.append((start_s + k / float(FRAME_RATE), truth.pictures_s[number] - origin_s))
        end_s = clip.n_frames * SAMPLES_PER_FRAME / SAMPLE_RATE
        for at_s in (chirp_s - origin_s - start_s for chirp_s in truth.chirps_s):
            if _CLEAR_S <= at_s <= end_s - CHIRP_S - _CLEAR_S:
                late_s = chirp_error_s(clip.audio, at_s)
                if late_s is None:
                    lost += 1
                else:
                    heard.append((start_s + at_s, late_s))
    pieces = []
    for piece in range(len(joins) + 1):
        of_piece = [[pair for pair in pairs if np.searchsorted(joins, pair[which] + 1e-9) == piece]
                    for pairs, which in ((seen, 1), (heard, 0))]  # fmt: skip
        shifts = _SHIFTS_S if piece else np.zeros(1)
        own_times = times[np.searchsorted(joins, times + 1e-9) == piece]
        tried = [_errors(*of_piece, own_times, shift_s) for shift_s in shifts]
        pieces.append(min(tried, key=lambda errors: max(errors.all, default=0.0)))
    return Errors(
        tuple(e for piece in pieces for e in piece.picture),
        tuple(e for piece in pieces for e in piece.lag),
        tuple(e for piece in pieces for e in piece.chirp),
        lost,
    )


def _errors(
    seen: list[tuple[float, float]], heard: list[tuple[float, float]], times: np.ndarray, shift_s: float
) -> Errors:
    """With everything presented ``shift_s`` later than the truth says."""
    lag = [presented + shift_s - instant for instant, presented in seen]
    nearest = [_nearest_s(times + shift_s, instant) for instant, _ in seen]
    picture = [max(abs(late) - least, 0.0) for late, least in zip(lag, nearest, strict=True)]
    return Errors(tuple(picture), tuple(lag), tuple(late - shift_s for _, late in heard))


def _nearest_s(times: np.ndarray, instant: float) -> float:
    """Distance of the nearest possible picture from ``instant``."""
    shown = times[times <= instant + 1e-9]
    coming = times[(times > instant) & (times <= instant + _HALF_FRAME_S + 1e-9)]
    return float(np.abs(np.concatenate([shown[-1:], coming]) - instant).min(initial=np.inf))
