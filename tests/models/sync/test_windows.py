"""Windows plant what they say they plant."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.sync.calibration import SyncCalibration
from models.sync.clips import SyncClip, SyncClips, read_clips, write_clips
from models.sync.curve import peak_of
from models.sync.features import mouth_input, sound_input
from models.sync.model import SyncModel
from models.sync.windows import SyncWindows, SyncWindowsConfig, cut
from tests.models.sync.made import Loudness, babble

CONFIG = SyncWindowsConfig(batch_size=6, window_frames=(60, 60), furthest_frames=9)


def body(n: int = 8) -> SyncClips:
    return SyncClips.of(babble(120 + 10 * k, seed=k) for k in range(n))


@pytest.mark.parametrize("late", [-7.0, 0.0, 2.5, 12.0])
def test_a_cut_is_late_by_what_was_asked_for(late: float) -> None:
    mouth, sound = cut(babble(200), 40.0, 100, late, np.random.default_rng(0))
    found = peak_of(SyncModel(Loudness(), SyncCalibration()).products(mouth, sound), 1.0)
    assert found.late_frames == pytest.approx(late, abs=0.5)


def test_batches_depend_on_their_number_alone_and_are_shared_out() -> None:
    windows = SyncWindows(((body(), 1.0),), CONFIG)
    whole, again = windows.batch(3), SyncWindows(((body(), 1.0),), CONFIG).batch(3)
    assert torch.equal(whole.sound, again.sound)
    assert torch.equal(whole.mouth, again.mouth)
    parts = [windows.batch(3, rank, 2) for rank in (0, 1)]
    assert torch.equal(torch.stack([part.late for part in parts], dim=1).flatten(), whole.late)
    assert not torch.equal(whole.late, windows.batch(4).late)


def test_changes_move_nothing_in_time() -> None:
    windows = SyncWindows(((body(), 1.0),), CONFIG.model_copy(update={"batch_size": 24}))
    batch = windows.batch(0)
    model = SyncModel(Loudness(), SyncCalibration())
    errors = []
    for mouth, sound, late in zip(batch.mouth.numpy(), batch.sound.numpy(), batch.late.tolist(), strict=True):
        errors.append(peak_of(model.products(mouth, sound), 1.0).late_frames - late)
    assert abs(np.median(errors)) < 0.4


def test_level_microphone_and_place_are_not_heard_or_seen() -> None:
    clip = babble(50)
    shifted = replace(clip, sound=clip.sound + np.linspace(-2, 1, clip.sound.shape[1], dtype=np.float32))
    loud = sound_input(clip.sound)
    assert np.allclose(sound_input(clip.sound + 3.0), loud, atol=1e-4)
    assert np.abs(sound_input(shifted.sound) - loud).mean() < 0.2 * np.abs(loud).mean()
    assert np.allclose(mouth_input(clip.mouth + 12.0), mouth_input(clip.mouth), atol=1e-4)


def test_clips_come_back_from_disk(tmp_path: Path) -> None:
    before = body(3)
    write_clips(tmp_path / "clips.safetensors", before)
    after = read_clips(tmp_path / "clips.safetensors")
    assert np.allclose(after.mouth, before.mouth, rtol=1e-3, atol=1e-3)
    one: SyncClip = after.clip(1)
    assert (len(one.mouth), len(one.sound), one.words) == (130, 520, 1)
