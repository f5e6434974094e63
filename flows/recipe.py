"""The recipe: a nesting of the stages' own configurations, and the thresholds of each tier."""

import hashlib
import json
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from flows.errors import InvalidRecipe
from flows.own_files import identified, identified_cues, identified_sync
from schemas.config import StageConfig
from tasks.clips import ClipsConfig
from tasks.cues import CuesConfig
from tasks.evidence import EvidenceConfig
from tasks.fingerprint import DuplicateConfig
from tasks.ingest import IngestConfig
from tasks.judge import Thresholds
from tasks.mirrors import MirrorConfig
from tasks.observe import ObserveConfig
from tasks.reconstruct import ReconstructConfig
from tasks.shots import ShotsConfig
from tasks.speaker import SpeakerConfig
from tasks.speech import SpeechConfig
from tasks.splits import SplitConfig
from tasks.sync import SyncConfig
from tasks.table import STAGES
from tasks.tracks import TracksConfig
from tasks.visual import VisualConfig
from tasks.voice import VoiceConfig

Tier = Literal["pretrain", "strict"]
_BY_CONTENT = {"head", "backend", "deca", "fan"}  # in ``made_with``, without the place where a file lies
_PLACES: dict[str, Any] = {"model": {"path"}, "syncnet": {"weights": {"path"}}}


class Tiers(StageConfig):
    pretrain: Thresholds
    strict: Thresholds


class Recipe(StageConfig):
    """How to curate: every stage's settings, the tier asked for, and what each tier asks."""

    tier: Tier
    gates: Tiers
    ingest: IngestConfig = Field(default_factory=IngestConfig)
    observe: ObserveConfig = Field(default_factory=ObserveConfig)
    shots: ShotsConfig = Field(default_factory=ShotsConfig)
    tracks: TracksConfig = Field(default_factory=TracksConfig)
    clips: ClipsConfig = Field(default_factory=ClipsConfig)
    visual: VisualConfig = Field(default_factory=VisualConfig)
    reconstruct: ReconstructConfig = Field(default_factory=ReconstructConfig)
    sync: SyncConfig = Field(default_factory=SyncConfig)
    speaker: SpeakerConfig = Field(default_factory=SpeakerConfig)
    voice: VoiceConfig = Field(default_factory=VoiceConfig)
    speech: SpeechConfig = Field(default_factory=SpeechConfig)
    cues: CuesConfig = Field(default_factory=CuesConfig)
    evidence: EvidenceConfig = Field(default_factory=EvidenceConfig)
    splits: SplitConfig = Field(default_factory=SplitConfig)
    duplicates: DuplicateConfig = Field(default_factory=DuplicateConfig)
    mirrors: MirrorConfig = Field(default_factory=MirrorConfig)

    @property
    def thresholds(self) -> Thresholds:
        """Those of the tier asked for."""
        return self.gates.strict if self.tier == "strict" else self.gates.pretrain

    @cached_property
    def clip_versions(self) -> str:
        """What a clip's identity depends on beside its footage: the stages that cut it, their settings, and whatever
        of the user's own finds its motion."""
        return self._key("ingest", "observe", "shots", "tracks", "clips")

    @cached_property
    def curation_key(self) -> str:
        """What stored scores depend on. A source measured under another key is measured again; what is decided from
        stored scores alone is not in it."""
        decided_later = ("tier", "gates", "duplicates", "mirrors")
        return self._key(*(name for name in type(self).model_fields if name not in decided_later))

    def _key(self, *names: str) -> str:
        versions = {stage.name: stage.version for stage in STAGES if stage.name in names}
        aside: dict[str, Any] = {"reconstruct": _BY_CONTENT, "sync": _PLACES}
        # What there was not always is left out where it is not asked for: the key stays what it was.
        if self.sync.syncnet is None:
            aside["sync"] = _PLACES | {"syncnet": True}
        if self.cues.emotion_model is None:
            aside["cues"] = {"emotion_model": True}
        settings = self.model_dump(mode="json", include=set(names), exclude=aside)
        made_with = self.reconstruct.made_with
        text = json.dumps([versions, settings, *([made_with] if made_with else [])], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_recipe(path: Path | None = None) -> Recipe:
    """The default recipe, or the one in a YAML file; what the file leaves out is taken from the default. Files of the
    user's own that it names are looked at, so that results depend on what is in them.

    Raises ``InvalidRecipe``.
    """
    settings = yaml.safe_load(resources.files("flows").joinpath("recipe.yaml").read_text())
    if path is not None:
        try:
            own = yaml.safe_load(path.read_text()) or {}
        except (OSError, yaml.YAMLError) as error:
            raise InvalidRecipe(f"{path}: {error}") from error
        if not isinstance(own, dict):
            raise InvalidRecipe(f"{path}: wanted a mapping of stage names, got {type(own).__name__}")
        settings = _overlay(settings, own)
    try:
        recipe = Recipe.model_validate(settings)
        if path is None:
            return recipe
        own_files = {
            "reconstruct": identified(recipe.reconstruct, path),
            "sync": identified_sync(recipe.sync, path),
            "cues": identified_cues(recipe.cues, path),
        }
        return recipe.model_copy(update=own_files)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidRecipe(f"{path or 'default recipe'}: {faults}") from error


def _overlay(base: object, own: object) -> object:
    if isinstance(base, dict) and isinstance(own, dict):
        return base | {key: _overlay(base.get(key), value) for key, value in own.items()}
    return own
