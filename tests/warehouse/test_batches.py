"""Streams: every selected clip once, as the one-by-one reading gives it, in an order that stays."""

from pathlib import Path

import numpy as np
import pytest

from tests.warehouse.lakes import curate, staged, tables
from warehouse.batches import BATCH_ROWS, stream_clips
from warehouse.commit import commit, open_committer
from warehouse.errors import InconsistentLake
from warehouse.lake import reading
from warehouse.read import load_motion, load_speech
from warehouse.rebuild import rebuild
from warehouse.selection import Selection, select_clips


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """b and z, then a, then b measured again: deleted rows, and ids that no shard has in order."""
    root = tmp_path_factory.mktemp("batches") / "lake"
    with open_committer(root) as lake:
        curate(lake, ["b", "z"], clips_each=BATCH_ROWS)
        curate(lake, ["a"], clips_each=3)
        curate(lake, ["b"], clips_each=4, key="k2")
    return root


def test_a_stream_is_what_one_by_one_reading_gives(root: Path) -> None:
    selected = select_clips(root, Selection())
    streamed = list(stream_clips(root, selected))
    assert sorted(clip.row.clip_id for clip in streamed) == [clip.clip_id for clip in selected.clips]
    with reading(root) as lake:
        for clip in (streamed[0], streamed[-1]):
            motion, speech = load_motion(lake, clip.row.clip_id), load_speech(lake, clip.row.clip_id)
            np.testing.assert_array_equal(clip.motion.expression, motion.expression)
            np.testing.assert_array_equal(clip.speech.embedding, speech.embedding)
            assert clip.motion.clip_id == clip.speech.clip_id == clip.row.clip_id
            assert clip.speech.words == speech.words
            assert (clip.speech.language, clip.speech.transcript) == (speech.language, speech.transcript)


@pytest.mark.slow
def test_the_order_stays_even_over_a_rebuild(root: Path) -> None:
    selected = select_clips(root, Selection())
    order = [clip.row.clip_id for clip in stream_clips(root, selected)]
    assert [clip.row.clip_id for clip in stream_clips(root, selected)] == order
    rebuild(root)
    assert [clip.row.clip_id for clip in stream_clips(root, selected)] == order


@pytest.mark.slow
def test_a_stream_may_be_of_some_splits_and_of_an_old_snapshot(root: Path) -> None:
    selected = select_clips(root, Selection(snapshot=2, holdout="clip_id IN ('b-1', 'z-2')"))
    assert [clip.row.clip_id for clip in stream_clips(root, selected, "sentences")] == ["b-1", "z-2"]
    assert not list(stream_clips(root, selected, "val"))


@pytest.mark.slow
def test_a_clip_without_its_motion_is_an_error(tmp_path: Path) -> None:
    rows = tables(["a"], clips_each=4)
    for damaged in ("motion", "speech"):
        with open_committer(tmp_path / damaged) as lake:
            commit(lake, staged(lake, rows | {damaged: rows[damaged].slice(0, 3)}))
        with pytest.raises(InconsistentLake, match="xtalker verify"):
            list(stream_clips(tmp_path / damaged, select_clips(tmp_path / damaged, Selection())))
