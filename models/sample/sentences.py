"""Endless English to say, with its pronunciation: phrases of frequent words, GRID's commands, numbers and spelling.

Sense is not wanted, sounds are: every word and every pair of neighbouring sounds has its chance, function words between
content words keep the rhythm of English, and the pauses fall where punctuation is.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.sample.build_lexicon import FUNCTION_WORDS
from models.sample.script import Line

_WORDS: Final = Path(__file__).parent.parent / "data" / "words.tsv"

# Shares of the kinds of utterance. Prose carries every sound; the rest, what real corpora are made of.
_KINDS: Final = {"prose": 0.72, "command": 0.12, "digits": 0.08, "letters": 0.08}
_COMMAND: Final = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("ABCDEFGHIJKLMNOPQRSTUVXYZ"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)  # the slots of a GRID sentence (Cooke et al., "An audio-visual corpus for speech perception", 2006)
_LETTER_SLOT, _NUMBER_SLOT = 3, 4
_MARKS: Final = {",": 0.6, ";": 0.15, "": 0.25}  # between the phrases of a sentence
_STOPS: Final = {".": 0.75, "?": 0.15, "!": 0.1}
_RARITY: Final = 0.35  # a word of rank r is drawn in proportion to r ** -_RARITY: flat enough to hear them all


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and their pronunciations; ``content`` and ``function`` partition the words, letters apart."""

    ipa: dict[str, str]
    content: tuple[str, ...]
    function: tuple[str, ...]
    chances: tuple[float, ...]  # of each content word


@cache
def load_lexicon() -> Lexicon:
    """The words that ship with the package (``models/data/WORDS.md``), read once per process."""
    ipa = dict(line.split("\t", 1) for line in _WORDS.read_text(encoding="utf-8").splitlines())
    words = [word for word in ipa if not word.isupper()]
    content = tuple(word for word in words if word not in FUNCTION_WORDS)
    weights = np.arange(1, len(content) + 1, dtype=np.float64) ** -_RARITY
    function = tuple(word for word in words if word in FUNCTION_WORDS)
    return Lexicon(ipa, content, function, tuple(weights / weights.sum()))


def random_line(rng: np.random.Generator, lexicon: Lexicon) -> Line:
    """An utterance of one to about five seconds."""
    kind = _draw(rng, _KINDS)
    if kind == "command":
        return _joined([[str(rng.choice(slot)) for slot in _COMMAND]], lexicon, rng)
    if kind == "digits":
        return _joined(_grouped(_COMMAND[_NUMBER_SLOT], rng), lexicon, rng)
    if kind == "letters":
        return _joined(_grouped((*_COMMAND[_LETTER_SLOT], "W"), rng), lexicon, rng)
    return _joined([_phrase(rng, lexicon) for _ in range(rng.integers(1, 4))], lexicon, rng)


def _phrase(rng: np.random.Generator, lexicon: Lexicon) -> list[str]:
    words: list[str] = []
    for content in rng.choice(lexicon.content, rng.integers(1, 5), p=lexicon.chances):
        if rng.random() < 0.65:
            words += [str(w) for w in rng.choice(lexicon.function, rng.integers(1, 3), replace=False)]
        words.append(str(content))
    return words


def _grouped(words: tuple[str, ...], rng: np.random.Generator) -> list[list[str]]:
    return [[str(w) for w in rng.choice(words, rng.integers(2, 5))] for _ in range(rng.integers(1, 4))]


def _joined(phrases: list[list[str]], lexicon: Lexicon, rng: np.random.Generator) -> Line:
    text, ipa = "", ""
    for k, phrase in enumerate(phrases):
        mark = _draw(rng, _STOPS) if k == len(phrases) - 1 else _draw(rng, _MARKS) + " "
        text += " ".join(phrase) + mark
        ipa += " ".join(lexicon.ipa[word] for word in phrase) + mark
    return Line(text, ipa)


def _draw(rng: np.random.Generator, shares: dict[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))
