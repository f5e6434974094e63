"""Sounds come from their sources again: the right ones, in any order, and each source is read once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.sounds import sounds_at_hand, sounds_of
from tests.builders import numbered_grey, write_media
from tests.flows.avatars import Spoken, curate, tiny_models
from tests.flows.records import N_FRAMES
from warehouse.selection import SelectedClip, Selection, select_clips

SPANS = {"late": (40, 10, -1000 / 16), "early": (20, 20, 0.0), "between": (30, 20, 1000 / 16)}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, tuple[Spoken, SelectedClip]]:
    """Two videos with the clip that was curated of each."""
    folder = tmp_path_factory.mktemp("sounds")
    spoken = {path: Spoken(path, path.stem) for path in (folder / "ann.mkv", folder / "bob.mkv")}
    for path, one in spoken.items():
        write_media(path, numbered_grey([90] * N_FRAMES), sound=one.sound, sound_rate=16_000)
    with tiny_models(folder / "whisper"):
        curate(folder / "warehouse", list(spoken.values()))
        selected = select_clips(folder / "warehouse", Selection(holdout="false"))
    return {clip.path: (spoken[clip.path], clip) for clip in selected.clips}


def parts_of(clip: SelectedClip) -> list[SelectedClip]:
    return [
        replace(clip, clip_id=f"{clip.path.stem}-{name}", start_frame=start, n_frames=n, sync_shift_ms=shift_ms)
        for name, (start, n, shift_ms) in SPANS.items()
    ]


def said_in(spoken: Spoken, part: SelectedClip) -> np.ndarray:
    begin = 640 * part.start_frame + round(16 * part.sync_shift_ms)
    return spoken.sound[begin : begin + 640 * part.n_frames]


def test_sounds_of_one_source_are_those_in_it_though_they_overlap_and_lie_behind_much_film(
    sources: dict[Path, tuple[Spoken, SelectedClip]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.media.footage.MAX_WAITING_BYTES", 1)
    spoken, clip = next(iter(sources.values()))
    heard = {part.clip_id.partition("-")[2]: (part, sound) for part, sound in sounds_of(parts_of(clip))}
    assert list(heard) == ["early", "between", "late"]
    for part, sound in heard.values():
        np.testing.assert_allclose(sound, said_in(spoken, part), atol=1e-4)


def test_sources_are_read_once_though_their_clips_come_mixed(
    sources: dict[Path, tuple[Spoken, SelectedClip]], decodes: Counter[str]
) -> None:
    parts = [part for _, clip in sources.values() for part in parts_of(clip)]
    mixed = [parts[k] for k in (4, 0, 2, 5, 1, 3)]
    with sounds_at_hand(parts) as sounds:
        for part in mixed:
            np.testing.assert_allclose(sounds.of(part), said_in(sources[part.path][0], part), atol=1e-4)
    assert decodes == {"ann.mkv": 1, "bob.mkv": 1}
