"""A head with known motion, seen by a known camera: what the fit must find again."""

from dataclasses import dataclass

import numpy as np

from models.head.model import HeadModel
from schemas.arrays import Float32
from schemas.units import EXPRESSION_DIM, SHAPE_DIM
from tests.similarity import aligned_distance

WIDTH, HEIGHT, FOCAL_PX = 512, 480, 1280.0
SPOKEN = ("mouthSmileLeft", "mouthSmileRight", "mouthFunnel", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight")


@dataclass(frozen=True)
class Truth:
    """Parameters of ``HeadModel.vertices``, its vertices, and its landmarks in pixels."""

    shape: Float32
    expression: Float32
    rotation: Float32
    jaw: Float32
    eyes: Float32
    translation: Float32
    vertices: Float32  # [T, V, 3]
    pixels: Float32  # [T, 478, 2]


def speak(head: HeadModel, n_frames: int = 50, seed: int = 0) -> Truth:
    """A random person who talks, nods, blinks and looks about, smoothly, for ``n_frames``."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_frames)[:, None] / 25

    def wave(amplitudes: list[float], hz: float) -> Float32:
        phases = rng.uniform(0, 2 * np.pi, len(amplitudes))
        return (np.array(amplitudes) * np.sin(2 * np.pi * hz * t + phases)).astype(np.float32)

    shape = np.zeros(SHAPE_DIM, np.float32)
    shape[: head.n_seen_shapes] = rng.normal(0, 0.8, head.n_seen_shapes)
    expression = np.zeros((n_frames, EXPRESSION_DIM), np.float32)
    acted = [head.expression_names.index(name) for name in SPOKEN]
    expression[:, acted] = np.maximum(0, wave([0.5] * len(acted), 1.1))
    rotation = wave([0.08, 0.25, 0.05], 0.4)
    jaw = np.pad(0.12 + wave([0.12], 2.3), ((0, 0), (0, 2)))
    gaze = np.pad(wave([0.08, 0.15], 0.5), ((0, 0), (0, 1)))
    eyes = np.concatenate([gaze, gaze], axis=1)
    translation = wave([0.01, 0.01, 0.01], 0.3) + np.array([0.0, 0.0, -1.1], np.float32)
    vertices = head.vertices(shape, expression, rotation, jaw, eyes, translation)
    return Truth(shape, expression, rotation, jaw, eyes, translation, vertices, project(head.landmarks(vertices)))


def project(points: Float32) -> Float32:
    """Camera-frame points [..., 3] to pixels [..., 2], principal point in the middle of the picture."""
    scaled = FOCAL_PX * points[..., :2] / points[..., 2:]
    centre = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    return (centre + scaled * [-1, 1]).astype(np.float32)


def as_landmarks(points: Float32) -> Float32:
    """Camera-frame ``points`` [T, 478, 3] as MediaPipe gives them: pixels, z too, which points away from the viewer."""
    flat = project(points)
    scale = np.ptp(flat[..., 0]) / np.ptp(points[..., 0])
    return np.concatenate([flat, -scale * points[..., 2:]], axis=-1).astype(np.float32)


def similarity_error_mm(found: Float32, true: Float32) -> float:
    """Mean vertex distance [T, V, 3] after the best similarity of each frame, in millimetres (Umeyama 1991)."""
    return 1e3 * float(aligned_distance(found, true).mean())
