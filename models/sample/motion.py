"""Speech with the motion of the mouths that say it, endless and without a picture: what a generator trains on first.

One voice reads random sentences; WORLD makes many throats of it; the times of the phonemes make the mouths of people
with different faces and habits. Lips and sound are in step exactly, up to the lead that a speaker's habits give.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from models.head.model import HeadModel, load_open_head
from models.sample.acting import act
from models.sample.faces import load_faces
from models.sample.mouths import load_mouths
from models.sample.recording import Recording, record
from models.sample.sentences import load_lexicon, random_line
from models.sample.speaker import Speaker, draw_speaker
from models.sample.timbre import put_together, take_apart
from models.sample.voice import Speech
from schemas.arrays import Float32
from schemas.motion import HeadMotion
from schemas.speech import Phone

VERSION: Final = "2"
READERS: Final = 4  # speakers who read the same lines: speaking is dear, another throat is cheap
SPOKEN_S: Final = (2.0, 6.0)  # of a clip, at least; pauses come on top
MOST_SPOKEN_S: Final = 7.0
# A portrait from 0.9 m.
PLACE_M: Final = np.array([0.0, 0.0, -0.9], np.float32)
FOCAL_PX: Final = 900.0
PRINCIPAL_POINT_PX: Final = (255.5, 255.5)


class Reader(Protocol):
    """Whatever speaks IPA with phoneme times, such as ``models.sample.voice.PiperVoice``."""

    def speak(self, ipa: str, pitch: float = 1.0, tempo: float = 1.0) -> Speech: ...


@dataclass(frozen=True, slots=True)
class SyntheticClip:
    """A clip of T frames whose motion was made. ``audio`` [T * 640], 16 kHz; ``phones`` cover it whole."""

    clip_id: str
    speaker_id: str
    transcript: str
    audio: Float32
    phones: tuple[Phone, ...]
    motion: HeadMotion


def synthesise(
    voice: Reader, seed: int, n_speakers: int, clips_per_speaker: int = 8, first_speaker: int = 0
) -> Iterator[SyntheticClip]:
    """Yield ``n_speakers * clips_per_speaker`` clips of 3 to 12 seconds, ``READERS`` speakers interleaved.

    The same arguments and a voice freshly made with the same seed give the same clips. Several processes share the
    work by ``seed``: another seed gives other speakers.
    """
    head = load_open_head()
    for first in range(first_speaker, first_speaker + n_speakers, READERS):
        last = min(first + READERS, first_speaker + n_speakers)
        rng = np.random.default_rng((seed, first))
        speakers = [
            draw_speaker(
                f"synthetic-{seed}-{k}", head, load_mouths(), load_faces(), np.random.default_rng((seed, k, 1))
            )
            for k in range(first, last)
        ]
        for take in range(clips_per_speaker):
            texts, speeches = read_aloud(voice, rng.uniform(*SPOKEN_S), rng, MOST_SPOKEN_S)
            parts = [take_apart(speech) for speech in speeches]
            for speaker in speakers:
                recording = record([put_together(p, speaker.timbre) for p in parts], rng)
                clip_id = hashlib.sha256(f"{speaker.speaker_id}:{take}".encode()).hexdigest()[:20]
                motion = perform(clip_id, recording, speaker, head, rng)
                yield SyntheticClip(
                    clip_id, speaker.speaker_id, " ".join(texts), recording.audio, recording.phones, motion
                )


def perform(
    clip_id: str, recording: Recording, speaker: Speaker, head: HeadModel, rng: np.random.Generator
) -> HeadMotion:
    """``speaker`` says ``recording`` before a camera that no clip was taken with."""
    acting = act(speaker, recording.phones, recording.n_frames, head.expression_names, rng)
    return HeadMotion(
        clip_id=clip_id,
        head_model=head.name,
        n_frames=recording.n_frames,
        shape=speaker.shape,
        expression=acting.actions,
        global_rotation=acting.global_rotation,
        jaw=acting.jaw,
        eyes=acting.eyes,
        eyelids=head.eyelids(acting.actions),
        translation=PLACE_M + acting.translation,
        focal_px=FOCAL_PX,
        principal_point_px=PRINCIPAL_POINT_PX,
    )


def read_aloud(
    voice: Reader,
    least_s: float,
    rng: np.random.Generator,
    most_s: float = np.inf,
    pitch: float = 1.0,
    tempo: float = 1.0,
) -> tuple[list[str], list[Speech]]:
    """Random lines read until they have lasted ``least_s`` seconds, or the next might make them longer than ``most_s``:
    their texts and sounds."""
    texts: list[str] = []
    speeches: list[Speech] = []
    said_s = 0.0
    while said_s < least_s:
        line = random_line(rng, load_lexicon())
        speech = voice.speak(line.ipa, pitch, tempo)
        if speeches and said_s + speech.duration_s > most_s:
            break
        texts.append(line.text)
        speeches.append(speech)
        said_s += speech.duration_s
    return texts, speeches
