"""``xtalker live``."""

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

from flows.commands.refusals import told
from flows.errors import WrongCall
from flows.live import LiveStage
from flows.performing import Casting
from flows.settings import Settings
from schemas.units import frames_to_seconds
from tasks.media.pcm import PcmStream

INTERRUPTED: Final = 130  # 128 and the signal's number, as shells have it


def run(casting: Casting, rate_hz: int, channels: int, warehouse: Path | None) -> int:
    if sys.stdin is None or sys.stdin.isatty():
        raise WrongCall("no sound on standard input; pipe raw PCM into it: ffmpeg ... -f s16le - | xtalker live")
    settings = Settings.load(warehouse)
    try:
        with told():
            stage = LiveStage(settings.warehouse, settings.assets, casting)
            for note in stage.cast.notes:
                _say(note)
            if stage.cast.camera is not None:
                _say("lines hold no camera: its move is left out")
            sound = PcmStream(cast(io.BufferedIOBase, sys.stdin.buffer).read1, rate_hz, channels)
            _say(f"{stage.cast.model_name} listens (s16le, {rate_hz} Hz, channels: {channels})")
            n_frames = _write(stage.lines(sound.blocks()))
    except KeyboardInterrupt:
        _say("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough. What is left in the buffer would fail once more as the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if sound.left_over:
        _say(f"the last {sound.left_over} bytes were no whole sample; is it {channels} x s16le?")
    _say(f"{n_frames} frames, {frames_to_seconds(n_frames):.1f} s")
    return 0


def _write(pieces: Iterable[list[str]]) -> int:
    """How many lines were written, each piece as soon as it is there."""
    n_lines = 0
    for lines in pieces:
        if lines:
            sys.stdout.writelines(lines)
            sys.stdout.flush()
            n_lines += len(lines)
    return n_lines


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
