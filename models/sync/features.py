"""What the network sees and hears of a clip of T frames: the mouth of the mean head, and log-mel bands.

The mouth is taken from the fitted head and not from the picture: landmarks on the mean head, free of who speaks and of
where the head points. So recorded, synthetic and generated motion, and any head model, look alike.
"""

from functools import cache
from typing import Final

import numpy as np

from models.head.landmarks import LIPS
from models.head.model import HeadModel
from models.metrics.surface import Surface
from models.whisper.logmel import log_mel
from schemas.arrays import Float32
from schemas.units import SAMPLES_PER_FRAME

VERSION: Final = "1"
_CHIN: Final = (199, 152)
MOUTH: Final = np.array([*LIPS, *_CHIN])  # of MediaPipe's 478
MOUTH_DIM: Final = 3 * len(MOUTH)
N_MELS: Final = 40
MELS_PER_FRAME: Final = 4  # every 10 ms
RANGE_DECADES: Final = 5.0  # of power below the loudest: what is quieter is silence
_MM_PER_UNIT: Final = 3.0  # about a talking lip's standard deviation
_DECADES: Final = 4.0  # a unit of Whisper's log-mel is so many


def mouth_mm(frames: Float32, head: HeadModel) -> Float32:
    """Lips and chin [T, 126] of ``frames`` [T, 58] (``models.avatar.motion``), in mm, head rotation removed."""
    surface = _surface(head)
    corners = surface.positions(frames).reshape(len(frames), len(MOUTH), 3, 3)
    weights = head.landmark_weights[MOUTH]
    return np.asarray((corners * weights[:, :, None]).sum(axis=2).reshape(len(frames), -1), np.float32)


def sound_decades(audio: Float32) -> Float32:
    """Mel bands [4 * T, 40] of ``audio`` [T * 640], log10 of power; band frame ``4 * t`` is centred on the instant at
    which frame ``t`` is shown."""
    n = MELS_PER_FRAME * (len(audio) // SAMPLES_PER_FRAME)
    return np.ascontiguousarray((log_mel(audio, n, N_MELS) * _DECADES - _DECADES).T)


def mouth_input(mouth: Float32) -> Float32:
    """``mouth`` [..., T, 126] in mm about its own mean over time, as the network takes it."""
    return np.asarray((mouth - mouth.mean(axis=-2, keepdims=True)) / _MM_PER_UNIT, np.float32)


def sound_input(decades: Float32) -> Float32:
    """``decades`` [..., 4 * T, 40] about each band's mean over time, so that neither level nor microphone is heard."""
    loudest = decades.max(axis=(-2, -1), keepdims=True)
    held = np.maximum(decades, loudest - RANGE_DECADES)
    return np.asarray(held - held.mean(axis=-2, keepdims=True), np.float32)


@cache
def _surface(head: HeadModel) -> Surface:
    """The corners of the triangles on which the landmarks lie."""
    return Surface.of(head, head.faces[head.landmark_face[MOUTH]].ravel().astype(np.intp))
