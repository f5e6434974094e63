"""Whisper's embedding without the trace of where in the window a sound lay.

Whisper adds an absolute position to what it hears, and after an early layer a sound's embedding still tells the
position more than the sound: moved by 10 s, it changes by 1.1 times what speech changes it by. What learnt from clips
of 3 s cannot hear the 12th second (a ridge regression of the face then has seven times the error), and windows of a
long sound do not fit together. The trace is nearly a summand: taking away what a steady sound leaves at the same place
removes 6/7 of it, and nearly all of that error.
"""

from typing import Final

import numpy as np

from models.whisper.logmel import PEAK
from models.whisper.states import WhisperEmbedding
from schemas.arrays import Float32

STEADY: Final = " steady"  # ends the name of such an embedding
_STEADY_LEVEL: Final = PEAK - 1.0  # the middle of the range: a hum, as loud in every band
_TYPICAL_FRAMES: Final = 125  # clips are mostly this long: the trace left in is the mean over their positions


class SteadyWhisper:
    """A ``SpeechEncoder`` whose embedding of a sound does not depend on when in ``audio`` it comes.

    It lives in the same space as that of ``states``: a position's trace is replaced by the mean trace.
    """

    def __init__(self, states: WhisperEmbedding) -> None:
        self._states = states
        self.name = f"{states.name}{STEADY}"
        self.dim = states.dim
        response = states.encode_steady_sound(_STEADY_LEVEL)
        self._trace = response - response[:_TYPICAL_FRAMES].mean(axis=0)

    def encode(self, audio: Float32) -> Float32:
        """The embedding of ``audio`` [T * 640], T <= 750; [T, D]. Raises ``ClipTooLong``."""
        return self.steady(self._states.encode(audio))

    def encode_at(self, audio: Float32, peak: float) -> Float32:
        """As ``encode``, of ``audio`` that is a part of a sound whose loudest log-mel value is ``peak``."""
        return self.steady(self._states.encode(audio, peak))

    def peak(self, audio: Float32) -> float:
        """The loudest log-mel value in ``audio`` [S]; a tenth of it is 4 dB."""
        return self._states.peak(audio)

    def steady(self, embedding: Float32) -> Float32:
        """A clip's ``embedding`` [T, D] as ``WhisperEmbedding`` and the warehouse give it, without the trace."""
        return np.asarray(embedding - self._trace[: len(embedding)], np.float32)
