"""Reads the constants of an ONNX file: enough to run a small network in torch, over shapes its graph has fixed.

Protocol buffers' wire format (protobuf.dev/programming-guides/encoding) with ONNX's field numbers (onnx.proto):
ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.dims = 1, .data_type = 2, .float_data = 4, .name = 8,
.raw_data = 9. No code of the file is run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from schemas.arrays import Float32

_FLOAT: Final = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class InvalidOnnxFile(RuntimeError):
    """A file is not the ONNX model it should be."""


def read_float_constants(path: Path) -> dict[str, Float32]:
    """The float32 initializers of an ONNX model by name. Raises ``InvalidOnnxFile``."""
    constants = {}
    try:
        for graph in _messages(memoryview(path.read_bytes()), 7):
            for tensor in _messages(graph, 5):
                name, value = _tensor(tensor)
                if value is not None:
                    constants[name] = value
    except (OSError, IndexError, ValueError) as error:
        raise InvalidOnnxFile(
            f"{path}: cannot be read as an ONNX model ({error}); install its package again"
        ) from error
    return constants


def _tensor(data: memoryview) -> tuple[str, Float32 | None]:
    shape: list[int] = []
    name, kind, raw = "", 0, b""
    for field, value in _fields(data):
        if field == 1:
            shape.extend([value] if isinstance(value, int) else _varints(value))
        elif field == 2 and isinstance(value, int):
            kind = value
        elif field in (4, 9) and not isinstance(value, int):
            raw += bytes(value)
        elif field == 8 and not isinstance(value, int):
            name = bytes(value).decode()
    return name, np.frombuffer(raw, np.float32).reshape(shape) if kind == _FLOAT else None


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    for field, value in _fields(data):
        if field == number and not isinstance(value, int):
            yield value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")
        if at + size > len(data):
            raise ValueError("it ends early")
        yield key >> 3, data[at : at + size]
        at += size


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
