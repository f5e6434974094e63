from collections.abc import Sequence

import pytest

from models.whisper.transcriber import compression_ratio
from models.whisper.words import TokenWord, split_words, timed_words


class Pieces:
    """A tokenizer whose tokens are indices into byte strings."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.pieces[i] for i in ids).decode(errors="replace")


def test_words_split_at_spaces_and_keep_their_punctuation() -> None:
    pieces = Pieces(b" more", b" ju", b"st", b",", b" futur", "é".encode()[:1], "é".encode()[1:], b".")
    assert split_words(range(8), "fr", pieces) == [
        TokenWord(" more", 1),
        TokenWord(" just,", 3),
        TokenWord(" futuré.", 4),
    ]


def test_unspaced_languages_split_at_characters() -> None:
    sun = "天".encode()
    pieces = Pieces("今".encode(), sun[:2], sun[2:], "。".encode())
    assert split_words(range(4), "ja", pieces) == [TokenWord("今", 1), TokenWord("天。", 3)]


def test_times_follow_the_path() -> None:
    words = [TokenWord(" one", 2), TokenWord(" two", 1)]
    path = [(0, 0), (0, 10), (1, 20), (2, 50), (2, 60), (3, 80)]  # three tokens, then the end
    first, second = timed_words(words, path, [0.2, 0.4, 0.9], 2.0)
    assert (first.text, first.start_s, first.end_s, first.probability) == ("one", 0.0, 1.0, pytest.approx(0.3))
    assert (second.text, second.start_s, second.end_s, second.probability) == ("two", 1.0, 1.6, pytest.approx(0.9))


def test_times_stay_inside_the_clip() -> None:
    words = timed_words([TokenWord("a", 1), TokenWord(" b", 1)], [(0, 0), (1, 90)], [1.0, 1.0], 1.0)
    assert [(w.start_s, w.end_s) for w in words] == [(0.0, 1.0), (1.0, 1.0)]
    assert timed_words([], [], [], 1.0) == ()


def test_loops_compress() -> None:
    assert compression_ratio("I'm not a bad guy, " * 8) > 2.4
    assert compression_ratio("speak with you about the battle we're waging against an oil spill") < 2.4
