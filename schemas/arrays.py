"""The door through which arrays enter records: dtype, shape and finiteness are checked once, here."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
UInt8 = npt.NDArray[np.uint8]
UInt32 = npt.NDArray[np.uint32]
Bool = npt.NDArray[np.bool_]


class InvalidArray(ValueError):
    """An array does not have the dtype, shape or values its field promises."""


def admit(
    name: str,
    value: npt.NDArray[Any],
    dtype: npt.DTypeLike,
    shape: tuple[int | str, ...],
    sizes: Mapping[str, int] | None = None,
) -> npt.NDArray[Any]:
    """Return ``value`` as a read-only view if it is what field ``name`` promises.

    ``shape`` mixes numbers and names; a name is looked up in ``sizes`` or, if absent there, matches any length.
    Raises ``InvalidArray`` naming the field, what came and what was wanted.
    """
    sizes = sizes or {}
    wanted = tuple(sizes.get(s, s) if isinstance(s, str) else s for s in shape)
    fits = value.ndim == len(wanted) and all(
        isinstance(want, str) or have == want for have, want in zip(value.shape, wanted, strict=True)
    )
    if value.dtype != np.dtype(dtype) or not fits:
        raise InvalidArray(f"{name}: got {value.dtype}{list(value.shape)}, wanted {np.dtype(dtype)}{list(wanted)}")
    if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
        raise InvalidArray(f"{name}: has values that are not finite")
    view = value.view()
    view.flags.writeable = False
    return view


def admit_fields(
    record: object, sizes: Mapping[str, int], **fields: tuple[npt.DTypeLike, tuple[int | str, ...]]
) -> None:
    """Admit the named array fields of a frozen dataclass, replacing each with its read-only view.

    Called from ``__post_init__``: ``admit_fields(self, {"T": n}, jaw=(np.float32, ("T", 3)))``.
    """
    for name, (dtype, shape) in fields.items():
        view = admit(f"{type(record).__name__}.{name}", getattr(record, name), dtype, shape, sizes)
        object.__setattr__(record, name, view)
