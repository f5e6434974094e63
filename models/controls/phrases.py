"""What a prompt says in words that need no encoder: where phrases end, how strongly, how fast, and what is denied."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_PROMPT: Final = 2000  # characters
_CLAUSES: Final = re.compile(r"[,;.:!?\n]+|\s+but\s+|\s+-\s+", re.IGNORECASE)
_PARTS: Final = re.compile(r"\s*\b(?:and then|then|and|while|with|as)\b\s*", re.IGNORECASE)
_THEN: Final = re.compile(r"\b(?:then|afterwards|finally)\b", re.IGNORECASE)
_NEGATION: Final = re.compile(
    r"\b(?:no|not|never|without|don'?t|doesn'?t|do not|does not|isn'?t|is not|avoid|stop|less)\b", re.IGNORECASE
)
_POLITE: Final = re.compile(
    r"\b(?:please|i want|i'd like|make|it|him|her|them|he|she|they|the avatar|should|must|be|is|being|very much|"
    r"look|looks|looking|seem|seems|sound|sounds|feel|feels|feeling|at all|any|a|an|the|some)\b",
    re.IGNORECASE,
)

# How much stronger or weaker a word makes what it stands by.
STRENGTH: Final[Mapping[str, float]] = {
    "barely": 0.3,
    "faintly": 0.35,
    "slightly": 0.45,
    "slight": 0.45,
    "subtly": 0.45,
    "subtle": 0.45,
    "a touch": 0.45,
    "a bit": 0.55,
    "a little": 0.55,
    "mildly": 0.55,
    "mild": 0.55,
    "gently": 0.6,
    "gentle": 0.6,
    "softly": 0.6,
    "somewhat": 0.65,
    "moderately": 0.75,
    "fairly": 0.85,
    "rather": 0.9,
    "quite": 0.9,
    "really": 1.3,
    "very": 1.3,
    "deeply": 1.35,
    "strongly": 1.35,
    "super": 1.45,
    "intensely": 1.5,
    "completely": 1.5,
    "utterly": 1.6,
    "extremely": 1.6,
    "incredibly": 1.6,
}
TEMPO: Final[Mapping[str, float]] = {
    "slowly": 0.5,
    "slow": 0.5,
    "gradually": 0.5,
    "leisurely": 0.5,
    "fast": 1.8,
    "quickly": 1.8,
    "quick": 1.8,
    "rapidly": 2.2,
    "rapid": 2.2,
    "swiftly": 1.8,
    "sudden": 2.2,
    "suddenly": 2.2,
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a prompt, what it says besides its meaning, and the words that carry the meaning."""

    text: str  # as written
    meaning: str  # without adverbs, negations and politeness; may be empty
    strength: float  # 1 where nothing is said
    tempo: float | None  # None where nothing is said
    denied: bool
    stage: int  # how many "then" came before it


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece between commas, as one phrase and as its parts, for the reader to choose between."""

    whole: Phrase
    parts: tuple[Phrase, ...]


def clauses_of(prompt: str) -> list[Clause]:
    """The prompt's clauses in order."""
    clauses, stage = [], 0
    for text in filter(None, (piece.strip() for piece in _CLAUSES.split(prompt[:MAX_PROMPT]))):
        first = stage + bool(_THEN.match(text))
        parts, at = [], 0
        for match in (*_PARTS.finditer(text), None):
            piece = text[at : match.start() if match else None].strip()
            if piece:
                stage += bool(_THEN.search(text[max(at - 12, 0) : at])) if at else 0
                parts.append(_phrase(piece, max(stage, first)))
            at = match.end() if match else at
        stage = max(stage, first)
        clauses.append(Clause(_phrase(text, first), tuple(parts)))
    return clauses


def _phrase(text: str, stage: int) -> Phrase:
    meaning, strength = _take(text, STRENGTH)
    meaning, tempo = _take(meaning, TEMPO)
    denied = _NEGATION.search(meaning) is not None
    meaning = _POLITE.sub(" ", _THEN.sub(" ", _NEGATION.sub(" ", meaning)))
    return Phrase(text, " ".join(meaning.split()), 1.0 if strength is None else strength, tempo, denied, stage)


def _take(text: str, words: Mapping[str, float]) -> tuple[str, float | None]:
    """The text without the words of a table, and the value of the last of them."""
    value = None
    for word in words:
        shorter = re.sub(rf"\b{word}\b", " ", text, flags=re.IGNORECASE)
        if shorter != text:
            text, value = shorter, words[word]
    return text, value
