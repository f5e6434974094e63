"""Make clips: the videos, the truth beside each, and their manifest."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.encode import encode_video
from models.head.model import load_open_head
from models.sample.voice import PiperVoice
from models.synth.film import film
from models.synth.manifest import write_manifest
from models.synth.scene import draw_scene, speaker_id
from models.synth.settings import SynthConfig
from schemas.truth import truth_path, write_truth
from schemas.units import SAMPLE_RATE

DATASET: Final = "xtalker-synth"
_TAKE: Final = 2  # a clip's stream of chance; a person's has another number


def make_clips(folder: Path, voice_dir: Path, config: SynthConfig, workers: int = 1) -> Iterator[Path]:
    """Make ``config.clips`` videos in ``folder``, each with its truth (``schemas.truth``), and their MANIFEST.csv.

    ``voice_dir`` is the ``piper-joe`` asset. Yields each video's path when it is complete, in order. The same settings
    give the same files however many ``workers`` make them. Raises ``models.encode.EncodingFailed``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, voice_dir, config, clip) for clip in range(config.clips)]
    write_manifest(folder, DATASET, [(video_name(config, k), speaker_id(config, k)) for k in range(config.clips)])
    if workers == 1:
        yield from map(make_clip, jobs)
        return
    # Spawned, so that no thread of the caller's (onnxruntime, BLAS) is cut in half by a fork.
    with ProcessPoolExecutor(min(workers, config.clips), multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(make_clip, jobs)
        finally:
            pool.shutdown(cancel_futures=True)  # after an error nobody wants the clips that were asked for


def make_clip(job: tuple[Path, Path, SynthConfig, int]) -> Path:
    """Make one clip, given its folder, the voice's folder, the settings and its number."""
    folder, voice_dir, config, clip = job
    cv2.setNumThreads(1)  # every core has a process of its own
    head = load_open_head()
    rng = np.random.default_rng((config.seed, clip, _TAKE))
    voice = PiperVoice(voice_dir, int(rng.integers(2**31)))
    scene = draw_scene(voice, head, config, clip, rng)
    path = folder / video_name(config, clip)
    write_truth(truth_path(path), scene.truth)
    encode_video(path, film(scene.take, head, rng), lambda: scene.audio, SAMPLE_RATE, scene.take.conditions.sensor.crf)
    return path


def video_name(config: SynthConfig, clip: int) -> str:
    """The file's name, which tells clip and speaker."""
    return f"c{clip:05d}_s{clip % config.speakers:03d}.mp4"
