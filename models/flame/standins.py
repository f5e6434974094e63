"""What the names a FLAME pickle may hold become: arrays, and inert records of chumpy's and scipy.sparse's objects.

Nothing here calls what the file names. Every size is checked against the bytes that are really there.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_PLAIN_NUMBER: Final = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_LARGEST_DENSE: Final = 50_000_000  # elements of a sparse matrix spelt out
_SPARSE: Final = {"csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array"}
_SPARSE_MODULE: Final = re.compile(r"scipy\.sparse(\._?(csc|csr|coo))?")
_CHUMPY_MODULE: Final = re.compile(r"chumpy(\.[a-z_]+)*")
_NUMPY_INTERNAL: Final = re.compile(r"numpy\.(_?core)\.(multiarray|numeric)")


class RefusedPickle(ValueError):
    """A pickle holds something a FLAME model has no need of; the message names it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A global the file mentions, as a mere name. ``kind`` says what may be done with it."""

    kind: str
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Inert:
    """An object of scipy.sparse or chumpy: its class's name and its state, nothing that acts."""

    of: Name
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PlainType:
    """numpy's dtype while the file is still describing it."""

    dtype: np.dtype[Any]


@dataclass(slots=True)
class Unfilled:
    """numpy's array between its making and its filling; then ``array`` holds it."""

    array: Array | None = None


def admit_name(module: str, name: str) -> Name:
    """The kind of a global. Raises ``RefusedPickle`` for every one that is not on the list."""
    kind = _kind(module, name)
    if kind is None:
        raise RefusedPickle(f"the pickle wants {module}.{name}, which no FLAME model needs")
    return Name(kind, module, name)


def _kind(module: str, name: str) -> str | None:
    if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
        return name
    if _NUMPY_INTERNAL.fullmatch(module) and name in ("_reconstruct", "scalar", "_frombuffer"):
        return name
    if _SPARSE_MODULE.fullmatch(module) and name in _SPARSE:
        return "inert"
    if _CHUMPY_MODULE.fullmatch(module) and name.isidentifier():
        return "inert"
    # Python's own: what writes an object of an old protocol, bytes as text, and the sets and dicts in chumpy's state.
    if (module, name) in (("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor"), ("_codecs", "encode")):
        return name
    if module in ("__builtin__", "builtins") and name in ("object", "set", "bytes"):
        return name
    if (module, name) == ("collections", "OrderedDict"):
        return name
    return None


def call(function: object, arguments: object) -> object:
    """What pickle's REDUCE would make of ``function(*arguments)``. Raises ``RefusedPickle``."""
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        raise RefusedPickle("the pickle calls something that is not a function")
    maker = _CALLS.get(function.kind)
    if maker is None:
        raise RefusedPickle(f"the pickle calls {function}")
    try:
        return maker(*arguments)
    except TypeError as error:
        raise RefusedPickle(f"the pickle calls {function} with the wrong arguments") from error


def new(cls: object, arguments: object) -> object:
    """What pickle's NEWOBJ would make: an empty stand-in. Raises ``RefusedPickle``."""
    if isinstance(cls, Name) and cls.kind == "inert":
        return Inert(cls)
    return call(cls, arguments)


def fill(target: object, state: object) -> None:
    """What pickle's BUILD would do to ``target``. Raises ``RefusedPickle``."""
    if isinstance(target, Inert) and isinstance(state, tuple) and len(state) == 2 and state[1] is None:
        state = state[0]
    if isinstance(target, Inert) and isinstance(state, dict):
        target.state = state
    elif isinstance(target, PlainType) and isinstance(state, tuple) and len(state) >= 5:
        if state[2:5] != (None, None, None) or state[1] not in ("<", ">", "|", "="):
            raise RefusedPickle("the pickle describes a structured array")
        target.dtype = target.dtype.newbyteorder(state[1]) if state[1] != "|" else target.dtype
    elif isinstance(target, Unfilled) and isinstance(state, tuple) and len(state) == 5:
        _, shape, dtype, is_fortran, data = state
        target.array = _array(data, dtype, shape, "F" if is_fortran else "C")
    else:
        raise RefusedPickle(f"the pickle fills a {type(target).__name__} with a {type(state).__name__}")


def _dtype(code: object, *_: object) -> PlainType:
    if not isinstance(code, str) or not _PLAIN_NUMBER.fullmatch(code):
        raise RefusedPickle(f"the pickle holds an array of {str(code)[:20]!r}, not of plain numbers")
    return PlainType(np.dtype(code))


def _array(data: object, dtype: object, shape: object, order: object = "C") -> Array:
    if not isinstance(dtype, PlainType) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise RefusedPickle("the pickle holds an array without a shape or a type")
    raw = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(raw, bytes | bytearray) or not all(_is_length(n) for n in shape):
        raise RefusedPickle("the pickle holds an array without data")
    if math.prod(shape) * dtype.dtype.itemsize != len(raw) or len(shape) > 4:
        raise RefusedPickle(f"the pickle holds {len(raw)} bytes for an array of shape {str(shape)[:60]}")
    flat: Array = np.frombuffer(raw, dtype.dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _is_length(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 32  # and not a number of a million digits


def _scalar(dtype: object, data: object) -> object:
    return _array(data, dtype, (1,))[0].item()


def _reconstructor(cls: object, base: object, state: object) -> object:
    if not isinstance(cls, Name) or cls.kind != "inert" or not isinstance(base, Name) or base.kind != "object":
        raise RefusedPickle(f"the pickle builds a {cls}")
    del state
    return Inert(cls)


def _encode(text: object, codec: object) -> bytes:
    if not isinstance(text, str) or codec not in ("latin1", "latin-1"):
        raise RefusedPickle(f"the pickle encodes as {codec!r}")
    return text.encode("latin-1")


def _unfilled(cls: object, _shape: object, _code: object) -> Unfilled:
    if not isinstance(cls, Name) or cls.kind != "ndarray":
        raise RefusedPickle(f"the pickle builds a {cls} of numbers")
    return Unfilled()


def _unhashed(members: Any = ()) -> tuple[Any, ...]:
    """A set as a tuple: nobody looks its members up, and hashing nested ones may take for ever."""
    return tuple(members)


def _no_bytes() -> bytes:
    """Python 3 writes empty bytes into an old protocol as a call of ``bytes``; any other call is refused."""
    return b""


def _ordered(pairs: object = ()) -> dict[str, Any]:
    if pairs not in ((), []):
        raise RefusedPickle("the pickle fills an OrderedDict by a call")
    return {}


_CALLS: Final[dict[str, Callable[..., object]]] = {
    "_reconstruct": _unfilled,
    "_frombuffer": _array,
    "scalar": _scalar,
    "dtype": _dtype,
    "_reconstructor": _reconstructor,
    "encode": _encode,
    "set": _unhashed,
    "bytes": _no_bytes,
    "OrderedDict": _ordered,
}


def to_array(value: object) -> Array | None:
    """The numbers in ``value``: an array, a chumpy leaf or a sparse matrix spelt out; None for anything else.

    Raises ``RefusedPickle`` for a chumpy expression (it would have to be computed) and for a broken sparse matrix.
    """
    if isinstance(value, Unfilled):
        return value.array
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, Inert):
        return None
    if value.of.name in _SPARSE:
        return _dense(value)
    if "x" not in value.state:
        raise RefusedPickle(
            f"{value.of} is an expression that only chumpy can compute; store the array itself (numpy.array(...))"
        )
    return to_array(value.state["x"])


def _dense(matrix: Inert) -> Array:
    state = matrix.state
    shape = state.get("_shape", state.get("shape"))
    if not isinstance(shape, tuple) or len(shape) != 2 or not all(_is_length(n) for n in shape):
        raise RefusedPickle(f"{matrix.of} has no shape")
    if math.prod(shape) > _LARGEST_DENSE:
        raise RefusedPickle(f"{matrix.of} of {shape[0]} x {shape[1]} is too large for a joint regressor")
    row, column = _places(matrix, shape)
    data = to_array(state.get("data"))
    if data is None or not (row.shape == column.shape == data.shape and data.ndim == 1):
        raise RefusedPickle(f"{matrix.of} is not a whole matrix")
    if ((row < 0) | (row >= shape[0]) | (column < 0) | (column >= shape[1])).any():
        raise RefusedPickle(f"{matrix.of} has entries outside its shape")
    dense = np.zeros(shape)
    np.add.at(dense, (row, column), data)
    return dense


def _places(matrix: Inert, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Row and column of every stored entry."""
    state = matrix.state
    if matrix.of.name.startswith("coo"):
        pair = state.get("coords", (state.get("row"), state.get("col")))
        places = [to_array(p) for p in pair] if isinstance(pair, tuple) and len(pair) == 2 else [None]
    else:
        starts, across = to_array(state.get("indptr")), to_array(state.get("indices"))
        along = None
        if starts is not None and across is not None and starts.ndim == 1 and across.ndim == 1:
            by_column = matrix.of.name.startswith("csc")
            lengths = np.diff(starts.astype(np.int64, copy=False)).astype(np.int64)
            if lengths.size == shape[by_column] and (lengths >= 0).all() and lengths.sum() == across.size:
                along = np.repeat(np.arange(lengths.size), lengths)
            places = [across, along] if by_column else [along, across]
        else:
            places = [None]
    if any(p is None or p.dtype.kind not in "iu" for p in places):
        raise RefusedPickle(f"{matrix.of} is not a whole matrix")
    row, column = (p for p in places if p is not None)
    return row.astype(np.int64), column.astype(np.int64)
