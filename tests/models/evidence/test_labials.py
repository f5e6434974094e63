"""Where in a word the lips must meet."""

import numpy as np
import pytest

from models.evidence.labials import closure_rank, labial_frames, labial_shares
from schemas.speech import Word


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        (" place", "en", 1),
        ("P", "en", 1),
        ("M.", "en", 1),
        ("photograph", "en", 0),
        ("bubble", "en", 2),
        ("Möppel", "de", 2),
        ("again", "en", 0),
        ("...", "en", 0),
        ("мама", "ru", 0),
    ],
)
def test_every_p_b_and_m_is_found(text: str, language: str, count: int) -> None:
    shares = labial_shares(text, language)
    assert len(shares) == count
    assert all(0 < share < 1 for share in shares)
    assert list(shares) == sorted(shares)


def test_a_sound_stands_where_it_is_said() -> None:
    first, last = labial_shares("bin", "en"), labial_shares("him", "en")
    assert first[0] < 0.25
    assert last[0] > 0.75
    words = (Word(" bin", 0.4, 0.6, 1.0), Word(" him", 1.0, 9.0, 1.0))
    assert labial_frames(words, "en", 50) == (10, 49)


def test_the_rank_of_chance_is_a_half_and_of_a_shut_mouth_none_at_all() -> None:
    rng = np.random.default_rng(0)
    gap, speaking = rng.uniform(1, 10, 500).astype(np.float32), np.ones(500, np.bool_)
    chance = closure_rank(gap, rng.integers(0, 500, 200).tolist(), speaking, 3)
    assert chance == pytest.approx(0.5, abs=0.06)
    gap[100:103] = 0
    assert closure_rank(gap, [101] * 3, speaking, 3) == pytest.approx(0, abs=0.02)
    assert closure_rank(gap, [101], speaking, 3) is None
    assert closure_rank(gap, [101] * 3, np.zeros(500, np.bool_), 3) is None
