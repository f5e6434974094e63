"""A talking head for tests of controls: frames of speech, and the voice that goes with them."""

import numpy as np

from models.avatar.motion import EXPRESSION, JAW, MOTION_DIM, ROTATION, eyes_of
from models.head.model import HeadModel
from schemas.arrays import Float32
from schemas.speech import SpeechFeatures

SPEECH_FRAMES = 150


def talking(head: HeadModel, n_frames: int = SPEECH_FRAMES) -> Float32:
    """[T, 58] a mouth that opens, rounds, spreads and closes, a blink, and a head that turns a little."""
    t = np.arange(n_frames) / 25
    frames = np.zeros((n_frames, MOTION_DIM), np.float32)
    opening = np.clip(np.sin(2 * np.pi * 1.7 * t), 0, 1)
    curves = {
        "mouthFunnel": 0.25 * np.clip(np.sin(2 * np.pi * 0.9 * t), 0, 1),
        "mouthRollUpper": 0.3 * (opening == 0),
        "mouthPressLeft": 0.3 * (opening == 0),
        "mouthStretchRight": 0.2 * np.clip(np.cos(2 * np.pi * 0.7 * t), 0, 1),
        "browDownLeft": np.full(n_frames, 0.2),
        "eyeBlinkLeft": np.exp(-0.5 * ((t - 2) / 0.06) ** 2),
        "eyeBlinkRight": np.exp(-0.5 * ((t - 2) / 0.06) ** 2),
    }
    for name, curve in curves.items():
        frames[:, EXPRESSION.start + head.expression_names.index(name)] = curve
    frames[:, JAW.start] = 0.22 * opening
    frames[:, ROTATION] = np.radians([[3.0, 4.0, 2.0]]) * np.sin(2 * np.pi * np.outer(t, [0.7, 0.4, 0.5]))
    return frames


def voice(n_frames: int = SPEECH_FRAMES, silent_from: int | None = None) -> SpeechFeatures:
    """Syllables with an accent on every third, then silence."""
    t = np.arange(n_frames) / 25
    envelope = 0.1 * (0.2 + np.abs(np.sin(2 * np.pi * 1.7 * t)) * (1 + np.cos(2 * np.pi * t / 1.5)))
    f0_hz = 120 + 30 * np.cos(2 * np.pi * t / 1.5)
    if silent_from is not None:
        envelope[silent_from:] = f0_hz[silent_from:] = 0
    embedding = np.zeros((n_frames, 1), np.float32)
    return SpeechFeatures(n_frames, envelope.astype(np.float32), f0_hz.astype(np.float32), embedding, "none")


def vertices_of(head: HeadModel, frames: Float32, with_pose: bool = False) -> Float32:
    """[T, V, 3] the mean person in these frames."""
    still = np.zeros((len(frames), 3), np.float32)
    return head.vertices(
        np.zeros(100, np.float32),
        np.ascontiguousarray(frames[:, EXPRESSION]),
        np.ascontiguousarray(frames[:, ROTATION]) if with_pose else still,
        np.ascontiguousarray(frames[:, JAW]),
        eyes_of(frames),
        still,
    )
