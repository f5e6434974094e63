"""The journey of one source, with the real models."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.journey import curate_source
from flows.kit import Kit, load_kit
from flows.recipe import load_recipe
from flows.settings import Settings
from models.encode import encode_video
from schemas.units import SAMPLE_RATE
from tasks.table import STAGES
from tests.builders import face_landmarker_file, moving_pattern, real_clip, tone, write_media
from tests.flows.records import offered
from tests.watched import seen_and_heard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    face_landmarker_file()
    kit = load_kit(Settings.load().assets, load_recipe())
    with kit.landmarker:  # one that the garbage collector closes can wait for ever
        yield kit


@pytest.mark.real_data
def test_a_source_is_decoded_once_and_passes_every_stage(kit: Kit, decodes: Counter[str]) -> None:
    stages: Counter[str] = Counter()
    file = offered(real_clip("talking/hdtf_aoc.mp4"))
    trusting = replace(kit, readout=replace(kit.readout, match=(20.0, 0.0)))  # whatever it hears, it is her voice
    rows = curate_source(file, load_recipe(), trusting, lambda stage: stages.update([stage])).tables
    assert decodes == {"hdtf_aoc.mp4": 1}
    assert set(stages) == {stage.name for stage in STAGES} - {"splits"}
    (clip,) = rows["clips"].to_pylist()
    assert clip["keep"]
    assert clip["sync_p_match"] > 0.9999, "the speech encoder has its say"
    (motion,) = rows["motion"].to_pylist()
    assert len(motion["jaw"]) == 3 * clip["n_frames"]
    (speech,) = rows["speech"].to_pylist()
    assert len(speech["embedding"]) == speech["embedding_dim"] * clip["n_frames"]


def test_a_video_without_a_face_has_no_clips_and_one_reason(kit: Kit, decodes: Counter[str], tmp_path: Path) -> None:
    path = tmp_path / "pattern.mp4"
    write_media(path, moving_pattern(50), sound=tone(2.0))
    rows = curate_source(offered(path), load_recipe(), kit, lambda _: None).tables
    assert rows["clips"].num_rows == 0
    assert rows["sources"]["reason"].to_pylist() == ["no_face"]
    assert decodes == {"pattern.mp4": 1}


def late(path: Path, target: Path, samples: int) -> Path:
    pictures, sound = seen_and_heard(path, samples)
    encode_video(target, iter(pictures), lambda: sound, SAMPLE_RATE, crf=12)
    return target


@pytest.mark.real_data
@pytest.mark.parametrize(("voice", "owner"), [("hdtf_aoc", 0), ("hdtf_katiehill", None)])
def test_of_two_faces_in_view_the_one_that_speaks_is_kept_and_under_a_voice_over_none(
    kit: Kit, voice: str, owner: int | None, tmp_path: Path
) -> None:
    left, right = (seen_and_heard(real_clip(f"talking/{name}.mp4"))[0] for name in ("hdtf_aoc", "hdtf_bobmenendez"))
    _, sound = seen_and_heard(real_clip(f"talking/{voice}.mp4"))
    both = (np.hstack(pair) for pair in zip(left, right, strict=False))
    encode_video(tmp_path / "both.mp4", both, lambda: sound, SAMPLE_RATE, crf=16)
    tables = curate_source(offered(tmp_path / "both.mp4"), load_recipe(), kit, lambda _: None).tables
    middles = [np.reshape(m["translation"], (-1, 3))[:, 0].mean() for m in tables["motion"].to_pylist()]
    clips = [clip for _, clip in sorted(zip(middles, tables["clips"].to_pylist(), strict=True), key=lambda p: p[0])]
    assert [clip["keep"] for clip in clips] == [owner == k for k in range(2)]
    assert [clip["one_face_ratio"] for clip in clips] == [float(owner == k) for k in range(2)]
    assert {clip["reason"] for clip in clips} - {None} == {"several_faces"}


@pytest.mark.real_data
@pytest.mark.parametrize("frames", [-5, 5])
def test_sound_that_is_a_little_late_or_early_is_mended(kit: Kit, frames: int, tmp_path: Path) -> None:
    moved = late(real_clip("talking/hdtf_bobmenendez.mp4"), tmp_path / "moved.mp4", frames * 640)
    (clip,) = curate_source(offered(moved), load_recipe(), kit, lambda _: None).tables["clips"].to_pylist()
    assert clip["keep"]
    assert clip["sync_offset_ms"] == pytest.approx(40 * frames, abs=45)
    assert clip["sync_shift_ms"] == pytest.approx(clip["sync_offset_ms"], abs=0.04), "to the sample"
    assert abs(clip["sync_left_ms"]) < 45
    assert clip["sync_p_in_sync"] > 0.9
    assert 194 <= clip["n_frames"] <= 196, "frames whose sound the file does not hold are cut off"


@pytest.mark.real_data
def test_sound_that_is_half_a_second_late_is_refused(kit: Kit, tmp_path: Path) -> None:
    moved = late(real_clip("talking/hdtf_bobmenendez.mp4"), tmp_path / "moved.mp4", 8000)
    (clip,) = curate_source(offered(moved), load_recipe(), kit, lambda _: None).tables["clips"].to_pylist()
    assert (clip["keep"], clip["reason"]) == (False, "out_of_sync")
    assert clip["sync_offset_ms"] == pytest.approx(500, abs=60)
