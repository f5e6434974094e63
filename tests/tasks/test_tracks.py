"""Tracks: every face followed on its own, gaps bridged or split, nobody swapped, nobody followed across a cut."""

from dataclasses import fields, replace

import numpy as np
import pytest

from schemas.clip import FaceTrack, Shot
from schemas.observation import Faces, Observation
from tasks.tracks import TracksConfig, _follow_one, _follow_several, association_cost, tracks
from tests.builders import Actor, observation

CONFIG = TracksConfig()
LEFT, RIGHT = (140.0, 256.0), (380.0, 256.0)


def whole(seen: Observation) -> Shot:
    return Shot(0, seen.n_frames, "start")


def follow(seen: Observation, config: TracksConfig = CONFIG) -> tuple[FaceTrack, ...]:
    return tracks(seen, [whole(seen)], config)


def centres(seen: Observation, track: FaceTrack) -> np.ndarray:
    rows = track.rows[track.rows >= 0]
    return np.asarray(seen.faces.landmarks[rows, :468, :2].mean(axis=1))


def with_rows_swapped(seen: Observation) -> Observation:
    """Every other frame's two faces in the other order."""
    order = np.arange(len(seen.faces.frame)).reshape(-1, 2)
    order[::2] = order[::2, ::-1]
    columns = {f.name: getattr(seen.faces, f.name) for f in fields(seen.faces)}
    faces = {name: column[order.ravel()] for name, column in columns.items() if column is not None}
    return replace(seen, faces=Faces(**faces))


def test_one_face_is_one_track() -> None:
    [track] = follow(observation(60))
    assert (track.start_frame, track.n_frames, track.track_index) == (0, 60, 0)
    assert np.array_equal(track.rows, np.arange(60))
    assert (track.n_faces == 1).all()


def test_no_face_is_no_track() -> None:
    assert follow(observation(60, actors=())) == ()


def test_a_short_gap_is_bridged_and_a_long_one_splits() -> None:
    short = observation(60, [Actor(missing=tuple(range(20, 20 + CONFIG.max_gap_frames)))])
    [track] = follow(short)
    assert track.n_frames == 60
    assert (track.rows[20 : 20 + CONFIG.max_gap_frames] == -1).all()
    assert (track.rows >= 0).sum() == 60 - CONFIG.max_gap_frames
    assert (track.n_faces == 1).all()
    long = observation(60, [Actor(missing=tuple(range(20, 21 + CONFIG.max_gap_frames)))])
    assert [(t.start_frame, t.n_frames) for t in follow(long)] == [(0, 20), (26, 34)]


def test_two_faces_that_cross_keep_their_identity() -> None:
    """They pass one above the other; every other frame the detector reports them in the other order."""
    high = Actor(center_px=(100, 150), height_px=120, velocity_px=(4.0, 0.0))
    low = Actor(center_px=(400, 350), height_px=120, velocity_px=(-4.0, 0.0))
    seen = with_rows_swapped(observation(75, [high, low]))
    found = follow(seen)
    assert [(t.start_frame, t.n_frames) for t in found] == [(0, 75)] * 2
    for track in found:
        assert np.ptp(centres(seen, track)[:, 1]) < 10
    assert all((t.n_faces == 2).all() for t in found)


def test_faces_that_meet_side_by_side_and_part_again_do_not_swap() -> None:
    frames = 60
    left = Actor(center_px=(90, 256), height_px=140, velocity_px=(1.5, 0.0), sway_px=0)
    right = Actor(center_px=(390, 256), height_px=140, velocity_px=(-1.5, 0.0), sway_px=0)
    seen = observation(frames, [left, right])
    assert [np.sign(np.diff(centres(seen, t)[[0, -1], 0])[0]) for t in follow(seen)] == [1, -1]


def test_a_face_elsewhere_is_another_face() -> None:
    seen = observation(60, [Actor(center_px=LEFT, stop_frame=30), Actor(center_px=RIGHT, start_frame=30)])
    assert [(t.start_frame, t.n_frames) for t in follow(seen)] == [(0, 30), (30, 30)]


def test_a_second_face_counts_from_when_it_comes_to_when_it_goes() -> None:
    seen = observation(60, [Actor(center_px=LEFT), Actor(center_px=RIGHT, start_frame=20, stop_frame=40)])
    main, other = follow(seen)
    assert np.array_equal(main.n_faces, np.where((np.arange(60) >= 20) & (np.arange(60) < 40), 2, 1))
    assert (other.start_frame, other.n_frames) == (20, 20)
    assert (other.n_faces == 2).all()


def test_a_ghost_is_kept_as_a_fragment_but_is_no_second_face() -> None:
    seen = observation(60, [Actor(center_px=LEFT), Actor(center_px=RIGHT, start_frame=20, stop_frame=22)])
    main, ghost = follow(seen)
    assert (main.n_faces == 1).all()
    assert ghost.n_frames == 2
    assert (ghost.n_faces == 2).all()


def test_no_track_crosses_a_cut_and_numbers_run_on() -> None:
    seen = observation(60, [Actor(center_px=LEFT), Actor(center_px=RIGHT, start_frame=35)])
    found = tracks(seen, [Shot(0, 29, "start"), Shot(31, 29, "cut")], CONFIG)
    assert [(t.track_index, t.start_frame, t.n_frames) for t in found] == [(0, 0, 29), (1, 31, 29), (2, 35, 25)]


@pytest.mark.parametrize("missing", [(), (7,), (5, 6, 7, 8, 9, 10), (0, 1, 39)])
def test_following_one_face_and_following_several_agree(missing: tuple[int, ...]) -> None:
    away = Actor(center_px=RIGHT, start_frame=25, stop_frame=40)
    seen = observation(40, [Actor(center_px=LEFT, stop_frame=25, missing=missing), away])
    rows = np.arange(len(seen.faces.frame), dtype=np.int32)
    points = seen.faces.landmarks[:, ::8, :2]
    one = _follow_one(rows, seen.faces.frame, points, CONFIG)
    several = _follow_several(rows, seen.faces.frame, points, CONFIG)
    key = sorted((r.tolist(), f.tolist()) for r, f in one)
    assert key == sorted((r.tolist(), f.tolist()) for r, f in several)


def test_association_cost_is_small_for_one_head_and_large_for_two() -> None:
    frames = np.arange(2)
    here = Actor(center_px=LEFT).landmarks(frames)[:, :, :2]
    there = Actor(center_px=RIGHT).landmarks(frames)[:, :, :2]
    assert association_cost(here[0], here[0]) == pytest.approx(0, abs=1e-6)
    assert association_cost(here[0], here[1]) < 0.2
    assert association_cost(here[0], there[0]) > 1
    assert association_cost(here[:, None], there[None]).shape == (2, 2)
