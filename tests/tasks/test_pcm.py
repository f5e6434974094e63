"""Raw sound from a pipe, however the pipe cuts it."""

import io
from collections.abc import Callable

import numpy as np
import pytest

from schemas.arrays import Float32
from schemas.units import SAMPLE_RATE
from tasks.media.hearing import CannotListen
from tasks.media.pcm import PcmStream
from tests.builders import tone


def pcm(*channels: Float32) -> bytes:
    return (np.stack(channels, axis=1) * 32767).astype("<i2").tobytes()


def dribbling(data: bytes, size: int) -> Callable[[int], bytes]:
    """A pipe that never gives more than ``size`` bytes."""
    source = io.BytesIO(data)
    return lambda n: source.read(min(n, size))


def heard(stream: PcmStream) -> Float32:
    return np.concatenate(list(stream.blocks()))


@pytest.mark.parametrize("size", [7, 1000, 10**6])
def test_samples_come_as_they_were_however_they_are_cut(size: int) -> None:
    sound = tone(0.4, rate=SAMPLE_RATE)
    np.testing.assert_allclose(heard(PcmStream(dribbling(pcm(sound), size))), sound, atol=1e-4)


def test_channels_are_mixed() -> None:
    left, right = tone(0.4, 440, rate=SAMPLE_RATE), tone(0.4, 300, rate=SAMPLE_RATE)
    mixed = heard(PcmStream(dribbling(pcm(left, right), 1001), channels=2))
    np.testing.assert_allclose(mixed, (left + right) / 2, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_another_rate_keeps_length_pitch_and_time(rate: int) -> None:
    sound = heard(PcmStream(dribbling(pcm(tone(0.5, rate=rate)), 1234), rate))
    assert sound.size == pytest.approx(0.5 * SAMPLE_RATE, abs=2)
    n = min(sound.size, 8000)
    np.testing.assert_allclose(sound[200 : n - 200], tone(0.5, rate=SAMPLE_RATE)[200 : n - 200], atol=0.02)


def test_sound_is_passed_on_before_more_is_read() -> None:
    read: list[int] = []

    def pipe(n: int) -> bytes:
        read.append(n)
        return pcm(tone(0.02, rate=SAMPLE_RATE)) if len(read) < 4 else b""

    blocks = PcmStream(pipe).blocks()
    assert next(blocks).size == 320
    assert len(read) == 1
    assert max(read) <= 0.1 * SAMPLE_RATE * 2, "no more is waited for than a pipe gives at once"


def test_a_last_sample_that_is_not_whole_is_counted_and_left_out() -> None:
    stream = PcmStream(dribbling(pcm(*[tone(0.1, rate=SAMPLE_RATE)] * 2) + b"abc", 999), channels=2)
    assert heard(stream).size == 1600
    assert stream.left_over == 3


@pytest.mark.parametrize("data", [b"", b"x"])
def test_not_one_sample_is_no_sound(data: bytes) -> None:
    with pytest.raises(CannotListen, match="not one sample"):
        heard(PcmStream(io.BytesIO(data).read))
