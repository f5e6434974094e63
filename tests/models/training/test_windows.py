"""Windows: the same number gives the same batch, every clip is met, and every frame is the one it says."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.avatar.motion import GAZE, JAW, ROTATION
from models.head.model import load_open_head
from models.training.batch import Batch
from models.training.mixture import Mixture, Share
from models.training.pack import InvalidPack, Pack, write_pack
from models.training.windows import UnusableWindows, Windows, WindowsConfig
from tests.models.training.clips import MODEL, clips, silence

LENGTHS = [75, 75, 8, 200, 40]
PLAIN = WindowsConfig(batch_size=6, window_frames=32, silence_share=0.0)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return write_pack(tmp_path_factory.mktemp("packs"), {}, clips(LENGTHS), load_open_head())


def columns(batch: Batch) -> dict[str, Tensor]:
    return {name: getattr(batch, name) for name in Batch.__slots__ if getattr(batch, name) is not None}


def assert_equal(left: Batch, right: Batch) -> None:
    for name, value in columns(left).items():
        assert torch.equal(value, columns(right)[name]), name


def clip_of(batch: Batch) -> np.ndarray:
    return batch.envelope[:, 0].int().numpy()


def start_of(batch: Batch) -> np.ndarray:
    return ((batch.envelope[:, 0] % 1) * 1000).round().int().numpy()


def test_a_number_gives_the_same_batch_at_any_time(pack: Pack) -> None:
    one, other = (Windows(Mixture((Share(pack),)), PLAIN) for _ in range(2))
    for number in range(7):
        one.batch(number)
    assert_equal(one.batch(3), other.batch(3))
    assert one.digest == other.digest
    assert not torch.equal(one.batch(3).motion, one.batch(4).motion)
    elsewhere = Windows(Mixture((Share(pack),)), PLAIN.model_copy(update={"seed": 1}))
    assert not torch.equal(one.batch(3).motion, elsewhere.batch(3).motion)
    assert elsewhere.digest != one.digest
    quiet = PLAIN.model_copy(update={"silence_share": 0.1})
    assert len({Windows(Mixture((Share(pack),)), quiet, silence(n)).digest for n in (3, 4)}) == 2


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_workers_share_the_batch_of_one(pack: Pack, noise: float) -> None:
    config = PLAIN.model_copy(update={"feature_noise": noise, "silence_share": 0.5})
    windows = Windows(Mixture((Share(pack),)), config, silence())
    whole = columns(windows.batch(5))
    for rank in range(3):
        for name, value in columns(windows.batch(5, rank, 3)).items():
            assert torch.equal(value, whole[name][rank::3]), name


def test_windows_hold_the_frames_they_say(pack: Pack) -> None:
    windows = Windows(Mixture((Share(pack),)), PLAIN)
    for number in range(10):
        batch = windows.batch(number)
        for row, (clip, start) in enumerate(zip(clip_of(batch), start_of(batch), strict=True)):
            first, length = int(pack.offset[clip]), LENGTHS[clip]
            n_valid = min(32, length - start)
            assert batch.valid[row].sum() == n_valid
            assert batch.valid[row, :n_valid].all()
            np.testing.assert_array_equal(batch.motion[row, :n_valid], pack.motion[first + start :][:n_valid])
            np.testing.assert_array_equal(batch.speech[row, :n_valid], pack.speech[first + start :][:n_valid])
            assert (batch.motion[row, n_valid:] == batch.motion[row, n_valid - 1]).all()
            np.testing.assert_array_equal(batch.shape[row], pack.shape[clip])
            np.testing.assert_array_equal(batch.style[row], pack.style[clip])
            own = pack.motion[first : first + length]
            assert (own == batch.reference[row].numpy()).all(1).any()


def test_an_epoch_meets_every_clip_in_proportion_to_its_length(pack: Pack) -> None:
    windows = Windows(Mixture((Share(pack),)), PLAIN.model_copy(update={"batch_size": 1}))
    n = windows.windows_per_epoch
    assert n == np.ceil(sum(max(1, length / 32) for length in LENGTHS))
    orders = []
    for epoch in range(3):
        met = np.concatenate([clip_of(windows.batch(epoch * n + k)) for k in range(n)])
        orders.append(met.tolist())
        counts = np.bincount(met, minlength=5)
        assert (counts >= [2, 2, 1, 6, 1]).all()
        assert (counts <= [3, 3, 1, 7, 2]).all()
    assert orders[0] != orders[1]


def test_windows_of_a_long_clip_are_spread_over_it(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, {}, clips([320]), load_open_head())
    starts = np.sort(start_of(Windows(Mixture((Share(pack),)), PLAIN.model_copy(update={"batch_size": 10})).batch(0)))
    assert (np.diff(starts) < 2 * 32).all()
    assert starts[0] < 32
    assert starts[-1] > 320 - 3 * 32


def test_a_clip_as_short_as_the_window_is_met_from_any_of_its_first_frames(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, {}, clips([32]), load_open_head())
    starts = start_of(Windows(Mixture((Share(pack),)), PLAIN.model_copy(update={"batch_size": 400})).batch(0))
    assert set(starts) == set(range(PLAIN.overhang_frames + 1))


def test_silence_closes_the_mouth_and_leaves_the_eyes_alive(pack: Pack) -> None:
    mixture = Mixture((Share(pack),))
    quiet = PLAIN.model_copy(update={"silence_share": 1.0, "whole_silence_share": 1.0, "batch_size": 20})
    was, now = (
        Windows(mixture, PLAIN.model_copy(update={"batch_size": 20})).batch(0),
        Windows(mixture, quiet, silence()).batch(0),
    )
    assert (now.speech == -9).all()
    assert (now.envelope == 0).all()
    assert (now.f0_hz == 0).all()
    settled = slice(6, None)
    rest = torch.from_numpy(pack.motion[pack.rest[clip_of(was)]])
    assert torch.allclose(now.motion[:, settled, JAW], rest[:, None, JAW].expand(-1, 26, -1), atol=1e-6)
    assert torch.equal(now.motion[..., GAZE], was.motion[..., GAZE])
    lid = load_open_head().expression_names.index("eyeBlinkLeft")
    assert lid in pack.live
    assert torch.equal(now.motion[..., lid], was.motion[..., lid])
    moved = was.valid.all(1)
    assert (now.motion[moved][:, settled, ROTATION].std(1) < 0.3 * was.motion[moved][:, settled, ROTATION].std(1)).all()


def test_a_pause_is_blended_in_and_out(pack: Pack) -> None:
    mixture = Mixture((Share(pack),))
    pause = PLAIN.model_copy(update={"silence_share": 1.0, "whole_silence_share": 0.0, "batch_size": 40})
    was, now = (
        Windows(mixture, PLAIN.model_copy(update={"batch_size": 40})).batch(0),
        Windows(mixture, pause, silence()).batch(0),
    )
    silent = (now.speech == -9).all(-1)
    assert (now.motion[~silent] == was.motion[~silent]).all()
    inner = 0
    for row in range(40):
        frames = silent[row].nonzero().ravel()
        if not len(frames):
            continue
        assert (frames.diff() == 1).all()
        if frames[0] > 0 and frames[-1] < 31:
            inner += 1
            away = (now.motion[row] - was.motion[row]).abs().amax(1)
            assert max(away[frames[0]], away[frames[-1]]) < 0.25 * away.max()
    assert inner > 3


def test_passes_say_how_often_a_pack_is_met(pack: Pack, tmp_path: Path) -> None:
    other = write_pack(tmp_path, {}, ((m, s, w) for m, s, w in list(clips([64] * 12))[8:]), load_open_head())
    mixture = Mixture((Share(pack), Share(other, 3.0)))
    windows = Windows(mixture, PLAIN.model_copy(update={"batch_size": 1}))
    met = np.concatenate([clip_of(windows.batch(k)) for k in range(windows.windows_per_epoch)])
    assert (met >= 8).sum() == pytest.approx(4 * 2 * 3, abs=1)


def test_refuses_what_cannot_be(pack: Pack, tmp_path: Path) -> None:
    mixture = Mixture((Share(pack),))
    with pytest.raises(UnusableWindows, match=MODEL):
        Windows(mixture, WindowsConfig())
    with pytest.raises(UnusableWindows, match="overhang"):
        Windows(mixture, PLAIN.model_copy(update={"overhang_frames": 32}))
    with pytest.raises(UnusableWindows, match="workers"):
        Windows(mixture, PLAIN).batch(0, 0, 7)
    detailed = write_pack(tmp_path, {}, clips([9], detail=True), load_open_head())
    with pytest.raises(InvalidPack, match="differ"):
        Mixture((Share(pack), Share(detailed)))
    whole = Windows(Mixture((Share(detailed),)), PLAIN).batch(0)
    assert whole.detail is not None
    assert whole.detail.shape == (6, 32, 128)
