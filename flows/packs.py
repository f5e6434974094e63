"""From the warehouse to training packs: real clips, the same clips heard differently, and synthetic ones."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field

from flows.hearing import Ear, open_ear
from flows.sounds import Sounds, sounds_at_hand
from models.assets import AssetStore
from models.head.model import HeadModel
from models.sample.motion import VERSION as SYNTHETIC_VERSION
from models.sample.motion import synthesise
from models.sample.voice import PiperVoice
from models.training.mixture import Mixture, Share
from models.training.pack import Pack, write_pack
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.speech import SpeechFeatures
from schemas.units import SAMPLE_RATE
from tasks.augment import VERSION as AUGMENT_VERSION
from tasks.augment import AugmentConfig, augment
from tasks.listen import VERSION as LISTEN_VERSION
from tasks.listen import features_of_audio
from tasks.speech import SpeechConfig
from warehouse.batches import WarehouseClip, stream_clips
from warehouse.selection import TRAIN, SelectedClip, SelectedClips

_CLIPS_A_SPEAKER: Final = 4

Tell = Callable[[str], None]
Item = tuple[HeadMotion, SpeechFeatures, str]


class MixtureConfig(StageConfig):
    """What is trained on beside the clips themselves."""

    copies: int = Field(2, ge=0, description="of every clip, each heard differently")
    copies_passes: float = Field(1.0, gt=0, description="over all copies, for each over the clips")
    synthetic_speakers: int = Field(0, ge=0, description="invented ones, some half a minute of speech each")
    synthetic_passes: float = Field(1.0, gt=0)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    seed: int = Field(0, ge=0, description="of the invented speakers")


@dataclass(frozen=True, slots=True)
class Packs:
    """Training data on disk, and the ear that heard it. ``silence`` is what it makes of no sound."""

    ear: Ear
    mixture: Mixture
    validation: Mixture | None
    silence: SpeechFeatures
    left_out: int  # clips without copies, because their source is gone


def make_packs(
    root: Path, selected: SelectedClips, held_out: str, head: HeadModel, assets: Path, config: MixtureConfig, tell: Tell
) -> Packs:
    """Pack what ``config`` asks for under ``root/training``; what is there already is used again. ``held_out`` is the
    split that training is watched on.

    Raises what ``write_pack``, ``stream_clips`` and ``open_ear`` do.
    """
    cache = root / "training"
    tell(f"packing {len(selected.of(TRAIN))} clips of snapshot {selected.snapshot}")
    ear = open_ear(assets, embedding_of(root, selected))
    clips = _of_warehouse(root, selected, TRAIN, head, cache, ear)
    shares = [Share(clips)]
    there = tuple(clip for clip in selected.of(TRAIN) if clip.path.is_file())
    if config.copies and there:
        tell(f"hearing {len(there)} clips in {config.copies} other voices and rooms")
        copies = _heard_differently(root, selected, there, head, cache, ear, config)
        shares.append(Share(copies, config.copies_passes / config.copies))
    if config.synthetic_speakers:
        tell(f"inventing {config.synthetic_speakers} speakers")
        shares.append(Share(_invented(cache, head, assets, ear, config), config.synthetic_passes))
    validation = None
    if selected.of(held_out):
        validation = Mixture((Share(_of_warehouse(root, selected, held_out, head, cache, ear)),))
    left_out = len(selected.of(TRAIN)) - len(there) if config.copies else 0
    return Packs(ear, Mixture(tuple(shares)), validation, _silence_of(ear), left_out)


def _silence_of(ear: Ear) -> SpeechFeatures:
    """Two seconds of nothing, as ``ear`` hears them."""
    return features_of_audio(np.zeros(2 * SAMPLE_RATE, np.float32), ear.encoder, SpeechConfig())


def embedding_of(root: Path, selected: SelectedClips) -> str:
    """The name of the speech embedding that the selected clips were stored with."""
    first = next(stream_clips(root, SelectedClips(selected.selection, selected.snapshot, selected.clips[:1])))
    return first.speech.embedding_model


def _of_warehouse(root: Path, selected: SelectedClips, split: str, head: HeadModel, cache: Path, ear: Ear) -> Pack:
    made_from = {"split": split, "clips": _names(selected.of(split)), "ear": ear.encoder.name}
    clips = stream_clips(root, selected, split)
    items = ((c.motion, ear.of_stored(c.speech.features), c.row.speaker_id) for c in clips)
    return write_pack(cache, made_from | _origin(selected), items, head)


def _heard_differently(
    root: Path,
    selected: SelectedClips,
    there: Sequence[SelectedClip],
    head: HeadModel,
    cache: Path,
    ear: Ear,
    config: MixtureConfig,
) -> Pack:
    made_from: dict[str, str] = {
        "copies": str(config.copies),
        "augment": config.augment.model_dump_json(),
        "stages": f"augment@{AUGMENT_VERSION} listen@{LISTEN_VERSION}",
        "clips": _names(there),
        "ear": ear.encoder.name,
    }
    ids = {clip.clip_id for clip in there}
    clips = (clip for clip in stream_clips(root, selected, TRAIN) if clip.row.clip_id in ids)
    with sounds_at_hand(there) as sounds:
        items = (item for clip in clips for item in _copies(clip, sounds, ear, config))
        return write_pack(cache, made_from | _origin(selected), items, head)


def _copies(clip: WarehouseClip, sounds: Sounds, ear: Ear, config: MixtureConfig) -> Iterator[Item]:
    """The clip's sound, decoded once, in ``config.copies`` variations."""
    audio = sounds.of(clip.row)
    for variant in range(config.copies):
        changed = augment(audio, clip.motion, config.augment, variant)
        yield changed.motion, features_of_audio(changed.audio, ear.encoder, SpeechConfig()), clip.row.speaker_id


def _invented(cache: Path, head: HeadModel, assets: Path, ear: Ear, config: MixtureConfig) -> Pack:
    """Invented speakers: nothing of the warehouse is in them, so all warehouses share the recipe."""
    made_from: dict[str, str | int] = {
        "speakers": config.synthetic_speakers,
        "seed": config.seed,
        "ear": ear.encoder.name,
        "stage": SYNTHETIC_VERSION,
    }
    voice = PiperVoice(AssetStore(assets).path("piper-joe"), config.seed)
    clips = synthesise(voice, config.seed, config.synthetic_speakers, _CLIPS_A_SPEAKER)
    items = ((c.motion, features_of_audio(c.audio, ear.encoder, SpeechConfig()), c.speaker_id) for c in clips)
    return write_pack(cache, made_from, items, head)


def _origin(selected: SelectedClips) -> dict[str, str]:
    return {"snapshot": str(selected.snapshot)}


def _names(clips: Sequence[SelectedClip]) -> str:
    """One hash for which clips they are."""
    return hashlib.sha256("\n".join(clip.clip_id for clip in clips).encode()).hexdigest()
