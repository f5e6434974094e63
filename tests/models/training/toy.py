"""A toy to train: a linear map from speech to motion, with dropout, on random batches."""

from pathlib import Path

import torch
from torch import Tensor, nn

from models.training.batch import Batch
from models.training.loop import Trained, train
from models.training.settings import TrainConfig
from models.training.team import Precision, Team
from models.training.watch import Watcher

ALONE = Team(0, 1, torch.device("cpu"))
CONFIG = TrainConfig(
    max_steps=12, save_every=3, validate_every=4, warmup_steps=2, learning_rate=0.01, precision=Precision.FLOAT32
)


class Linear(nn.Module):
    """Predicts motion from speech; ``spoil`` makes the loss of some batches what it says."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.map = nn.Linear(dim, 58)
        self.norm = nn.BatchNorm1d(58)
        self.drop = nn.Dropout(0.2)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        noise = 0.1 * torch.randn(batch.speech.shape, generator=generator, device=batch.speech.device)
        predicted = self.norm(self.map(self.drop(batch.speech + noise)).flatten(0, 1))
        flow = (predicted - batch.motion.flatten(0, 1)).square().mean()
        return {"total": flow + 0.1 * batch.envelope.mean() * flow, "flow": flow}


class RandomBatches:
    """Batch k is drawn from k. ``spoiled`` batches have ``spoil`` for their motion."""

    def __init__(self, spoiled: range = range(0), spoil: float = float("nan"), digest: str = "toy") -> None:
        self._spoiled = spoiled
        self._spoil = spoil
        self._digest = digest

    @property
    def digest(self) -> str:
        return self._digest

    def batch(self, number: int, rank: int = 0, ranks: int = 1) -> Batch:
        generator = torch.Generator().manual_seed(number)
        b, w, d = 4, 5, 4
        speech = torch.randn(b, w, d, generator=generator)
        motion = speech.repeat(1, 1, 15)[..., :58].contiguous()
        if number in self._spoiled:
            motion = motion * self._spoil
        rows = slice(rank, None, ranks)
        return Batch(
            motion=motion[rows],
            speech=speech[rows],
            envelope=torch.ones(b, w)[rows],
            f0_hz=torch.zeros(b, w)[rows],
            shape=torch.zeros(b, 100)[rows],
            detail=None,
            valid=torch.ones(b, w, dtype=torch.bool)[rows],
            reference=motion[:, 0][rows],
            style=torch.zeros(b, 6)[rows],
        )


def train_toy(
    run: Path,
    config: TrainConfig = CONFIG,
    batches: RandomBatches | None = None,
    watchers: tuple[Watcher, ...] = (),
    resume: bool = False,
) -> Trained:
    return train(
        Linear(),
        batches or RandomBatches(),
        RandomBatches(digest="held out"),
        run,
        config,
        ALONE,
        watchers,
        resume,
    )
