"""From a prompt to controls: each phrase is compared with examples of every control by a sentence encoder.

A phrase is taken for the control of its nearest example if the two are near enough, clearly nearer than the next
control and than examples of other topics. Otherwise it is reported as not understood and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.controls.anchors import ANCHORS, OFF_TOPIC, Control, Denied, Tempo
from models.controls.phrases import Clause, Phrase, clauses_of
from models.controls.sentence import Embedder
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.controls import (
    EMOTIONS,
    MAX_INTENSITY,
    CameraMove,
    CameraShot,
    Direction,
    Emotion,
    EmotionCurve,
    HeadPose,
    PosePreset,
    Understood,
)

PLAIN_EMOTION: Final = 0.75  # how strong an emotion without an adverb is
_SLOW: Final = 0.5
_FAST: Final = 1.8
_ONE_MOVE: Final = 0.1
_CROSSFADE_S: Final = 1.0
_LABELS: Final = {Emotion: "emotion", PosePreset: "pose", CameraMove: "camera", Denied: "any", Tempo: "tempo"}


class PromptConfig(StageConfig):
    """Cosine similarities, chosen on the prompts of tests/models/controls/data/prompts.csv that are marked so."""

    least_score: float = 0.5
    strangeness: float = 0.2  # more, if no word of the phrase is in the control's examples
    least_lead: float = 0.02  # over the next control
    least_relevance: float = 0.15  # over the nearest example of another topic


@dataclass(frozen=True, slots=True)
class _Reading:
    phrase: Phrase
    control: Control | None
    score: float


class PromptReader:
    """Understands prompts; the examples are encoded once."""

    def __init__(self, embedder: Embedder, config: PromptConfig | None = None) -> None:
        self._embedder = embedder
        self._config = config or PromptConfig()
        self._controls = tuple(ANCHORS)
        self._owner = np.repeat(np.arange(len(ANCHORS)), [len(examples) for examples in ANCHORS.values()])
        self._words = [
            {word for example in examples for word in example.lower().split()} for examples in ANCHORS.values()
        ]
        self._examples = embedder.embed([example for examples in ANCHORS.values() for example in examples])
        self._off_topic = embedder.embed(OFF_TOPIC)

    def read(self, prompt: str, duration_s: float | None = None) -> Direction:
        """What the prompt asks for. Emotions joined by "then" follow each other over ``duration_s``, where it is known;
        otherwise the first one holds."""
        clauses = clauses_of(prompt)
        readings = self._readings([phrase for clause in clauses for phrase in (clause.whole, *clause.parts)])
        chosen: list[_Reading] = []
        for clause in clauses:
            chosen += _choose(clause, readings)
        return _direct(chosen, duration_s)

    def _readings(self, phrases: Sequence[Phrase]) -> dict[Phrase, _Reading]:
        meant = [phrase for phrase in dict.fromkeys(phrases) if phrase.meaning]
        out = {phrase: _Reading(phrase, None, 0.0) for phrase in phrases}
        if meant:
            vectors = self._embedder.embed([phrase.meaning for phrase in meant])
            scores = np.full((len(meant), len(self._controls)), -1.0, np.float32)
            np.maximum.at(scores.T, self._owner, (vectors @ self._examples.T).T)
            elsewhere = (vectors @ self._off_topic.T).max(axis=1)
            for phrase, own, other in zip(meant, scores, elsewhere, strict=True):
                out[phrase] = self._reading(phrase, own, float(other))
        return out

    def _reading(self, phrase: Phrase, scores: Float32, elsewhere: float) -> _Reading:
        config = self._config
        second, best = np.argsort(scores)[-2:]
        score = float(scores[best])
        words = set(phrase.meaning.lower().split())
        strange = len(words - self._words[best]) / len(words)
        sure = (
            (phrase.denied or not isinstance(self._controls[best], Denied))
            and score >= config.least_score + config.strangeness * strange
            and score - float(scores[second]) >= config.least_lead
            and score - elsewhere >= config.least_relevance
        )
        return _Reading(phrase, self._controls[best] if sure else None, score)


def _choose(clause: Clause, readings: dict[Phrase, _Reading]) -> list[_Reading]:
    """The clause as a whole, or in parts where they are clearer: "happy and surprised", but "push in and whip back"."""
    whole, parts = readings[clause.whole], [readings[part] for part in clause.parts]
    if len(parts) <= 1 or whole.control is None:
        return parts or [whole]
    clear = float(np.mean([part.score if part.control else 0.0 for part in parts]))
    # A camera makes one move at a time, so that two moves in a row are more likely one that has both in its name.
    one_move = all(isinstance(reading.control, CameraMove) for reading in (whole, *parts))
    return [whole] if whole.score >= clear - (_ONE_MOVE if one_move else 0.0) else parts


def _direct(readings: Sequence[_Reading], duration_s: float | None) -> Direction:
    understood: list[Understood] = []
    missed: list[str] = []
    stages = 1 + max((reading.phrase.stage for reading in readings), default=0)
    emotion = np.zeros((stages, len(EMOTIONS)), np.float32)
    spoken = np.zeros(stages, bool)
    pose: HeadPose | None = None
    camera: CameraShot | None = None
    tempo: float | None = None
    for reading in readings:
        phrase, control = reading.phrase, reading.control
        if not phrase.meaning and phrase.tempo is not None:
            tempo = phrase.tempo
            understood.append(Understood(phrase.text, "tempo", phrase.tempo, 1.0))
            continue
        if control is None:
            missed.append(phrase.text)
            continue
        intensity = min(phrase.strength, MAX_INTENSITY)
        meant = _meant(control, phrase.denied)
        match meant:
            case Emotion():
                intensity = (
                    0.0 if phrase.denied and meant is control else min(PLAIN_EMOTION * phrase.strength, MAX_INTENSITY)
                )
                emotion[phrase.stage, EMOTIONS.index(meant)] = intensity
                spoken[phrase.stage] = True
            case PosePreset():
                pose = HeadPose(meant, intensity)
            case CameraMove():
                camera = CameraShot(meant, intensity, phrase.tempo or 1.0)
            case Tempo():
                tempo = intensity = _SLOW if meant is Tempo.SLOW else _FAST
        understood.append(Understood(phrase.text, _label(meant), intensity, reading.score))
    if camera is not None and tempo is not None:
        camera = CameraShot(camera.move, camera.intensity, tempo)
    curve = _curve(emotion[spoken], duration_s) if spoken.any() else None
    return Direction(curve, pose, camera, tuple(understood), tuple(missed))


def _meant(control: Control, denied: bool) -> Emotion | PosePreset | CameraMove | Tempo:
    """What is asked for when ``control`` is named, or ruled out. An emotion ruled out stays itself, at strength 0."""
    if control is Denied.EMOTION:
        return Emotion.NEUTRAL
    if control is Denied.HEAD_MOVEMENT:
        return PosePreset.STILL
    if control is Denied.CAMERA_MOVEMENT:
        return CameraMove.FIXED
    if denied and isinstance(control, PosePreset):
        return PosePreset.STILL if control is PosePreset.PRESENTER else PosePreset.NATURAL
    if denied and isinstance(control, CameraMove):
        return CameraMove.FIXED
    assert not isinstance(control, Denied)
    return control


def _label(control: Control) -> str:
    return f"{_LABELS[type(control)]} {control.value}"


def _curve(stages: Float32, duration_s: float | None) -> EmotionCurve:
    """Stages [S, 8] one after the other, each for its share of the take, crossfading in between."""
    if len(stages) == 1 or duration_s is None:
        return EmotionCurve(np.zeros(1, np.float32), stages[:1])
    share = duration_s / len(stages)
    fade = min(_CROSSFADE_S, share) / 2
    changes = share * np.arange(1, len(stages))
    times = np.stack([changes - fade, changes + fade], axis=1).ravel()
    return EmotionCurve(times.astype(np.float32), np.repeat(stages, 2, axis=0)[1:-1])
