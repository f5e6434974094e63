"""Where speech is: Silero VAD over windows of 32 ms.

The weights are the ``silero-vad`` package's ``silero_vad_16k_sequence.onnx`` (MIT): the streaming model with its
recurrence inside the graph, so that a whole clip is one call.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from schemas.arrays import Bool, Float32
from schemas.units import SAMPLES_PER_FRAME

WINDOW_SAMPLES: Final = 512
_CONTEXT_SAMPLES: Final = 64  # the model also sees the end of the window before
_BLOCK_WINDOWS: Final = 4096  # two minutes a call: bounds the memory of a long source


class SileroVad:
    """A warm session of the network. Raises onnxruntime's error if ``model`` is not the sequence model."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def speech_probability(self, audio: Float32) -> Float32:
        """Probability of speech in each window of ``audio`` [S]; [ceil(S / 512)], the last window zero-padded."""
        n_windows = -(-audio.size // WINDOW_SAMPLES)
        if n_windows == 0:
            return np.zeros(0, np.float32)
        samples = np.zeros(_CONTEXT_SAMPLES + n_windows * WINDOW_SAMPLES, np.float32)
        samples[_CONTEXT_SAMPLES : _CONTEXT_SAMPLES + audio.size] = audio
        windows = np.lib.stride_tricks.sliding_window_view(samples, _CONTEXT_SAMPLES + WINDOW_SAMPLES)[::WINDOW_SAMPLES]
        hidden = cell = np.zeros((1, 1, 128), np.float32)
        blocks = []
        for start in range(0, n_windows, _BLOCK_WINDOWS):
            block = np.ascontiguousarray(windows[start : start + _BLOCK_WINDOWS])
            values, hidden, cell = self._session.run(
                ["speech_probs", "hn", "cn"], {"input": block, "h": hidden, "c": cell}
            )
            blocks.append(values.reshape(-1))
        return np.concatenate(blocks)


def probability_per_frame(probability: Float32, n_frames: int) -> Float32:
    """Speech probability at each 25 fps frame: that of the window heard at the frame's centre; [n_frames]."""
    if probability.size == 0:
        return np.zeros(n_frames, np.float32)
    centres = np.arange(n_frames) * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2
    return probability[np.minimum(centres // WINDOW_SAMPLES, probability.size - 1)]


def speech_windows(
    probability: Float32,
    onset: float = 0.5,
    offset: float = 0.35,
    min_speech_ms: int = 250,
    min_silence_ms: int = 100,
) -> Bool:
    """Which windows are speech; [W]. Silero's own rule: speech opens at ``onset``, closes when the probability stays
    below ``offset`` for ``min_silence_ms``, and counts if it lasts ``min_speech_ms``."""
    window_ms = WINDOW_SAMPLES / 16
    may_be_speech = probability >= offset
    for start, stop in _runs(~may_be_speech):
        inside = start > 0 and stop < probability.size
        if inside and (stop - start) * window_ms < min_silence_ms:
            may_be_speech[start:stop] = True
    speech = np.zeros(probability.size, np.bool_)
    for start, stop in _runs(may_be_speech):
        opened = np.flatnonzero(probability[start:stop] >= onset)
        if opened.size and (stop - start - opened[0]) * window_ms >= min_speech_ms:
            speech[start + opened[0] : stop] = True
    return speech


def _runs(mask: Bool) -> list[tuple[int, int]]:
    """The half-open spans in which ``mask`` [W] holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
