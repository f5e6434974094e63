"""Tokens to words, and the decoder's attention to word times (OpenAI, ``whisper/timing.py``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from schemas.speech import Word

_POSITIONS_PER_SECOND: Final = 50
_UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})  # written without spaces between words
_INCOMPLETE: Final = "\ufffd"  # a token may hold part of a character


class Decodes(Protocol):
    def decode(self, ids: list[int]) -> str: ...


@dataclass(frozen=True, slots=True)
class TokenWord:
    text: str  # with its leading space, where it has one
    n_tokens: int


def split_words(tokens: Sequence[int], language: str, tokenizer: Decodes) -> list[TokenWord]:
    """Group ``tokens`` into words: at spaces, or at characters in languages written without them. Punctuation
    belongs to the word before it."""
    words: list[TokenWord] = []
    pending: list[int] = []
    for token in tokens:
        pending.append(token)
        text = tokenizer.decode(pending)
        if text.endswith(_INCOMPLETE):
            continue
        opens = not words or (any(c.isalnum() for c in text) if language in _UNSPACED else text.startswith(" "))
        if opens:
            words.append(TokenWord(text, len(pending)))
        else:
            words[-1] = TokenWord(words[-1].text + text, words[-1].n_tokens + len(pending))
        pending = []
    return words


def timed_words(
    words: Sequence[TokenWord],
    alignments: Sequence[tuple[int, int]],
    token_probabilities: Sequence[float],
    duration_s: float,
) -> tuple[Word, ...]:
    """Words with times from ``alignments``, the monotone path of (token, encoder position) pairs."""
    if not words or not alignments:
        return ()
    path = np.asarray(alignments, np.int64)
    opens = np.concatenate([[True], np.diff(path[:, 0]) > 0])
    token_start_s = path[opens, 1] / _POSITIONS_PER_SECOND
    bounds = np.cumsum([0, *(w.n_tokens for w in words)])
    times = np.append(token_start_s, duration_s)[np.minimum(bounds, len(token_start_s))]
    times = np.minimum(times, duration_s)
    probability = np.asarray(token_probabilities, np.float64)
    return tuple(
        Word(
            word.text.strip(),
            float(times[i]),
            float(times[i + 1]),
            float(probability[bounds[i] : bounds[i + 1]].mean()),
        )
        for i, word in enumerate(words)
    )
