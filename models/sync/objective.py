"""What the network is trained for: to find the planted offset, and the own sound among strangers'.

Both are cross entropies over the same agreements. The target of an offset is soft (a Gaussian about the true one): lips
lead and lag by a frame, and labels are claims.
"""

from typing import Final

import torch
from torch import Tensor, nn

from models.sync.network import SyncNetwork, SyncNetworkConfig, agreement
from models.sync.windows import SyncBatch

FURTHEST_FRAMES: Final = 18  # that are looked at; a little beyond what is planted
SOFT_FRAMES: Final = 0.8  # standard deviation of the target


class SyncObjective(nn.Module):
    def __init__(self, config: SyncNetworkConfig, stranger_weight: float = 0.5) -> None:
        super().__init__()
        self.network = SyncNetwork(config)
        self.stranger_weight = stranger_weight

    def losses(self, batch: SyncBatch, generator: torch.Generator) -> dict[str, Tensor]:  # noqa: ARG002 - of the protocol
        """Of the true offset among all, and of the own sound among the batch's, at whatever offset."""
        lips, sound = self.network.see(batch.mouth), self.network.hear(batch.sound)
        with torch.autocast(lips.device.type, enabled=False):  # bf16 has eight bits, and the evidence runs to a hundred
            evidence = lips.shape[1] * agreement(lips.float(), sound.float(), FURTHEST_FRAMES)
        own = torch.arange(len(lips), device=lips.device)
        offset = nn.functional.cross_entropy(evidence[own, own], _target(batch.late))
        foreign = (batch.words[:, None] == batch.words) & ~torch.eye(len(lips), dtype=torch.bool, device=lips.device)
        anywhere = evidence.logsumexp(dim=-1).masked_fill(foreign, -1e4)
        stranger = (nn.functional.cross_entropy(anywhere, own) + nn.functional.cross_entropy(anywhere.T, own)) / 2
        return {"total": offset + self.stranger_weight * stranger, "offset": offset, "stranger": stranger}


def _target(late: Tensor) -> Tensor:
    """[B, 2 * FURTHEST_FRAMES + 1] where the offset is."""
    places = torch.arange(-FURTHEST_FRAMES, FURTHEST_FRAMES + 1, device=late.device)
    return torch.softmax(-((places - late[:, None]) ** 2) / (2 * SOFT_FRAMES**2), dim=-1)
