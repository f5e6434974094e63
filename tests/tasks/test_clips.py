"""Clips: candidates carry their own footage, fragments a verdict, long tracks are cut where it is quiet."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from schemas.clip import Clip, FaceTrack, Shot, clip_id_of
from schemas.observation import Observation
from schemas.units import SAMPLES_PER_FRAME
from schemas.verdict import Reason
from tasks.clips import ClipsConfig, SourceTally, cut_clips, loudness_of
from tasks.tracks import TracksConfig, tracks
from tests.builders import Actor, observation

CONFIG = ClipsConfig()
SHORT = ClipsConfig(min_duration_s=0.5, max_duration_s=4.0, quiet_window_s=0.4)  # at most 100 frames a piece
VERSIONS = "shots@1 tracks@1 clips@1"


def track_of(start: int, n: int, index: int = 0) -> FaceTrack:
    """A track over a face that is alone and in every frame, so that rows are frames."""
    return FaceTrack(
        index, Shot(0, start + n, "start"), start, n, np.arange(start, start + n, dtype=np.int32), np.ones(n, np.int32)
    )


def only(found: tuple[Clip, ...]) -> Clip:
    [clip] = found
    return clip


def noise(n_frames: int, quiet: slice = slice(0, 0)) -> np.ndarray:
    sound = 0.2 * np.random.default_rng(0).standard_normal(n_frames * SAMPLES_PER_FRAME).astype(np.float32)
    sound[quiet.start * SAMPLES_PER_FRAME : quiet.stop * SAMPLES_PER_FRAME] *= 0.01
    return sound


def test_a_clip_is_the_tracks_own_footage() -> None:
    seen = replace(observation(80, damaged_frames=4), start_frame=1000)
    clip = only(cut_clips(seen, track_of(10, 40, index=3), CONFIG, VERSIONS)[0])
    assert (clip.start_frame, clip.n_frames, clip.track_index) == (1010, 40, 3)
    assert np.array_equal(clip.landmarks, seen.faces.landmarks[10:50])
    assert np.array_equal(clip.audio, seen.audio[10 * 640 : 50 * 640])
    assert np.array_equal(clip.mouth_patch, seen.faces.mouth_patch[10:50])
    assert clip.present.all()
    assert clip.audio_coverage == 1.0
    assert clip.damaged_ratio == pytest.approx(4 / 80)
    assert clip.clip_id == clip_id_of(seen.source.sha256, 1010, 40, 3, VERSIONS)


def test_a_clip_does_not_keep_its_source_in_memory() -> None:
    seen = observation(80)
    clip = only(cut_clips(seen, track_of(10, 40), CONFIG, VERSIONS)[0])
    for name in ("landmarks", "blendshapes", "sharpness", "mouth_patch", "audio"):
        whole = seen.audio if name == "audio" else getattr(seen.faces, name)
        assert not np.shares_memory(getattr(clip, name), whole), name


def test_identity_is_footage_and_stage_versions() -> None:
    seen = observation(80)
    ids = [
        only(cut_clips(seen, track, CONFIG, versions)[0]).clip_id
        for track in (track_of(10, 40), track_of(10, 41), track_of(10, 40, index=1))
        for versions in (VERSIONS, VERSIONS, "shots@2")
    ]
    assert len(set(ids)) == 6
    assert ids[0] == ids[1]


@pytest.mark.parametrize(("n_frames", "is_candidate"), [(24, False), (25, True)])
def test_a_fragment_gets_a_verdict(n_frames: int, is_candidate: bool) -> None:
    seen = replace(observation(80), start_frame=500)
    clips, verdicts = cut_clips(seen, track_of(7, n_frames), CONFIG, VERSIONS)
    assert len(clips) == is_candidate
    assert len(verdicts) == (not is_candidate)
    for verdict in verdicts:
        assert verdict.subject_id == f"{seen.source.source_id}/507+24"
        assert (verdict.gate, verdict.reason, verdict.keep) == ("duration", Reason.TOO_SHORT, False)
        assert (verdict.measured, verdict.threshold) == (pytest.approx(0.96), 1.0)


def test_bridged_frames_are_interpolated_and_marked() -> None:
    seen = observation(60, [Actor(missing=(20, 21, 22), velocity_px=(2.0, 0.0), sway_px=0)])
    [track] = tracks(seen, [Shot(0, 60, "start")], TracksConfig())
    clip = only(cut_clips(seen, track, CONFIG, VERSIONS)[0])
    assert np.flatnonzero(~clip.present).tolist() == [20, 21, 22]
    before, after = clip.landmarks[19], clip.landmarks[23]
    for step in (1, 2, 3):
        expected = before + (after - before) * step / 4
        assert np.allclose(clip.landmarks[19 + step], expected, atol=1e-3)
    assert np.array_equal(clip.mouth_patch[20], clip.mouth_patch[19])
    assert np.array_equal(clip.mouth_patch[22], clip.mouth_patch[23])


def test_coverage_is_the_share_of_samples_the_file_holds() -> None:
    seen = replace(observation(80), audio_span=(20 * 640, 70 * 640))
    assert only(cut_clips(seen, track_of(10, 40), CONFIG, VERSIONS)[0]).audio_coverage == pytest.approx(0.75)
    assert only(cut_clips(seen, track_of(20, 40), CONFIG, VERSIONS)[0]).audio_coverage == 1.0


def long_observation(n_frames: int, quiet: slice = slice(0, 0)) -> Observation:
    return observation(n_frames, audio=noise(n_frames, quiet))


def test_a_long_track_is_cut_in_the_pause() -> None:
    seen = long_observation(150, quiet=slice(78, 84))
    first, second = cut_clips(seen, track_of(0, 150), SHORT, VERSIONS)[0]
    assert first.start_frame + first.n_frames == second.start_frame == 81
    assert second.start_frame + second.n_frames == 150
    assert first.clip_id != second.clip_id


def test_speech_probability_overrules_energy() -> None:
    seen = long_observation(150, quiet=slice(78, 84))
    speaking = np.ones(150, np.float32)
    speaking[67:73] = 0
    first, _ = cut_clips(seen, track_of(0, 150), SHORT, VERSIONS, loudness=speaking)[0]
    assert first.n_frames == 70


@pytest.fixture(scope="module")
def four_hundred_frames() -> Observation:
    return long_observation(400)


@pytest.mark.parametrize("n_frames", [100, 101, 102, 150, 168, 169, 199, 200, 201, 299, 355, 380])
@pytest.mark.parametrize("start", [0, 17])
def test_pieces_cover_the_track_and_keep_to_the_limits(
    four_hundred_frames: Observation, n_frames: int, start: int
) -> None:
    pieces, verdicts = cut_clips(four_hundred_frames, track_of(start, n_frames), SHORT, VERSIONS)
    assert verdicts == ()
    ends = [start, *(p.start_frame + p.n_frames for p in pieces)]
    assert [p.start_frame for p in pieces] == ends[:-1]
    assert ends[-1] == start + n_frames
    assert all(12 < p.n_frames <= 100 for p in pieces)
    assert (len(pieces) == 1) == (n_frames <= 100)


def test_limits_that_leave_no_room_for_pieces_are_refused() -> None:
    with pytest.raises(ValidationError, match="quiet_window_s"):
        ClipsConfig(min_duration_s=2.0, max_duration_s=5.0, quiet_window_s=2.0)


def test_loudness_is_decibels_of_full_scale() -> None:
    audio = np.zeros(3 * 640, np.float32)
    audio[640:1280] = 0.1
    assert loudness_of(audio) == pytest.approx([-120, -20, -120])


def refusals(*parts: Observation) -> dict[Reason | None, float | None]:
    tally = SourceTally()
    for part in parts:
        tally = tally.plus(part)
    return {v.reason: v.measured for v in tally.refusals(parts[0].source.source_id, CONFIG)}


def test_a_talking_source_is_not_refused() -> None:
    assert refusals(observation(50)) == {}


def test_a_source_without_a_face_is_refused() -> None:
    assert refusals(observation(50, actors=())) == {Reason.NO_FACE: 0.0}
    flicker = observation(500, [Actor(stop_frame=10), Actor(start_frame=200, stop_frame=210)])
    assert refusals(flicker) == {Reason.NO_FACE: pytest.approx(0.04)}


def test_a_long_source_with_one_brief_talk_is_not_without_a_face() -> None:
    silent_part, talk = observation(500, actors=()), observation(500, [Actor(stop_frame=30)])
    assert refusals(silent_part, talk) == {}


def test_a_silent_source_is_refused() -> None:
    quiet = np.zeros(50 * 640, np.float32)
    quiet[1000] = 0.0005  # -66 dBFS
    assert refusals(observation(50, audio=quiet)) == {Reason.SILENT_AUDIO: pytest.approx(-66.02, abs=0.01)}
    assert refusals(observation(50, audio=quiet * 0)) == {Reason.SILENT_AUDIO: -120.0}
    assert refusals(observation(50, audio=quiet), observation(50)) == {}
    assert Reason.SILENT_AUDIO in refusals(replace(observation(50), audio_span=(0, 0)))
