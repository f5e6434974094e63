"""Emotion in a voice by a transformers model of the user's own, by name or path: whatever labels it was trained on."""

from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError

from models.speech_encoder import SpeechModelUnavailable
from schemas.arrays import Float32
from schemas.cues import VoiceEmotion
from schemas.units import SAMPLE_RATE

_EXCLUSIVE: Final = {None: True, "single_label_classification": True, "multi_label_classification": False}


class TransformersEmotion:
    """An ``AutoModelForAudioClassification`` (wav2vec 2.0, HuBERT, WavLM, data2vec, Whisper ... with a trained head).

    ``name_or_path`` is a folder or a hub name whose files are already in the local cache: nothing is fetched here, no
    code of the repository is run and only safetensors weights are read. Raises ``SpeechModelUnavailable``.
    """

    def __init__(self, name_or_path: str) -> None:
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification  # seconds to import

        try:
            options = {"local_files_only": True, "trust_remote_code": False}
            self._extractor = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
                name_or_path, **options
            )
            model, found = AutoModelForAudioClassification.from_pretrained(
                name_or_path, use_safetensors=True, output_loading_info=True, **options
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise SpeechModelUnavailable(
                f"cannot load the emotion model {name_or_path!r} ({error}). Fetch it once on a connected machine with "
                f"`hf download {name_or_path}`, under a licence that suits you, or give the path of a folder with "
                "config.json, preprocessor_config.json and model.safetensors"
            ) from error
        if found["missing_keys"]:
            missing = ", ".join(sorted(found["missing_keys"])[:3])
            raise SpeechModelUnavailable(f"{name_or_path!r} was not trained to classify: it lacks {missing}")
        if model.config.problem_type not in _EXCLUSIVE:
            raise SpeechModelUnavailable(f"{name_or_path!r} gives no labels but a {model.config.problem_type}")
        if self._extractor.sampling_rate != SAMPLE_RATE:
            raise SpeechModelUnavailable(f"{name_or_path!r} does not read sound at {SAMPLE_RATE} Hz")
        self._model = model.eval()
        self._exclusive = _EXCLUSIVE[model.config.problem_type]
        self.name = Path(name_or_path).name
        self.labels = tuple(str(model.config.id2label[k]) for k in range(model.config.num_labels))

    def classify(self, audio: Float32) -> VoiceEmotion:
        """Of ``audio`` [S], 16 kHz mono."""
        import torch

        inputs = self._extractor(audio, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0].float()
        probabilities = logits.softmax(0) if self._exclusive else logits.sigmoid()
        return VoiceEmotion(self.name, self.labels, np.asarray(probabilities.numpy(), np.float32))
