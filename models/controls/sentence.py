"""Sentences to vectors: all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019), mean-pooled unit vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from schemas.arrays import Float32

ASSET: Final = "minilm"
_MAX_TOKENS: Final = 64
_FILES: Final = ("config.json", "model.safetensors", "tokenizer.json")
_UNUSED: Final = ("pooler.", "embeddings.position_ids")


class Embedder(Protocol):
    """Texts to unit vectors; near in meaning is near in direction."""

    def embed(self, texts: Sequence[str]) -> Float32:
        """[N, D] for N texts."""
        ...


class UnreadableSentenceModel(RuntimeError):
    """A folder does not hold the sentence encoder."""


class SentenceEncoder:
    """The asset ``minilm`` in ``folder``: config.json, model.safetensors, tokenizer.json.

    Raises ``UnreadableSentenceModel``.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise _unreadable(folder, f"{', '.join(missing)} missing")
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel  # seconds to import, for those who write a prompt

        try:
            config = BertConfig.from_json_file(folder / "config.json")
            weights = load_file(folder / "model.safetensors")
            self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
            self._model = BertModel(config, add_pooling_layer=False)
            self._model.load_state_dict({k: v for k, v in weights.items() if not k.startswith(_UNUSED)})
            self._model.train(False)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise _unreadable(folder, str(error)) from error
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str]) -> Float32:
        """[N, 384] unit vectors: the mean of the last hidden states over each text's own tokens."""
        import torch

        batch = self._tokenizer.encode_batch(list(texts))
        tokens = torch.tensor([e.ids for e in batch])
        mask = torch.tensor([e.attention_mask for e in batch])
        with torch.inference_mode():
            states = self._model(input_ids=tokens, attention_mask=mask).last_hidden_state
            pooled = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
            unit = torch.nn.functional.normalize(pooled, dim=1)
        return np.asarray(unit.numpy(), np.float32)


def _unreadable(folder: Path, why: str) -> UnreadableSentenceModel:
    return UnreadableSentenceModel(f"{folder}: not the sentence encoder ({why}). Run: xtalker assets pull {ASSET}")
