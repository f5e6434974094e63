"""A warehouse of clips that speak, models small enough for tests, and a plan that trains in a second."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from flows.curation import commit_batch
from flows.evaluation import EvaluationPlan
from flows.packs import MixtureConfig
from flows.protocol import write_draft
from flows.recipe import load_recipe
from flows.training import TrainPlan
from models.assets import AssetStore
from models.avatar.config import AvatarConfig
from models.presets import Preset
from models.training.settings import TrainConfig
from models.training.windows import WindowsConfig
from schemas.record import SourceRecord
from tasks.assemble import assemble
from tasks.evaluate.records import EvaluateConfig
from tasks.speech import amplitude_envelope
from tests.flows.records import N_FRAMES, offered, record, voice
from tests.models.avatar.build import TINY
from tests.models.training.clips import clip
from tests.models.whisper_files import DIM, write_tiny_whisper
from warehouse.selection import Selection

ASSET = f"whisper-{DIM}"
STORED = f"{ASSET}:2"  # as curation names what this Whisper hears
HELD_OUT = "transcript LIKE 'held out%'"
RECIPE = load_recipe()


@contextmanager
def tiny_models(folder: Path) -> Iterator[None]:
    """While this is open the small preset is tiny, and the asset that ``STORED`` names is a tiny Whisper."""
    whisper, pinned = write_tiny_whisper(folder), AssetStore.path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AssetStore, "path", lambda store, name: whisper if name == ASSET else pinned(store, name))
        patch.setattr(AvatarConfig, "small", classmethod(lambda _: TINY))
        yield


@contextmanager
def no_pictures() -> Iterator[None]:
    """While this is open curves and reports are not drawn, which takes longer than such a training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.training.curves.draw_curves", lambda *_: None)
        patch.setattr("flows.training.write_report", lambda *_, **__: None)
        yield


@dataclass(frozen=True)
class Spoken:
    """A clip of 3 s to be curated; the file at ``path`` is its source."""

    path: Path
    speaker: str
    split: str = "train"
    transcript: str = "one two three four"
    licence: str = "CC0-1.0"

    @property
    def sound(self) -> np.ndarray:
        """[T * 640], 16 kHz."""
        return voice(self._number)

    @property
    def embedding(self) -> np.ndarray:
        """[T, DIM] as the warehouse stores it."""
        return np.random.default_rng(self._number).standard_normal((N_FRAMES, DIM)).astype(np.float32)

    @property
    def _number(self) -> int:
        return sum(self.path.stem.encode())

    def record(self) -> SourceRecord:
        made = record(offered(self.path, licence=self.licence), RECIPE, self.sound)
        (plain,) = made.clips
        motion, heard, _ = clip(self._number, N_FRAMES)
        speech = replace(
            plain.speech,
            envelope=amplitude_envelope(self.sound),
            f0_hz=heard.f0_hz,
            embedding=self.embedding,
            embedding_model=STORED,
            transcript=self.transcript,
        )
        moved = replace(motion, clip_id=plain.motion.clip_id)
        spoken = replace(plain, motion=moved, speech=speech, speaker_id=self.speaker, split=self.split)
        return replace(made, clips=(spoken,))


def curate(root: Path, clips: Sequence[Spoken]) -> Path:
    """Put ``clips`` into the warehouse at ``root``; a source that is not there is written, as a file without sound."""
    drafts = []
    for spoken in clips:
        if not spoken.path.exists():
            spoken.path.write_text(spoken.path.name)
        drafts.append(root.parent / f"{spoken.path.name}.arrow")
        modified_ns = spoken.path.stat().st_mtime_ns
        write_draft(drafts[-1], assemble(spoken.record(), RECIPE.curation_key, modified_ns))
    commit_batch(root, drafts, (), RECIPE)
    return root


def cast(folder: Path) -> list[Spoken]:
    """Two speakers to train on, one of whom also says what is held out; a third whom nobody knows."""
    train = [Spoken(folder / f"{name}{i}.mkv", name) for name in ("ann", "bob") for i in range(2)]
    held_out = [Spoken(folder / f"new{i}.mkv", "ann", transcript=f"held out {i}") for i in range(2)]
    unseen = [Spoken(folder / f"eve{i}.mkv", "eve", "val") for i in range(2)]
    return [*train, *held_out, *unseen]


def quick_plan(seed: int = 0, **changes: object) -> TrainPlan:
    """Four steps on the clips of ``cast``."""
    settings = {
        "selection": Selection(holdout=HELD_OUT),
        "mixture": MixtureConfig(copies=0),
        "windows": WindowsConfig(batch_size=2, window_frames=32),
        "schedule": TrainConfig(seed=seed, max_steps=4),
        "evaluation": EvaluationPlan(measures=EvaluateConfig(seeds=(0,), steps=1, draws=100)),
    }
    return TrainPlan.of(Preset.SMALL, **settings | changes)
