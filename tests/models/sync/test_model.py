"""A sync model on disk, what it learns, and what its calibration promises."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.sync.calibration import SyncCalibration, Trial, calibrate
from models.sync.clips import SyncClips
from models.sync.model import SyncCard, SyncModel, UnreadableSyncModel, load_default_sync, open_sync, write_sync
from models.sync.network import SyncNetwork, agreement
from models.sync.objective import SyncObjective
from models.sync.trials import trials_of
from models.sync.windows import SyncWindows, SyncWindowsConfig
from tests.models.sync.made import TINY, Loudness, babble


def trials(seed: int) -> list[Trial]:
    reader = SyncModel(Loudness(), SyncCalibration())
    return list(trials_of(reader, SyncClips.of(babble(130, seed=seed + k) for k in range(30)), seed))


def test_agreement_peaks_where_the_sound_comes_after_the_lips() -> None:
    generator = torch.Generator().manual_seed(0)
    sound = torch.randn(2, 60, 8, generator=generator)
    lips = torch.roll(sound, -4, dims=1)  # lips at t belong to sound at t + 4
    found = agreement(lips, sound, furthest=10)
    assert found.shape == (2, 2, 21)
    assert found[0, 0].argmax() == found[1, 1].argmax() == 10 + 4
    assert found[0, 1].max() < 0.5 * found[0, 0].max()


def test_it_learns_to_tell_offset_and_stranger() -> None:
    torch.manual_seed(0)
    objective = SyncObjective(TINY)
    config = SyncWindowsConfig(batch_size=12, window_frames=(50, 50), furthest_frames=6, changes=None, pace=(1.0, 1.0))
    windows = SyncWindows(((SyncClips.of(babble(100, seed=k) for k in range(40)), 1.0),), config)
    optimizer = torch.optim.Adam(objective.parameters(), 5e-3)
    losses = []
    for step in range(40):
        loss = objective.losses(windows.batch(step), torch.Generator())
        optimizer.zero_grad()
        loss["total"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append([loss["offset"].item(), loss["stranger"].item()])
    first, last = np.mean(losses[:5], axis=0), np.mean(losses[-5:], axis=0)
    assert (last < 0.8 * first).all()


def test_calibrated_probabilities_hold_on_other_clips() -> None:
    calibration = calibrate(trials(0))
    unseen = trials(100)
    late = np.array([trial.late_frames for trial in unseen])
    readings = [calibration.reading(trial.products) for trial in unseen]
    for named, true in (("p_in_sync", np.abs(late) <= 2), ("p_match", np.isfinite(late))):
        p = np.array([getattr(reading, named) for reading in readings])
        assert p[true].mean() > 0.75, named
        assert p[~true].mean() < 0.2, named
    strangers = [reading for reading, offset in zip(readings, late, strict=True) if np.isnan(offset)]
    assert np.mean([np.isnan(reading.offset_ms) for reading in strangers]) > 0.8, "an offset nobody has is not stated"
    assert all(np.isnan(reading.drift_ms) == np.isnan(reading.offset_ms) for reading in readings)


def test_a_model_comes_back_from_disk_and_a_damaged_one_does_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SyncNetwork(TINY)
    write_sync(tmp_path / "m", SyncCard(network=TINY, calibration=SyncCalibration(temper=0.5)), network.state_dict())
    clip = babble(60)
    again = open_sync(tmp_path / "m")
    assert again.calibration.temper == 0.5
    ours, theirs = (m.products(clip.mouth, clip.sound) for m in (SyncModel(network, SyncCalibration()), again))
    assert np.allclose(ours, theirs, atol=0.05, equal_nan=True)
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(UnreadableSyncModel, match="sha256"):
        open_sync(tmp_path / "m")
    with pytest.raises(UnreadableSyncModel, match="cannot be read"):
        open_sync(tmp_path)


def test_the_model_that_ships_is_small_and_does_not_see_sync_in_noise() -> None:
    model = load_default_sync()
    folder = Path("models/data/sync")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    rng = np.random.default_rng(0)
    mouth = np.cumsum(rng.normal(0, 0.3, (75, 126)), axis=0).astype(np.float32)
    sound = rng.normal(0, 0.5, (300, 40)).astype(np.float32)
    reading = model.calibration.reading(model.products(mouth, sound))
    assert reading.p_in_sync < 0.5
    assert np.isnan(reading.offset_ms)
