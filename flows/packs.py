"""From the warehouse to training packs: real clips, the same clips heard differently, and synthetic ones."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field

from flows.errors import CannotTrain
from models.assets import AssetStore
from models.head.model import HeadModel
from models.sample.motion import VERSION as SYNTHETIC_VERSION
from models.sample.motion import synthesise
from models.sample.voice import PiperVoice
from models.speech_encoder import SpeechEncoder, TransformersEncoder
from models.training.mixture import Mixture, Share
from models.training.pack import Pack, write_pack
from models.whisper.model import Whisper
from schemas.config import StageConfig
from schemas.motion import HeadMotion
from schemas.source import Offer, SourceVideo
from schemas.speech import SpeechFeatures
from schemas.units import SAMPLE_RATE
from tasks.augment import VERSION as AUGMENT_VERSION
from tasks.augment import AugmentConfig, augment
from tasks.ingest import IngestConfig, ingest
from tasks.listen import VERSION as LISTEN_VERSION
from tasks.listen import features_of_audio
from tasks.media.footage import Footage
from tasks.speech import SpeechConfig
from warehouse.batches import WarehouseClip, stream_clips
from warehouse.selection import TRAIN, SelectedClip, SelectedClips

_SMALLEST_PICTURE_PX: Final = 16  # only the sound is wanted
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
    """Training data on disk. ``silence`` is what the ear of these packs makes of no sound."""

    mixture: Mixture
    validation: Mixture | None
    silence: SpeechFeatures
    left_out: int  # clips without copies, because their source is gone


def load_ear(assets: Path, embedding_model: str) -> SpeechEncoder:
    """The encoder that makes embeddings of the name ``embedding_model``, as the warehouse and a model's card spell it.

    Raises ``AssetMissing``, ``SpeechModelUnavailable``.
    """
    name, _, layer = embedding_model.rpartition(":")
    if name.startswith("whisper-"):
        return Whisper(AssetStore(assets).path(name), int(layer))
    return TransformersEncoder(name, int(layer))


def make_packs(
    root: Path, selected: SelectedClips, held_out: str, head: HeadModel, assets: Path, config: MixtureConfig, tell: Tell
) -> Packs:
    """Pack what ``config`` asks for under ``root/training``; what is there already is used again. ``held_out`` is the
    split that training is watched on.

    Raises what ``write_pack``, ``stream_clips`` and ``load_ear`` do.
    """
    cache = root / "training"
    tell(f"packing {len(selected.of(TRAIN))} clips of snapshot {selected.snapshot}")
    clips = _of_warehouse(root, selected, TRAIN, head, cache)
    ear = load_ear(assets, clips.embedding_model)
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
        validation = Mixture((Share(_of_warehouse(root, selected, held_out, head, cache)),))
    left_out = len(selected.of(TRAIN)) - len(there) if config.copies else 0
    return Packs(Mixture(tuple(shares)), validation, _silence_of(ear), left_out)


def _silence_of(ear: SpeechEncoder) -> SpeechFeatures:
    """Two seconds of nothing, as ``ear`` hears them."""
    return features_of_audio(np.zeros(2 * SAMPLE_RATE, np.float32), ear, SpeechConfig())


def _of_warehouse(root: Path, selected: SelectedClips, split: str, head: HeadModel, cache: Path) -> Pack:
    items = ((c.motion, c.speech.features, c.row.speaker_id) for c in stream_clips(root, selected, split))
    return write_pack(cache, {"split": split, "clips": _names(selected.of(split))} | _origin(selected), items, head)


def _heard_differently(
    root: Path,
    selected: SelectedClips,
    there: Sequence[SelectedClip],
    head: HeadModel,
    cache: Path,
    ear: SpeechEncoder,
    config: MixtureConfig,
) -> Pack:
    made_from = {
        "copies": config.copies,
        "augment": config.augment.model_dump_json(),
        "stages": f"augment@{AUGMENT_VERSION} listen@{LISTEN_VERSION}",
        "clips": _names(there),
    }
    ids = {clip.clip_id for clip in there}
    clips = (clip for clip in stream_clips(root, selected, TRAIN) if clip.row.clip_id in ids)
    items = (item for clip in clips for item in _copies(clip, ear, config))
    return write_pack(cache, made_from | _origin(selected), items, head)


def _copies(clip: WarehouseClip, ear: SpeechEncoder, config: MixtureConfig) -> Iterator[Item]:
    """The clip's sound, decoded once, in ``config.copies`` variations."""
    source = ingest(Offer(clip.row.path), IngestConfig())
    if not isinstance(source, SourceVideo):
        raise CannotTrain(
            f"{clip.row.path} can no longer be read: {source.detail}. Put it back, or train with copies 0"
        )
    with Footage(source, _SMALLEST_PICTURE_PX) as footage:
        audio, _ = footage.sound(clip.row.start_frame, clip.row.n_frames)
    for variant in range(config.copies):
        changed = augment(audio, clip.motion, config.augment, variant)
        yield changed.motion, features_of_audio(changed.audio, ear, SpeechConfig()), clip.row.speaker_id


def _invented(cache: Path, head: HeadModel, assets: Path, ear: SpeechEncoder, config: MixtureConfig) -> Pack:
    """Invented speakers: nothing of the warehouse is in them, so all warehouses share the recipe."""
    made_from = {
        "speakers": config.synthetic_speakers,
        "seed": config.seed,
        "ear": ear.name,
        "stage": SYNTHETIC_VERSION,
    }
    voice = PiperVoice(AssetStore(assets).path("piper-joe"), config.seed)
    clips = synthesise(voice, config.seed, config.synthetic_speakers, _CLIPS_A_SPEAKER)
    items = ((c.motion, features_of_audio(c.audio, ear, SpeechConfig()), c.speaker_id) for c in clips)
    return write_pack(cache, made_from, items, head)


def _origin(selected: SelectedClips) -> dict[str, str | int]:
    return {"snapshot": selected.snapshot}


def _names(clips: Sequence[SelectedClip]) -> str:
    """One hash for which clips they are."""
    return hashlib.sha256("\n".join(clip.clip_id for clip in clips).encode()).hexdigest()
