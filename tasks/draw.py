"""Draw a performance: the speaking head as an MP4 with its sound.

Enters: a ``Performance``, the ``CameraPath`` that watches it, and the speech. Leaves: the video. Worker processes draw
runs of frames while this one encodes them in order; only a few runs exist at a time, so an hour takes no more memory
than a minute.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from pydantic import Field

from models.encode import encode_video
from models.head.model import HeadModel
from models.look.skin import RGB, Palette
from models.look.studio import Set, Studio
from models.render import Light
from models.view import View, look_at
from schemas.arrays import Float32, UInt8
from schemas.config import StageConfig
from schemas.performance import CameraPath, Performance

VERSION = "1"

Progress = Callable[[int, int], None]  # frames done, frames in all

_RUN_FRAMES: Final = 24
_RUNS_AHEAD: Final = 2  # of each worker: enough to keep it busy while frames are encoded


class DrawConfig(StageConfig):
    width: int = Field(512, ge=64, le=4096, multiple_of=2)
    height: int = Field(512, ge=64, le=4096, multiple_of=2)
    supersample: int = Field(2, ge=1, le=4, description="samples along each side of a pixel")
    background: RGB = Field((164, 170, 176), description="sRGB, 0..255")
    light: Light = Field(Light(towards=(0.35, 0.5, 0.8), ambient=0.5, diffuse=0.62, specular=0.1))
    palette: Palette = Field(Palette(), description="colours of skin, lips, hair, irises and shirt, sRGB")
    workers: int = Field(2, ge=1, description="processes that draw")


class DrawingProcessDied(RuntimeError):
    """A drawing process ended without an answer, as when the system takes its memory."""


class CameraMismatch(ValueError):
    """The camera's path is not as long as the performance."""


def draw(
    performance: Performance,
    head: HeadModel,
    camera: CameraPath,
    audio: Float32,
    sample_rate: int,
    path: Path,
    config: DrawConfig,
    progress: Progress | None = None,
) -> Path:
    """Write ``path`` (.mp4) and return it; ``audio`` [S] mono, -1..1, starts with the first frame.

    ``progress`` is called from this process after every frame. The file appears only when it is complete.
    Raises ``CameraMismatch``, ``models.view.BlindCamera``, ``DrawingProcessDied``, ``models.encode.EncodingFailed``.
    """
    if camera.n_frames != performance.n_frames:
        raise CameraMismatch(
            f"the camera has {camera.n_frames} frames, the performance {performance.n_frames}: make the path as long"
        )
    with _frames(performance, head, look_at(camera), config) as frames:
        encode_video(path, _counted(frames, performance.n_frames, progress), lambda: audio, sample_rate)
    return path


def _counted(frames: Iterator[UInt8], n_frames: int, progress: Progress | None) -> Iterator[UInt8]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress is not None:
            progress(done, n_frames)


@contextmanager
def _frames(performance: Performance, head: HeadModel, view: View, config: DrawConfig) -> Iterator[Iterator[UInt8]]:
    """The frames in order, drawn here if they are few, else by worker processes."""
    runs = range(0, performance.n_frames, _RUN_FRAMES)
    workers = min(config.workers, len(runs))
    if workers <= 1:
        yield Studio(head, _set(config)).shoot(performance, view)
        return
    # Spawned, so that no thread of the caller's (torch, BLAS) is cut in half by a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_open_studio, initargs=(head, _set(config))) as pool:

        def ask(first: int) -> "Future[UInt8]":
            frames = slice(first, first + _RUN_FRAMES)
            return pool.submit(_shoot, _part(performance, frames), view.part(frames))

        try:
            yield _in_order(ask, runs, workers * _RUNS_AHEAD)
        finally:
            pool.shutdown(cancel_futures=True)  # after an error nobody wants the frames that were asked for


def _in_order(ask: Callable[[int], "Future[UInt8]"], runs: range, ahead: int) -> Iterator[UInt8]:
    asked: deque[Future[UInt8]] = deque()
    coming = iter(runs)
    try:
        for first in coming:
            asked.append(ask(first))
            if len(asked) > ahead:
                yield from asked.popleft().result()
        while asked:
            yield from asked.popleft().result()
    except BrokenProcessPool as error:
        raise DrawingProcessDied(
            "a drawing process died, perhaps for want of memory: draw with fewer workers or a smaller picture"
        ) from error


def _set(config: DrawConfig) -> Set:
    return Set(config.width, config.height, config.supersample, config.background, config.light, config.palette)


def _part(performance: Performance, frames: slice) -> Performance:
    expression = performance.expression[frames]
    return replace(
        performance,
        n_frames=len(expression),
        expression=expression,
        global_rotation=performance.global_rotation[frames],
        jaw=performance.jaw[frames],
        eyes=performance.eyes[frames],
        translation=performance.translation[frames],
    )


# Of a worker process: set up once, used for every run of frames it draws.
_studio: list[Studio] = []


def _open_studio(head: HeadModel, stage: Set) -> None:
    cv2.setNumThreads(1)
    _studio[:] = [Studio(head, stage)]


def _shoot(performance: Performance, view: View) -> UInt8:
    return np.stack(list(_studio[0].shoot(performance, view)))
