"""The landmarks' places brought nearer to where MediaPipe sees them on people, who differ from renders a little.

The head is fitted to clips of a few speakers. Where a landmark lies beside its surface point in the mean over them, by
the same way on everybody, the point moves there along the surface. Nothing of any one face is kept.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from models.fit.basis import LandmarkBasis
from models.fit.project import pose
from models.fit.settings import FitSettings
from models.fit.solve import fit_landmarks
from models.head.embed import barycentric_grid, candidates
from models.head.embedding import Embedding
from models.head.model import HeadModel
from models.landmarks import FaceLandmarker
from schemas.arrays import Float32, Int32
from schemas.units import N_LANDMARKS

_FRAMES = 75
_ROUNDS = 3
_AROUND_M = 2e-2
_REACH_M = 6e-3  # no landmark moves further at once
_STEP_M = 5e-3  # from the nearest point of the surface
_EDGE_ON = 0.1
_DEPTH_COUNTS = 0.05  # against what is seen: depth is hardly seen from in front


def settle_landmarks(head: HeadModel, landmarker: Path, videos: Sequence[Path]) -> Embedding:
    """The embedding of ``head`` moved to the mean over ``videos``, one of each speaker, a face in every frame."""
    with FaceLandmarker(landmarker) as finder:
        seen = [_watch(video, finder) for video in videos]
    for _ in range(_ROUNDS):
        basis = LandmarkBasis.of(head)
        stray = np.mean([_stray(basis, landmarks, size) for landmarks, size in seen], axis=0)
        faces, weights = _moved(head, basis.template + stray)
        head = replace(head, landmark_face=faces, landmark_weights=weights)
    sigma = head.landmark_sigma.astype(np.float64)
    return Embedding(head.landmark_face.astype(np.int64), head.landmark_weights.astype(np.float64), sigma)


def _watch(video: Path, finder: FaceLandmarker) -> tuple[Float32, tuple[int, int]]:
    """The landmarks [T, 478, 2] of the first face, and the picture's size."""
    finder.restart()
    landmarks = []
    with av.open(str(video)) as media:
        for frame in media.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            found = finder.find(picture).landmarks
            landmarks += [found[0, :, :2]] if len(found) else []
            if len(landmarks) == _FRAMES:
                break
    height, width, _ = picture.shape
    return np.ascontiguousarray(landmarks), (width, height)


def _stray(basis: LandmarkBasis, landmarks: Float32, size: tuple[int, int]) -> Float32:
    """[478, 3] by how much the landmarks lie beside the fitted head's, metres in its own frame; depth left out."""
    fit = fit_landmarks(basis, landmarks, np.ones(len(landmarks), np.bool_), size, FitSettings())
    posed = pose(basis, fit.state, fit.lens)
    metres = (landmarks - posed.pixels) * (-posed.points[..., 2:] / fit.lens.focal_px) * (1, -1)
    upright = np.median(np.pad(metres, ((0, 0), (0, 0), (0, 1))) @ fit.state.rotation, axis=0)
    return np.asarray(upright * (1, 1, 0), np.float32)


def _moved(head: HeadModel, goal: Float32) -> tuple[Int32, Float32]:
    """Triangle and weights of the surface point nearest to each of ``goal`` [478, 3]; irises stay."""
    faces, weights = head.landmark_face.copy(), head.landmark_weights.copy()
    now, grid = head.landmarks(head.template), barycentric_grid(8)
    for landmark in range(N_LANDMARKS - 10):
        allowed = np.zeros(len(head.template), np.bool_)
        allowed[candidates(head, landmark)] = True
        allowed &= np.linalg.norm(head.template - now[landmark], axis=1) < _AROUND_M
        around = np.flatnonzero(allowed[head.faces].all(axis=1))
        points = np.einsum("fcx,gc->fgx", head.template[head.faces[around]], grid).reshape(-1, 3)
        away = (points - goal[landmark]) * (1, 1, _DEPTH_COUNTS)
        best = int(np.linalg.norm(away, axis=1).argmin())
        if np.linalg.norm(points[best] - now[landmark]) < _REACH_M:
            faces[landmark] = around[best // len(grid)]
            weights[landmark] = _exactly(
                head.template[head.faces[faces[landmark]]], goal[landmark], grid[best % len(grid)]
            )
    return faces, weights


def _exactly(corners: Float32, goal: Float32, near: Float32) -> Float32:
    """Weights [3] of ``corners`` [3, 3] for the point of their plane before or behind ``goal``, which may lie a little
    outside of the triangle; ``near`` where that is too far."""
    a, b = (corners[k, :2] - corners[0, :2] for k in (1, 2))
    across = float(a[0] * b[1] - a[1] * b[0])
    if abs(across) < _EDGE_ON * float(np.linalg.norm(a) * np.linalg.norm(b)):
        return near
    u, v = np.linalg.solve(np.stack([a, b], axis=1), goal[:2] - corners[0, :2])
    exact = np.array([1 - u - v, u, v], np.float32)
    return exact if np.linalg.norm((exact - near) @ corners) < _STEP_M else near
