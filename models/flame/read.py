"""A FLAME file to plain arrays: 2020, 2023 and 2023 Open, as ``.pkl`` (never unpickled) or ``.npz``."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.flame.pickles import read_pickle
from models.flame.standins import RefusedPickle, to_array
from models.head.model import UnreadableHeadModel
from schemas.arrays import Float32, Int32, admit_fields
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

N_VERTICES: Final = 5023
N_POSE_FEATURES: Final = 36  # of neck, jaw, left and right eye: nine numbers of a rotation matrix each
_LARGEST_FILE: Final = 256 << 20
_STORED_SHAPES: Final = 300  # identity directions in a FLAME file; expression directions follow them
_PARENTS: Final = (-1, 0, 1, 1, 1)
WHERE_FLAME_IS_HAD: Final = (
    "FLAME is had from https://flame.is.tue.mpg.de after registration: 2020 and 2023 for non-commercial research "
    "(generic_model.pkl, flame2023.pkl), 2023 Open under CC BY 4.0"
)


class FlameEdition(StrEnum):
    FLAME2020 = "flame2020"
    FLAME2023 = "flame2023"
    FLAME2023_OPEN = "flame2023-open"


@dataclass(frozen=True, slots=True, eq=False)
class FlameArrays:
    """What a FLAME file says (V = 5023 vertices); metres, and already in our frame: x to the subject's left, y up,
    z out of the face."""

    name: str  # edition and content: "flame2020@1f2e3d4c"
    template: Float32  # [V, 3]
    faces: Int32  # [F, 3]
    shape_basis: Float32  # [V, 3, 100]
    expression_basis: Float32  # [V, 3, 50]
    pose_basis: Float32  # [V, 3, 36] displacement per entry of (R - I), joints 1 to 4, row by row
    joint_regressor: Float32  # [5, V]
    weights: Float32  # [V, 5]

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"V": N_VERTICES},
            template=(np.float32, ("V", 3)),
            faces=(np.int32, ("F", 3)),
            shape_basis=(np.float32, ("V", 3, SHAPE_DIM)),
            expression_basis=(np.float32, ("V", 3, EXPRESSION_DIM)),
            pose_basis=(np.float32, ("V", 3, N_POSE_FEATURES)),
            joint_regressor=(np.float32, (5, "V")),
            weights=(np.float32, ("V", 5)),
        )
        if self.faces.min() < 0 or self.faces.max() >= N_VERTICES:
            raise ValueError("a face names a vertex that is not there")
        if abs(self.weights.sum(1) - 1).max() > 1e-5 or abs(self.joint_regressor.sum(1) - 1).max() > 1e-3:
            raise ValueError("skinning weights or joint regressor do not sum to one")


def read_flame(
    path: Path,
    edition: FlameEdition | None = None,
    *,
    n_shapes: int = SHAPE_DIM,
    n_expressions: int = EXPRESSION_DIM,
    stored_shapes: int = _STORED_SHAPES,
) -> FlameArrays:
    """Read a FLAME model, keeping its first ``n_shapes`` identity and ``n_expressions`` expression directions.

    Fewer than 100 and 50 leave the rest of the record's directions zero. ``stored_shapes`` is how many identity
    directions precede the expressions in the file. ``edition`` is guessed from the file's name if not given.
    Raises ``UnreadableHeadModel``, which says what the file holds that it must not, or lacks.
    """
    if not (0 < n_shapes <= SHAPE_DIM and 0 <= n_expressions <= EXPRESSION_DIM):
        raise ValueError(f"at most {SHAPE_DIM} identity and {EXPRESSION_DIM} expression directions can be kept")
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise ValueError(f"{size >> 20} MB; a FLAME model has at most {_LARGEST_FILE >> 20}")
        arrays = _from_npz(path) if zipfile.is_zipfile(path) else _from_pickle(path)
        known = edition or _edition_of(path)
        return _assemble(arrays, known, n_shapes, n_expressions, stored_shapes)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        missing = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise UnreadableHeadModel(f"{path}: not a FLAME model ({missing}). {WHERE_FLAME_IS_HAD}.") from error


def _edition_of(path: Path) -> FlameEdition:
    name = path.stem.lower()
    if "2023" in name:
        return FlameEdition.FLAME2023_OPEN if "open" in name else FlameEdition.FLAME2023
    if "2020" in name or name in ("generic_model", "female_model", "male_model"):
        return FlameEdition.FLAME2020
    raise ValueError(f"its name does not tell the edition; say which of {', '.join(FlameEdition)} it is")


def _from_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _LARGEST_FILE:
        raise ValueError(f"{unpacked >> 20} MB unpacked; a FLAME model has at most {_LARGEST_FILE >> 20}")
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _from_pickle(path: Path) -> dict[str, npt.NDArray[Any]]:
    content = read_pickle(path.read_bytes())
    if not isinstance(content, Mapping):
        raise RefusedPickle(f"the pickle holds a {type(content).__name__}, wanted a dict of arrays")
    wanted = {
        "v_template",
        "f",
        "faces",
        "shapedirs",
        "exprdirs",
        "posedirs",
        "J_regressor",
        "weights",
        "kintree_table",
    }
    found = {key: to_array(content[key]) for key in wanted & content.keys()}
    return {key: value for key, value in found.items() if value is not None}


def _assemble(
    arrays: Mapping[str, npt.NDArray[Any]], edition: FlameEdition, n_shapes: int, n_expressions: int, stored_shapes: int
) -> FlameArrays:
    template = _numbers(arrays, "v_template", (N_VERTICES, 3))
    directions = _numbers(arrays, "shapedirs", (N_VERTICES, 3, None))
    expressions = directions[:, :, stored_shapes:]
    if "exprdirs" in arrays:
        directions, expressions = directions[:, :, :stored_shapes], _numbers(arrays, "exprdirs", (N_VERTICES, 3, None))
    identities = directions[:, :, : min(stored_shapes, n_shapes)]
    if expressions.shape[2] < n_expressions:
        raise ValueError(
            f"shapedirs has {directions.shape[2]} directions, of which the first {stored_shapes} are identities: "
            f"{expressions.shape[2]} expressions, wanted {n_expressions}"
        )
    pose = arrays["posedirs"]
    if pose.shape == (N_POSE_FEATURES, 3 * N_VERTICES):  # as some converters store it
        pose = pose.T.reshape(N_VERTICES, 3, N_POSE_FEATURES)
    parents = _numbers(arrays, "kintree_table", (2, 5))[0]
    if tuple(int(p) for p in parents[1:]) != _PARENTS[1:]:  # the root's own is -1, or 2**32 - 1
        raise ValueError(f"kintree_table has parents {parents.tolist()}, wanted {list(_PARENTS)}")
    faces = arrays["f"] if "f" in arrays else arrays["faces"]
    if faces.dtype.kind not in "iu":
        raise ValueError(f"f is {faces.dtype}, wanted integers")
    parts = {
        "template": template.astype(np.float32),
        "shape_basis": _padded(identities, SHAPE_DIM),
        "expression_basis": _padded(expressions[:, :, :n_expressions], EXPRESSION_DIM),
        "pose_basis": _numbers({"posedirs": pose}, "posedirs", (N_VERTICES, 3, N_POSE_FEATURES)).astype(np.float32),
        "joint_regressor": _numbers(arrays, "J_regressor", (5, N_VERTICES)).astype(np.float32),
        "weights": _numbers(arrays, "weights", (N_VERTICES, 5)).astype(np.float32),
    }
    digest = hashlib.sha256()
    for part in parts.values():
        digest.update(np.ascontiguousarray(part).tobytes())
    return FlameArrays(name=f"{edition}@{digest.hexdigest()[:8]}", faces=faces.astype(np.int32), **parts)


def _numbers(arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
    value = arrays[name]
    fits = value.ndim == len(shape) and all(w is None or w == have for w, have in zip(shape, value.shape, strict=True))
    if value.dtype.kind not in "iuf" or not fits:
        wanted = [n if n is not None else "any" for n in shape]
        raise ValueError(f"{name} is {value.dtype}{list(value.shape)}, wanted numbers {wanted}")
    return value


def _padded(basis: npt.NDArray[Any], width: int) -> Float32:
    return np.pad(basis.astype(np.float32), ((0, 0), (0, 0), (0, width - basis.shape[2])))
