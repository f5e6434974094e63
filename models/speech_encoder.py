"""Speech embeddings by any model: Whisper's encoder, or a transformers model by name or path.

Everything that turns sound into one vector per 25 fps frame is a ``SpeechEncoder``;
``models.whisper.model.Whisper`` is one, ``TransformersEncoder`` wraps wav2vec 2.0, HuBERT, WavLM and their kin.
"""

from pathlib import Path
from typing import Protocol

import numpy as np

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME


class SpeechModelUnavailable(RuntimeError):
    """A speech model cannot be loaded; the message says how to get it."""


class SpeechEncoder(Protocol):
    """Sound to one vector a frame. ``name`` says model and layer, and is stored with every embedding."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, audio: Float32) -> Float32:
        """``audio`` [T * 640], 16 kHz mono; [T, dim] float32."""
        ...


class TransformersEncoder:
    """A transformers speech model that reads raw 16 kHz sound, hidden states after ``layer`` (0: before the first).

    ``name_or_path`` is a folder or a hub name whose files are already in the local cache: nothing is fetched here, no
    code of the repository is run and only safetensors weights are read. Raises ``SpeechModelUnavailable``.
    """

    def __init__(self, name_or_path: str, layer: int) -> None:
        from transformers import AutoFeatureExtractor, AutoModel  # seconds to import, for those who ask for it

        try:
            options = {"local_files_only": True, "trust_remote_code": False}
            self._extractor = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
                name_or_path, **options
            )
            self._model = AutoModel.from_pretrained(name_or_path, use_safetensors=True, **options).eval()
        except (OSError, ValueError, KeyError) as error:
            raise SpeechModelUnavailable(
                f"cannot load the speech model {name_or_path!r} ({error}). Fetch it once on a connected machine with "
                f"`hf download {name_or_path}`, or give the path of a folder with config.json, "
                "preprocessor_config.json and model.safetensors"
            ) from error
        n_layers = self._model.config.num_hidden_layers
        if not 0 <= layer <= n_layers:
            raise SpeechModelUnavailable(f"{name_or_path!r} has {n_layers} layers, wanted the states after {layer}")
        if self._extractor.sampling_rate != SAMPLE_RATE or self._extractor.model_input_names[0] != "input_values":
            raise SpeechModelUnavailable(f"{name_or_path!r} does not read raw sound at {SAMPLE_RATE} Hz")
        self._layer = layer
        self.name = f"{Path(name_or_path).name}:{layer}"
        self.dim = int(self._model.config.hidden_size)

    def encode(self, audio: Float32) -> Float32:
        """``audio`` [T * 640]; [T, dim]. The model's own frames are resampled linearly to 25 a second."""
        import torch
        import torch.nn.functional as F

        n_frames = audio.size // SAMPLES_PER_FRAME
        inputs = self._extractor(audio, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(inputs.input_values, output_hidden_states=True).hidden_states[self._layer]
            resampled = F.interpolate(states.transpose(1, 2), size=n_frames, mode="linear", align_corners=False)
        return np.ascontiguousarray(resampled[0].T.numpy(), np.float32)
