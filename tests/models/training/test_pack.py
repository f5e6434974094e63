"""A training pack gives back what was put in, is made once, and refuses clips that do not fit together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.avatar.motion import ROTATION, to_frames
from models.head.landmarks import INNER_LIPS
from models.head.model import load_open_head
from models.training import folders
from models.training.folders import DiskFull
from models.training.lips import LipGap
from models.training.mixture import Mixture, Share
from models.training.pack import InvalidPack, Pack, open_pack, rest_frame, write_pack
from models.training.statistics import Moments, Statistics
from tests.models.training.clips import clip, clips

LENGTHS = [30, 7, 50]
STD_FLOOR = np.array([0.01] * 50 + [0.002] * 8)  # of actions; of rotations, in radians


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return write_pack(tmp_path_factory.mktemp("packs"), {"snapshot": 1}, clips(LENGTHS, detail=True), load_open_head())


def test_gives_back_every_clip(pack: Pack) -> None:
    assert (pack.n_clips, pack.n_frames) == (3, 87)
    assert pack.clip_ids == ("clip0", "clip1", "clip2")
    assert pack.speaker_ids == ("speaker0", "speaker1", "speaker0")
    for number, (motion, speech, _) in enumerate(clips(LENGTHS, detail=True)):
        rows = slice(pack.offset[number], pack.offset[number + 1])
        assert pack.detail is not None
        assert motion.detail is not None
        np.testing.assert_array_equal(pack.motion[rows], to_frames(motion))
        np.testing.assert_array_equal(pack.detail[rows], motion.detail)
        np.testing.assert_array_equal(pack.envelope[rows], speech.envelope)
        np.testing.assert_array_equal(pack.f0_hz[rows], speech.f0_hz)
        np.testing.assert_array_equal(pack.speech[rows], speech.embedding.astype(np.float16))
        np.testing.assert_array_equal(pack.shape[number], motion.shape)


def test_is_made_once(pack: Pack) -> None:
    again = write_pack(pack.folder.parent, {"snapshot": 1}, [], load_open_head())  # no clip is asked for
    assert again.folder == pack.folder
    other = write_pack(pack.folder.parent, {"snapshot": 2}, clips([9]), load_open_head())
    assert other.folder != pack.folder
    assert other.digest != pack.digest


def test_lip_gap_is_that_of_the_whole_head() -> None:
    head = load_open_head()
    motion, _, _ = clip(4, 20)
    whole = head.vertices(
        motion.shape, motion.expression, 0 * motion.jaw, motion.jaw, np.zeros_like(motion.eyes), 0 * motion.jaw
    )
    upper, lower = np.moveaxis(head.landmarks(whole)[:, INNER_LIPS], 1, 0)
    np.testing.assert_allclose(LipGap(head)(motion), 1000 * np.linalg.norm(upper - lower, axis=1), rtol=1e-4)


def test_a_mouth_rests_where_the_voice_pauses() -> None:
    envelope = np.where(np.arange(60) < 45, 0.5, 0.01).astype(np.float32)
    envelope[20] = 0.0  # a closure: quiet for an instant, lips shut
    gap = np.full(60, 5, np.float32)
    gap[20], gap[52] = 0.0, 1.0
    assert rest_frame(gap, envelope) == 52
    assert rest_frame(gap[:1], envelope[:1]) == 0


def test_statistics_are_those_of_all_frames(pack: Pack) -> None:
    found = Mixture((Share(pack),)).statistics
    np.testing.assert_allclose(found.motion_mean, pack.motion.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.motion_std, np.maximum(pack.motion.std(0), STD_FLOOR), rtol=1e-4)
    embeddings = np.concatenate([speech.embedding for _, speech, _ in clips(LENGTHS, detail=True)])
    np.testing.assert_allclose(found.speech_std, embeddings.std(0), rtol=1e-4)
    assert found.detail_std is not None


def test_a_calm_head_weighs_as_much_as_a_lively_one_and_a_stiff_one_less() -> None:
    turn = np.sin(np.arange(100))[:, None]
    calm, stiff = (np.tile(size * turn, 58).astype(np.float32) for size in (0.005, 0.0005))
    others = {"speech": Moments.of(np.zeros((2, 8))), "style": Moments.of(np.zeros((2, 6)))}
    found = [Statistics.of({"motion": Moments.of(frames), **others}).motion_std for frames in (calm, stiff)]
    np.testing.assert_allclose(found[0][ROTATION], calm.std(0)[ROTATION], rtol=1e-4)
    np.testing.assert_allclose(found[1], STD_FLOOR, rtol=1e-4)


def test_statistics_of_a_mixture_count_a_pack_as_often_as_it_is_passed_over(pack: Pack, tmp_path: Path) -> None:
    other = write_pack(tmp_path, {}, clips([40], detail=True), load_open_head())
    found = Mixture((Share(pack), Share(other, 3.0))).statistics
    seen = np.concatenate([pack.motion, *[other.motion] * 3])
    np.testing.assert_allclose(found.motion_mean, seen.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.motion_std, np.maximum(seen.std(0), STD_FLOOR), rtol=1e-4)


def test_refuses_what_does_not_fit_together(tmp_path: Path) -> None:
    motion, speech, speaker = clip(0, 10)
    shorter = clip(0, 9)[1]
    for wrong in (
        (replace(motion, head_model="flame2023"), speech, speaker),
        (motion, replace(speech, embedding_model="another:1"), speaker),
        (motion, shorter, speaker),
        (motion, replace(speech, embedding=speech.embedding * np.float32(1e6)), speaker),
        (motion, replace(speech, embedding=speech.embedding[:, 1:].copy()), speaker),
        clip(0, 10, detail=True),
    ):
        with pytest.raises(InvalidPack):
            write_pack(tmp_path, {}, [(motion, speech, speaker), wrong], load_open_head())
    with pytest.raises(InvalidPack, match="empty"):
        write_pack(tmp_path, {}, [], load_open_head())
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_damaged_pack_says_so(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, {}, clips([10]), load_open_head()).folder
    with (folder / "motion.bin").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InvalidPack, match="Remove the folder"):
        open_pack(folder)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_flush", full)
    with pytest.raises(DiskFull):
        write_pack(tmp_path, {}, clips([10]), load_open_head())
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
