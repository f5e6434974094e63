"""Each metric gives the answer that a hand can work out, and none is fooled by a mouth that never moves."""

import numpy as np
import pytest

from models.avatar.motion import GAZE, JAW, ROTATION, eyes_of
from models.head.model import HeadModel, load_open_head
from models.head.regions import Region
from models.metrics import beats, closure, face, head, mouth
from models.metrics.bootstrap import draw_clips, interval
from models.metrics.neighbours import AudioNeighbours
from models.metrics.span import speech_span
from models.metrics.surface import lip_gap_mm, lips_mm
from models.metrics.timing import BAND_FRAMES, best_lag, match_extrema, warp
from schemas.arrays import Float32
from schemas.speech import Word
from tests.models.flame.dressed import dressed_head

WHOLE = slice(0, 150)


def face_frames(n_frames: int, seed: int = 0) -> Float32:
    frames = np.random.default_rng(seed).uniform(0, 0.4, (n_frames, 58)).astype(np.float32)
    frames[:, JAW] *= 0.3
    return frames


def babble(n_frames: int = 150, seed: int = 0) -> Float32:
    """A lip gap [T] in mm that opens and shuts at uneven times."""
    time = np.arange(n_frames)
    phase = np.random.default_rng(seed).uniform(0, 6, 2)
    wave = np.sin(time / 2.9 + phase[0]) + 0.6 * np.sin(time / 4.3 + phase[1])
    return (6 + 4 * wave).clip(0, None).astype(np.float32)


def delayed(gap: Float32, by: int) -> Float32:
    return np.concatenate([np.repeat(gap[:1], by), gap[:-by]])


# --- surface


@pytest.mark.parametrize("model", [load_open_head(), dressed_head()], ids=["open", "FLAME"])
def test_points_are_the_head_models_own_without_its_rotation(model: HeadModel) -> None:
    frames = face_frames(4)
    frames[:, GAZE] = 0  # no eye moves a lip: correctives of the gaze are left out
    still = np.zeros((4, 3), np.float32)
    shape = np.zeros(100, np.float32)
    vertices = model.vertices(shape, frames[:, :50], still, frames[:, JAW], eyes_of(frames), still)
    np.testing.assert_allclose(lips_mm(frames, model), 1000 * vertices[:, model.mask(Region.LIPS)], atol=1e-3)
    marks = model.landmarks(vertices)
    np.testing.assert_allclose(
        lip_gap_mm(frames, model), 1000 * np.linalg.norm(marks[:, 13] - marks[:, 14], axis=1), atol=1e-3
    )


def test_a_turning_head_moves_no_lip() -> None:
    frames = face_frames(4)
    turned = frames.copy()
    turned[:, ROTATION] += 0.5
    assert mouth.lve(lips_mm(frames), lips_mm(turned)) == 0


# --- mouth and face


def test_lve_is_the_mean_of_each_frames_worst_vertex() -> None:
    truth = np.zeros((2, 5, 3), np.float32)
    ours = truth.copy()
    ours[0, 1] = [3, 4, 0]
    ours[0, 2] = [1, 0, 0]
    ours[1, 4] = [0, 0, 1]
    assert mouth.lve(truth, ours) == pytest.approx((5 + 1) / 2)
    assert mouth.lve_sq(truth, ours) == pytest.approx((25 + 1) / 2)
    assert face.vertex_error(truth, ours) == pytest.approx((5 + 1 + 1) / 10)


def test_lve_d_forgives_how_a_mouth_rests() -> None:
    truth = lips_mm(face_frames(20))
    assert mouth.lve(truth, truth + 7) > 10
    assert mouth.lve_d(truth, truth + 7) == pytest.approx(0, abs=1e-4)


def test_lvs_sees_direction_not_size() -> None:
    neutral = np.zeros((5, 3), np.float32)
    truth = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
    assert mouth.lvs(truth, 2 * truth, neutral) == pytest.approx(1)
    assert mouth.lvs(truth, -truth, neutral) == pytest.approx(-1)
    assert mouth.lvs(truth, np.zeros_like(truth), neutral) == 0


def test_doubled_amplitude_doubles_the_spread_and_keeps_the_correlation() -> None:
    points = np.random.default_rng(0).normal(size=(40, 9, 3)).astype(np.float32)
    assert face.spread(2 * points) / face.spread(points) == pytest.approx(2)
    gap = babble()
    assert mouth.gap_correlation(gap, 2 * gap) == pytest.approx(1)
    assert mouth.mod(gap, 2 * gap) == pytest.approx(gap.mean(), rel=1e-5)


def test_a_constant_gap_correlates_with_nothing() -> None:
    assert mouth.gap_correlation(babble(), np.full(150, 5, np.float32)) == 0


def test_fdd_does_not_let_one_point_pay_for_another() -> None:
    swing = np.sin(np.arange(100))[:, None, None].astype(np.float32) * np.ones((1, 2, 3), np.float32)
    ours = swing * np.array([2, 0], np.float32)[None, :, None]
    still, uneven = face.deviation(swing), face.deviation(ours)
    assert face.fdd(still, still) == 0
    assert face.fdd(still, uneven) == pytest.approx(face.spread(swing), rel=1e-5)


def test_jitter_is_the_third_derivative() -> None:
    time = (np.arange(50) / 25).astype(np.float64)
    cubic = np.stack([5 * time**3, time**2, time], axis=1)[:, None].astype(np.float32)
    assert face.jitter(cubic) == pytest.approx(30 / 1000, rel=0.02)
    assert np.isnan(face.jitter(cubic[:3]))


# --- head


def test_head_spread_and_speed_are_angles() -> None:
    yaw = np.zeros((100, 3), np.float32)
    yaw[:, 1] = np.where(np.arange(100) % 2, 0.1, -0.1)
    assert head.spread_deg(yaw) == pytest.approx(np.degrees(0.1), rel=1e-3)
    np.testing.assert_allclose(head.speed_deg(yaw), np.degrees(0.2) * 25, rtol=1e-3)
    assert head.angle_between_deg(yaw, -yaw) == pytest.approx(np.degrees(0.2), rel=1e-3)


def test_a_nod_on_every_onset_beats_chance_and_one_beside_it_does_not() -> None:
    n, period = 200, 20
    onsets = np.arange(period, n - 1, period)
    nod = np.zeros((n, 3), np.float32)
    nod[:, 0] = 0.1 * np.cos(2 * np.pi * np.arange(n) / (2 * period))  # it turns round every 20 frames
    found = beats.head_beats(nod)
    assert np.abs(found[:, None] - onsets).min(axis=1).max() <= 1
    on_time = beats.align(found, onsets, n)
    beside = beats.align(found, onsets - period // 2, n)
    assert on_time.score > 0.85
    assert beside.score < on_time.chance < on_time.score


def test_trembling_gains_nothing_and_stillness_scores_zero() -> None:
    onsets = np.arange(10, 390, 20)
    tremble = np.random.default_rng(0).normal(0, 0.02, (400, 3)).astype(np.float32)
    alignment = beats.align(beats.head_beats(tremble), onsets, 400)
    assert alignment.score - alignment.chance < 0.08
    assert beats.align(beats.head_beats(np.zeros((400, 3), np.float32)), onsets, 400).score == 0


def test_onsets_and_accents_are_where_they_were_put() -> None:
    envelope = np.full(100, 1e-4, np.float32)
    envelope[30:45] = envelope[70:80] = 0.2
    assert np.abs(beats.speech_onsets(envelope) - [30, 70]).max() <= 1
    f0 = np.full(100, 120, np.float32)
    f0[40:60] += 40 * np.hanning(20)
    f0[80:] = 0
    assert np.abs(beats.pitch_accents(f0) - [50]).max() <= 1
    assert beats.pitch_accents(np.zeros(100, np.float32)).size == 0


def test_the_speech_span_leaves_out_silent_ends() -> None:
    envelope = np.full(100, 1e-4, np.float32)
    envelope[30:70] = 0.1
    span = speech_span(envelope)
    assert abs(span.start - 30) <= 2
    assert abs(span.stop - 70) <= 2
    assert speech_span(np.zeros(20, np.float32)) == slice(0, 20)


# --- timing


@pytest.mark.parametrize("by", [1, 4])
def test_a_delay_is_found_in_frames_and_in_milliseconds(by: int) -> None:
    gap = babble()
    lag = best_lag(gap, delayed(gap, by))
    assert lag.frames == by
    assert lag.correlation == pytest.approx(1, abs=1e-4)
    timing = match_extrema(gap, delayed(gap, by)).timing(WHOLE)
    assert timing.offset_ms == 40 * by
    assert timing.coverage > 0.9
    assert timing.mtm_ms == pytest.approx(40 * by, abs=25)


def test_an_early_mouth_has_a_negative_offset() -> None:
    gap = babble()
    assert match_extrema(delayed(gap, 3), gap).timing(WHOLE).offset_ms == -120


def test_a_perfect_mouth_has_no_timing_error_and_a_frozen_one_the_largest() -> None:
    gap = babble()
    perfect = match_extrema(gap, gap).timing(WHOLE)
    assert (perfect.mtm_ms, perfect.offset_ms, perfect.coverage) == (0, 0, 1)
    frozen = match_extrema(gap, np.zeros_like(gap)).timing(WHOLE)
    assert (frozen.mtm_ms, frozen.coverage) == (40 * BAND_FRAMES, 0)
    assert best_lag(gap, np.zeros_like(gap)).frames == 0


def test_extrema_that_nobody_asked_for_cost() -> None:
    gap = babble()
    fluttering = gap + 3 * (np.arange(150) % 4 == 0).astype(np.float32)
    assert match_extrema(gap, fluttering).timing(WHOLE).mtm_ms > 80


def test_timing_counts_only_the_span() -> None:
    gap = babble()
    ours = gap.copy()
    ours[75:] = 0
    assert match_extrema(gap, ours).timing(slice(0, 70)).coverage > 0.9
    assert match_extrema(gap, ours).timing(slice(80, 150)).coverage == 0


def test_the_warp_is_the_cheapest_path() -> None:
    rng = np.random.default_rng(3)
    truth, ours = rng.normal(size=(2, 12))
    cost = (truth[:, None] - ours) ** 2
    total = np.full((13, 13), np.inf)
    total[0, 0] = 0
    for i in range(12):
        for j in range(12):
            if abs(i - j) <= 4:
                total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    i = j = 11
    visited: list[list[int]] = [[] for _ in range(12)]
    while True:
        visited[i].append(j)
        if i == j == 0:
            break
        i, j = min([(i - 1, j - 1), (i - 1, j), (i, j - 1)], key=lambda s: total[s[0] + 1, s[1] + 1])
    np.testing.assert_allclose(warp(truth, ours, 4), [np.mean(v) for v in visited])


# --- closure


def lips_that_close(at: tuple[int, ...]) -> Float32:
    gap = np.full(100, 8, np.float32)
    for frame in at:
        gap[frame - 1 : frame + 2] = 0.5
    return gap


def test_closures_are_counted_where_the_true_lips_meet() -> None:
    words = [Word(" Bin", 0.8, 1.0, 1), Word("blue", 2.0, 2.3, 1), Word("at", 2.6, 2.8, 1), Word("pay", 3.2, 3.4, 1)]
    truth, span = lips_that_close((21, 51)), slice(10, 90)
    assert closure.closing_frames(truth, words, span).tolist() == [20, 50]  # at "pay" they do not meet
    perfect = closure.closure(truth, truth, words, span)
    assert (perfect.recall, perfect.n_events) == (1, 2)
    assert perfect.auc > 0.95
    half = closure.closure(truth, lips_that_close((21,)), words, span)
    assert half.recall == 0.5
    shut = closure.closure(truth, np.zeros(100, np.float32), words, span)
    assert (shut.recall, shut.auc) == (1, 0.5)  # recall alone would be fooled


def test_without_labials_there_is_nothing_to_count() -> None:
    found = closure.closure(babble(100), babble(100), [Word("set", 1, 2, 1)], slice(0, 100))
    assert np.isnan(found.recall)
    assert found.n_events == found.n_pairs == 0


# --- intervals and neighbours


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(3.0, 1.0, (40, 400))
    found = interval(samples, np.ones_like(samples), draw_clips(40, 400, 1), 0.9)
    covered = ((found.low <= 3) & (found.high >= 3)).mean()
    assert 0.83 < covered < 0.94


def test_what_is_undefined_has_no_weight() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    weights = np.array([[1.0, 1.0], [3.0, 1.0], [9.0, 1.0]])
    found = interval(values, weights, draw_clips(3, 200, 0), 0.95)
    assert found.value[0] == pytest.approx(2.5)
    assert found.n_clips.tolist() == [2, 0]
    assert np.isnan([found.value[1], found.low[1], found.high[1]]).all()


def test_a_median_is_that_of_every_draw() -> None:
    values, draws = np.array([[9.0, 1.0], [5.0, 1.0], [np.nan, 1.0], [1.0, 1.0]]), draw_clips(4, 50, 0)
    found = interval(values, np.ones_like(values), draws, 0.9, medians=[0])
    expected = [np.nanmedian(np.repeat(values[:, 0], n.astype(int))) for n in draws]
    np.testing.assert_array_equal(found.resampled[:, 0], expected)
    assert (found.value[0], found.n_clips.tolist()) == (5, [3, 4])


def test_neighbours_find_the_same_sound_again() -> None:
    rng = np.random.default_rng(0)
    sounds = [rng.normal(size=(60, 24)).astype(np.float32) for _ in range(4)]
    motions = [rng.normal(size=(60, 58)).astype(np.float32) for _ in range(4)]
    neighbours = AudioNeighbours.of(sounds, motions)
    np.testing.assert_array_equal(neighbours.motion_for(sounds[2], 1), motions[2])
    blended = neighbours.motion_for(sounds[2], 3)
    nearest = neighbours.nearest(sounds[2], 3)
    np.testing.assert_allclose(blended, np.concatenate(motions)[nearest].mean(axis=1), atol=1e-6)
