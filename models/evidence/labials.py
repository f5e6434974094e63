"""When the lips must meet: at every p, b and m of a transcript with word times.

A word's sounds share its time in proportion: consonants 1, vowels ``_VOWEL``. English words of the shipped lexicon
(``models/data/WORDS.md``) are read in its IPA, all others as they are spelled, which for p, b and m holds in most
languages of the Latin alphabet.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.sample.sentences import load_lexicon
from schemas.arrays import Bool, Float32
from schemas.speech import Word
from schemas.units import FRAME_RATE

_SOUND: Final = re.compile(r"tʃ|dʒ|[aeoɔ][ʊɪ]|[^ˈˌː]ː?")
_LETTER: Final = re.compile(r"ph|(.)\1*")  # one sound each
_IPA_VOWELS: Final = frozenset("aeiouæɐɑɒɔəɚɛɜɪʊʌᵻ")
_SPELLED_VOWELS: Final = frozenset("aeiouyäöüéèêàáíóúâîôûåæø")
_VOWEL: Final = 1.6
_LABIALS: Final = frozenset("pbm")
_REACH_FRAMES: Final = 2  # a recogniser's word times, shared out among sounds, are no better


def labial_frames(words: Sequence[Word], language: str, n_frames: int) -> tuple[int, ...]:
    """The frame in which each p, b or m of ``words`` is expected, in order, each below ``n_frames``."""
    return tuple(
        min(int((word.start_s + share * (word.end_s - word.start_s)) * FRAME_RATE), n_frames - 1)
        for word in words
        for share in labial_shares(word.text, language)
    )


def labial_shares(text: str, language: str) -> tuple[float, ...]:
    """How far into the word ``text`` each of its p, b and m stands, 0 at its beginning and 1 at its end."""
    bare = "".join(c for c in text if c.isalnum())
    known = load_lexicon().ipa if language == "en" else {}
    ipa = known.get(bare.lower()) or known.get(bare.upper() if len(bare) == 1 else "")
    if ipa is not None:
        sounds = [match[0] for match in _SOUND.finditer(ipa)]
        return tuple(_shares(sounds, _IPA_VOWELS))
    return tuple(_shares([match[0] for match in _LETTER.finditer(bare.lower())], _SPELLED_VOWELS))


def _shares(sounds: Sequence[str], vowels: frozenset[str]) -> Iterator[float]:
    lengths = np.array([_VOWEL if sound[0] in vowels else 1.0 for sound in sounds])
    middles = np.cumsum(lengths) - lengths / 2
    for sound, middle in zip(sounds, middles, strict=True):
        if sound[0] in _LABIALS and sound != "ph":
            yield float(middle / lengths.sum())


def closure_rank(gap: Float32, moments: Sequence[int], speaking: Bool, least_moments: int) -> float | None:
    """How open the lips are where they should meet: the mean over ``moments`` of the share of ``speaking`` [T] frames
    about which the lips come nearer than about the moment, by their distance ``gap`` [T].

    "About" is within two frames either way, for both, so that chance is 0.5; 0 is as closed as the clip ever gets.
    None where there are fewer than ``least_moments``, or too little else to compare with.
    """
    if len(moments) < max(least_moments, 1) or speaking.sum() <= 2 * _REACH_FRAMES + 1:
        return None
    padded = np.pad(gap, _REACH_FRAMES, mode="edge")
    nearest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH_FRAMES + 1).min(1)
    others = nearest[speaking]
    at = nearest[list(moments), None]
    return float(((others < at) + 0.5 * (others == at)).mean())
