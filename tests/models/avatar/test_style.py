"""A style is what the head's angles and their velocities say, and finite for a head that does not move."""

import numpy as np
import pytest

from models.avatar.style import style_of


def test_style_of_a_head_that_stands_still_is_finite() -> None:
    frames = np.zeros((10, 58), np.float32)
    assert np.isfinite(style_of(frames)).all()
    frames[:, 54] = 0.1 * np.sin(np.arange(10))
    assert style_of(frames)[1] == pytest.approx(np.log(frames[:, 54].std()), abs=1e-5)
    assert style_of(frames)[4] == pytest.approx(np.log((np.diff(frames[:, 54]) * 25).std()), abs=1e-5)
    assert np.isfinite(style_of(frames[:1])).all()
