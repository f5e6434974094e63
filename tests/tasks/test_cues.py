from dataclasses import astuple, replace

import numpy as np
import pytest

from models.pitch import pitch
from schemas.arrays import Float32
from schemas.speech import SpeechTrack, VoiceQuality, Word
from tasks.cues import CuesConfig, background, face_cues, voice_cues, voice_curves
from tasks.speech import amplitude_envelope
from tests.builders import clip, speech_like

N_FRAMES = 100
SPEECH = VoiceQuality(0.9, 30, 0, 3, 3, 3, 3)


def track(audio: Float32, words: tuple[Word, ...] = ()) -> SpeechTrack:
    f0_hz, voiced = pitch(audio, 60, 500)
    n = audio.size // 640
    return SpeechTrack(
        "c", n, amplitude_envelope(audio), f0_hz, voiced, np.zeros((n, 4), np.float32), "test:0", "en", 0.9, "", words,
        np.zeros(4, np.uint32),
    )  # fmt: skip


def test_a_higher_livelier_voice_gives_higher_cues() -> None:
    cues = []
    for f0_hz, lively in ((110, 0.2), (220, 2.0)):
        sound = speech_like(N_FRAMES * 640, f0_hz=f0_hz)
        if lively < 1:  # the same voice, monotonous
            t = np.arange(sound.size) / 16_000
            sound = (0.1 * sum(np.sin(2 * np.pi * k * f0_hz * t) / k for k in range(1, 12))).astype(np.float32)
        spoken = track(sound, (Word("a", 0.5, 1.0, 1), Word("b", 1.0, 1.5, 1)))
        made = clip(N_FRAMES, audio=sound)
        cues.append(voice_cues(spoken, voice_curves(made, spoken), SPEECH, CuesConfig()))
    calm, lively_one = cues
    assert calm.f0_median_hz == pytest.approx(110, abs=3)
    assert lively_one.f0_median_hz == pytest.approx(220, abs=12)
    assert lively_one.f0_range_semitones > calm.f0_range_semitones + 1
    assert calm.words_per_s == pytest.approx(2)


def test_silence_and_little_speech_tell_nothing_but_raise_nothing() -> None:
    silence = np.zeros(N_FRAMES * 640, np.float32)
    made, spoken = clip(N_FRAMES, audio=silence), track(silence)
    curves = voice_curves(made, spoken)
    assert all(np.isfinite(c).all() for c in (curves.loudness_db, curves.energy_db, curves.tilt_db, curves.onset_db))
    assert astuple(voice_cues(spoken, curves, SPEECH, CuesConfig()))[1:] == (None,) * 5
    assert astuple(voice_cues(spoken, curves, replace(SPEECH, speech_ratio=0.1), CuesConfig())) == (None,) * 6
    assert astuple(background(made, spoken)) == (0, 0)


def test_an_expression_that_stays_counts_and_one_that_flits_does_not() -> None:
    smile = np.zeros((N_FRAMES, 52), np.float32)
    smile[:, [44, 45]] = 0.8  # mouthSmile
    flits = smile.copy()
    flits[10:] = 0
    assert face_cues(clip(N_FRAMES, blendshapes=smile)).face_happy > 0.2
    assert face_cues(clip(N_FRAMES, blendshapes=smile)).face_valence > 0.2
    assert face_cues(clip(N_FRAMES, blendshapes=flits)).face_happy == 0
