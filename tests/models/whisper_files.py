"""A tiny Whisper with random weights, written the way CTranslate2 writes one."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

N_MELS, DIM, N_HEADS, N_LAYERS = 80, 16, 2, 3
_DTYPE_IDS = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def _text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def write_checkpoint(path: Path, variables: Mapping[str, npt.NDArray[Any]], version: int = 6) -> Path:
    parts = [struct.pack("<I", version), _text("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, value in variables.items():
        parts += [_text(name), struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)]
        parts += [struct.pack("<BI", _DTYPE_IDS[value.dtype.name], value.nbytes), value.tobytes()]
    parts += [struct.pack("<I", 1), _text("alias"), _text("encoder/num_heads")]
    path.write_bytes(b"".join(parts))
    return path


def random_encoder(seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Encoder variables under CTranslate2's names; as in Whisper, keys have no bias."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> npt.NDArray[np.float32]:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    variables: dict[str, npt.NDArray[Any]] = {
        "encoder/num_heads": np.array(N_HEADS, np.int16),
        "encoder/conv1/weight": weights(DIM, N_MELS, 3),
        "encoder/conv1/bias": weights(DIM),
        "encoder/conv2/weight": weights(DIM, DIM, 3),
        "encoder/conv2/bias": weights(DIM),
        "encoder/position_encodings/encodings": weights(1500, DIM),
        "encoder/layer_norm/gamma": 1 + weights(DIM),
        "encoder/layer_norm/beta": weights(DIM),
    }
    for layer in range(N_LAYERS):
        at = f"encoder/layer_{layer}"
        bias = weights(3 * DIM)
        bias[DIM : 2 * DIM] = 0
        variables |= {
            f"{at}/self_attention/layer_norm/gamma": 1 + weights(DIM),
            f"{at}/self_attention/layer_norm/beta": weights(DIM),
            f"{at}/self_attention/linear_0/weight": weights(3 * DIM, DIM),
            f"{at}/self_attention/linear_0/bias": bias,
            f"{at}/self_attention/linear_1/weight": weights(DIM, DIM),
            f"{at}/self_attention/linear_1/bias": weights(DIM),
            f"{at}/ffn/layer_norm/gamma": 1 + weights(DIM),
            f"{at}/ffn/layer_norm/beta": weights(DIM),
            f"{at}/ffn/linear_0/weight": weights(4 * DIM, DIM),
            f"{at}/ffn/linear_0/bias": weights(4 * DIM),
            f"{at}/ffn/linear_1/weight": weights(DIM, 4 * DIM),
            f"{at}/ffn/linear_1/bias": weights(DIM),
        }
    return variables


def write_tiny_whisper(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder / "model.bin", random_encoder())
    return folder
