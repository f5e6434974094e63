"""What goes in as records comes out as the same records; names are found; fingerprints meet."""

import numpy as np
import pytest

from schemas.record import ClipScores
from tests.warehouse.lakes import N_FRAMES, curate, staged, tables
from warehouse.commit import commit
from warehouse.errors import AmbiguousName, UnknownName
from warehouse.fingerprints import fingerprints_sharing
from warehouse.lake import Lake
from warehouse.read import (
    FoundKind,
    clip_scores,
    known_sources,
    load_motion,
    load_speech,
    resolve,
    table_of,
    verdicts_of,
)


def test_known_sources_are_what_a_rerun_compares(lake: Lake) -> None:
    curate(lake, ["a", "b"], clips_each=1)
    first, second = known_sources(lake)
    assert (first.path, first.sha256, first.size_bytes, first.modified_ns) == ("/video/a.mp4", "ahash", 10, 7)
    assert (first.curation_key, first.reason) == ("k1", "noisy")
    assert second.source_id == "b"


def test_scores_are_those_that_were_stored(lake: Lake) -> None:
    curate(lake, ["a"], snr_db=12.5)
    scores = clip_scores(lake)
    assert set(ClipScores.names()) < set(scores.column_names)
    assert scores["clip_id"].to_pylist() == ["a-0", "a-1"]
    assert scores["snr_db"].to_pylist() == [12.5, 12.5]
    assert ClipScores(**{name: scores[name][0].as_py() for name in ClipScores.names()}).snr_db == 12.5


def test_a_table_comes_back_as_stage_takes_it(lake: Lake) -> None:
    curate(lake, ["a", "b"])
    for name in ("sources", "clips", "verdicts"):
        whole = tables(["a", "b"])[name]
        assert table_of(lake, name).sort_by("source_id").schema == whole.schema
        assert table_of(lake, name, ["b"]).num_rows == whole.num_rows // 2
    assert table_of(lake, "verdicts", ["a"]).to_pylist()[1:4] == tables(["a"])["verdicts"].to_pylist()[1:4]


def test_motion_and_speech_round_trip(lake: Lake) -> None:
    rows = tables(["a"])
    commit(lake, staged(lake, rows))
    motion, speech = load_motion(lake, "a-1"), load_speech(lake, "a-1")
    stored = {name: rows[name].to_pylist()[1] for name in ("motion", "speech")}
    for name in ("expression", "global_rotation", "jaw", "eyes", "eyelids", "translation"):
        array = getattr(motion, name)
        assert array.shape == (N_FRAMES, len(stored["motion"][name]) // N_FRAMES)
        np.testing.assert_array_equal(array.ravel(), np.array(stored["motion"][name], np.float32))
    assert motion.principal_point_px == (32.0, 31.5)
    assert motion.detail is None
    assert speech.embedding.shape == (N_FRAMES, 4)
    np.testing.assert_array_equal(speech.embedding.ravel(), np.array(stored["speech"]["embedding"], np.float32))
    np.testing.assert_array_equal(speech.fingerprint, np.array(stored["speech"]["fingerprint"], np.uint32))
    assert speech.voiced.all()
    assert [(w.text, w.probability) for w in speech.words] == [("one", 0.5), ("two", 0.75)]
    assert speech.transcript == "one two"
    with pytest.raises(UnknownName):
        load_motion(lake, "a-9")


def test_verdicts_come_in_gate_order(lake: Lake) -> None:
    curate(lake, ["a"])
    assert [(v.gate, v.keep) for v in verdicts_of(lake, "a-0")] == [
        ("snr_db", False),
        ("duration_s", True),
        ("duration_s", True),
    ]
    assert verdicts_of(lake, "nobody") == ()


def test_names_are_found(lake: Lake) -> None:
    curate(lake, ["aaaa1111", "aaaa2222"])
    for text in ("/video/aaaa1111.mp4", "aaaa1111.mp4", "aaaa1111"):
        found = resolve(lake, text)
        assert (found.kind, found.id, found.path.name) == (FoundKind.SOURCE, "aaaa1111", "aaaa1111.mp4")
    clip = resolve(lake, "aaaa2222-1")
    assert (clip.kind, clip.source_id) == (FoundKind.CLIP, "aaaa2222")
    with pytest.raises(AmbiguousName, match="any of 6"):
        resolve(lake, "aaaa")
    for unknown in ("aa", "bbbb", "%", "a%1.mp4"):
        with pytest.raises(UnknownName):
            resolve(lake, unknown)


def test_fingerprints_are_found_in_kept_clips_of_other_sources(lake: Lake) -> None:
    curate(lake, ["a", "b"])
    known = load_speech(lake, "b-1").fingerprint
    found = fingerprints_sharing(lake, known[:1], without_sources=["a"])
    assert list(found) == ["b-1"]
    np.testing.assert_array_equal(found["b-1"], known)
    assert fingerprints_sharing(lake, known, without_sources=["b"]) == {}
    assert fingerprints_sharing(lake, np.array([5], np.uint32), without_sources=[]) == {}
    refused = load_speech(lake, "b-0").fingerprint
    assert fingerprints_sharing(lake, refused, without_sources=[]) == {}
