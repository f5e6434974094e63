"""Visual scores: sizes and shares exact on made-up clips, covered mouths found, clean ones left alone."""

from dataclasses import replace

import numpy as np
import pytest

from models.landmarks import FaceLandmarker
from schemas.arrays import UInt8
from schemas.clip import Clip, Shot
from schemas.source import Offer, SourceVideo
from tasks.clips import ClipsConfig, cut_clips
from tasks.ingest import IngestConfig, ingest
from tasks.observe import ObserveConfig, observe
from tasks.tracks import TracksConfig, tracks
from tasks.visual import VisualConfig, covered, rowness, visual_scores
from tests.builders import Actor, clip, face_landmarker_file, mouth_patches, real_clip

CONFIG = VisualConfig()
FRAMES = 75
HAND = slice(20, 45)


def scores_of(patches: UInt8) -> float:
    return visual_scores(clip(FRAMES, mouth_patch=patches), CONFIG).mouth_occlusion


def talking_patches() -> UInt8:
    """A mouth that opens with the actor's: dark between the lips."""
    patches = mouth_patches(FRAMES)
    for t, openness in enumerate(Actor().openness(np.arange(FRAMES))):
        patches[t, 10 : 10 + round(4 * float(openness)), 8:16] = 25
    return patches


def hand(n: int) -> UInt8:
    """Skin with dark gaps between fingers that point up."""
    patches = np.broadcast_to(np.array([185, 140, 120], np.uint8), (n, 24, 24, 3)).copy()
    patches[:, :, ::6] = 90
    return patches


def test_face_size_is_the_median_height_of_the_box() -> None:
    made = clip(FRAMES, Actor(height_px=200, talks=False))
    assert visual_scores(made, CONFIG).face_px == pytest.approx(200, rel=0.02)


def test_shares_count_every_frame_and_medians_only_those_seen() -> None:
    present = np.ones(FRAMES, np.bool_)
    present[:15] = False
    sharpness = np.where(present, 50, 9000).astype(np.float32)
    landmarks = clip(FRAMES).landmarks.copy()
    landmarks[:15] *= 10
    made = clip(FRAMES, present=present, sharpness=sharpness, landmarks=landmarks)
    scores = visual_scores(made, CONFIG)
    assert scores.face_ratio == pytest.approx(60 / 75)
    assert scores.blur == 50
    assert scores.face_px < 300


def test_a_talking_mouth_is_not_covered() -> None:
    assert scores_of(talking_patches()) == 0


def test_a_hand_over_the_mouth_counts_for_as_long_as_it_is_there() -> None:
    patches = talking_patches()
    patches[HAND] = hand(25)
    made = clip(FRAMES, mouth_patch=patches)
    found = covered(made.mouth_patch, made.landmarks, made.blendshapes, CONFIG)
    assert np.flatnonzero(found).tolist() == list(range(HAND.start, HAND.stop))
    assert visual_scores(made, CONFIG).mouth_occlusion == pytest.approx(1 / 3)


def test_a_hand_of_the_skins_own_colour_over_the_chin_is_seen_by_the_change() -> None:
    patches = talking_patches()
    patches[HAND, 12:, 4:20] = [225, 190, 170]
    assert (rowness(patches) > CONFIG.min_rowness).all(), "the lips' upper half still looks like a mouth"
    assert scores_of(patches) == pytest.approx(1 / 3)


def test_what_covers_the_mouth_all_the_time_is_covered() -> None:
    flat = np.full((FRAMES, 24, 24, 3), 40, np.uint8)
    grainy = np.clip(flat + np.random.default_rng(0).normal(0, 4, flat.shape), 0, 255).astype(np.uint8)
    assert scores_of(grainy) == 1
    assert scores_of(hand(FRAMES)) == 1


def test_a_hand_there_for_most_of_the_clip_is_still_the_hand() -> None:
    patches = talking_patches()
    patches[:60] = hand(60)
    assert scores_of(patches) >= 60 / 75


def test_a_clip_of_few_frames_has_scores() -> None:
    assert visual_scores(clip(2), CONFIG).mouth_occlusion == 0


def test_bridged_frames_have_no_say_on_the_mouth() -> None:
    patches = talking_patches()
    patches[HAND] = hand(25)
    present = np.ones(FRAMES, np.bool_)
    present[HAND] = False
    made = replace(clip(FRAMES, mouth_patch=patches), present=present)
    assert visual_scores(made, CONFIG).mouth_occlusion == 0


def real_candidate(name: str) -> Clip:
    source = ingest(Offer(path=real_clip(name)), IngestConfig())
    assert isinstance(source, SourceVideo)
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        [seen] = observe(source, landmarker, ObserveConfig())
    [track] = tracks(seen, [Shot(0, seen.n_frames, "start")], TracksConfig())
    [found], _ = cut_clips(seen, track, ClipsConfig(), "test")
    return found


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["grid_s1_bbaf2n.mpg", "grid_m_e_swiz3n.mpg", "hdtf_katiehill.mp4", "hdtf_aoc.mp4"])
def test_real_clean_clips_have_free_mouths(name: str) -> None:
    scores = visual_scores(real_candidate(f"talking/{name}"), CONFIG)
    assert scores.mouth_occlusion < 0.1
    assert scores.face_ratio == 1


@pytest.mark.real_data
def test_a_real_actress_with_her_hands_over_her_mouth() -> None:
    made = real_candidate("bad/silent_audio_track_pexels.mp4")
    found = covered(made.mouth_patch, made.landmarks, made.blendshapes, CONFIG)
    assert found[75:235].mean() > 0.85
    assert np.delete(found, range(60, 245)).mean() < 0.05


def test_a_face_lit_from_one_side_has_a_mouth() -> None:
    lit = np.linspace(-60, 60, 24)[None, None, :, None]
    patches = np.clip(talking_patches() * 0.3 + 80 + lit, 0, 255).astype(np.uint8)
    assert scores_of(patches) == 0
