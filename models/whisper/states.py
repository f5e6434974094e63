"""A clip's sound through Whisper's encoder: an embedding per video frame, and the states the decoder reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.whisper.checkpoint import InvalidWhisperModel, read_checkpoint
from models.whisper.encoder import MAX_POSITIONS, Silence, WhisperEncoder, encoder_from_checkpoint
from models.whisper.logmel import QUIETEST_PEAK, SILENCE, levelled_log_mel, log_mel_peak
from schemas.arrays import Float32
from schemas.units import SAMPLES_PER_FRAME

MAX_FRAMES: Final = MAX_POSITIONS // 2  # 30 s, one window
POSITIONS_PER_FRAME: Final = 2  # Whisper's 50 positions a second at 25 frames a second
EARLY_LAYER: Final = 2
_TAIL_POSITIONS: Final = 25  # silence encoded behind the clip, so that its end is heard to end
_SILENT_STATES: Final = 100  # states of silence given to the decoder behind that
_SIZES: Final = {384: "tiny", 512: "base", 768: "small", 1024: "medium", 1280: "large"}


class ClipTooLong(ValueError):
    """A clip is longer than Whisper's window of 30 s."""


@dataclass(frozen=True, slots=True)
class ClipStates:
    """One encoder pass over a clip of T frames."""

    n_frames: int
    embedding: Float32  # [T, D] of the tapped layer
    final: Float32  # [1, P, D] for the decoder: the clip, then silence; P >= 2 T


class WhisperEmbedding:
    """Whisper's first layers with their weights from a CTranslate2 folder (``model.bin``). A ``SpeechEncoder``.

    The embedding is taken after layer ``layer`` (0: before the first), two positions averaged to a frame. The default
    is an early layer: on lip motion it did better than later ones. Raises ``InvalidWhisperModel``.
    """

    def __init__(self, folder: Path, layer: int = EARLY_LAYER) -> None:
        self._open(folder, layer, depth=layer)

    def _open(self, folder: Path, layer: int, depth: int | None) -> None:
        self._encoder: WhisperEncoder = encoder_from_checkpoint(read_checkpoint(folder / "model.bin"), depth)
        if not 0 <= layer <= len(self._encoder.layers):
            raise InvalidWhisperModel(f"{folder}: has {len(self._encoder.layers)} layers, wanted the states of {layer}")
        self._layer = layer
        self._silence: Silence = self._encoder.hear_silence(SILENCE)
        self.dim = self._encoder.dim
        self.name = f"whisper-{_SIZES.get(self.dim, self.dim)}:{layer}"

    def encode(self, audio: Float32, peak: float = QUIETEST_PEAK) -> Float32:
        """The embedding alone, of ``audio`` [T * 640]; [T, D].

        ``peak`` is the loudest log-mel value of the sound that ``audio`` is a part of, where there is a louder one.
        """
        n_frames, mel = self._mel(audio, peak)
        with torch.inference_mode():
            return self._embedding(self._encoder(mel, self._silence, self._layer)[-1], n_frames)

    def peak(self, audio: Float32) -> float:
        """The loudest log-mel value of ``audio`` [S]; a tenth of it is 4 dB."""
        return log_mel_peak(audio, self._encoder.n_mels)

    def encode_steady_sound(self, level: float) -> Float32:
        """The embedding [750, D] of a whole window of constant log-mel ``level``."""
        mel = torch.full((1, self._encoder.n_mels, 2 * MAX_POSITIONS), level)
        with torch.inference_mode():
            return self._embedding(self._encoder(mel, None, self._layer)[-1], MAX_FRAMES)

    def _mel(self, audio: Float32, peak: float = QUIETEST_PEAK) -> tuple[int, Tensor]:
        n_frames, rest = divmod(audio.size, SAMPLES_PER_FRAME)
        if rest or not 0 < n_frames <= MAX_FRAMES:
            raise ClipTooLong(f"got {audio.size} samples, wanted 1 to {MAX_FRAMES} whole frames of {SAMPLES_PER_FRAME}")
        n_positions = min(n_frames * POSITIONS_PER_FRAME + _TAIL_POSITIONS, MAX_POSITIONS)
        mel = levelled_log_mel(audio, 2 * n_positions, self._encoder.n_mels, peak)
        return n_frames, torch.from_numpy(mel)[None]

    def _embedding(self, states: Tensor, n_frames: int) -> Float32:
        own = states[0, : n_frames * POSITIONS_PER_FRAME]
        pooled = own.view(n_frames, POSITIONS_PER_FRAME, self.dim).mean(dim=1)
        return np.ascontiguousarray(pooled.numpy(), np.float32)


class WhisperStates(WhisperEmbedding):
    """All of the encoder: the embedding, and the states the decoder reads. Raises ``InvalidWhisperModel``."""

    def __init__(self, folder: Path, layer: int = EARLY_LAYER) -> None:
        self._open(folder, layer, depth=None)

    def hear(self, audio: Float32) -> ClipStates:
        """Embedding and decoder states of ``audio`` [T * 640] in one pass."""
        n_frames, mel = self._mel(audio)
        with torch.inference_mode():
            states = self._encoder(mel, self._silence)
            end = states[-1].shape[1]
            silent = self._silence.states[:, end : end + _SILENT_STATES]
            final = torch.cat([self._encoder.norm(states[-1]), silent], dim=1).numpy()
        return ClipStates(n_frames, self._embedding(states[self._layer], n_frames), final)
