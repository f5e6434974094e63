"""FLAME-shaped random models, and the files they come in: ``.npz``, and ``.pkl`` as Python 2 with chumpy wrote it."""

import io
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from models.flame.model import flame_head
from models.flame.read import N_VERTICES, FlameArrays, read_flame
from models.head.embedding import Embedding
from models.head.model import HeadModel
from models.head.regions import Region

SMALL = {"n_shapes": 12, "n_expressions": 7, "stored_shapes": 20}  # of the 20 + 10 directions that `random_model` makes


def random_model(seed: int = 0, identities: int = 20, expressions: int = 10) -> dict[str, Any]:
    """FLAME's arrays by its names: a head-sized ellipsoid, everything else random but well formed."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(N_VERTICES, 3))
    template = directions / np.linalg.norm(directions, axis=1, keepdims=True) * [0.08, 0.12, 0.1]
    weights = rng.dirichlet(np.full(5, 0.3), N_VERTICES)
    regressor = np.zeros((5, N_VERTICES))
    for joint in range(5):
        regressor[joint, rng.choice(N_VERTICES, 9, replace=False)] = rng.dirichlet(np.ones(9))
    return {
        "v_template": template,
        "f": rng.integers(0, N_VERTICES, (9976, 3)).astype(np.uint32),
        "shapedirs": rng.normal(0, 1e-3, (N_VERTICES, 3, identities + expressions)),
        "posedirs": rng.normal(0, 1e-3, (N_VERTICES, 3, 36)),
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
    }


def random_flame(tmp: Path) -> HeadModel:
    """A finished model with landmarks anywhere."""
    write_npz(tmp / "flame2020.npz", random_model())
    arrays = read_flame(tmp / "flame2020.npz", **SMALL)
    return flame_head(arrays, np.full(N_VERTICES, Region.SKIN, np.uint8), random_embedding(arrays))


def random_embedding(arrays: FlameArrays) -> Embedding:
    rng = np.random.default_rng(1)
    return Embedding(rng.integers(0, len(arrays.faces), 478), rng.dirichlet(np.ones(3), 478), np.full(478, 2e-3))


def write_npz(path: Path, model: dict[str, Any]) -> Path:
    np.savez(path, **model)
    return path


def write_python2_pickle(path: Path, model: dict[str, Any]) -> Path:
    """Protocol 2, byte strings, numpy's and scipy's modules as they were called, shapedirs and posedirs in chumpy."""
    content = dict(model)
    content["J_regressor"] = sparse.csc_matrix(model["J_regressor"])
    content["shapedirs"], content["posedirs"] = Ch(model["shapedirs"]), Ch(model["posedirs"])
    content |= {"bs_style": "lbs", "bs_type": "lrotmin", "J": Ch(model["J_regressor"] @ model["v_template"])}
    buffer = io.BytesIO()
    _Python2(buffer, protocol=2).dump(content)
    path.write_bytes(buffer.getvalue())
    return path


class Ch:
    """What a chumpy array leaves in a pickle."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        self._dirty_vars: set[str] = {"x"}
        self._parents = None


class Expression(Ch):
    """A chumpy object that would have to be computed."""

    def __getstate__(self) -> dict[str, Any]:
        return {"a": self.x, "b": self.x}


_PYTHON2 = {
    Ch: "chumpy.ch Ch",
    Expression: "chumpy.ch_ops add",
    sparse.csc_matrix: "scipy.sparse.csc csc_matrix",
    sparse.csr_matrix: "scipy.sparse.csr csr_matrix",
    sparse.coo_matrix: "scipy.sparse.coo coo_matrix",
}


class _Python2(pickle._Pickler):  # type: ignore[name-defined, misc]
    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_global(self, obj: Any, name: str | None = None) -> None:
        old = _PYTHON2.get(obj)
        if old is None and obj.__module__.startswith("numpy._core"):
            old = f"numpy.core.multiarray {obj.__name__}"
        if old is None:
            super().save_global(obj, name)
        else:
            self.write(pickle.GLOBAL + old.replace(" ", "\n").encode() + b"\n")
            self.memoize(obj)

    def save_type(self, obj: type) -> None:
        self.save_global(obj)

    def save_text(self, text: str) -> None:
        self.save_bytes(text.encode())

    def save_bytes(self, data: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text
    dispatch[type] = save_type
