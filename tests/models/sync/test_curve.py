"""What is read from agreements whose truth is known."""

import numpy as np
import pytest

from models.sync.calibration import steepest_frames
from models.sync.curve import curve_of, drift_of, peak_of

FURTHEST = 25
FRAMES = 100


def products(late: float, drift: float = 0.0, n_frames: int = FRAMES, noise: float = 0.3) -> np.ndarray:
    """Every frame agrees most with the sound ``late`` frames after it; ``late`` grows by ``drift`` over the clip."""
    along = late + drift * (np.arange(n_frames) / n_frames - 0.5)
    offsets = np.arange(-FURTHEST, FURTHEST + 1)
    rng = np.random.default_rng(0)
    made = np.exp(-((offsets - along[:, None]) ** 2) / 4) + noise * rng.normal(size=(n_frames, len(offsets)))
    sound = np.arange(n_frames)[:, None] + offsets
    return np.where((sound >= 0) & (sound < n_frames), made, np.nan).astype(np.float32)


@pytest.mark.parametrize("late", [-12.5, -3.0, 0.0, 0.4, 7.7])
def test_the_peak_lies_where_the_sound_does(late: float) -> None:
    peak = peak_of(products(late), temper=1.0)
    assert peak.late_frames == pytest.approx(late, abs=0.3)
    assert peak.share > 0.99
    assert (peak.share_in_sync > 0.5) == (abs(late) <= 2)


def test_a_frame_that_is_not_there_is_not_counted() -> None:
    steady = np.where(np.isfinite(products(0, noise=0)), 1.0, np.nan).astype(np.float32)
    assert np.allclose(curve_of(steady), 1.0), "an offset at which few frames overlap is not worse for it"


@pytest.mark.parametrize("drift", [-9.0, -4.0, 0.0, 6.0])
def test_a_drift_is_found_with_its_sign(drift: float) -> None:
    found, evidence = drift_of(products(2.0, drift), steepest_frames=12)
    assert found == pytest.approx(drift, abs=1.0)
    assert (evidence > 10) == (drift != 0)


def test_no_drift_is_looked_for_that_film_at_another_rate_would_not_have() -> None:
    quarter_of_a_minute = 375
    film = (25 / 24 - 1) * quarter_of_a_minute
    assert film < steepest_frames(quarter_of_a_minute) < 1.2 * film
    assert steepest_frames(75) < 4  # of three seconds: less than the gate at `pretrain` refuses


def test_a_clip_of_a_second_is_read_by_the_offsets_that_most_of_it_has() -> None:
    short = products(3.0, n_frames=25)
    peak = peak_of(short, temper=1.0)
    assert peak.late_frames == pytest.approx(3.0, abs=0.5)
    assert np.isfinite(drift_of(short, steepest_frames=2.0)).all()
