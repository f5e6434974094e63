"""Models with a known fault are found out: deaf, frozen, late, doubled, trembling. A perfect one is left in peace."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models.avatar.motion import JAW, ROTATION
from models.avatar.protocol import Condition
from models.head.model import load_open_head
from models.sync.features import mouth_mm
from models.sync.model import load_default_sync
from schemas.arrays import Float32, InvalidArray
from schemas.speech import SpeechFeatures, Word
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.evaluate.measure import COLUMN, METRICS
from tasks.evaluate.records import EvaluateConfig, Evaluation, EvaluationClip, Row, Span, Split
from tasks.evaluate.rows import derange, fitted
from tasks.evaluate.run import evaluate
from tasks.evaluate.sync import KNOWN, OFFSET, PREFERRED, SyncJudge

N_FRAMES = 50
CONFIG = EvaluateConfig(seeds=(0,), draws=100)


def talking(index: int, speaker: str, n_frames: int = N_FRAMES) -> EvaluationClip:
    """A clip whose embedding is its motion: who hears well moves right."""
    rng = np.random.default_rng(index)
    time = np.arange(n_frames)
    frames = np.zeros((n_frames, 58), np.float32)
    wave = sum(a * np.sin(time / p + o) for a, p, o in zip((1, 0.7), rng.uniform(2, 4, 2), rng.uniform(0, 6, 2)))
    speaking = (time > 6) & (time < n_frames - 6)
    frames[:, JAW.start] = np.where(speaking, 0.14 + 0.08 * wave, 0.005 + 0.003 * np.sin(time + index)).clip(0)
    frames[:, 0] = 0.3 + 0.2 * np.sin(time / 5 + index)  # a brow
    frames[:, ROTATION] = 0.05 * np.sin(time[:, None] / rng.uniform(3, 6, 3) + rng.uniform(0, 6, 3))
    envelope = np.where(speaking, 0.1 + 0.05 * (np.sin(time / 2.5) > 0), 1e-4).astype(np.float32)
    f0 = np.where(speaking, 120 + 30 * np.sin(time / 4), 0).astype(np.float32)
    features = SpeechFeatures(n_frames, envelope, f0, frames.copy(), "motion:0")
    words = tuple(Word("bin", t / 25, t / 25 + 0.2, 1.0) for t in range(8, n_frames - 8, 9))
    return EvaluationClip(f"clip-{index}", speaker, frames, np.zeros(100, np.float32), features, words)


TRAINING = [talking(i, "ann") for i in range(100, 104)]
CLIPS = [talking(i, "ann") for i in range(4)] + [talking(i, "bob") for i in range(4, 6)]


class KnowsMouths:
    """A sync model that knows every mouth shape from every other, however alike; sounds are heard as their mouths."""

    calibration = load_default_sync().calibration

    def see(self, mouth: Float32) -> Float32:
        spread = np.random.default_rng(0).normal(0, 3, (mouth.shape[1], 64))
        return np.asarray(np.sin(mouth @ spread + np.arange(64)) * np.sqrt(4 / 32), np.float32)

    def judge(self, clips: Sequence[EvaluationClip]) -> SyncJudge:
        return SyncJudge(self, {clip.clip_id: self.see(mouth_mm(clip.frames, load_open_head())) for clip in clips})


@dataclass
class Faulty:
    """Performs what it hears, then does something to it."""

    fault: str = "none"

    def perform(
        self, speech: SpeechFeatures, shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Float32:
        frames = speech.embedding.copy()
        match self.fault:
            case "deaf":
                return talking(50, "nobody").frames[: speech.n_frames]
            case "frozen":
                frames[:, JAW] = 0
            case "late":
                return np.concatenate([np.repeat(frames[:1], 4, axis=0), frames[:-4]])
            case "doubled":
                frames[:, JAW] *= 2
            case "trembling":
                frames[:, JAW.start] += np.random.default_rng(0).normal(0, 0.02, len(frames)).astype(np.float32)
            case "seeded":
                frames[:, JAW.start] += np.float32(0.05 * np.random.default_rng(seed).random())
            case "short":
                return frames[:-1]
        return frames


@pytest.fixture(scope="module")
def found() -> dict[str, Evaluation]:
    faults = ("none", "deaf", "frozen")
    judge = KnowsMouths().judge(CLIPS)
    return {fault: evaluate(Faulty(fault), CLIPS, TRAINING, CONFIG, judge=judge) for fault in faults}


def warned(evaluation: Evaluation, row: Row) -> set[str]:
    return {w.metric for w in evaluation.warnings if w.row is row and w.span is Span.SPEECH}


def value(evaluation: Evaluation, metric: str, row: Row = Row.MODEL) -> float:
    return evaluation.score(metric, row, Split.SEEN).value


def test_a_perfect_model_is_beaten_by_nothing_that_hears_nothing(found: dict[str, Evaluation]) -> None:
    perfect = found["none"]
    assert value(perfect, "LVE") == 0
    assert value(perfect, "gap correlation") == pytest.approx(1, abs=1e-5)
    controls = {w.metric for w in perfect.warnings if w.row not in (Row.NEIGHBOURS,)}
    # Everything the truth itself can win is won; beats of a synthetic head are no better than chance for anybody.
    assert controls <= {"BA", "BA over chance", "PBAS", "PBAS over chance", "closure recall"}


def test_the_truth_row_is_perfect_and_the_means_are_still(found: dict[str, Evaluation]) -> None:
    evaluation = found["none"]
    assert value(evaluation, "MTM", Row.TRUTH) == 0
    assert value(evaluation, "lip spread", Row.TRUTH) == 1
    for row in (Row.MEAN, Row.OWN_MEAN, Row.FROZEN):
        assert value(evaluation, "lip spread", row) == pytest.approx(0, abs=1e-3)
        assert value(evaluation, "MTM", row) == 400
    assert value(evaluation, "LVE_d", Row.MEAN) == pytest.approx(value(evaluation, "LVE_d", Row.OWN_MEAN), rel=1e-3)


def test_the_frozen_row_is_shown_only_where_the_mouth_is_looked_at(found: dict[str, Evaluation]) -> None:
    shown = {score.metric for score in found["none"].scores if score.row is Row.FROZEN}
    assert {"LVE", "MVE", "MTM"} <= shown
    assert shown <= {metric.name for metric in METRICS if metric.sees_mouth}


def test_a_deaf_model_is_warned_about_its_own_shuffle(found: dict[str, Evaluation]) -> None:
    assert {"LVE", "LVE_d", "MOD", "gap correlation", "MTM", "MVE"} <= warned(found["deaf"], Row.SHUFFLED)
    assert not {"LVE", "MTM"} & warned(found["none"], Row.SHUFFLED)


def test_a_frozen_model_is_warned_about_means_and_its_like(found: dict[str, Evaluation]) -> None:
    assert {"LVE", "MVE"} <= warned(found["frozen"], Row.MEAN)
    assert {"gap correlation", "MTM"} <= warned(found["frozen"], Row.FROZEN)
    sure = [w for w in found["frozen"].warnings if w.metric == "LVE" and w.row is Row.OWN_MEAN]
    assert sure
    assert all(w.sure for w in sure)
    assert "own mean (oracle) scores" in str(sure[0])


def test_lips_prefer_the_sound_they_say_and_still_ones_none(found: dict[str, Evaluation]) -> None:
    right, shuffled, still = ((value(found["none"], PREFERRED, row)) for row in (Row.MODEL, Row.SHUFFLED, Row.FROZEN))
    assert (right, shuffled, still) == (1, 0, 0)
    assert value(found["deaf"], PREFERRED) == value(found["deaf"], KNOWN) == 0
    assert value(found["none"], OFFSET) == pytest.approx(0, abs=5)
    assert value(found["none"], KNOWN, Row.FROZEN) == 0
    with pytest.raises(KeyError):
        value(found["none"], OFFSET, Row.FROZEN)
    assert PREFERRED in warned(found["deaf"], Row.MEAN)
    assert PREFERRED not in warned(found["none"], Row.SHUFFLED)


def test_clips_without_sound_are_not_judged() -> None:
    drivers = derange(CLIPS[:3], CONFIG.pairing_seed)
    judge = KnowsMouths().judge([CLIPS[0], CLIPS[drivers[0]]])  # the third clip would speak, or is spoken over
    partly = evaluate(Faulty(), CLIPS[:3], TRAINING, CONFIG, judge=judge)
    assert partly.score(PREFERRED, Row.MODEL, Split.SEEN).n_clips == 1
    assert partly.score("LVE", Row.MODEL, Split.SEEN).n_clips == 3


@pytest.mark.slow
def test_a_late_model_is_late_by_160_ms_and_its_clips_are_flagged(found: dict[str, Evaluation]) -> None:
    late = evaluate(Faulty("late"), CLIPS, TRAINING, CONFIG, judge=KnowsMouths().judge(CLIPS))
    assert value(late, OFFSET) == pytest.approx(-160, abs=5), "its sound is early"
    assert {(a.lag_frames, a.late) for a in late.audits} == {(4, True)}
    assert value(late, "MTM offset") == pytest.approx(160, abs=15)
    assert not any(a.late for a in found["none"].audits)


@pytest.mark.slow
def test_amplitude_and_trembling_show_in_their_own_metrics() -> None:
    doubled, trembling = (evaluate(Faulty(fault), CLIPS, TRAINING, CONFIG) for fault in ("doubled", "trembling"))
    assert value(doubled, "lip spread") == pytest.approx(2, abs=0.2)
    assert value(doubled, "gap correlation") > 0.95
    assert value(doubled, "jitter ratio") < 2.5
    assert value(trembling, "jitter ratio") > 3
    assert value(trembling, "lip spread") < 1.3


def test_speakers_are_never_averaged_across_splits(found: dict[str, Evaluation]) -> None:
    evaluation = found["none"]
    assert evaluation.score("LVE", Row.MODEL, Split.SEEN).n_clips == 4
    assert evaluation.score("LVE", Row.MODEL, Split.UNSEEN).n_clips == 2
    assert {a.split for a in evaluation.audits if a.speaker_id == "bob"} == {Split.UNSEEN}


def test_differences_are_paired_and_positive_where_the_model_is_better(found: dict[str, Evaluation]) -> None:
    (difference,) = [
        d
        for d in found["none"].differences
        if (d.metric, d.row, d.split, d.span) == ("LVE", Row.SHUFFLED, Split.SEEN, Span.SPEECH)
    ]
    assert difference.sure
    assert difference.value == pytest.approx(value(found["none"], "LVE", Row.SHUFFLED))


def test_every_clip_has_chances_of_its_own() -> None:
    evaluation = evaluate(Faulty("seeded"), CLIPS[:2], TRAINING, CONFIG.model_copy(update={"seeds": (0,)}))
    errors = [c.values[COLUMN["LVE"]] for c in evaluation.per_clip if c.row is Row.MODEL and c.span is Span.WHOLE]
    assert abs(errors[0] - errors[1]) > 0.05


def test_seeds_are_averaged_within_a_clip_and_their_spread_is_told() -> None:
    evaluation = evaluate(Faulty("seeded"), CLIPS[:2], TRAINING, CONFIG.model_copy(update={"seeds": (0, 1)}))
    score = evaluation.score("LVE", Row.MODEL, Split.SEEN)
    assert score.seed_sd is not None
    assert 0 < score.seed_sd < score.value
    assert evaluation.score("diversity lips", Row.MODEL, Split.SEEN).value > 0.1
    assert evaluation.score("LVE", Row.MEAN, Split.SEEN).seed_sd is None


def test_shuffled_audio_is_a_derangement() -> None:
    for seed in range(5):
        driven = derange(CLIPS, seed)
        assert sorted(driven) == list(range(len(CLIPS)))
        assert all(i != j for i, j in enumerate(driven))
    with pytest.raises(ValueError, match="two clips"):
        derange(CLIPS[:1], 0)


def test_speech_is_cut_or_begun_again_to_fit() -> None:
    features = talking(1, "ann").features
    assert fitted(features, 10).n_frames == 10
    np.testing.assert_array_equal(fitted(features, 60).envelope[50:], features.envelope[:10])


def test_a_clip_may_not_be_trained_and_evaluated_on() -> None:
    with pytest.raises(ValueError, match="both trained and evaluated"):
        evaluate(Faulty(), CLIPS, CLIPS[:1], CONFIG)
    with pytest.raises(ValueError, match="no training clips"):
        evaluate(Faulty(), CLIPS, [], CONFIG)


def test_a_model_that_returns_the_wrong_frames_is_refused() -> None:
    with pytest.raises(InvalidArray, match="MotionModel"):
        evaluate(Faulty("short"), CLIPS[:2], TRAINING, CONFIG)


@pytest.mark.slow
def test_the_report_warns_first_escapes_text_and_plays(found: dict[str, Evaluation], tmp_path: Path) -> None:
    from tasks.evaluate.film import Soundtrack
    from tasks.evaluate.report import write_report

    silence = np.zeros(N_FRAMES * SAMPLES_PER_FRAME, np.float32)
    sounds = [Soundtrack("clip-0", silence, SAMPLE_RATE)]
    written = write_report(found["frozen"], tmp_path / "report", sounds, {"name": "<script>alert(1)</script>"})
    text = written.read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
    assert text.index("these must lose") < text.index("<table>")
    assert (written.parent / "film-1.mp4").stat().st_size > 10_000
    numbers = json.loads((written.parent / "evaluation.json").read_text())
    assert {w["metric"] for w in numbers["warnings"]} >= {"LVE"}
    lines = (written.parent / "per_clip.csv").read_text().splitlines()
    assert len(lines) == 1 + len(CLIPS) * len(Row) * len(Span)


@pytest.mark.slow
def test_a_faultless_report_says_so(found: dict[str, Evaluation], tmp_path: Path) -> None:
    from tasks.evaluate.report import write_report

    peaceful = replace(found["none"], warnings=())
    assert "No metric ranks a control" in write_report(peaceful, tmp_path).read_text()
