"""Several packs as one: real clips, their augmented copies, synthetic clips, each met as often as asked."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from models.training.pack import InvalidPack, Pack
from models.training.statistics import Statistics

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """A pack, and how many times an epoch passes over it: 1 once, 0.5 over half of it, 3 three times."""

    pack: Pack
    passes: float = 1.0


@dataclass(frozen=True)
class Mixture:
    """Clips numbered through all packs. Raises ``InvalidPack`` if the packs do not fit together."""

    shares: tuple[Share, ...]

    def __post_init__(self) -> None:
        if not self.shares or any(share.passes <= 0 for share in self.shares):
            raise InvalidPack("a mixture wants at least one pack, and passes above 0")
        kinds = {(p.head_model, p.embedding_model, p.speech.shape[1], p.detail is None) for p in self.packs}
        if len(kinds) > 1:
            raise InvalidPack(f"packs differ in head model, speech embedding or detail: {sorted(kinds)}")

    @property
    def packs(self) -> tuple[Pack, ...]:
        return tuple(share.pack for share in self.shares)

    @cached_property
    def first_clip(self) -> Index:
        """Number of each pack's first clip; [P + 1]."""
        return np.cumsum([0, *(pack.n_clips for pack in self.packs)])

    @cached_property
    def length(self) -> Index:
        """Frames of every clip; [C]."""
        return np.concatenate([np.diff(pack.offset) for pack in self.packs])

    @cached_property
    def passes(self) -> npt.NDArray[np.float64]:
        """Passes of every clip; [C]."""
        return np.concatenate([np.full(share.pack.n_clips, share.passes) for share in self.shares])

    @cached_property
    def statistics(self) -> Statistics:
        """Of what the network will see: each pack counts as often as it is passed over."""
        weighted = [{k: m.times(s.passes) for k, m in s.pack.moments.items()} for s in self.shares]
        return Statistics.of({k: reduce(lambda a, b: a.merged(b), (w[k] for w in weighted)) for k in weighted[0]})

    @cached_property
    def digest(self) -> str:
        """The identity of the content and of its shares."""
        content = [[share.pack.digest, share.passes] for share in self.shares]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()
