"""What a sync model learns from: clips of the warehouse, heard again from their sources, and invented speakers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from flows.sounds import sounds_at_hand
from models.assets import AssetStore
from models.avatar.motion import to_frames
from models.head.model import HeadModel, load_open_head
from models.sample.motion import VERSION as SYNTHETIC_VERSION
from models.sample.motion import synthesise
from models.sample.voice import PiperVoice
from models.sync.clips import SyncClip, SyncClips, read_clips, write_clips
from models.sync.features import VERSION as FEATURES_VERSION
from models.sync.features import mouth_mm, sound_decades
from models.training.folders import appearing, locked
from schemas.arrays import Float32
from schemas.motion import HeadMotion
from warehouse.batches import stream_clips
from warehouse.selection import SelectedClips

_CLIPS_A_SPEAKER: Final = 8
_FILE: Final = "clips.safetensors"


def clips_of_warehouse(root: Path, selected: SelectedClips, *splits: str) -> SyncClips | None:
    """The selected clips of ``splits`` whose sources are still there; None without one."""
    there = {clip.clip_id: clip for clip in selected.of(*splits) if clip.path.is_file()}
    if not there:
        return None
    made_from = {"snapshot": str(selected.snapshot), "clips": ",".join(sorted(there))}

    def items() -> Iterator[tuple[HeadMotion, Float32, str, str]]:
        with sounds_at_hand(list(there.values())) as sounds:
            for clip in stream_clips(root, selected, *splits):
                if clip.row.clip_id in there:
                    said = clip.row.transcript or clip.row.clip_id
                    yield clip.motion, sounds.of(clip.row), clip.row.speaker_id, said

    return _kept(root, made_from, lambda: _seen_and_heard(items(), load_open_head()))


def invented_clips(root: Path, assets: Path, n_speakers: int, seed: int) -> SyncClips:
    """Speakers who do not exist, eight clips each, in step by construction. Wants the asset ``piper-joe``."""
    made_from = {"stage": SYNTHETIC_VERSION, "speakers": str(n_speakers), "seed": str(seed)}

    def items() -> Iterator[tuple[HeadMotion, Float32, str, str]]:
        voice = PiperVoice(AssetStore(assets).path("piper-joe"), seed)
        for clip in synthesise(voice, seed, n_speakers, _CLIPS_A_SPEAKER):
            yield clip.motion, clip.audio, clip.speaker_id, clip.transcript

    return _kept(root, made_from, lambda: _seen_and_heard(items(), load_open_head()))


def _seen_and_heard(items: Iterable[tuple[HeadMotion, Float32, str, str]], head: HeadModel) -> SyncClips:
    speakers: dict[str, int] = {}
    words: dict[str, int] = {}
    return SyncClips.of(
        SyncClip(
            mouth_mm(to_frames(motion), head),
            sound_decades(audio),
            speakers.setdefault(speaker, len(speakers)),
            words.setdefault(said, len(words)),
        )
        for motion, audio, speaker, said in items
    )


def _kept(root: Path, made_from: dict[str, str], make: Callable[[], SyncClips]) -> SyncClips:
    """Made once for all runs, under ``root/training``."""
    described = json.dumps({**made_from, "features": FEATURES_VERSION}, sort_keys=True)
    folder = root / "training" / f"sync-{hashlib.sha256(described.encode()).hexdigest()[:20]}"
    with locked(folder.with_suffix(".lock"), wait=True):
        if not folder.is_dir():
            made = make()
            with appearing(folder) as unfinished:
                write_clips(unfinished / _FILE, made)
    return read_clips(folder / _FILE)
