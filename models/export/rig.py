"""A head model and a performance of it, as animation formats think of them: morph targets, joints, keys.

At rest the identity is applied. Morph targets act first, then linear blend skinning. Pose correctives, where the head
has them, are morph targets too, keyed by the turns of jaw and eyes that they follow. Weights of the root and of the
neck are kept apart although only the root turns, so that a file's neck can be animated by others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.head.model import JAW, LEFT_EYE, NECK, RIGHT_EYE, ROOT, TURNING, HeadModel, pose_features
from models.head.regions import base_colours
from schemas.arrays import Float32, Int32
from schemas.performance import Performance
from schemas.units import FRAME_RATE

JOINT_NAMES: Final = ("root", "neck", "jaw", "leftEye", "rightEye")
INFLUENCES: Final = 4  # joints a vertex may follow in the formats


@dataclass(frozen=True, slots=True)
class Rig:
    """V vertices, F triangles, 5 joints, E morph targets that the performance uses, T frames; metres."""

    points: Float32  # [V, 3] at rest
    faces: Int32  # [F, 3]
    joints: Float32  # [5, 3] at rest
    parents: tuple[int, ...]  # of each joint, -1 for the root
    joint_indices: npt.NDArray[np.uint8]  # [V, 4]
    joint_weights: Float32  # [V, 4] rows sum to one
    target_names: tuple[str, ...]
    targets: Float32  # [E, V, 3] displacement at weight 1
    target_weights: Float32  # [T, E]
    rotations: Float32  # [T, 5, 4] of each joint relative to its parent, quaternions x, y, z, w
    root_translation: Float32  # [T, 3] of the root joint
    times_s: Float32  # [T]

    @property
    def offsets(self) -> Float32:
        """[5, 3] each joint's place from its parent, the root's from the origin."""
        parents = np.array(self.parents)
        return np.asarray(self.joints - np.where(parents[:, None] >= 0, self.joints[parents], 0), np.float32)


def rig_of(performance: Performance, head: HeadModel) -> Rig:
    """The rig of ``head`` with the performance's identity and keys."""
    points = head.template + head.shape_basis @ performance.shape
    joints = head.joint_regressor @ points
    names, basis, strengths = _targets(performance, head)
    used = np.flatnonzero((strengths != 0).any(axis=0))
    turns = np.zeros((performance.n_frames, len(JOINT_NAMES), 3), np.float32)
    turns[:, ROOT], turns[:, JAW] = performance.global_rotation, performance.jaw
    turns[:, LEFT_EYE], turns[:, RIGHT_EYE] = performance.eyes[:, :3], performance.eyes[:, 3:]
    indices, weights = _influences(head)
    return Rig(
        points=points,
        faces=head.faces,
        joints=joints,
        parents=tuple(int(p) for p in head.parents),
        joint_indices=indices,
        joint_weights=weights,
        target_names=tuple(names[k] for k in used),
        targets=np.ascontiguousarray(np.moveaxis(basis[:, :, used], 2, 0)),
        target_weights=np.ascontiguousarray(strengths[:, used]),
        rotations=to_quaternion(turns),
        root_translation=joints[ROOT] + performance.translation,
        times_s=(np.arange(performance.n_frames) / float(FRAME_RATE)).astype(np.float32),
    )


def _targets(performance: Performance, head: HeadModel) -> tuple[tuple[str, ...], Float32, Float32]:
    """Names, displacements [V, 3, K] and weights [T, K] of all targets that the head knows."""
    if head.pose_basis is None:
        return head.expression_names, head.expression_basis, performance.expression
    names = tuple(
        f"{JOINT_NAMES[j]}Corrective{row}{column}" for j in TURNING for row in range(3) for column in range(3)
    )
    return (
        (*head.expression_names, *names),
        np.concatenate([head.expression_basis, head.pose_basis], axis=2),
        np.concatenate([performance.expression, pose_features(performance.jaw, performance.eyes)], axis=1),
    )


def _influences(head: HeadModel) -> tuple[npt.NDArray[np.uint8], Float32]:
    weights = head.weights.copy()
    # The model moves a vertex by its jaw's and eye's shares and leaves the rest to the root, whatever the sum.
    weights[:, NECK] = 1 - weights[:, [ROOT, JAW, LEFT_EYE, RIGHT_EYE]].sum(axis=1)
    indices = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, indices, axis=1)
    # A joint without weight is named 0, as glTF asks.
    return np.where(kept == 0, 0, indices).astype(np.uint8), (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)


def linear_colours(head: HeadModel) -> Float32:
    """[V, 3] vertex colours, 0..1, linear as the formats want them (IEC 61966-2-1)."""
    srgb = base_colours(head.region) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_quaternion(axis_angle: Float32) -> Float32:
    """Axis-angle [T, ..., 3] to unit quaternions [T, ..., 4], x y z w, that take no detour from frame to frame."""
    half = np.linalg.norm(axis_angle.astype(np.float64), axis=-1, keepdims=True) / 2
    vector = axis_angle * (0.5 * np.sinc(half / np.pi))
    quaternion = np.concatenate([vector, np.cos(half)], axis=-1)
    turned_back = (quaternion[1:] * quaternion[:-1]).sum(axis=-1, keepdims=True) < 0
    quaternion[1:] *= np.where(turned_back, -1.0, 1.0).cumprod(axis=0)
    return quaternion.astype(np.float32)
