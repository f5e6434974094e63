"""Make the sample: a few people each saying a sentence, and two files that curation must refuse."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.encode import encode_video
from models.head.model import HeadModel, load_open_head
from models.sample.acting import act
from models.sample.closure import closer_of
from models.sample.faces import load_faces
from models.sample.mouths import load_mouths
from models.sample.people import PEOPLE, Person
from models.sample.recording import moved, settled
from models.sample.script import LINES
from models.sample.speaker import Speaker, draw_habits
from models.sample.timbre import Timbre
from models.sample.voice import PiperVoice, Speech
from models.synth.conditions import Conditions, Sensor, portrait
from models.synth.film import Developing, film
from models.synth.film import Take as Shot
from models.synth.manifest import write_manifest
from models.synth.rooms import furnished
from schemas.arrays import Float32
from schemas.units import FRAME_RATE

DATASET: Final = "xtalker-sample"
PAUSE_S: Final = 0.25  # before the first word and after the last
ROOM_TONE: Final = 10 ** (-62 / 20)  # amplitude; digital silence between words would be a clue no recording has
REFUSED_TAKE_FRAMES: Final = 75
PORTRAIT: Final = portrait(0.6, 2.4, np.zeros(3, np.float32), np.array([0.0, 0.02], np.float32))
STAGE_DICTION: Final = 1.2  # how much further than in conversation the mouth moves


@dataclass(frozen=True, slots=True)
class Take:
    """One file to make. ``seed`` decides gestures and noise, never the person's looks."""

    path: Path
    person: Person
    speech: Speech
    seed: int
    size_px: int
    has_face: bool = True
    has_sound: bool = True


def make_sample(
    out_dir: Path, voice_dir: Path, clips: int = 6, seed: int = 1, size_px: int = 384, workers: int = 2
) -> tuple[Path, ...]:
    """Write ``clips`` talking heads, a clip without a face, a clip without sound, and MANIFEST.csv to ``out_dir``.

    ``voice_dir`` is the ``piper-joe`` asset. The same arguments give the same videos. Returns the videos' paths.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    voice = PiperVoice(voice_dir, seed)
    takes = [_talking(out_dir, voice, k, seed, size_px) for k in range(clips)]
    takes += _refused(out_dir, voice, clips, seed, size_px)
    # Spawned, so that no thread of the caller's (onnxruntime, BLAS) is cut in half by a fork.
    with ProcessPoolExecutor(min(workers, len(takes)), multiprocessing.get_context("spawn")) as pool:
        paths = tuple(pool.map(shoot, takes))
    write_manifest(out_dir, DATASET, [(take.path.name, take.person.name if take.has_face else "") for take in takes])
    return paths


def shoot(take: Take) -> Path:
    """Render and encode one take."""
    rng = np.random.default_rng(take.seed)
    speech = take.speech
    n_frames = int(np.ceil((speech.duration_s + 2 * PAUSE_S) * FRAME_RATE))
    if not (take.has_face and take.has_sound):
        n_frames = min(n_frames, REFUSED_TAKE_FRAMES)
    room = furnished(take.person.wall, take.size_px, rng)
    if take.has_face:
        head = load_open_head()
        phones = settled(moved(speech.phones, PAUSE_S), n_frames / float(FRAME_RATE))
        speaker = _speaker(take.person, head)
        acting = act(speaker, phones, n_frames, head.expression_names, rng)
        conditions = Conditions(PORTRAIT, take.person.light, Sensor())
        performance = acting.performance(speaker.shape, head.name)
        frames = film(Shot(performance, take.person.palette, conditions, room, take.size_px), head, rng)
    else:
        develop = Developing(Sensor(), take.size_px, rng)
        frames = (develop(np.roll(room, k, axis=1), np.zeros(2, np.float32)) for k in range(n_frames))
    sound = _sound(speech, n_frames, rng) if take.has_sound else np.zeros(len(speech.audio), np.float32)
    encode_video(take.path, frames, lambda: sound, speech.sample_rate)
    return take.path


def _speaker(person: Person, head: HeadModel) -> Speaker:
    rng = np.random.default_rng(person.face_seed)
    shape = person.shape(head.shape_basis.shape[2])
    mouths = load_mouths().of_someone(STAGE_DICTION, STAGE_DICTION, 0.0, rng)
    habits = draw_habits(load_faces(), rng)
    return Speaker(person.name, shape, Timbre(), mouths, closer_of(head, shape, mouths), habits)


def _talking(out_dir: Path, voice: PiperVoice, k: int, seed: int, size_px: int) -> Take:
    person = PEOPLE[k % len(PEOPLE)]
    speech = voice.speak(LINES[k % len(LINES)].ipa, person.pitch, person.tempo)
    return Take(out_dir / f"{person.name}_{k + 1:02d}.mp4", person, speech, seed * 1000 + k, size_px)


def _refused(out_dir: Path, voice: PiperVoice, first: int, seed: int, size_px: int) -> list[Take]:
    person = PEOPLE[first % len(PEOPLE)]
    speech = voice.speak(LINES[first % len(LINES)].ipa, person.pitch, person.tempo)
    return [
        Take(out_dir / "empty_room.mp4", person, speech, seed * 1000 + first, size_px, has_face=False),
        Take(out_dir / "sound_off.mp4", person, speech, seed * 1000 + first + 1, size_px, has_sound=False),
    ]


def _sound(speech: Speech, n_frames: int, rng: np.random.Generator) -> Float32:
    pause = round(PAUSE_S * speech.sample_rate)
    sound = rng.normal(0, ROOM_TONE, round(n_frames / FRAME_RATE * speech.sample_rate)).astype(np.float32)
    spoken = speech.audio[: len(sound) - pause]
    sound[pause : pause + len(spoken)] += spoken
    return sound
