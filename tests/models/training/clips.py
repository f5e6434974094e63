"""Clips made up for the tests of training."""

from collections.abc import Iterator

import numpy as np

from models.head.model import load_open_head
from schemas.motion import HeadMotion
from schemas.speech import SpeechFeatures

DIM = 8
MODEL = "toy:0"


def clip(number: int, n_frames: int, detail: bool = False) -> tuple[HeadMotion, SpeechFeatures, str]:
    """A clip whose envelope says which clip and frame it is: number + frame / 1000."""
    rng = np.random.default_rng(number)

    def walk(width: int, step: float) -> np.ndarray:
        return np.cumsum(rng.normal(0, step, (n_frames, width)), axis=0).astype(np.float32)

    motion = HeadMotion(
        clip_id=f"clip{number}",
        head_model=load_open_head().name,
        n_frames=n_frames,
        shape=rng.normal(size=100).astype(np.float32),
        expression=np.clip(walk(50, 0.05), 0, 1),
        global_rotation=walk(3, 0.01),
        jaw=np.abs(walk(3, 0.02)) * np.array([1, 0, 0], np.float32),
        eyes=walk(6, 0.01),
        eyelids=np.zeros((n_frames, 2), np.float32),
        translation=np.zeros((n_frames, 3), np.float32),
        focal_px=500.0,
        principal_point_px=(0.0, 0.0),
        detail=walk(128, 0.1) if detail else None,
    )
    speech = SpeechFeatures(
        n_frames=n_frames,
        envelope=(number + np.arange(n_frames) / 1000).astype(np.float32),
        f0_hz=np.full(n_frames, 100, np.float32),
        embedding=rng.normal(size=(n_frames, DIM)).astype(np.float32),
        embedding_model=MODEL,
    )
    return motion, speech, f"speaker{number % 2}"


def clips(lengths: list[int], detail: bool = False) -> Iterator[tuple[HeadMotion, SpeechFeatures, str]]:
    for number, n_frames in enumerate(lengths):
        yield clip(number, n_frames, detail)


def silence(n_frames: int = 3) -> SpeechFeatures:
    """Marked by an embedding of -9."""
    quiet = np.zeros(n_frames, np.float32)
    return SpeechFeatures(n_frames, quiet, quiet, np.full((n_frames, DIM), -9, np.float32), MODEL)
