"""What a voice and a face do beside the words.

Enters: a ``Clip`` and its ``SpeechTrack``. Leaves: curves of the voice at 25 frames a second, numbers for the clip
that go with arousal, what sounds beside the voice, and which emotions the face shows. Nothing here is a label, but for
those of a model that the recipe names, and only music is gated.
"""

from typing import Protocol

import numpy as np
from pydantic import Field

from models.background import music_score, second_voice_score
from models.expression import shown_emotions, valence_arousal
from models.prosody_curves import energy_db, loudness_db, onset_db, speech_level, tilt_db
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.config import StageConfig
from schemas.controls import EMOTIONS
from schemas.cues import Background, FaceCues, VoiceCues, VoiceCurves, VoiceEmotion
from schemas.speech import SpeechTrack, VoiceQuality

VERSION = "1"


class EmotionClassifier(Protocol):
    """``models.voice_emotion.TransformersEmotion``."""

    def classify(self, audio: Float32) -> VoiceEmotion: ...


class CuesConfig(StageConfig):
    emotion_model: str | None = Field(
        None, description="a transformers audio classifier of your own, by name or path: its labels' probabilities"
    )
    min_speech_ratio: float = Field(0.2, ge=0, le=1, description="with less speech, the voice tells nothing")
    min_voiced_frames: int = Field(12, ge=2, description="with fewer, neither its pitch nor its range does")


def voice_curves(clip: Clip, speech: SpeechTrack) -> VoiceCurves:
    """The curves of the clip's voice; [T] each."""
    level = speech_level(speech.envelope)
    return VoiceCurves(
        clip_id=clip.clip_id,
        n_frames=clip.n_frames,
        loudness_db=loudness_db(speech.envelope, level),
        energy_db=energy_db(clip.audio, level),
        tilt_db=tilt_db(clip.audio),
        onset_db=onset_db(clip.audio),
    )


def voice_cues(speech: SpeechTrack, curves: VoiceCurves, quality: VoiceQuality, config: CuesConfig) -> VoiceCues:
    """Numbers that go with the arousal of a voice."""
    speaks = quality.speech_ratio >= config.min_speech_ratio
    voiced = (
        speech.voiced if speaks and speech.voiced.sum() >= config.min_voiced_frames else np.zeros_like(speech.voiced)
    )
    pitched = bool(voiced.any())
    in_words_s = sum(word.end_s - word.start_s for word in speech.words)
    return VoiceCues(
        speech_level_dbfs=float(20 * np.log10(speech_level(speech.envelope))) if speaks else None,
        f0_median_hz=float(np.median(speech.f0_hz[voiced])) if pitched else None,
        f0_range_semitones=_range(12 * np.log2(speech.f0_hz[voiced])) if pitched else None,
        loudness_range_db=_range(curves.loudness_db[voiced]) if pitched else None,
        voice_tilt_db=float(np.median(curves.tilt_db[voiced])) if pitched else None,
        words_per_s=len(speech.words) / in_words_s if in_words_s > 0 else None,
    )


def voice_emotion(
    clip: Clip, quality: VoiceQuality, classifier: EmotionClassifier | None, config: CuesConfig
) -> VoiceEmotion | None:
    """By the labels of ``classifier``; None without one, or where too little is said."""
    if classifier is None or quality.speech_ratio < config.min_speech_ratio:
        return None
    return classifier.classify(clip.audio)


def background(clip: Clip, speech: SpeechTrack) -> Background:
    """What sounds beside the clip's voice."""
    return Background(music_score(clip.audio), second_voice_score(clip.audio, speech.f0_hz))


def face_cues(clip: Clip) -> FaceCues:
    """What the face shows, by each action's median over the frames: speech moves the mouth to and fro, an emotion
    stays."""
    shown = shown_emotions(np.asarray(np.median(clip.blendshapes, axis=0), np.float32))
    strengths = {f"face_{emotion.value}": float(value) for emotion, value in zip(EMOTIONS, shown, strict=True)}
    valence, arousal = valence_arousal(shown)
    return FaceCues(**strengths, face_valence=valence, face_arousal=arousal)


def _range(values: Float32) -> float:
    low, high = np.percentile(values, [10, 90])
    return float(high - low)
