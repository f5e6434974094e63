"""Which language, which words, and when: Whisper's decoder, run by CTranslate2 in int8 on the encoder's states."""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ctranslate2
from tokenizers import Tokenizer

from models.whisper.checkpoint import InvalidWhisperModel
from models.whisper.states import ClipStates
from models.whisper.words import split_words, timed_words
from schemas.speech import Word
from schemas.units import frames_to_seconds

_ISO_639_1: Final = {"jw": "jv"}  # where Whisper's own code is an old one
_TOKENS_PER_SECOND: Final = 15  # beyond the fastest speech: a bound on a loop's cost
_MAX_TOKENS: Final = 448  # the decoder's positions
# OpenAI's ``transcribe.py``: text that compresses better is a loop, and text this unlikely over what may be no speech
# is invented.
_MAX_COMPRESSION: Final = 2.4
_MAX_NO_SPEECH: Final = 0.6
_MIN_LOG_PROBABILITY: Final = -1.0


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    words: tuple[Word, ...]


class Transcriber:
    """The decoder from a CTranslate2 folder (``model.bin``, ``config.json``, ``tokenizer.json``, ``vocabulary.json``).

    Greedy and single-threaded, so the same clip always gives the same text. Raises ``InvalidWhisperModel``.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise bare exceptions
            raise InvalidWhisperModel(f"{folder}: {error}; fetch it again with `xtalker assets pull`") from error
        self._start = self._token("<|startoftranscript|>")
        self._transcribe = self._token("<|transcribe|>")
        self._no_timestamps = self._token("<|notimestamps|>")
        self._end = self._token("<|endoftext|>")

    def language(self, states: ClipStates) -> tuple[str, float]:
        """The likeliest of Whisper's 99 languages, as ISO 639, and its probability."""
        token, probability = self._model.detect_language(_view(states))[0][0]
        code = token.strip("<|>")
        return _ISO_639_1.get(code, code), float(probability)

    def transcribe(self, states: ClipStates, language: str) -> Transcript:
        """The text spoken in ``language`` and its words' times; empty where the decoder loops or invents."""
        spoken = next((old for old, new in _ISO_639_1.items() if new == language), language)
        prompt = [self._start, self._token(f"<|{spoken}|>"), self._transcribe, self._no_timestamps]
        duration_s = frames_to_seconds(states.n_frames)
        view = _view(states)
        result = self._model.generate(
            view,
            [prompt],
            beam_size=1,
            max_length=min(_MAX_TOKENS, len(prompt) + math.ceil(8 + duration_s * _TOKENS_PER_SECOND)),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < self._end]
        text = self._tokenizer.decode(tokens).strip()
        invented = result.no_speech_prob > _MAX_NO_SPEECH and result.scores[0] < _MIN_LOG_PROBABILITY
        if not text or invented or compression_ratio(text) > _MAX_COMPRESSION:
            return Transcript("", ())
        # ``num_frames`` counts hops of 10 ms, two to a position.
        alignment = self._model.align(view, prompt[:3], [tokens], 4 * states.n_frames)[0]
        words = split_words(tokens, spoken, self._tokenizer)
        return Transcript(text, timed_words(words, alignment.alignments, alignment.text_token_probs, duration_s))

    def _token(self, text: str) -> int:
        token = self._tokenizer.token_to_id(text)
        if token is None:
            raise InvalidWhisperModel(f"the tokenizer has no {text}; is the model multilingual?")
        return int(token)


def compression_ratio(text: str) -> float:
    """Length over compressed length in bytes: high when a text repeats itself."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))


def _view(states: ClipStates) -> "ctranslate2.StorageView":
    return ctranslate2.StorageView.from_array(states.final)
