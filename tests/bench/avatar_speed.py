"""Speed of the avatar: motion from cached features on one core, the whole of ``generate`` and drawing on two, and how
soon a streamed session shows its first frame.

One-core figures are frames a second of processor time, so that a busy machine does not count; the others are what a
person waits for.
"""

import resource
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch

from flows.hearing import open_ear
from flows.performing import DEFAULT, Request, find_model, generate
from flows.sounds import sounds_of
from models.assets import AssetStore
from models.avatar.protocol import Condition, MotionModel
from models.avatar.sampler import Sampler
from models.controls.camera import film
from models.head.model import load_open_head
from models.metrics.bootstrap import bounds
from models.presets import open_model
from models.training.checkpoint import read_card
from models.vad import SileroVad
from models.whisper.steady import SteadyWhisper
from schemas.arrays import Float32
from schemas.controls import CameraMove, CameraShot
from schemas.speech import SpeechFeatures, joined
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, SHAPE_DIM
from tasks.draw import DrawConfig, draw
from tasks.evaluate.records import EvaluationClip
from tasks.evaluate.rows import fitted
from tasks.media.hearing import SoundFile
from tasks.perform import Part, PerformConfig, Performed, perform, to_performance
from tasks.perform_live import LivePerformConfig, LivePerformer
from tests.bench.avatar_table import Figure, Range, Section
from warehouse.selection import SelectedClips

CLIP_FRAMES: Final = 75
LONG_FRAMES: Final = 250
PICTURE_PX: Final = 512
DRAWN_FRAMES: Final = 750
BLOCK_FRAMES: Final = 1  # of sound a push, as a microphone gives it
_DRAWS: Final = 2000
_NOBODY: Final = np.zeros(SHAPE_DIM, np.float32)


@dataclass(frozen=True, slots=True)
class Timed:
    """One call: seconds. Processor time is this process's and that of children that have ended."""

    cpu_s: float
    wall_s: float


def repeated(call: Callable[[], object], times: int) -> list[Timed]:
    """``call`` so many times, after once that does not count."""
    call()
    found = []
    for _ in range(times):
        cpu, wall = _cpu_s(), time.perf_counter()
        call()
        found.append(Timed(_cpu_s() - cpu, time.perf_counter() - wall))
    return found


def _cpu_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


@dataclass(frozen=True, slots=True)
class Motion:
    """Frames a second of processor time, median of many calls, with its interval over them."""

    value: float
    low: float
    high: float
    wall: float
    n: int

    @classmethod
    def of(cls, model: MotionModel, speech: SpeechFeatures, times: int) -> "Motion":
        """On one thread, at the model's own number of steps."""
        condition = Condition(reference=None)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            timed = repeated(lambda: model.perform(speech, _NOBODY, condition, None, 0), times)
        finally:
            torch.set_num_threads(threads)
        cpu = np.array([t.cpu_s for t in timed])
        resampled = np.median(np.random.default_rng(0).choice(cpu, (_DRAWS, len(cpu))), axis=1)
        low, high = bounds(speech.n_frames / resampled[:, None], 0.95)
        wall = float(np.median([t.wall_s for t in timed]))
        return cls(
            speech.n_frames / float(np.median(cpu)), float(low[0]), float(high[0]), speech.n_frames / wall, len(timed)
        )


def speech_of(clips: dict[str, EvaluationClip], n_frames: int) -> SpeechFeatures:
    """Real speech of that length."""
    return fitted(joined(clip.features for clip in list(clips.values())[: 1 + n_frames // 50]), n_frames)


def motion(model: MotionModel, clips: dict[str, EvaluationClip], quick: bool) -> tuple[Figure, ...]:
    figures = []
    for n_frames, times in ((CLIP_FRAMES, 20 if quick else 100), (LONG_FRAMES, 5 if quick else 30)):
        found = Motion.of(model, speech_of(clips, n_frames), times)
        rate = float(FRAME_RATE)
        figures.append(
            Figure(
                f"motion from cached features, one clip of {n_frames / rate:.0f} s, 1 core",
                "x",
                found.value / rate,
                found.low / rate,
                found.high / rate,
                found.n,
                Range(low=40),
                Range(low=150),
                0,
                f"{found.value:,.0f} frames/s of processor time; {found.wall:,.0f} by the clock",
            )
        )
    return tuple(figures)


def against_paper(ours: MotionModel, paper: MotionModel, clips: dict[str, EvaluationClip], quick: bool) -> Figure:
    """How much faster a clip is made, each model by its own number of steps."""
    speech = speech_of(clips, CLIP_FRAMES)
    mine, theirs = Motion.of(ours, speech, 20), Motion.of(paper, speech, 1 if quick else 5)
    return Figure(
        "generation speed, own steps, float32, 3 s, 1 core",
        "x",
        mine.value / theirs.value,
        mine.low / theirs.high,
        mine.high / theirs.low,
        theirs.n,
        Range(low=20),
        Range(low=60),
        0,
        f"{mine.value:,.0f} against {theirs.value:,.1f} frames/s",
    )


def whole(
    root: Path, assets: Path, selected: SelectedClips, folder: Path, scratch: Path, quick: bool
) -> tuple[Figure, ...]:
    """``generate`` to motion alone, which opens its models every time; the same as a command, and with open models."""
    figures: list[Figure] = []
    perform_warm = opened(folder, assets)
    times = 1 if quick else 5
    for seconds in (20,) if quick else (20, 60):
        sound, output = scratch / f"speech-{seconds}.wav", scratch / "motion.npz"
        write_sound(sound, spoken(selected, seconds))
        request = Request(sound, output, model=DEFAULT)
        called = repeated(partial(generate, root, assets, request), times)
        warm = repeated(partial(perform_warm, sound), times)
        words = ["generate", "--audio", str(sound), "--output", str(output), "--model", DEFAULT]
        command = repeated(partial(_xtalker, *words, "--warehouse", str(root)), 1)
        said = f"{seconds} s of speech, 2 cores"
        figures += [
            _times_real_time(f"generate without rendering, {said}", seconds, called, Range(low=12), Range(low=25)),
            _times_real_time(f"  with models that are open, {said}", seconds, warm),
            _times_real_time(f"  as a command, {said}", seconds, command),
        ]
    return tuple(figures)


def _times_real_time(
    name: str, seconds: int, timed: list[Timed], must: Range | None = None, aim: Range | None = None
) -> Figure:
    """By the clock; with the fastest and the slowest call in place of an interval."""
    speeds = sorted(seconds / t.wall_s for t in timed)
    cpu_s = float(np.median([t.cpu_s for t in timed]))
    value = float(np.median(speeds))
    note = f"{seconds / value:.2f} s by the clock, {cpu_s:.2f} of processor time"
    return Figure(name, "x", value, speeds[0], speeds[-1], len(timed), must, aim, 1, note)


def opened(folder: Path, assets: Path) -> Callable[[Path], Performed]:
    """What performs a sound file, its models open."""
    encoder, model = whisper_and_avatar(folder, assets)
    detector, head = SileroVad(AssetStore(assets).path("silero-vad")), load_open_head()
    return lambda sound: perform(SoundFile(sound), encoder, detector, model, Part(), head, PerformConfig())


def whisper_and_avatar(folder: Path, assets: Path) -> tuple[SteadyWhisper, Sampler]:
    encoder = open_ear(assets, read_card(folder).speech_model).encoder
    model = open_model(folder)
    if not isinstance(encoder, SteadyWhisper) or not isinstance(model, Sampler):
        raise SystemExit(f"{folder}: only an avatar that hears with Whisper can be driven by any sound")
    return encoder, model


def live(folder: Path, assets: Path, selected: SelectedClips, times: int) -> tuple[Figure, ...]:
    """A session whose models are open and that hears a microphone's blocks."""
    encoder, model = whisper_and_avatar(folder, assets)
    sound = spoken(selected, 8)
    _first_frame(model, encoder, sound)
    found = [_first_frame(model, encoder, sound) for _ in range(times)]
    delays = sorted(1000 * delay_s for delay_s, _ in found)
    heard_ms = 1000 * found[0][1]
    return (
        Figure(
            "first frame of a streamed session, after its sound is there",
            "ms",
            float(np.median(delays)),
            delays[0],
            delays[-1],
            times,
            Range(high=300),
            Range(high=100),
            0,
        ),
        Figure("  sound that must be there first", "ms", heard_ms, n=1, digits=0),
    )


def _first_frame(model: Sampler, encoder: SteadyWhisper, sound: Float32) -> tuple[float, float]:
    """Seconds from the last block that the first frames need until they are there, and seconds of sound till then."""
    performer = LivePerformer(encoder, model, Part(), load_open_head(), LivePerformConfig())
    heard = 0
    for block in np.split(sound, range(BLOCK_FRAMES * SAMPLES_PER_FRAME, len(sound), SAMPLES_PER_FRAME)):
        heard += len(block)
        at = time.perf_counter()
        if performer.push(block) is not None:
            return time.perf_counter() - at, heard / SAMPLE_RATE
    raise SystemExit(f"{len(sound) / SAMPLE_RATE:.1f} s of speech were too few for a frame")


def drawing(clips: dict[str, EvaluationClip], scratch: Path, quick: bool) -> Figure:
    """Real motion, drawn by ``tasks.draw`` with its two processes and encoded."""
    head = load_open_head()
    n_frames = 200 if quick else DRAWN_FRAMES
    frames = np.concatenate([clip.frames for clip in list(clips.values())[: 1 + n_frames // 50]])[:n_frames]
    silence = np.zeros(n_frames * SAMPLES_PER_FRAME, np.float32)
    camera = film(CameraShot(CameraMove.FIXED), n_frames, 1.0)
    at: list[float] = []
    begun = time.perf_counter()
    draw(
        to_performance(frames, _NOBODY, head),
        head,
        camera,
        silence,
        SAMPLE_RATE,
        scratch / "film.mp4",
        DrawConfig(width=PICTURE_PX, height=PICTURE_PX, workers=2),
        lambda *_: at.append(time.perf_counter()),
    )
    ended = time.perf_counter()
    return Figure(
        f"render {PICTURE_PX} px, 2 cores, from the first frame to the end of the file",
        "fps",
        (n_frames - 1) / (ended - at[0]),
        n=1,
        must=Range(low=25),
        aim=Range(low=60),
        digits=1,
        note=f"{n_frames / (ended - begun):.1f} with the start of the processes, for {n_frames} frames",
    )


def spoken(selected: SelectedClips, seconds: float) -> Float32:
    """So much speech: clips of s1 one after the other."""
    parts: list[Float32] = []
    missing = round(seconds * SAMPLE_RATE)
    for clip in selected.clips:
        if missing <= 0:
            break
        ((_, sound),) = sounds_of([clip])
        parts.append(sound[:missing])
        missing -= len(parts[-1])
    return np.concatenate(parts)


def write_sound(path: Path, samples: Float32) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())


def section(
    root: Path, assets: Path, selected: SelectedClips, clips: dict[str, EvaluationClip], scratch: Path, quick: bool
) -> Section:
    """Of the model that comes with the program."""
    _, folder = find_model(root, DEFAULT)
    return Section(
        "speed of the default model",
        (
            *motion(open_model(folder), clips, quick),
            *whole(root, assets, selected, folder, scratch, quick),
            *live(folder, assets, selected, 3 if quick else 10),
            drawing(clips, scratch, quick),
        ),
    )


def _xtalker(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "flows.cli", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"xtalker {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
