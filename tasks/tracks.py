"""Follow each face through its shot.

Enters: an ``Observation`` and its shots. Leaves: one ``FaceTrack`` per face and uninterrupted appearance, ordered by
shot, then by first frame. Faces are told apart by where their landmarks lie, one to one between frames, so two people
crossing without covering each other never swap. A face lost for a moment is bridged, for longer it begins a new track.
Tracks too short to be anything come out too: the next stage says so in a verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from schemas.arrays import Float32, Int32
from schemas.clip import FaceTrack, Shot
from schemas.config import StageConfig
from schemas.observation import Observation
from schemas.units import N_MESH_POINTS

VERSION = "1"

# Every eighth mesh point: enough to tell two faces apart, an eighth of the work.
_SAMPLE = np.arange(0, N_MESH_POINTS, 8)
_UNREACHABLE = 1e6


class TracksConfig(StageConfig):
    max_gap_frames: int = Field(5, ge=0, description="frames a face may be missing and still be the same track")
    max_step: float = Field(
        0.6, gt=0, description="association cost above which two rows are two faces; see `association_cost`"
    )
    ghost_frames: int = Field(3, ge=0, description="tracks of at most so many frames do not count as a second face")


@dataclass(slots=True)
class _Trail:
    """The rows of one face so far, and the frames they were seen in."""

    rows: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)


def tracks(observation: Observation, shots: Sequence[Shot], config: TracksConfig) -> tuple[FaceTrack, ...]:
    """The face tracks of all ``shots``, numbered by order of appearance within the observation."""
    found: list[FaceTrack] = []
    for shot in shots:
        found += _shot_tracks(observation, shot, config, first_index=len(found))
    return tuple(found)


def association_cost(before: Float32, after: Float32) -> npt.NDArray[np.float64]:
    """How unlike two faces are: landmarks [..., P, 2] in pixels, broadcast against each other, give costs [...].

    Mean distance between corresponding landmarks over the faces' size (square root of box area, geometric mean of the
    two), plus half of 1 - IoU of the boxes: about 0.05 for a talking head, above 0.6 for a neighbour.
    """
    distance = np.linalg.norm(before - after, axis=-1).mean(axis=-1)
    low_a, high_a, low_b, high_b = before.min(-2), before.max(-2), after.min(-2), after.max(-2)
    area_a, area_b = np.prod(high_a - low_a, axis=-1), np.prod(high_b - low_b, axis=-1)
    overlap = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None)
    shared = np.prod(overlap, axis=-1)
    union = np.maximum(area_a + area_b - shared, 1e-6)
    size = np.maximum((area_a * area_b) ** 0.25, 1e-3)
    return np.asarray(distance / size + 0.5 * (1 - shared / union), np.float64)


def _shot_tracks(observation: Observation, shot: Shot, config: TracksConfig, first_index: int) -> Iterator[FaceTrack]:
    frame = observation.faces.frame
    start, stop = np.searchsorted(frame, [shot.start_frame, shot.stop_frame])
    rows = np.arange(start, stop, dtype=np.int32)
    frames = frame[start:stop]
    points = observation.faces.landmarks[start:stop, _SAMPLE, :2]
    alone = not np.any(np.diff(frames) == 0)
    trails = (_follow_one if alone else _follow_several)(rows, frames, points, config)
    trails.sort(key=lambda trail: (trail[1][0], trail[0][0]))

    crowd = np.zeros(shot.n_frames, np.int32)
    for _, seen in trails:
        if len(seen) > config.ghost_frames:
            crowd[seen[0] - shot.start_frame : seen[-1] - shot.start_frame + 1] += 1
    for index, (own, seen) in enumerate(trails, start=first_index):
        first, n_frames = int(seen[0]), int(seen[-1] - seen[0] + 1)
        filled = np.full(n_frames, -1, np.int32)
        filled[seen - first] = own
        counted = crowd[first - shot.start_frame :][:n_frames] + np.int32(len(seen) <= config.ghost_frames)
        yield FaceTrack(index, shot, first, n_frames, filled, counted)


def _follow_one(rows: Int32, frames: Int32, points: Float32, config: TracksConfig) -> list[tuple[Int32, Int32]]:
    """At most one face per frame: a track ends where the gap is too long or the next face is another."""
    if not rows.size:
        return []
    gap = np.diff(frames) - 1
    cost = association_cost(points[:-1], points[1:])
    breaks = np.flatnonzero((gap > config.max_gap_frames) | (cost > config.max_step)) + 1
    return list(zip(np.split(rows, breaks), np.split(frames, breaks)))


def _follow_several(rows: Int32, frames: Int32, points: Float32, config: TracksConfig) -> list[tuple[Int32, Int32]]:
    """Frame by frame, the cheapest one-to-one assignment of faces to the tracks still open."""
    done: list[_Trail] = []
    active: list[_Trail] = []
    first_row = int(rows[0])
    _, begins = np.unique(frames, return_index=True)
    for here in np.split(np.arange(len(rows)), begins[1:]):
        now = int(frames[here[0]])
        done += [t for t in active if now - t.frames[-1] - 1 > config.max_gap_frames]
        active = [t for t in active if now - t.frames[-1] - 1 <= config.max_gap_frames]
        unclaimed = set(here.tolist())
        if active:
            last = points[[t.rows[-1] - first_row for t in active]]
            cost = association_cost(last[:, None], points[here][None])
            # Pairs over the limit cost so much that no assignment trades two good pairs for one of them.
            cost[cost > config.max_step] = _UNREACHABLE
            for a, b in zip(*linear_sum_assignment(cost)):
                if cost[a, b] < _UNREACHABLE:
                    active[a].rows.append(int(rows[here[b]]))
                    active[a].frames.append(now)
                    unclaimed.discard(int(here[b]))
        active += [_Trail([int(rows[i])], [now]) for i in sorted(unclaimed)]
    return [(np.array(t.rows, np.int32), np.array(t.frames, np.int32)) for t in done + active]
