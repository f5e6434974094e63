"""Reads Whisper weights as CTranslate2 stores them (``model.bin``, binary version 6), without running any code.

Layout, little endian: u32 version; string spec; u32 revision; u32 n; n variables of {string name; u8 rank; u32 dims;
u8 dtype; u32 bytes; data}; u32 n; n aliases of {string alias; string variable}. A string is a u16 length that counts
its trailing NUL. Source: ``ctranslate2.specs.model_spec.ModelSpec._serialize``.
"""

import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_BINARY_VERSION: Final = 6
_DTYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class InvalidWhisperModel(RuntimeError):
    """A folder does not hold a Whisper model in CTranslate2's format."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def number(self, code: str) -> int:
        (value,) = struct.unpack_from("<" + code, self._data, self._at)
        self._at += struct.calcsize("<" + code)
        return int(value)

    def string(self) -> str:
        return bytes(self.take(self.number("H")))[:-1].decode()

    def take(self, size: int) -> memoryview:
        if self._at + size > len(self._data):
            raise struct.error("the file ends early")
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece


def read_checkpoint(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The variables of ``model.bin`` by name, aliases resolved, in the dtype they are stored in.

    Raises ``InvalidWhisperModel`` when the file is absent, cut short or of another format.
    """
    try:
        reader = _Reader(path.read_bytes())
        version, spec = reader.number("I"), reader.string()
        if version != _BINARY_VERSION or spec != "WhisperSpec":
            raise InvalidWhisperModel(f"{path}: got {spec!r} version {version}, wanted WhisperSpec {_BINARY_VERSION}")
        reader.number("I")  # the spec's revision: it names no field we read
        variables = {}
        for _ in range(reader.number("I")):
            name = reader.string()
            shape = [reader.number("I") for _ in range(reader.number("B"))]
            dtype = np.dtype(_DTYPES[reader.number("B")])
            variables[name] = np.frombuffer(reader.take(reader.number("I")), dtype).reshape(shape)
        for _ in range(reader.number("I")):
            alias, target = reader.string(), reader.string()
            variables[alias] = variables[target]
    except (OSError, struct.error, KeyError, ValueError) as error:
        raise InvalidWhisperModel(
            f"{path}: not a readable CTranslate2 Whisper model ({error}); fetch it again with `xtalker assets pull`"
        ) from error
    return variables
