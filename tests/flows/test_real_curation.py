"""The whole chain on real clips, as a user runs it: every promise about states, reruns, kills and equality."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.builders import face_landmarker_file, real_clip
from warehouse.sql import query
from warehouse.verify import verify

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

# What each of the bad files must end as. Where two faults are true, either may be named.
BAD = {
    "cuts_tears_of_steel_70s.webm": {"too_short", "face_lost", "no_face"},
    "derived_rot90_tag.mp4": {None},
    "derived_sideways_no_tag.mp4": {"roll", "face_lost", "no_face"},
    "derived_truncated.mp4": {"undecodable"},
    "derived_truncated_grid.mpg": {"too_short"},
    "dup_of_hdtf_aoc_30fps.mp4": {"near_duplicate"},
    "face_then_none_vfr_hevc.mov": {"audio_missing", "too_short"},
    "grid_s1_pbio7a.mpg": {"too_short", "corrupt"},
    "multi_his_girl_friday_profile.mp4": {"no_face", "too_short", "yaw"},
    "noaudio_talking.mp4": {"no_audio"},
    "noface_bottles_noaudio.mp4": {"no_audio"},
    "noface_caminandes_audio.mp4": {"no_face"},
    "noface_nasa_two_streams.mp4": {"no_face"},
    "noface_person_10fps_139s_noaudio.mp4": {"no_audio"},
    "silent_audio_track_pexels.mp4": {"silent_audio"},
    "silent_film_music_only.mp4": {"no_face"},
    "zero_bytes.mp4": {"undecodable"},
}


@pytest.fixture(autouse=True)
def _needs_assets() -> None:
    face_landmarker_file()


def command(warehouse: Path, *videos: Path) -> list[str]:
    words = [sys.executable, "-m", "flows.cli", "curate", *map(str, videos), "--json"]
    return [*words, "--warehouse", str(warehouse), "--workers", "2"]


def curate(warehouse: Path, *videos: Path) -> dict[str, Any]:
    done = subprocess.run(command(warehouse, *videos), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def states(warehouse: Path) -> dict[str, str | None]:
    return {Path(r["path"]).name: r["reason"] for r in query(warehouse, "select path, reason from sources").to_pylist()}


def everything(warehouse: Path) -> dict[str, Any]:
    """All rows but ``sources``, whose files have times."""
    tables = ("clips", "verdicts", "motion", "speech")
    return {name: query(warehouse, f"select * from {name} order by all").to_pylist() for name in tables}


def grid(n: int) -> list[Path]:
    return sorted(real_clip("talking/MANIFEST.csv").parent.glob("grid_*.mpg"))[:n]


def test_every_bad_file_ends_in_its_state(tmp_path: Path) -> None:
    bad = real_clip("bad/MANIFEST.csv").parent
    curate(tmp_path / "w", real_clip("talking/hdtf_aoc.mp4"))
    report = curate(tmp_path / "w", bad)
    assert report["offered"] == len(BAD)
    found = states(tmp_path / "w")
    assert {name: found[name] for name in BAD if found[name] not in BAD[name]} == {}
    motionless = query(tmp_path / "w", "select clip_id from clips anti join motion using (clip_id)")
    assert motionless.num_rows == 0
    assert verify(tmp_path / "w").ok


def test_a_tagged_rotation_is_righted(tmp_path: Path) -> None:
    curate(tmp_path / "w", real_clip("bad/derived_rot90_tag.mp4"))
    (clip,) = query(tmp_path / "w", "select * from clips").to_pylist()
    assert clip["keep"]
    assert clip["roll_deg"] < 20


def test_a_rerun_does_nothing_and_one_more_file_costs_that_file(tmp_path: Path) -> None:
    files = grid(3)
    first = curate(tmp_path / "w", *files[:2])
    begun = time.monotonic()
    again = curate(tmp_path / "w", *files[:2])
    assert time.monotonic() - begun < 20  # the promise is 10 s; a loaded test machine gets twice that
    assert (again["already_there"], again["snapshot_id"]) == (2, None)
    more = curate(tmp_path / "w", *files)
    assert (more["already_there"], more["clips_kept"]) == (2, 1)
    assert more["snapshot_id"] == first["snapshot_id"] + 1


def test_the_same_input_gives_the_same_bits(tmp_path: Path) -> None:
    files = grid(3)
    curate(tmp_path / "one", *files)
    curate(tmp_path / "two", *reversed(files))
    assert everything(tmp_path / "one") == everything(tmp_path / "two")


def test_a_killed_run_is_taken_up_where_it_was(tmp_path: Path) -> None:
    files = grid(20)
    curate(tmp_path / "whole", *files)
    run = subprocess.Popen(command(tmp_path / "killed", *files), start_new_session=True, stdout=subprocess.DEVNULL)
    shards = tmp_path / "killed" / "shards" / "main" / "clips"
    while run.poll() is None and not list(shards.glob("*.parquet")):
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    curate(tmp_path / "killed", *files)
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")
    assert verify(tmp_path / "killed").ok


def test_real_clips_are_fitted_well(tmp_path: Path) -> None:
    names = ("aoc", "bobmenendez", "katiehill", "radio34")
    curate(tmp_path / "w", *(real_clip(f"talking/hdtf_{name}.mp4") for name in names))
    clips = query(tmp_path / "w", "select * from clips").to_pylist()
    assert len(clips) == len(names)
    for clip in clips:
        assert clip["recon_nme"] <= 1.2
        assert clip["recon_lip_nme"] <= 1.0
        assert clip["recon_lip_gap_corr"] >= 0.97
