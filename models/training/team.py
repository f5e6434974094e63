"""The processes that train together: one alone, or several started by torchrun, each with a device and a share of the
batch.

Gradients are averaged by one plain all-reduce rather than by DistributedDataParallel or accelerate: both want to call
``forward``, wrap the module under other weight names and hold random state of their own; this keeps one loop, and a
resumed run bit-equal. What is lost is the overlap of communication with the backward pass, milliseconds at our sizes.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.distributed as dist
from torch import Tensor, nn


class NoSuchDevice(RuntimeError):
    """The device asked for is not there."""


class Precision(StrEnum):
    AUTO = "auto"  # bf16 where the processor has it
    BF16 = "bf16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class Team:
    """Worker ``rank`` of ``size``, computing on ``device``."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this worker is the one that writes and reports."""
        return self.rank == 0

    def average(self, values: Tensor) -> Tensor:
        """Mean of everyone's ``values``; a NaN of one is a NaN of all."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the team."""
        if self.size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self.average(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Give everyone the leader's values."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Until everyone is here."""
        if self.size > 1:
            dist.barrier()

    def autocast(self, precision: Precision) -> AbstractContextManager[object]:
        """The context in which losses are computed."""
        bf16 = precision is Precision.BF16 or (precision is Precision.AUTO and _has_bf16(self.device))
        return torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext()


@contextmanager
def join_team(device: str = "auto") -> Iterator[Team]:
    """This process's place in the team that torchrun started, or a team of one.

    ``device``: "auto" (a GPU if there is one), "cpu", "cuda" (of several, the one of this worker) or "cuda:1".
    Raises ``NoSuchDevice``.
    """
    if not dist.is_torchelastic_launched():
        yield Team(0, 1, _device_of(device, 0))
        return
    mine = _device_of(device, dist.get_node_local_rank(fallback_rank=0))
    if mine.type == "cuda":
        torch.cuda.set_device(mine)
    dist.init_process_group("nccl" if mine.type == "cuda" else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size(), mine)
    finally:
        dist.destroy_process_group()


def _device_of(device: str, local_rank: int) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise NoSuchDevice(f"{device!r} is no device: say auto, cpu, cuda or cuda:1") from error
    if found.type == "cuda":
        found = torch.device("cuda", local_rank if found.index is None else found.index)
        if not torch.cuda.is_available() or found.index >= torch.cuda.device_count():
            raise NoSuchDevice(
                f"{found}: torch sees {torch.cuda.device_count()} GPUs; say --devices cpu, or fewer workers"
            )
    return found


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
