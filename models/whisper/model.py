"""Whisper as the speech stage uses it: one encoder pass for embedding, language and words."""

from dataclasses import dataclass
from pathlib import Path

from models.whisper.states import WhisperStates
from models.whisper.transcriber import Transcriber
from schemas.arrays import Float32
from schemas.speech import Word


@dataclass(frozen=True, slots=True)
class Heard:
    """What Whisper made of a clip of T frames."""

    embedding: Float32  # [T, D]
    language: str  # ISO 639-1, the likeliest
    language_probability: float
    transcript: str
    words: tuple[Word, ...]


class Whisper:
    """Encoder and decoder of one model folder, warm. Also a ``SpeechEncoder`` by its encoder alone.

    ``folder`` is a multilingual model in CTranslate2's format. Raises ``InvalidWhisperModel``.
    """

    def __init__(self, folder: Path, embedding_layer: int = 2) -> None:
        self._states = WhisperStates(folder, embedding_layer)
        self._transcriber = Transcriber(folder)
        self.name = self._states.name
        self.dim = self._states.dim

    def encode(self, audio: Float32) -> Float32:
        """The embedding of ``audio`` [T * 640], T <= 750; [T, D]. Raises ``ClipTooLong``."""
        return self._states.encode(audio)

    def hear(self, audio: Float32) -> Heard:
        """Everything about ``audio`` [T * 640], T <= 750, in one pass. Raises ``ClipTooLong``."""
        states = self._states.hear(audio)
        language, probability = self._transcriber.language(states)
        transcript = self._transcriber.transcribe(states, language)
        return Heard(states.embedding, language, probability, transcript.text, transcript.words)
