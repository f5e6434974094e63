"""The published ``syncnet_v2.model`` into our network, running nothing it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch

from models.syncnet.network import SyncNetNetwork, empty
from models.syncnet.published import WHERE_SYNCNET_IS_HAD
from models.tensor_file import misfits, own_copy, read_tensors

_LARGEST_FILE: Final = 256 << 20  # bytes; the published one has 55 MB
_COUNTERS: Final = "num_batches_tracked"  # of the normalisations; a file as old as the published one has none


class SyncNetUnavailable(RuntimeError):
    """SyncNet's weights are missing, or a file is not SyncNet's weights; the message says where to get them."""


def read_weights(path: Path) -> SyncNetNetwork:
    """The network with every parameter of the file, no more and no fewer, in evaluation mode, on the CPU.

    Raises ``SyncNetUnavailable``.
    """
    try:
        content = read_tensors(path, _LARGEST_FILE)
    except ValueError as error:
        raise SyncNetUnavailable(f"{error}. {WHERE_SYNCNET_IS_HAD}.") from error
    if not isinstance(content, Mapping):
        raise SyncNetUnavailable(f"{path} holds no parameters of a network. {WHERE_SYNCNET_IS_HAD}.")
    network = empty()
    counters = {name for name in network.state_dict() if name.endswith(_COUNTERS)}
    if said := misfits(network.state_dict(), content, counters):
        raise SyncNetUnavailable(f"{path} is not SyncNet v2's weights: it {said}. {WHERE_SYNCNET_IS_HAD}.")
    own = dict.fromkeys(counters, torch.zeros((), dtype=torch.int64))
    own |= {name: own_copy(value) for name, value in content.items()}
    network.load_state_dict(own, strict=True, assign=True)
    return network.requires_grad_(False).eval()
