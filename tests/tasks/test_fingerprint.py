from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from schemas.arrays import Float32, UInt32
from tasks.fingerprint import HOP_S, NOTHING, DuplicateConfig, bit_error_rate, find_duplicates, fingerprint
from tests.builders import real_clip, speech_like, tone, write_media
from tests.models.sounds import sound_of

CONFIG = DuplicateConfig()


def voice(seed: int, seconds: float = 6.0) -> Float32:
    """Speech-like sound whose pitch and colour wander at random: two seeds share nothing."""
    rng = np.random.default_rng(seed)
    n = int(seconds * 16_000)
    knots = np.linspace(0, n, int(seconds * 6))
    hz = np.interp(np.arange(n), knots, rng.uniform(90, 250, knots.size))
    phase = 2 * np.pi * np.cumsum(hz) / 16_000
    gains = rng.uniform(0, 1, (14, knots.size))
    parts = [np.interp(np.arange(n), knots, gain) * np.sin(k * phase) for k, gain in enumerate(gains, start=1)]
    return (0.03 * np.sum(parts, axis=0)).astype(np.float32)


def test_a_word_every_hop() -> None:
    assert fingerprint(voice(0)).dtype == np.uint32
    assert fingerprint(voice(0)).size * HOP_S == pytest.approx(6.0 - 0.4, abs=0.05)
    assert fingerprint(voice(0, 0.3)).size == 0
    assert fingerprint(np.zeros(0, np.float32)).size == 0


def test_a_softer_later_copy_matches_at_its_offset() -> None:
    whole = voice(0)
    later = 0.3 * whole[20_000:]
    [match] = find_duplicates({"copy": fingerprint(later)}, {"whole": fingerprint(whole)}, CONFIG)
    assert (match.name, match.other) == ("copy", "whole")
    assert match.offset_s == pytest.approx(-20_000 / 16_000, abs=HOP_S)
    assert match.bit_error_rate < 0.1
    assert match.overlap_s == pytest.approx(4.4, abs=0.3)


def test_a_copy_encoded_again_with_noise_matches(tmp_path: Path) -> None:
    whole = voice(1)
    noisy = whole + 0.003 * np.random.default_rng(0).standard_normal(whole.size).astype(np.float32)
    coded = sound_of(write_media(tmp_path / "copy.mp4", sound=noisy, sound_rate=16_000))
    [match] = find_duplicates({"copy": fingerprint(coded)}, {"whole": fingerprint(whole)}, CONFIG)
    assert match.bit_error_rate < 0.2


def test_different_voices_do_not_match() -> None:
    prints = {str(seed): fingerprint(voice(seed)) for seed in range(20)}
    assert find_duplicates(prints, {}, CONFIG) == []


def test_silence_and_steady_sounds_match_nothing() -> None:
    still = {
        "silence": np.zeros(64_000, np.float32),
        "faint": 1e-6 * np.random.default_rng(0).standard_normal(64_000).astype(np.float32),
        "tone": tone(4.0, rate=16_000),
        "same tone": tone(4.0, rate=16_000),
        "chord": tone(4.0, 500, rate=16_000) + tone(4.0, 750, rate=16_000),
    }
    prints = {name: fingerprint(sound) for name, sound in still.items()}
    for name, words in prints.items():
        assert np.mean(words == NOTHING) > 0.9, name
    assert find_duplicates(prints, {"voice": fingerprint(voice(0))}, CONFIG) == []


def test_noises_do_not_match_each_other() -> None:
    rng = np.random.default_rng(0)
    prints = {str(k): fingerprint(rng.standard_normal(64_000).astype(np.float32)) for k in range(10)}
    assert find_duplicates(prints, {}, CONFIG) == []


def test_error_rate_counts_bits_where_both_tell() -> None:
    a = np.array([1, 2, 3, NOTHING, 5], np.uint32)
    b = np.array([2, 3 ^ 1, 9, 5], np.uint32)
    assert bit_error_rate(a, b, 1) == (1 / 96, 3)
    assert bit_error_rate(a, b, 100) == (0.5, 0)


def test_every_pair_is_told_best_first_and_names_in_both_once() -> None:
    whole = voice(2)
    known: dict[str, UInt32] = {"old": fingerprint(whole)}
    new = {"same": fingerprint(whole), "soft": fingerprint(whole[9_321:] * 0.5), "old": known["old"]}
    matches = find_duplicates(new, known, CONFIG)
    assert {(m.name, m.other) for m in matches} == {("soft", "same"), ("old", "same"), ("old", "soft")}
    assert [m.other for m in matches if m.name == "old"] == ["same", "soft"]
    assert find_duplicates({}, {}, CONFIG) == []


def test_a_short_overlap_proves_nothing() -> None:
    whole = voice(3)
    short = fingerprint(whole[-19_000:])
    assert find_duplicates({"a": short}, {"b": fingerprint(whole)}, CONFIG) == []


@pytest.mark.real_data
def test_the_same_address_in_another_cut_matches() -> None:
    names = {"aoc": "talking/hdtf_aoc.mp4", "katie": "talking/hdtf_katiehill.mp4"}
    known = {name: fingerprint(sound_of(real_clip(path))) for name, path in names.items()}
    new = {
        "dup": fingerprint(sound_of(real_clip("bad/dup_of_hdtf_aoc_30fps.mp4"))),
        "rot90": fingerprint(sound_of(real_clip("bad/derived_rot90_tag.mp4"))),
    }
    assert [(m.name, m.other) for m in find_duplicates(new, known, CONFIG)] == [("dup", "aoc"), ("rot90", "katie")]


@pytest.mark.real_data
def test_no_two_sentences_of_one_speaker_match() -> None:
    folder = real_clip("talking/grid_s1_bbaf2n.mpg").parent
    prints = {path.stem: fingerprint(sound_of(path)) for path in sorted(folder.glob("*.mp[g4]"))}
    assert len(list(combinations(prints, 2))) > 45_000
    assert find_duplicates(prints, {}, CONFIG) == []


def test_speech_like_builder_is_not_all_steady() -> None:
    assert np.mean(fingerprint(speech_like(48_000)) != NOTHING) > 0.5
