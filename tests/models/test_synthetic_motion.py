"""Synthetic motion: sentences cover the language, voices differ in what they should, mouths keep time. The voice is
made up here: a buzz whose phones have known times."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from models.avatar.motion import to_frames
from models.head.landmarks import INNER_LIPS
from models.head.model import load_open_head
from models.sample.build_lexicon import to_ipa
from models.sample.closure import WIDEST_M
from models.sample.motion import SyntheticClip, synthesise
from models.sample.mouths import PAUSE, load_mouths
from models.sample.recording import record, settled
from models.sample.sentences import load_lexicon, random_line
from models.sample.timbre import Timbre, put_together, take_apart
from models.sample.voice import Speech
from schemas.arrays import Float32
from tests.models.buzzer import EACH_S, MARKS, Buzzer


@pytest.fixture(scope="module")
def clips() -> list[SyntheticClip]:
    return list(synthesise(Buzzer(), seed=3, n_speakers=2, clips_per_speaker=2))


def test_sentences_hold_every_sound_and_every_kind_of_utterance() -> None:
    rng = np.random.default_rng(0)
    lines = [random_line(rng, load_lexicon()) for _ in range(250)]
    heard = Counter(symbol for line in lines for symbol in line.ipa)
    sounds = {s for ipa in load_lexicon().ipa.values() for s in ipa} - MARKS
    assert sounds <= load_mouths().row.keys()
    assert min(heard[s] for s in sounds - {"ʒ"}) >= 10
    texts = [line.text for line in lines]
    assert any(t.split()[0] in {"bin", "lay", "place", "set"} and len(t.split()) == 6 for t in texts)
    assert any(t.replace(",", "").isupper() or t[0].isupper() for t in texts)
    assert len(set(texts)) > 245


def test_arpabet_becomes_what_the_voice_reads() -> None:
    assert to_ipa("birch", ["B", "ER1", "CH"]) == "bˈɜːtʃ"
    assert to_ipa("water", ["W", "AO1", "T", "ER0"]) == "wˈɔːɾɚ"
    assert to_ipa("and", ["AH0", "N", "D"]) == "ənd"
    assert to_ipa("their", ["DH", "EH1", "R"]) == "ðɛɹ"


def test_another_throat_has_its_own_pitch_length_and_formants() -> None:
    parts = take_apart(Buzzer().speak("ɑɑɑɑɑɑɑɑ"))
    low, high = (put_together(parts, Timbre(f0=r, tempo=t)) for r, t in ((1.0, 1.0), (1.5, 0.8)))
    assert high.duration_s == pytest.approx(low.duration_s / 0.8, rel=0.02)
    assert high.phones[-1].stop_s == pytest.approx(low.phones[-1].stop_s / 0.8)

    def pitch_hz(speech: Speech) -> float:
        middle = speech.audio[len(speech.audio) // 3 :][:4096]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(4096)))
        return float(spectrum[: 4096 * 260 // 16_000].argmax() * 16_000 / 4096)

    assert pitch_hz(low) == pytest.approx(120, abs=6)
    assert pitch_hz(high) == pytest.approx(180, abs=8)

    def centroid(speech: Speech) -> float:
        spectrum = np.abs(np.fft.rfft(speech.audio))
        return float((spectrum * np.fft.rfftfreq(len(speech.audio), 1 / 16_000)).sum() / spectrum.sum())

    assert centroid(put_together(parts, Timbre(formants=1.2))) > 1.02 * centroid(low)


def test_word_spaces_are_no_pauses_and_silence_is() -> None:
    speech = Buzzer().speak("ɑm ɛ, b")
    phones = settled(speech.phones, 2.0)
    assert [p.symbol for p in phones] == [PAUSE, "ɑ", "m", "ɛ", PAUSE, "b", PAUSE]
    assert phones[2].stop_s == phones[3].start_s == pytest.approx(3.5 * EACH_S)
    assert all(a.stop_s == b.start_s for a, b in itertools.pairwise(phones))
    assert (phones[0].start_s, phones[-1].stop_s) == (0.0, 2.0)


def test_a_recording_puts_the_sound_where_its_phones_say() -> None:
    speech = replace(put_together(take_apart(Buzzer().speak("ɑɑɑɑ")), Timbre()))
    recording = record([speech, speech], np.random.default_rng(1))
    level = np.abs(recording.audio).reshape(-1, 160).max(axis=1)
    spoken = [p for p in recording.phones if p.symbol != PAUSE]
    inside = np.zeros(len(level), bool)
    for phone in spoken:
        inside[round(phone.start_s * 100) + 1 : round(phone.stop_s * 100) - 1] = True
    assert level[inside].mean() > 20 * level[: int(spoken[0].start_s * 100) - 12].mean()
    assert recording.audio.size == recording.n_frames * 640


def test_clips_are_whole_the_same_again_and_a_line_is_read_once_for_all(clips: list[SyntheticClip]) -> None:
    assert len(clips) == 4
    assert len({c.clip_id for c in clips}) == 4
    assert len({c.speaker_id for c in clips}) == 2
    voice = Buzzer()
    again = list(itertools.islice(synthesise(voice, seed=3, n_speakers=2, clips_per_speaker=2), 2))
    assert len(voice.asked) == sum(again[0].transcript.count(stop) for stop in ".?!")
    for clip, same in zip(clips[:2], again, strict=True):
        assert clip.clip_id == same.clip_id
        np.testing.assert_array_equal(clip.audio, same.audio)
        np.testing.assert_array_equal(clip.motion.expression, same.motion.expression)
        assert clip.audio.shape == (clip.motion.n_frames * 640,)
        assert clip.audio.dtype == np.float32
        assert np.abs(clip.audio).max() <= 1
        assert to_frames(clip.motion).shape == (clip.motion.n_frames, 58)
        assert clip.phones[-1].stop_s == pytest.approx(clip.motion.n_frames / 25)


def test_speakers_of_one_line_have_their_own_face_and_voice(clips: list[SyntheticClip]) -> None:
    first, second = clips[:2]
    assert first.transcript == second.transcript
    assert np.abs(first.motion.shape - second.motion.shape).max() > 0.5
    spoken_s = [c.phones[-1].start_s - c.phones[0].stop_s for c in (first, second)]
    assert abs(spoken_s[0] / spoken_s[1] - 1) > 0.02


def test_lips_meet_on_p_b_m_and_part_on_open_vowels(clips: list[SyntheticClip]) -> None:
    head, shut, wide = load_open_head(), [], []
    for clip in clips:
        still = np.zeros((clip.motion.n_frames, 3), np.float32)
        motion = clip.motion
        points = head.landmarks(head.vertices(motion.shape, motion.expression, still, motion.jaw, motion.eyes, still))
        gap: Float32 = points[:, INNER_LIPS[0], 1] - points[:, INNER_LIPS[1], 1]
        for phone in clip.phones:
            frames = gap[int(phone.start_s * 25) : int(phone.stop_s * 25) + 2]
            if phone.symbol in "pbm":
                shut.append(frames.min() - WIDEST_M[phone.symbol])
            elif phone.symbol in "eɛ":
                wide.append(frames.max())
    assert np.median(shut) < 0.001
    assert np.median(wide) > 0.006
