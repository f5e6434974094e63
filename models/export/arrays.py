"""A performance as an npz of plain arrays: this program's own names, and those of the ``smplx`` package for FLAME."""

import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from models.export.content import Content, UnreadableMotion
from models.head.model import HeadModel
from schemas.performance import Performance
from schemas.units import FRAME_RATE

_FIELDS: Final = ("shape", "expression", "global_rotation", "jaw", "eyes", "translation")


def to_npz(performance: Performance, head: HeadModel) -> Content:
    """The bytes of an ``.npz``: ``shape`` [100], ``expression`` [T, 50], ``global_rotation`` [T, 3], ``jaw`` [T, 3],
    ``eyes`` [T, 6], ``translation`` [T, 3] with ``head_model`` and ``frame_rate``; and the same as ``betas``,
    ``global_orient``, ``neck_pose``, ``jaw_pose``, ``leye_pose``, ``reye_pose``, ``transl``."""
    own = {name: getattr(performance, name) for name in _FIELDS}
    flame = {
        "betas": performance.shape,
        "global_orient": performance.global_rotation,
        "neck_pose": np.zeros_like(performance.jaw),
        "jaw_pose": performance.jaw,
        "leye_pose": performance.eyes[:, :3],
        "reye_pose": performance.eyes[:, 3:],
        "transl": performance.translation,
    }
    about = {
        "head_model": np.array(performance.head_model),
        "frame_rate": np.array(float(FRAME_RATE)),
        "expression_names": np.array(head.expression_names),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **own, **flame, **about)  # type: ignore[arg-type]
    return Content(out.getvalue(), ("the arrays hold no sound",))


def read_npz(path: Path) -> Performance:
    """The performance that ``to_npz`` wrote. Raises ``UnreadableMotion``."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _FIELDS}
            head_model = str(file["head_model"])
        return Performance(head_model, len(arrays["expression"]), **arrays)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableMotion(f"{path}: not a performance ({error})") from error
