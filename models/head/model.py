"""The head model: a mesh that speaks FLAME's parameters (Li, Bolkart, Black, Li, Romero 2017).

A vertex at rest is ``template + shape_basis @ shape + expression_basis @ expression``; linear blend skinning then turns
jaw and eyeballs about their joints and the whole head about the root. Frame and units as in ``schemas.units``.

The open head's expression directions are 50 named ARKit actions with natural range 0..1. Its eyelids are two of them:
``HeadMotion.eyelids`` is a view of the activations ``eyeBlinkLeft`` and ``eyeBlinkRight``, not a further motion, and
``vertices`` takes no eyelids. Identity has no size in it (one camera cannot see it): every head has the mean's.

A FLAME model's directions are components of one standard deviation each instead, and its rest shape also follows the
turns of jaw and eyes: ``pose_basis @ (R - I)`` (equation 4 there). Our records leave FLAME's neck joint at rest, as
DECA does. The correctives are not small: at 15 degrees of jaw they move FLAME 2023 Open's vertices by up to 4.5 mm.
"""

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.head.landmarks import LID_GAPS
from models.head.regions import Region
from models.head.rotation import to_matrix
from schemas.arrays import Bool, Float32, Int32, UInt8, admit_fields
from schemas.units import EXPRESSION_DIM, N_LANDMARKS, SHAPE_DIM

_OPEN_HEAD = Path(__file__).parent.parent / "data" / "open_head.npz"
_EYELIDS = ("eyeBlinkLeft", "eyeBlinkRight")
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)
TURNING: Final = (JAW, LEFT_EYE, RIGHT_EYE)
N_POSE_FEATURES: Final = 9 * len(TURNING)  # entries of the rotation matrices
FULL_JAW_RAD: Final = float(np.radians(19.0))  # what ARKit's jawOpen = 1 amounts to, as ``models.head.joints`` finds it


class UnreadableHeadModel(RuntimeError):
    """The head model's file is missing or is not what it should be."""


class NoNamedActions(ValueError):
    """The head's expression directions are not ARKit's named actions, and something wants those."""


@dataclass(frozen=True, slots=True, eq=False)  # one head is itself: it can key a cache
class HeadModel:
    """V vertices, F triangles; metres. ``landmark_*`` places MediaPipe's 478 landmarks on the surface."""

    name: str
    template: Float32  # [V, 3]
    faces: Int32  # [F, 3] counter-clockwise from outside
    shape_basis: Float32  # [V, 3, 100] one standard deviation each
    expression_basis: Float32  # [V, 3, 50] full strength each
    expression_names: tuple[str, ...]
    joint_regressor: Float32  # [5, V] root, neck, jaw, left eye, right eye
    weights: Float32  # [V, 5] rows sum to one
    parents: Int32  # [5] of each joint, -1 for the root
    n_seen_shapes: int  # the first components move the face; the rest only what no landmark sees (ears, skull, neck)
    region: UInt8  # [V] models.head.regions.Region
    landmark_face: Int32  # [478] triangle
    landmark_weights: Float32  # [478, 3] barycentric
    landmark_sigma: Float32  # [478] metres: how far MediaPipe's landmark strays from that point
    pose_basis: Float32 | None = None  # [V, 3, 27] metres per entry of (R - I), row by row, of jaw, left and right eye
    uv: Float32 | None = None  # [U, 2] places on a texture, 0..1, v upwards; more than vertices, for it has seams
    uv_faces: Int32 | None = None  # [F, 3] of each triangle's corners

    def __post_init__(self) -> None:
        admit_fields(
            self,
            {"V": len(self.template), "E": EXPRESSION_DIM, "L": N_LANDMARKS},
            template=(np.float32, ("V", 3)),
            faces=(np.int32, ("F", 3)),
            shape_basis=(np.float32, ("V", 3, SHAPE_DIM)),
            expression_basis=(np.float32, ("V", 3, "E")),
            joint_regressor=(np.float32, (5, "V")),
            weights=(np.float32, ("V", 5)),
            parents=(np.int32, (5,)),
            region=(np.uint8, ("V",)),
            landmark_face=(np.int32, ("L",)),
            landmark_weights=(np.float32, ("L", 3)),
            landmark_sigma=(np.float32, ("L",)),
        )
        if self.pose_basis is not None:
            admit_fields(self, {"V": len(self.template)}, pose_basis=(np.float32, ("V", 3, N_POSE_FEATURES)))
        if self.uv is not None:
            admit_fields(self, {"F": len(self.faces)}, uv=(np.float32, ("U", 2)), uv_faces=(np.int32, ("F", 3)))
        if len(self.expression_names) != EXPRESSION_DIM:
            raise ValueError(f"HeadModel.expression_names: got {len(self.expression_names)}, wanted {EXPRESSION_DIM}")

    @property
    def has_actions(self) -> bool:
        """Whether the expression directions are ARKit's actions by name, 0..1; else they are components, either way."""
        return all(name in self.expression_names for name in _EYELIDS)

    def require_actions(self, wanted_for: str) -> None:
        """Raise ``NoNamedActions`` for a head without them."""
        if not self.has_actions:
            raise NoNamedActions(f"{self.name} has no ARKit actions, and {wanted_for} is made of them")

    def joints(self, shape: Float32) -> Float32:
        """Joint positions [5, 3] at rest of the identity ``shape`` [100]."""
        return self.joint_regressor @ (self.template + self.shape_basis @ shape)

    def vertices(
        self,
        shape: Float32,
        expression: Float32,
        rotation: Float32,
        jaw: Float32,
        eyes: Float32,
        translation: Float32,
    ) -> Float32:
        """Vertices [T, V, 3] over T frames, in metres.

        ``shape`` [100] one identity; ``expression`` [T, 50]; ``rotation`` [T, 3] of the head about its root joint;
        ``jaw`` [T, 3]; ``eyes`` [T, 6] left then right; axis-angle, radians; ``translation`` [T, 3] metres.
        """
        rest = self.template + self.shape_basis @ shape
        joints = self.joint_regressor @ rest
        v = len(rest)
        # One GEMM: the basis is stored vertex-major with the 50 actions innermost.
        moved = (expression @ self.expression_basis.reshape(-1, EXPRESSION_DIM).T).reshape(-1, v, 3)
        moved += rest
        turns = dict(zip(TURNING, map(to_matrix, (jaw, eyes[:, :3], eyes[:, 3:])), strict=True))
        if self.pose_basis is not None:
            features = pose_features(jaw, eyes)
            moved += (features @ self.pose_basis.reshape(-1, N_POSE_FEATURES).T).reshape(moved.shape)
        displacement = np.zeros_like(moved)
        for joint, turn in turns.items():
            follows = np.flatnonzero(self.weights[:, joint])
            arm = moved[:, follows] - joints[joint]
            turned = arm @ np.swapaxes(turn, -1, -2) - arm
            displacement[:, follows] += self.weights[follows, joint, None] * turned
        moved += displacement
        about_root = (moved - joints[ROOT]) @ np.swapaxes(to_matrix(rotation), -1, -2)
        return np.asarray(about_root + (joints[ROOT] + translation)[:, None], np.float32)

    def landmarks(self, vertices: Float32) -> Float32:
        """MediaPipe's 478 landmarks [..., 478, 3] on the mesh ``vertices`` [..., V, 3]."""
        corners = vertices[..., self.faces[self.landmark_face], :]
        return np.asarray((corners * self.landmark_weights[..., None]).sum(-2), np.float32)

    def eyelids(self, expression: Float32) -> Float32:
        """Closure [T, 2] of the left and right lid, 0 as open as at rest .. 1 shut, out of ``expression`` [T, 50].

        A head without actions names no blink: the closure is how much nearer its mean's lids stand.
        """
        if self.has_actions:
            columns = [self.expression_names.index(name) for name in _EYELIDS]
            return np.clip(expression[:, columns], 0, 1)
        corners = self.faces[self.landmark_face[LID_GAPS]]  # [2 eyes, 2 lids, 3]
        weights = self.landmark_weights[LID_GAPS][..., None]
        lids = (self.template[corners] * weights).sum(-2)
        moves = (self.expression_basis[corners] * weights[..., None]).sum(-3)  # [2, 2, 3, 50]
        rest = lids[:, 0] - lids[:, 1]
        gaps = rest + np.einsum("eck,tk->tec", moves[:, 0] - moves[:, 1], expression)  # [T, 2, 3]
        closure = 1 - np.linalg.norm(gaps, axis=-1) / np.maximum(np.linalg.norm(rest, axis=-1), 1e-4)
        return np.asarray(np.clip(closure[:, ::-1], 0, 1), np.float32)  # LID_GAPS names the right eye first

    def mask(self, *regions: Region) -> Bool:
        """[V] whether a vertex lies in one of ``regions``."""
        return np.isin(self.region, regions)


def pose_features(jaw: Float32, eyes: Float32) -> Float32:
    """[T, 27] the entries of (R - I) that pose correctives follow, of ``jaw`` [T, 3] and ``eyes`` [T, 6]."""
    turns = np.stack([to_matrix(jaw), to_matrix(eyes[:, :3]), to_matrix(eyes[:, 3:])], axis=1)
    return np.asarray((turns - np.eye(3, dtype=np.float32)).reshape(-1, N_POSE_FEATURES), np.float32)


def read_head(path: Path) -> HeadModel:
    """Read a head model from an npz with FLAME's array names. Raises ``UnreadableHeadModel``."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return HeadModel(
            name=str(arrays["name"]),
            template=arrays["v_template"].astype(np.float32),
            faces=arrays["f"].astype(np.int32),
            shape_basis=arrays["shapedirs"].astype(np.float32),
            expression_basis=arrays["exprdirs"].astype(np.float32),
            expression_names=tuple(str(n) for n in arrays["expression_names"]),
            joint_regressor=arrays["J_regressor"].astype(np.float32),
            weights=arrays["weights"].astype(np.float32),
            parents=arrays["kintree"].astype(np.int32),
            n_seen_shapes=int(arrays["n_seen_shapes"]),
            region=arrays["region"],
            landmark_face=arrays["landmark_face"].astype(np.int32),
            landmark_weights=arrays["landmark_weights"].astype(np.float32),
            landmark_sigma=arrays["landmark_sigma"].astype(np.float32),
            pose_basis=arrays["pose_basis"].astype(np.float32) if "pose_basis" in arrays else None,
            uv=arrays["vt"].astype(np.float32) if "vt" in arrays else None,
            uv_faces=arrays["ft"].astype(np.int32) if "vt" in arrays else None,
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableHeadModel(
            f"{path}: not a head model ({error}). Rebuild the open head with `python -m models.head.build -o {path}`."
        ) from error


@cache
def load_open_head() -> HeadModel:
    """The open head that ships with the package (``models/data/OPEN_HEAD.md``), read once per process."""
    return read_head(_OPEN_HEAD)
