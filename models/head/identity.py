"""The identity space: principal components of sampled heads, with size and pose taken out first.

Metric size cannot be seen by one camera, so every sample is brought to the mean's size by a similarity over the face
before the analysis; what remains is shape. Two independent blocks follow each other: components the face's landmarks
can see, then ears, back of the skull and neck. A fit that uses the first block only can never blow up an ear.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.head.source import AnnyHead
from schemas.units import SHAPE_DIM

Array = npt.NDArray[np.float64]

FACE_COMPONENTS = 80
_SAMPLES = 3000
_UNSEEN_SAMPLES = 600
_SEED = 20260101


@dataclass(frozen=True)
class IdentitySpace:
    """``mean + components @ beta`` with beta ~ N(0, 1) reproduces the sampled population."""

    mean: Array  # [V, 3]
    components: Array  # [V, 3, 100] one standard deviation each
    vertices: Array  # [n, V, 3] the aligned face samples, kept to learn the joint regressor
    joints: Array  # [n, 5, 3] their joints


def analyse(head: AnnyHead, weight: Array) -> IdentitySpace:
    """Identity space of ``head``. ``weight`` [V] says how much a vertex counts: 1 on the face, less elsewhere; the
    similarity is fitted where it is 1."""
    rng = np.random.default_rng(_SEED)
    vertices, joints = head.sample_identities(_SAMPLES, rng, unseen=False)
    vertices, joints = align(vertices, joints, vertices.mean(0), weight == 1)
    vertices, joints = align(vertices, joints, vertices.mean(0), weight == 1)
    mean = vertices.mean(0)
    seen = principal_components(vertices - mean, weight, FACE_COMPONENTS)
    other, other_joints = head.sample_identities(_UNSEEN_SAMPLES, rng, unseen=True)
    neutral = other.mean(0)
    other, _ = align(other, other_joints, neutral, weight == 1)
    unseen = principal_components(other - other.mean(0), np.ones_like(weight), SHAPE_DIM - FACE_COMPONENTS)
    return IdentitySpace(mean, np.concatenate([seen, unseen], axis=2), vertices, joints)


def align(vertices: Array, joints: Array, target: Array, where: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Bring each sample to ``target`` by the least-squares similarity over vertices ``where`` (Umeyama 1991)."""
    goal = target[where] - target[where].mean(0)
    centre = vertices[:, where].mean(1, keepdims=True)
    points = vertices[:, where] - centre
    u, s, vt = np.linalg.svd(np.einsum("nvi,vj->nij", points, goal))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(1) / (points**2).sum((1, 2))

    def move(x: Array) -> Array:
        return np.asarray(scale[:, None, None] * (x - centre) @ rotation + target[where].mean(0))

    return move(vertices), move(joints)


def principal_components(deviation: Array, weight: Array, count: int) -> Array:
    """[V, 3, count] weighted principal components of ``deviation`` [n, V, 3], each at one standard deviation."""
    n, v, _ = deviation.shape
    weighted = (deviation * weight[:, None]).reshape(n, -1)
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    top, scores = values[::-1][:count], vectors[:, ::-1][:, :count]
    basis = deviation.reshape(n, -1).T @ scores / np.sqrt(n)
    largest = np.abs(basis).argmax(0)
    basis *= np.sign(basis[largest, np.arange(len(top))])  # eigenvectors have no sign of their own
    return np.asarray(basis.reshape(v, 3, count))
