"""Shots: cuts found where they are, flashes and fast motion left alone, jump cuts told by head and picture at once."""

from dataclasses import replace

import numpy as np
import pytest

from models.landmarks import FaceLandmarker
from models.transnet import Transitions
from schemas.arrays import UInt8
from schemas.observation import Faces, Observation
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.observe import ObserveConfig, observe
from tasks.shots import ShotsConfig, jump_score, shots
from tests.builders import face_landmarker_file, observation, real_clip

CONFIG = ShotsConfig()
AT = 50


def spans(found: tuple) -> list[tuple[str, int, int]]:
    return [(s.opened_by, s.start_frame, s.stop_frame) for s in found]


def with_scores(seen: Observation, scores: dict[int, float]) -> Observation:
    cut_score = seen.cut_score.copy()
    for frame, score in scores.items():
        cut_score[frame] = score
    return replace(seen, cut_score=cut_score)


def with_head_moved(seen: Observation, shift_px: dict[int, float]) -> Observation:
    """``shift_px`` says how far to the right, beside its own motion, the head steps from the frame before."""
    steps = np.zeros(seen.n_frames, np.float32)
    for frame, shift in shift_px.items():
        steps[frame] = shift
    landmarks = seen.faces.landmarks.copy()
    landmarks[:, :, 0] += np.cumsum(steps)[seen.faces.frame, None]
    faces = seen.faces
    moved = Faces(faces.frame, landmarks, faces.blendshapes, faces.sharpness, faces.mouth_patch)
    return replace(seen, faces=moved)


def with_flash(seen: Observation, start: int, n_frames: int) -> Observation:
    thumbnails = seen.thumbnails.copy()
    thumbnails[start : start + n_frames] = 250
    return replace(with_scores(seen, {start: 70, start + n_frames: 70}), thumbnails=thumbnails)


def test_a_single_take_is_one_shot() -> None:
    assert spans(shots(observation(100), CONFIG)) == [("start", 0, 100)]


def test_a_hard_cut_parts_two_shots_and_its_own_frames_are_left_out() -> None:
    assert spans(shots(observation(100, cuts=[AT]), CONFIG)) == [("start", 0, AT - 1), ("cut", AT + 1, 100)]
    untrimmed = shots(observation(100, cuts=[AT]), ShotsConfig(trim_frames=0))
    assert spans(untrimmed) == [("start", 0, AT), ("cut", AT, 100)]


def test_a_weak_score_is_a_cut_only_where_it_stands_out() -> None:
    lone = with_scores(observation(100), {AT: 16})
    busy = with_scores(observation(100), dict.fromkeys(range(AT - 4, AT + 5), 12) | {AT: 16})
    assert len(shots(lone, CONFIG)) == 2
    assert len(shots(busy, CONFIG)) == 1


def test_the_first_frame_has_no_frame_before_it_to_differ_from() -> None:
    assert spans(shots(with_scores(observation(60), {0: 90}), CONFIG)) == [("start", 0, 60)]


@pytest.mark.parametrize("n_frames", [1, 2, 4, 6])
def test_a_flash_is_no_cut(n_frames: int) -> None:
    flashed = with_flash(observation(100), AT, n_frames)
    assert spans(shots(flashed, CONFIG)) == [("start", 0, 100)]
    assert len(shots(flashed, ShotsConfig(flash_frames=0))) > 1


def test_a_white_insert_longer_than_a_flash_is_cut_out() -> None:
    assert len(shots(with_flash(observation(100), AT, 12), CONFIG)) == 3


def test_a_jump_cut_is_a_step_of_head_and_picture_at_once() -> None:
    seen = observation(100)
    both = with_scores(with_head_moved(seen, {AT: 12}), {AT: 6})
    assert spans(shots(both, CONFIG)) == [("start", 0, AT - 1), ("jump", AT + 1, 100)]
    assert len(shots(with_head_moved(seen, {AT: 12}), CONFIG)) == 1, "a landmark glitch is no cut"
    assert len(shots(with_scores(seen, {AT: 6}), CONFIG)) == 1, "a key frame's refresh is no cut"


def test_fast_head_motion_is_no_jump_cut() -> None:
    frames = range(AT - 3, AT + 4)
    nod = with_scores(with_head_moved(observation(100), dict.fromkeys(frames, 12)), dict.fromkeys(frames, 6))
    assert len(shots(nod, CONFIG)) == 1


def test_a_jump_inside_a_flash_is_the_flash() -> None:
    flashed = with_head_moved(with_flash(observation(100), AT, 4), {AT + 1: 15, AT + 3: -15})
    assert len(shots(with_scores(flashed, {AT + 1: 8, AT + 3: 8}), CONFIG)) == 1


def test_jump_score_compares_with_the_largest_neighbour() -> None:
    steps = np.full(20, 1.0)
    steps[10], steps[17] = 4.0, np.nan
    score = jump_score(steps, window=3, floor=0.5)
    assert score[10] == 4.0
    assert score[8] == 0.25
    assert score[17] == 0.0
    assert jump_score(np.full(20, 0.1), window=3, floor=0.5).max() == pytest.approx(0.2)


class FakeTransNet:
    """A dissolve over frames 40..60 and a hard cut before frame 80."""

    def __call__(self, thumbnails: UInt8) -> Transitions:
        middle, inside = np.zeros((2, len(thumbnails)), np.float32)
        middle[48:52], inside[40:60] = 0.9, 0.9
        middle[79] = inside[79] = 0.9
        return Transitions(middle, inside)


def test_transnet_tells_dissolves_from_cuts() -> None:
    found = shots(observation(100), ShotsConfig(detector="transnet"), FakeTransNet())  # type: ignore[arg-type]
    assert spans(found) == [("start", 0, 39), ("dissolve", 61, 79), ("cut", 81, 100)]


def test_transnet_must_be_given_where_it_is_asked_for() -> None:
    with pytest.raises(ValueError, match="TransNet"):
        shots(observation(10), ShotsConfig(detector="transnet"))


@pytest.mark.parametrize("n_frames", [1, 2, 3, 7])
def test_very_short_observations_have_one_shot(n_frames: int) -> None:
    assert spans(shots(observation(n_frames), CONFIG)) == [("start", 0, n_frames)]
    assert spans(shots(observation(n_frames, actors=()), CONFIG)) == [("start", 0, n_frames)]


def real_observation(name: str) -> Observation:
    source = ingest(Offer(path=real_clip(name)), IngestConfig())
    assert isinstance(source, SourceVideo)
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        [seen] = observe(source, landmarker, ObserveConfig())
    return seen


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["grid_s1_bbaf2n.mpg", "grid_m_e_swiz3n.mpg", "hdtf_katiehill.mp4", "hdtf_aoc.mp4"])
def test_real_single_takes_are_one_shot(name: str) -> None:
    seen = real_observation(f"talking/{name}")
    assert spans(shots(seen, CONFIG)) == [("start", 0, seen.n_frames)]


@pytest.mark.real_data
@pytest.mark.slow
def test_a_real_film_scene_is_cut_where_it_is_cut() -> None:
    found = shots(real_observation("bad/cuts_tears_of_steel_70s.webm"), CONFIG)
    opened = np.array([s.start_frame for s in found])
    for frame in (55, 128, 165, 231, 322, 745, 821):  # by eye, on the film's own 24 frames a second
        assert np.abs(opened - frame).min() <= 1
    assert not any(s.opened_by == "jump" for s in found)
