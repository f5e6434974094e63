"""Listen to a sound while it is still being spoken.

Enters: samples as they arrive. Leaves: ``SpeechFeatures`` of the frames that are final, a stated look-ahead behind, and
a first impression of the frames within the look-ahead. Each time, the last few seconds are heard again: the past is
context, and the look-ahead is what speech encoder, pitch and envelope need to hear of the future to say of a frame
nearly what they say with all of it.
"""

import numpy as np
from pydantic import Field

from models.pitch import pitch
from schemas.arrays import Float32
from schemas.config import StageConfig
from schemas.speech import SpeechFeatures
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME
from tasks.listen import WindowEncoder
from tasks.speech import SpeechConfig, amplitude_envelope

VERSION = "1"


class LiveConfig(StageConfig):
    """Latency against likeness to what ``tasks.listen`` hears, and cost."""

    speech: SpeechConfig = Field(default_factory=SpeechConfig)
    look_ahead_s: float = Field(0.3, ge=0.08, le=5, description="of sound behind a frame before it is final")
    hop_s: float = Field(0.2, ge=0.04, description="of new sound that is waited for; half of it, twice the cost")
    context_s: float = Field(3.0, ge=0.2, le=20, description="of sound before that")
    first_peak: float = Field(1.0, description="log-mel value that speech is expected to reach, until it is heard")
    peak_fall_per_s: float = Field(0.01, ge=0, description="how fast a loud moment is forgotten; 0.1 is 4 dB")


class LiveListener:
    """One sound, from its first sample on. The encoder may be shared between listeners."""

    def __init__(self, encoder: WindowEncoder, config: LiveConfig) -> None:
        self._encoder = encoder
        self._config = config
        self._hop, self._look_ahead, self._context = (
            round(s * FRAME_RATE) for s in (config.hop_s, config.look_ahead_s, config.context_s)
        )
        self._peak = config.first_peak
        self._samples = np.zeros(0, np.float32)
        self._first_frame = 0  # at which ``_samples`` begin
        self.n_final = 0  # frames given out so far
        self.ahead: SpeechFeatures | None = None  # of the look-ahead, as heard with what was given out last

    @property
    def n_missing(self) -> int:
        """Samples that have to come before there are features again; at least one."""
        wanted = self.n_final + self._hop + self._look_ahead - self._first_frame
        return wanted * SAMPLES_PER_FRAME - self._samples.size

    def push(self, samples: Float32) -> SpeechFeatures | None:
        """Hear ``samples`` [S], 16 kHz mono, of any number; the features of what has become final, if enough has."""
        self._samples = np.concatenate([self._samples, samples])
        heard = self._first_frame + self._samples.size // SAMPLES_PER_FRAME
        final = heard - self._look_ahead
        return self._features(heard, final) if final >= self.n_final + self._hop else None

    def finish(self) -> SpeechFeatures | None:
        """No more samples come: the features of the rest, if there is any."""
        heard = self._first_frame + -(-self._samples.size // SAMPLES_PER_FRAME)
        return self._features(heard, heard) if heard > self.n_final else None

    def _features(self, heard: int, final: int) -> SpeechFeatures:
        """Of the frames from ``n_final`` to ``final``, of ``heard`` whole frames."""
        first = max(0, self.n_final - self._context)
        self._samples = self._samples[(first - self._first_frame) * SAMPLES_PER_FRAME :]
        self._first_frame = first
        audio = self._samples[: (heard - first) * SAMPLES_PER_FRAME]
        audio = np.pad(audio, (0, (heard - first) * SAMPLES_PER_FRAME - audio.size))
        self._peak -= self._config.peak_fall_per_s * (final - self.n_final) / float(FRAME_RATE)
        self._peak = max(self._encoder.peak(audio), self._peak)
        speech = self._config.speech
        f0_hz, _ = pitch(audio, speech.min_f0_hz, speech.max_f0_hz)
        embedding, envelope = self._encoder.encode_at(audio, self._peak), amplitude_envelope(audio)

        def part(start: int, stop: int) -> SpeechFeatures:
            own = slice(start - first, stop - first)
            return SpeechFeatures(stop - start, envelope[own], f0_hz[own], embedding[own], self._encoder.name)

        given = part(self.n_final, final)
        self.ahead = part(final, heard) if heard > final else None
        self.n_final = final
        return given
