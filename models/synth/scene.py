"""One clip before it is taken: who says what, what is seen and heard, and the truth about it."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.signal import resample

from models.head.landmarks import LIPS
from models.head.model import HeadModel
from models.look.skin import Palette
from models.overlay import head_vertices
from models.render import Camera
from models.sample.acting import act
from models.sample.faces import load_faces
from models.sample.motion import Reader, read_aloud
from models.sample.mouths import load_mouths
from models.sample.recording import record
from models.sample.speaker import Speaker, draw_speaker
from models.sample.voice import Speech
from models.synth.conditions import draw_conditions
from models.synth.film import Take, seen
from models.synth.looks import draw_palette
from models.synth.occluder import draw_occluder
from models.synth.rooms import draw_room
from models.synth.settings import SynthConfig
from schemas.arrays import Float32
from schemas.truth import ClipTruth, Occlusion
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

_LOOKS: Final = 1  # a person's stream of chance; a clip's has another number
# Another throat by another speed of the tape: WORLD's many voices (models.sample.timbre) are worse to hear, and the
# sound of a clip is judged when it is curated (DNSMOS 1.2 to 2.6 against 2.1 to 3.3).
_PITCHES: Final = (0.84, 1.4)
_TEMPOS: Final = (0.9, 1.12)
_LEVELS_DB: Final = (-9.0, 0.0)
_ROOMS_DB: Final = (-75.0, -62.0)
_FACE_LANDMARKS: Final = (10, 152)  # brow and chin


@dataclass(frozen=True, slots=True)
class Cast:
    """Who appears in a clip: the same in all clips of that person. ``pitch`` and ``tempo`` as ``PiperVoice.speak``."""

    speaker: Speaker
    palette: Palette
    pitch: float
    tempo: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip of T frames. ``audio`` [T * 640], 16 kHz, as it goes into the file."""

    take: Take
    audio: Float32
    truth: ClipTruth


def speaker_id(config: SynthConfig, clip: int) -> str:
    """Who appears in clip number ``clip``."""
    return f"synth-{config.seed}-{clip % config.speakers:03d}"


def draw_cast(head: HeadModel, config: SynthConfig, clip: int) -> Cast:
    """The person of clip number ``clip``, who depends on the seed and the person's number alone."""
    rng = np.random.default_rng((config.seed, clip % config.speakers, _LOOKS))
    speaker = draw_speaker(speaker_id(config, clip), head, load_mouths(), load_faces(), rng)
    return Cast(speaker, draw_palette(rng), float(rng.uniform(*_PITCHES)), float(rng.uniform(*_TEMPOS)))


def draw_scene(
    voice: Reader,
    head: HeadModel,
    config: SynthConfig,
    clip: int,
    rng: np.random.Generator,
    focal_ratio: float | None = None,
) -> Scene:
    """Clip number ``clip``; all of it but the person is drawn from ``rng``, the focal length too unless it is given."""
    cast = draw_cast(head, config, clip)
    n_frames = round(config.seconds * FRAME_RATE)
    delay_ms = _draw_delay(config, rng)
    spare = int(np.ceil(abs(delay_ms) / 1000 * FRAME_RATE))
    least_s = config.seconds + 2 * spare / float(FRAME_RATE)
    texts, speeches = read_aloud(voice, least_s, rng, pitch=cast.pitch, tempo=cast.tempo)
    whole = record([_resampled(speech) for speech in speeches], rng, _LEVELS_DB, _ROOMS_DB)
    acting = act(cast.speaker, whole.phones, whole.n_frames, head.expression_names, rng)
    first = spare + int(rng.integers(0, whole.n_frames - n_frames - 2 * spare + 1))
    # What is heard at a sample was spoken the delay before what is seen then.
    heard = whole.cut(first * SAMPLES_PER_FRAME - delay_ms * SAMPLE_RATE // 1000, n_frames)
    take = Take(
        performance=acting.performance(cast.speaker.shape, head.name, slice(first, first + n_frames)),
        palette=cast.palette,
        conditions=draw_conditions(rng, focal_ratio),
        room=draw_room(config.size_px, rng),
        size_px=config.size_px,
    )
    motion = seen(take, head, f"synth-{config.seed}-{clip:05d}")
    truth = ClipTruth(
        speaker_id=cast.speaker.speaker_id,
        transcript=" ".join(texts),
        phones=heard.phones,
        sound_delay_ms=delay_ms,
        occlusions=(),
        lips_hidden=np.zeros(n_frames, np.float32),
        image_width=config.size_px,
        image_height=config.size_px,
        motion=motion,
        vertices=head_vertices(head, motion) if config.vertices else None,
    )
    if rng.random() < config.occluded:
        take, truth = _occluded(take, truth, head, rng)
    return Scene(take, heard.audio, truth)


def _resampled(speech: Speech) -> Speech:
    n_samples = round(speech.duration_s * SAMPLE_RATE)
    return Speech(resample(speech.audio, n_samples).astype(np.float32), SAMPLE_RATE, speech.phones)


def _draw_delay(config: SynthConfig, rng: np.random.Generator) -> int:
    if rng.random() >= config.shifted:
        return 0
    return int(rng.choice((-1, 1)) * rng.integers(config.least_shift_ms, config.most_shift_ms + 1))


def _occluded(take: Take, truth: ClipTruth, head: HeadModel, rng: np.random.Generator) -> tuple[Take, ClipTruth]:
    motion, size = truth.motion, take.size_px
    camera = Camera(size, size, motion.focal_px, motion.principal_point_px)
    at = camera.project(head.landmarks(head_vertices(head, motion))).astype(np.float32)
    brow, chin = (at[:, k] for k in _FACE_LANDMARKS)
    lips = at[:, LIPS]
    face_px = float(np.linalg.norm(chin - brow, axis=1).mean())
    thing = draw_occluder(motion.n_frames, lips.mean(axis=1), face_px, take.palette.skin, size, rng)
    hidden = np.array([thing.hides(points, k, size) for k, points in enumerate(lips)], np.float32)
    on_face = np.flatnonzero([thing.hides(points, k, size) for k, points in enumerate(at)])
    spans = (Occlusion(thing.thing, int(on_face[0]), int(on_face[-1]) + 1),) if on_face.size else ()
    return replace(take, occluder=thing), replace(truth, occlusions=spans, lips_hidden=hidden)
