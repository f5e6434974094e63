"""``xtalker live``: raw sound in, a line for every frame out as soon as it is made, and a clean end of every kind."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flows.commands.live import INTERRUPTED, run
from flows.errors import WrongCall
from flows.performing import DEFAULT, Cast, Casting
from flows.settings import Settings
from models.assets import AssetMissing, AssetStore
from models.avatar.sampler import Sampler
from models.export.arkit import ACTIONS
from models.head.model import load_open_head
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.perform import Part
from tests.builders import speech_like
from tests.flows.command_line import xtalker
from tests.models.avatar.build import tiny_avatar
from tests.tasks.test_listen import Loudness

SPEECH = (speech_like(20_000) * 32767).astype("<i2").tobytes()  # ends within a frame
N_FRAMES = 32


def played(_root: Path, _assets: Path, casting: Casting) -> Cast:
    avatar = tiny_avatar(awake=True, speech_dim=1, speech_model=Loudness.name)
    notes = () if casting.model is None else (f"asked for {casting.model}",)
    return Cast("tiny", Sampler(avatar), Loudness(), load_open_head(), Part(), None, notes)  # type: ignore[arg-type]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.live.open_cast", played)


@pytest.mark.usefixtures("tiny")
def test_every_frame_is_a_line() -> None:
    done = xtalker("live", "--model", "small-1", given=SPEECH)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(N_FRAMES))
    assert {tuple(line["arkit"]) for line in lines} == {ACTIONS}
    assert len({line["arkit"]["jawOpen"] for line in lines}) > 1
    assert done.stderr.splitlines() == [
        "asked for small-1",
        "tiny listens (s16le, 16000 Hz, channels: 1)",
        f"{N_FRAMES} frames, 1.3 s",
    ]
    assert xtalker("live", "--model", "small-1", given=SPEECH).stdout == done.stdout


@pytest.mark.usefixtures("tiny")
def test_rate_and_channels_are_those_of_the_sound() -> None:
    done = xtalker("live", "--rate", 48_000, "--channels", 2, given=SPEECH)
    assert len(done.stdout.splitlines()) == pytest.approx(N_FRAMES / 6, abs=1)
    assert "48000 Hz, channels: 2" in done.stderr


@pytest.mark.usefixtures("tiny")
def test_half_a_sample_is_told_of() -> None:
    done = xtalker("live", given=SPEECH + b"x")
    assert (done.returncode, "the last 1 bytes were no whole sample" in done.stderr) == (0, True)
    assert len(done.stdout.splitlines()) == N_FRAMES


@pytest.mark.usefixtures("tiny")
def test_no_sound_is_told_of() -> None:
    done = xtalker("live")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no sound came" in done.stderr


class Microphone(io.RawIOBase):
    """Gives 0.1 s at a time and notes what has reached the reader by then; then somebody presses Ctrl-C."""

    def __init__(self, out: io.BytesIO) -> None:
        self.out = out
        self.rest = SPEECH
        self.arrived: list[int] = []

    def read1(self, _: int) -> bytes:
        self.arrived.append(self.out.getvalue().count(b"\n"))
        if not self.rest:
            raise KeyboardInterrupt
        block, self.rest = self.rest[:3200], self.rest[3200:]
        return block


@pytest.mark.usefixtures("tiny")
def test_lines_arrive_while_more_is_spoken_and_ctrl_c_ends_it_cleanly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = io.BytesIO()
    microphone = Microphone(out)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(microphone))  # type: ignore[type-var]
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out))
    assert run(Casting(), SAMPLE_RATE, 1, None) == INTERRUPTED
    assert microphone.arrived == [0] * 6 + [5] * 2 + [10] * 2 + [15] * 2 + [20] * 2
    assert capsys.readouterr().err.splitlines()[-1] == "stopped"


def test_wrong_calls_are_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, says in (
        (("--image", "a.png", "--identity", "b"), "not both"),
        (("--emotion", "sad", "--emotion-curve", "b.csv"), "not both"),
        (("--rate", 20), "rate"),
        (("--channels", 0), "channels"),
    ):
        done = xtalker("live", *words, given=SPEECH)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(WrongCall, match="pipe raw PCM into it"):
        run(Casting(), SAMPLE_RATE, 1, None)


# --- as a process, with the model that comes along


def begun() -> "subprocess.Popen[bytes]":
    """The command in a process of its own, from when it listens."""
    try:
        AssetStore(Settings.load().assets).path("whisper-base")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    command = [sys.executable, "-m", "flows.cli", "live", "--model", DEFAULT]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=_heed_interrupts)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert b"default listens" in told, told + process.stderr.read()
    return process


def _heed_interrupts() -> None:
    """As a terminal's processes do; a test run in the background is told to ignore them, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_a_pipe_brings_lines_before_its_end_and_the_rest_after() -> None:
    with begun() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(SPEECH[: 15 * SAMPLES_PER_FRAME * 2])
        process.stdin.flush()
        first = json.loads(process.stdout.readline())  # standard input is still open
        process.stdin.write(SPEECH[15 * SAMPLES_PER_FRAME * 2 :])
        process.stdin.close()
        rest, told = process.stdout.readlines(), process.stderr.read()  # not communicate, which loses what is buffered
    lines = [first, *map(json.loads, rest)]
    assert [line["frame"] for line in lines] == list(range(N_FRAMES))
    assert np.ptp([line["arkit"]["jawOpen"] for line in lines]) > 0.02
    assert (process.returncode, told.decode()) == (0, f"{N_FRAMES} frames, 1.3 s\n")


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with begun() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(SPEECH)
        process.stdin.flush()
        assert process.wait(60) == 0  # standard input is still open
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_an_interrupt_ends_it_in_a_word() -> None:
    with begun() as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED
        assert process.stderr.read() == b"stopped\n"
