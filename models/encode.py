"""Frames and sound to an MP4 that plays everywhere: H.264 (yuv420p) and AAC, through the ffmpeg of imageio-ffmpeg."""

import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg
import numpy as np

from schemas.arrays import Float32, UInt8
from schemas.units import FRAME_RATE


class EncodingFailed(RuntimeError):
    """ffmpeg could not write the video; the message holds what it said."""


def encode_video(
    path: Path, frames: Iterable[UInt8], sound: Callable[[], Float32], sample_rate: int, crf: int = 18
) -> None:
    """Write ``frames`` [H, W, 3] RGB, 25 a second, H and W even, to ``path``.

    ``sound`` is asked once, after the last frame, for mono samples [S], -1..1: a reader that decodes as it goes has
    them only then. The file appears under its name only when it is complete.
    Raises ``EncodingFailed``; ``ValueError`` if there are no frames.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError(f"{path}: no frames to encode")
    path = path.absolute()  # begins with a slash, so ffmpeg can take it for neither an option nor a protocol
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".encode-", dir=path.parent) as scratch:
        silent, wav, whole = (Path(scratch, name) for name in ("silent.mp4", "sound.wav", f"whole{path.suffix}"))
        _run(_encode_command(first, silent, crf), chain([first], frames))
        _write_wav(wav, sound(), sample_rate)
        _run(_mux_command(silent, wav, whole), [])
        whole.replace(path)


def _encode_command(frame: UInt8, target: Path, crf: int) -> list[str]:
    height, width, _ = frame.shape
    pictures = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=str(FRAME_RATE)
    )
    return _command(
        pictures.output(str(target), vcodec="libx264", pix_fmt="yuv420p", crf=crf, preset="veryfast", threads=1)
    )


def _mux_command(silent: Path, wav: Path, target: Path) -> list[str]:
    pictures, sound = ffmpeg.input(str(silent)).video, ffmpeg.input(str(wav)).audio
    return _command(
        ffmpeg.output(
            pictures, sound, str(target), vcodec="copy", acodec="aac", audio_bitrate="128k", movflags="+faststart"
        )
    )


def _command(output: Any) -> list[str]:
    command: list[str] = ffmpeg.compile(output.global_args("-loglevel", "error"), cmd=imageio_ffmpeg.get_ffmpeg_exe())
    return command


def _run(command: list[str], frames: Iterable[UInt8]) -> None:
    """Run ffmpeg, with ``frames`` on its standard input. Raises ``EncodingFailed`` with what it said."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said) as process,  # noqa: S603 - an argument list
    ):
        stopped_reading = False
        try:
            for frame in frames:
                process.stdin.write(np.ascontiguousarray(frame).data)  # type: ignore[union-attr]
        except BrokenPipeError:
            stopped_reading = True
        except BaseException:
            process.kill()
            raise
        process.communicate()
        if process.returncode != 0 or stopped_reading:
            said.seek(0)
            raise EncodingFailed(said.read().decode(errors="replace").strip() or "ffmpeg stopped without a word")


def _write_wav(path: Path, audio: Float32, sample_rate: int) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        out.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
