"""Let an avatar speak while somebody still speaks to it.

Enters: samples as they arrive. Leaves: ``Performance`` pieces that join without a seam, behind the sound by the
listener's look-ahead and at most one of its hops: with the settings below, the first frames come once 0.6 s are heard,
and a frame is shown 0.4 to 0.6 s after its sound. An embodied voice holds its own sound back by as much.

Only the past is known, so some directions mean less than in ``tasks.perform``: ``presenter`` and the style of a clip
are told to the motion model, and nothing is added for them; the head comes to rest a little later.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from pydantic import Field
from scipy.signal import sosfilt, sosfilt_zi

from models.avatar.protocol import Condition
from models.avatar.sampler import Sampler
from models.controls.activity import activity
from models.controls.emotion import ONSET_FRAMES, apply_emotion
from models.controls.pose import apply_pose, rested, wanted_style
from models.head.model import HeadModel
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.controls import EmotionCurve, HeadPose, PoseKeys, PosePreset
from schemas.performance import Performance
from schemas.speech import SpeechFeatures
from schemas.units import SHAPE_DIM, frames_to_seconds
from tasks.listen import WindowEncoder
from tasks.listen_live import LiveConfig, LiveListener
from tasks.perform import Part, to_performance

VERSION = "1"

_MEMORY_FRAMES: Final = 750  # of loudness: what counts as speech is told from the last half minute
_CALM: Final = 0.3  # of the way to its new liveliness the head goes in a frame, twice over: rests without a jerk


class LivePerformConfig(StageConfig):
    """How a live performance is made."""

    seed: int = Field(0, ge=0)
    steps: int | None = Field(None, ge=1, description="of the sampler; the model's own number if none is given")
    eye_contact: float = Field(1.0, ge=0, le=1, description="1: the eyes stay on the camera while the head turns")
    # Lips stray .67 mm from those of the whole sound, two seeds of that .61; at .3 s .77, at .5 s .59. Twice the
    # context changes nothing and costs half as much again.
    listen: LiveConfig = Field(default_factory=lambda: LiveConfig(look_ahead_s=0.4, context_s=1.5))


class LivePerformer:
    """One speech, from its first sample on. Encoder and model may be shared between performers."""

    def __init__(
        self, encoder: WindowEncoder, model: Sampler, part: Part, head: HeadModel, config: LivePerformConfig
    ) -> None:
        identity = part.identity
        self._shape = np.zeros(SHAPE_DIM, np.float32) if identity is None else identity.shape
        condition = Condition(None if identity is None else identity.reference, wanted_style(part.pose))
        self._listener = LiveListener(encoder, config.listen)
        self._session = model.begin(condition, config.steps, config.seed)
        self._waking = _Waking()
        self._part = part
        self._head = head
        self._config = config
        self.n_frames = 0  # performed so far

    def push(self, samples: Float32) -> Performance | None:
        """Hear ``samples`` [S], 16 kHz mono, of any number; the frames that can now be performed, if there are any.

        How the sound is cut into pushes changes nothing.
        Raises ``models.avatar.protocol.UnknownSpeech`` if the encoder is not the ear that the model was trained with;
        ``models.head.model.NoNamedActions`` for an emotion on a head without them.
        """
        made = []
        while samples.size:
            n = self._listener.n_missing  # one step at a time, as if the sound had come that slowly
            heard = self._listener.push(samples[:n])
            samples = samples[n:]
            if heard is not None:
                made.append(self._directed(heard, self._session.hear(heard, self._listener.ahead)))
        return self._performance(made)

    def finish(self) -> Performance | None:
        """No more samples come: the rest of the frames, if there are any."""
        heard = self._listener.finish()
        if heard is None:
            return None
        return self._performance([self._directed(heard, self._session.hear(heard) + self._session.finish())])

    def _performance(self, made: Sequence[Float32]) -> Performance | None:
        return to_performance(np.concatenate(made), self._shape, self._head) if made else None

    def _directed(self, heard: SpeechFeatures, pieces: Sequence[Float32]) -> Float32:
        frames = np.concatenate(pieces)
        speaking = self._waking.speaking(heard, self._listener.ahead)
        if self._part.emotion is not None:
            frames = self._moved(frames, self._part.emotion)
        posed = self._posed(frames, heard, speaking)
        self.n_frames += len(frames)
        return posed

    def _moved(self, frames: Float32, curve: EmotionCurve) -> Float32:
        """With the emotion of this moment of ``curve``, whose corners are rounded over frames beside these."""
        beside = ONSET_FRAMES // 2 + 1
        later = replace(curve, times_s=_since(curve.times_s, self.n_frames - beside))
        padded = np.pad(frames, ((beside, beside), (0, 0)), mode="edge")
        return apply_emotion(padded, later, self._head)[beside:-beside]

    def _posed(self, frames: Float32, heard: SpeechFeatures, speaking: Float32) -> Float32:
        pose, contact = self._part.pose, self._config.eye_contact
        if isinstance(pose, PoseKeys):
            later = replace(pose, times_s=_since(pose.times_s, self.n_frames))
            return apply_pose(frames, later, heard, self._config.seed, contact)
        if isinstance(pose, HeadPose) and pose.preset is PosePreset.STILL:
            return apply_pose(frames, pose, heard, self._config.seed, contact)
        return rested(frames, speaking, contact)


class _Waking:
    """When somebody speaks, as ``models.controls.activity`` tells it, from the past alone and never by leaps."""

    def __init__(self) -> None:
        self._envelope = np.zeros(0, np.float32)
        pole = [_CALM, 0.0, 0.0, 1.0, _CALM - 1.0, 0.0]
        self._filter = np.array([pole, pole])
        self._state: Float32 | None = None

    def speaking(self, heard: SpeechFeatures, ahead: SpeechFeatures | None) -> Float32:
        """[T] 0 in silence .. 1 in speech in the frames of ``heard``."""
        self._envelope = np.concatenate([self._envelope, heard.envelope])[-max(_MEMORY_FRAMES, heard.n_frames) :]
        n_known = len(self._envelope)
        envelope = self._envelope if ahead is None else np.concatenate([self._envelope, ahead.envelope])
        recent = replace(
            heard,
            n_frames=len(envelope),
            envelope=envelope,
            f0_hz=np.zeros_like(envelope),
            embedding=np.zeros((len(envelope), 0), np.float32),
        )
        active = activity(recent)[n_known - heard.n_frames : n_known]
        if self._state is None:
            self._state = sosfilt_zi(self._filter) * active[0]
        calm, self._state = sosfilt(self._filter, active, zi=self._state)
        return np.asarray(calm, np.float32)


def _since(times_s: Float32, frame: int) -> Float32:
    """``times_s`` counted from ``frame``."""
    return np.asarray(times_s - frames_to_seconds(frame), np.float32)
