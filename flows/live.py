"""Live: sound in while it is spoken, lines of motion out as soon as they are made."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from flows.errors import CannotPerform
from flows.performing import Cast, Casting, open_cast
from models.avatar.sampler import Sampler
from models.export.lines import to_lines
from schemas.arrays import Float32
from schemas.performance import Performance
from schemas.units import SAMPLE_RATE
from tasks.perform_live import LivePerformConfig, LivePerformer


class LiveStage:
    """A cast that waits for its cue: every speech is begun at once."""

    def __init__(self, root: Path, assets: Path, casting: Casting) -> None:
        """Raises what ``flows.performing.open_cast`` does, and ``CannotPerform`` for a model that needs the whole of
        a speech."""
        torch.set_num_threads(1)  # less than half of one core is wanted, and whoever draws the face wants the others
        self.cast: Cast = open_cast(root, assets, casting)
        self._config = LivePerformConfig(seed=casting.seed, steps=casting.steps)
        # What is done for the first time takes ten times as long, and nobody waits for it yet.
        self._begin().push(np.zeros(SAMPLE_RATE, np.float32))

    def lines(self, sound: Iterable[Float32]) -> Iterator[list[str]]:
        """The frames of a speech, some lines at a time (``models.export.lines``); ``sound`` are blocks of 16 kHz mono
        of any size. Raises what ``tasks.perform_live`` and the reading of ``sound`` do."""
        performer = self._begin()
        for block in sound:
            yield self._lines(performer.n_frames, performer.push(block))
        yield self._lines(performer.n_frames, performer.finish())

    def _begin(self) -> LivePerformer:
        cast = self.cast
        if not isinstance(cast.model, Sampler):
            raise CannotPerform(f"{cast.model_name} hears a whole speech before it moves; live speaks --model default")
        return LivePerformer(cast.ear, cast.model, cast.part, cast.head, self._config)

    def _lines(self, first_frame: int, performance: Performance | None) -> list[str]:
        return [] if performance is None else to_lines(performance, self.cast.head, first_frame)
