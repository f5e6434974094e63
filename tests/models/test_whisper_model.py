"""Whisper with its real weights on real speech: GRID's file names say what was said."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.assets import AssetMissing, AssetStore
from models.whisper.model import Whisper
from schemas.units import SAMPLE_RATE
from tests.builders import real_clip
from tests.models.sounds import sound_of

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def whisper() -> Iterator[Whisper]:
    root = Path(os.environ.get("XTALKER_ASSETS", "~/.cache/xtalker/assets")).expanduser()
    try:
        yield Whisper(AssetStore(root).path("whisper-base"))
    except AssetMissing as error:
        pytest.skip(str(error))


def test_sentence_language_and_word_times(whisper: Whisper) -> None:
    audio = sound_of(real_clip("talking/hdtf_aoc.mp4"))
    heard = whisper.hear(audio)
    assert heard.language == "en"
    assert heard.language_probability > 0.9
    assert "better, more just future for our country and our world" in heard.transcript
    assert " ".join(word.text for word in heard.words) == heard.transcript
    assert heard.embedding.shape == (200, 512)
    assert whisper.name == "whisper-base:2"
    for word, following in pairwise(heard.words):
        assert 0 <= word.start_s <= word.end_s <= following.start_s <= audio.size / SAMPLE_RATE
        assert 0 < word.probability <= 1
    future = next(w for w in heard.words if w.text == "future")
    assert 3.5 < future.start_s < 4.1


def test_a_three_second_command_ends_where_it_ends(whisper: Whisper) -> None:
    heard = whisper.hear(sound_of(real_clip("talking/grid_f_a_brbk7n.mpg")))
    assert heard.transcript.lower().split()[-3:] == ["by", "k7", "now."]
    assert heard.language == "en"


def test_same_clip_same_answer(whisper: Whisper) -> None:
    audio = sound_of(real_clip("talking/hdtf_radio10.mp4"))
    first, second = whisper.hear(audio), whisper.hear(audio)
    assert (first.transcript, first.words) == (second.transcript, second.words)
    assert np.array_equal(first.embedding, second.embedding)
    assert np.array_equal(whisper.encode(audio), first.embedding)


def test_loops_are_not_a_transcript(whisper: Whisper) -> None:
    assert whisper.hear(sound_of(real_clip("bad/silent_film_music_only.mp4"))).transcript == ""
