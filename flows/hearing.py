"""The ear: one speech encoder for the clips of the warehouse, for their copies and for whatever is spoken later.

The warehouse holds Whisper's embedding as it comes, which tells the position in the clip; a motion model is trained on
the steady one (``models.whisper.steady``), so that it hears the twelfth minute like the first second.
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from models.assets import AssetStore
from models.speech_encoder import SpeechEncoder, TransformersEncoder
from models.whisper.states import WhisperEmbedding
from models.whisper.steady import STEADY, SteadyWhisper
from schemas.speech import SpeechFeatures


class Ear(Protocol):
    """Hears sounds, and knows how what the warehouse stored sounds to it."""

    @property
    def encoder(self) -> SpeechEncoder: ...

    def of_stored(self, features: SpeechFeatures) -> SpeechFeatures:
        """The features of a whole clip, as this ear would have heard it."""
        ...


class WhisperEar:
    """Whisper without the trace of position."""

    def __init__(self, folder: Path, layer: int) -> None:
        self.encoder = SteadyWhisper(WhisperEmbedding(folder, layer))

    def of_stored(self, features: SpeechFeatures) -> SpeechFeatures:
        return replace(features, embedding=self.encoder.steady(features.embedding), embedding_model=self.encoder.name)


class TransformersEar:
    """A transformers model; what it hears is stored as it is."""

    def __init__(self, name: str, layer: int) -> None:
        self.encoder = TransformersEncoder(name, layer)

    def of_stored(self, features: SpeechFeatures) -> SpeechFeatures:
        return features


def open_ear(assets: Path, embedding_model: str) -> Ear:
    """The ear for an embedding's name, as the warehouse stores it ("whisper-base:2") or as a model's card says it.

    Raises ``AssetMissing``, ``SpeechModelUnavailable``.
    """
    name, _, layer = embedding_model.removesuffix(STEADY).rpartition(":")
    if name.startswith("whisper-"):
        return WhisperEar(AssetStore(assets).path(name), int(layer))
    return TransformersEar(name, int(layer))
