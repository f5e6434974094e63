"""Sync: what is mended, exactly how, and what is left to the gates."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.evidence.readout import LipReadout
from schemas.observation import Observation
from schemas.sync import SyncReading, SyncScores
from schemas.units import LIPS_DIM, SAMPLES_PER_FRAME
from tasks.clips import ClipsConfig, cut_clips
from tasks.sync import SyncConfig, matched, shift_of, shifted, sync
from tests.builders import observation
from tests.tasks.test_clips import VERSIONS, noise, only, track_of

CONFIG = SyncConfig()
UNASKED: tuple[Any, Any, Any] = (None, None, None)  # motion, the landmarks' reader and head
SURE = SyncReading(offset_ms=160.0, drift_ms=0.0, confidence=0.99, p_in_sync=0.01, p_match=0.99)


def test_a_constant_offset_of_which_one_is_sure_is_mended_to_the_sample() -> None:
    assert shift_of(SURE, CONFIG) == 2560
    assert shift_of(replace(SURE, offset_ms=-101.5), CONFIG) == -1624


@pytest.mark.parametrize(
    "reading",
    [
        replace(SURE, offset_ms=0.6 * CONFIG.least_ms),
        replace(SURE, offset_ms=CONFIG.furthest_ms + 20),
        replace(SURE, offset_ms=-500.0),
        replace(SURE, drift_ms=-200.0),
        replace(SURE, confidence=CONFIG.least_confidence - 0.01),
        replace(SURE, offset_ms=float("nan"), drift_ms=float("nan")),
    ],
    ids=["small", "large", "early", "drifting", "unsure", "unknown"],
)
def test_all_else_is_left_to_the_gates(reading: SyncReading) -> None:
    assert shift_of(reading, CONFIG) == 0


def test_nothing_is_mended_where_the_recipe_says_so() -> None:
    assert shift_of(SURE, CONFIG.model_copy(update={"correct": False})) == 0


def test_syncnet_reads_what_it_saw_and_says_so() -> None:
    class Film:
        name = "syncnet_v2@test"

        def read(self, lips: np.ndarray, audio: np.ndarray) -> SyncReading:
            return replace(SURE, offset_ms=float(lips[3, 0]))

    part = seen()
    lips = np.arange(100, dtype=np.float32)[:, None].repeat(LIPS_DIM, axis=1)
    lips[0] = 1
    track = track_of(20, 40)
    bridged = replace(track, rows=np.where(np.arange(40) == 7, -1, track.rows))
    watched = replace(part, faces=replace(part.faces, lips=lips))
    clip = only(cut_clips(watched, bridged, ClipsConfig(), VERSIONS)[0])
    assert clip.lips is not None
    assert clip.lips.any(axis=1).tolist() == [k != 7 for k in range(40)]
    reading, model = sync(clip, *UNASKED, Film())
    assert (reading.offset_ms, model) == (clip.lips[3, 0], "syncnet_v2@test")
    moved = shifted(clip, watched, 1624, VERSIONS)
    assert moved is not None
    assert np.array_equal(moved.lips, clip.lips)
    with pytest.raises(ValueError, match="observe it with SyncNet"):
        sync(replace(clip, lips=None), *UNASKED, Film())


def test_what_a_speech_encoder_heard_joins_in_whether_lips_and_sound_belong_together() -> None:
    readout = LipReadout("test:0", np.eye(2, dtype=np.float32), match=(-3.0, 4.0))
    scores = SyncScores.of(SURE, 0.0, replace(SURE, p_match=0.3))
    assert matched(scores, None, readout) == scores
    assert matched(scores, 0.1, readout).sync_p_match < 0.1 < 0.5 < matched(scores, 0.8, readout).sync_p_match
    assert replace(matched(scores, 0.8, readout), sync_p_match=0.3) == scores


def seen(n_frames: int = 100) -> Observation:
    return replace(observation(n_frames, audio=noise(n_frames)), start_frame=1000)


@pytest.mark.parametrize("shift", [1624, -1624])
def test_the_sound_comes_from_where_it_belongs_sample_by_sample(shift: int) -> None:
    part = seen()
    clip = only(cut_clips(part, track_of(20, 40), ClipsConfig(), VERSIONS)[0])
    moved = shifted(clip, part, shift, VERSIONS)
    assert moved is not None
    first = 20 * SAMPLES_PER_FRAME + shift
    assert np.array_equal(moved.audio, part.audio[first : first + 40 * SAMPLES_PER_FRAME])
    assert np.array_equal(moved.landmarks, clip.landmarks)
    assert (moved.start_frame, moved.n_frames, moved.audio_coverage) == (1020, 40, 1.0)
    assert len({clip.clip_id, moved.clip_id, shifted(clip, part, shift + 1, VERSIONS).clip_id}) == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(("shift", "first", "kept"), [(3 * 640 + 1, 0, 96), (-3 * 640 - 1, 4, 96)])
def test_frames_whose_sound_the_source_does_not_hold_are_cut_off(shift: int, first: int, kept: int) -> None:
    part = seen()
    clip = only(cut_clips(part, track_of(0, 100), ClipsConfig(), VERSIONS)[0])
    moved = shifted(clip, part, shift, VERSIONS)
    assert moved is not None
    assert (moved.start_frame, moved.n_frames, moved.audio_coverage) == (1000 + first, kept, 1.0)
    begin = first * SAMPLES_PER_FRAME + shift
    assert np.array_equal(moved.audio, part.audio[begin : begin + kept * SAMPLES_PER_FRAME])
    assert np.array_equal(moved.landmarks, clip.landmarks[first : first + kept])
    assert np.array_equal(moved.mouth_patch, clip.mouth_patch[first : first + kept])


def test_a_clip_that_had_little_sound_before_is_not_made_to_look_whole() -> None:
    part = replace(seen(), audio_span=(50 * SAMPLES_PER_FRAME, 100 * SAMPLES_PER_FRAME))
    clip = only(cut_clips(part, track_of(0, 100), ClipsConfig(), VERSIONS)[0])
    moved = shifted(clip, part, -1600, VERSIONS)
    assert moved is not None
    assert moved.n_frames == 97
    assert moved.audio_coverage == pytest.approx(clip.audio_coverage, abs=0.06)
