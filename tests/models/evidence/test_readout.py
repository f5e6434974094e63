"""Lips are learned from an embedding and told apart from other lips, to the frame."""

from pathlib import Path

import numpy as np
import pytest

from models.evidence.agreement import agreement
from models.evidence.readout import LipReadout, calibrated, learn, load_readout, write_readout
from schemas.arrays import Float32


def speech_and_lips(seed: int, n: int = 80) -> tuple[Float32, Float32]:
    """An embedding of 12 numbers in which lips hide, with noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None] / 25
    lips = sum(np.sin(2 * np.pi * hz * t + rng.uniform(0, 6, 2)) for hz in (0.7, 1.9, 3.1))
    mixing = np.random.default_rng(99).normal(size=(2, 12))
    return (lips @ mixing + rng.normal(0, 1, (n, 12)) + 5).astype(np.float32), (10 + 3 * lips).astype(np.float32)


def test_what_was_learned_tells_new_clips_apart_to_the_frame(tmp_path: Path) -> None:
    readout = learn((speech_and_lips(k) for k in range(20)), "test:0", ridge=0.1)
    embedding, lips = speech_and_lips(100)
    seen = np.ones(72, np.bool_)
    late = agreement(lips[:-8], readout.expected(embedding[8:]), seen, 15)
    assert late is not None
    assert late.lag_frames == pytest.approx(8, abs=0.3)
    assert late.correlation > 0.8
    wrong = agreement(speech_and_lips(101)[1], readout.expected(embedding), np.ones(80, np.bool_), 3)
    assert wrong is not None
    assert wrong.correlation < 0.6
    write_readout(tmp_path / "r.npz", readout)
    assert (tmp_path / "r.npz").stat().st_size < 2000


def test_nothing_is_said_of_lips_that_stand_or_are_hardly_seen() -> None:
    moving = speech_and_lips(0)[1]
    seen = np.ones(80, np.bool_)
    assert agreement(np.ones_like(moving), moving, seen, 15) is None
    assert agreement(moving, moving, np.arange(80) < 10, 15) is None
    assert agreement(moving[:20], moving[:20], seen[:20], 15) is None
    gapped = agreement(moving, moving, np.arange(80) % 3 > 0, 15)
    assert gapped is not None
    assert gapped.lag_frames == pytest.approx(0, abs=0.1)


def test_the_best_at_the_end_of_the_range_is_no_peak() -> None:
    lips = np.sin(np.arange(80)[:, None] / 13 + [0, 1]).astype(np.float32)
    far = agreement(lips[:-9], lips[9:], np.ones(71, np.bool_), 5)
    assert far is not None
    assert far.lag_frames is None


def test_what_a_correlation_is_worth_is_learned_and_joins_what_the_sync_model_says() -> None:
    rng = np.random.default_rng(0)
    own, strange = np.tanh(rng.normal(0.8, 0.2, 400)), np.tanh(rng.normal(0.3, 0.2, 800))
    readout = calibrated(LipReadout("test:0", np.eye(2, dtype=np.float32)), own, strange)
    assert np.mean([readout.p_match(r, 0.5) > 0.5 for r in own]) == pytest.approx(0.9, abs=0.05)
    assert np.mean([readout.p_match(r, 0.5) > 0.5 for r in strange]) == pytest.approx(0.1, abs=0.05)
    either = np.tanh(0.55)
    assert readout.p_match(either, 0.95) > 0.7 > 0.3 > readout.p_match(either, 0.05)
    assert 0 < readout.p_match(-1.0, 0.0) < readout.p_match(1.0, 1.0) < 1


def test_the_readout_that_ships_is_of_the_default_embedding() -> None:
    readout = load_readout()
    assert readout.embedding_model == "whisper-base:2"
    assert readout.weights.shape == (512, 2)
    assert readout.p_match(0.7, 0.5) > 0.5 > 0.05 > readout.p_match(0.27, 0.05)
