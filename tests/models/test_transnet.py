"""TransNetV2 from its wheel: cuts where they are, no side effects on the rest of the process."""

import numpy as np
import pytest
import torch

from models.transnet import Transitions, TransNet
from schemas.arrays import UInt8
from schemas.units import THUMBNAIL_SIZE
from tests.builders import moving_pattern


def scene(n_frames: int, seed: int) -> UInt8:
    """A textured still with a little noise: TransNetV2 has never seen moving sine waves and mistrusts them."""
    rng = np.random.default_rng(seed)
    still = next(moving_pattern(1, *THUMBNAIL_SIZE, seed=seed)).astype(np.float32)
    noise = rng.normal(0, 2, (n_frames, *still.shape))
    return np.clip(still + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> TransNet:
    return TransNet()


def test_a_cut_scores_on_the_last_frame_before_it(network: TransNet) -> None:
    found = network(np.concatenate([scene(25, 1), scene(25, 7)]))
    assert isinstance(found, Transitions)
    assert found.middle.shape == found.inside.shape == (50,)
    assert int(np.argmax(found.middle)) == 24
    assert found.middle[24] > 0.5
    assert np.delete(found.middle, range(22, 28)).max() < 0.1


@pytest.mark.slow
def test_windows_join_without_a_seam(network: TransNet) -> None:
    """Frame 60 is in the second window's answer; a cut there is found, and nothing where windows meet."""
    found = network(np.concatenate([scene(60, 1), scene(51, 7)]))
    assert found.middle.shape == found.inside.shape == (111,)
    assert int(np.argmax(found.middle)) == 59
    assert np.delete(found.middle, range(57, 63)).max() < 0.1


def test_loading_leaves_the_processs_random_state_alone() -> None:
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the global generator is what must not change
    TransNet()
    drawn = (torch.rand(1).item(), np.random.rand())  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    TransNet()
    assert drawn == (torch.rand(1).item(), np.random.rand())  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()
