"""Films of numbered pictures and chirps, written through PyAV with full say over every time stamp."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from schemas.arrays import Float32
from tests.clock.signals import chirps, numbered_picture

NTSC = Fraction(1000, 1001)
BLOCK = 1024


@dataclass(frozen=True)
class Pictures:
    """Each presented at one of ``times_s`` and numbered from ``first_number`` on."""

    times_s: tuple[Fraction, ...]
    codec: str = "libx264"
    tick_s: Fraction = Fraction(1, 90_000)  # of the encoder's clock
    rate: Fraction = Fraction(25)  # as declared
    b_frames: int = 0
    key_every: int = 12
    options: dict[str, str] = field(default_factory=dict)
    rotation_deg: int = 0
    first_number: int = 0
    decoding_from_zero: bool = False  # for AVI, which counts packets and knows no time of presentation


@dataclass(frozen=True)
class Sound:
    """Chirps in silence: sample 0 of ``length_s`` seconds is presented at ``start_s``."""

    codec: str = "aac"
    rate: int = 48_000
    layout: str = "mono"
    sample_format: str | None = None
    start_s: Fraction = Fraction(0)
    length_s: float = 3.0
    drift: float = 0.0  # by this share of the time the stamps, which are right, run ahead of the count of samples
    jitter_s: float = 0.0  # stamps are wrong by up to so much, either way
    lost_s: tuple[tuple[float, float], ...] = ()  # packets whose stamps lie in here never reach the file
    only_channel: int | None = None  # the others are silent
    wave: Float32 | None = None  # at the rate, instead of chirps
    skip_samples: int = 0  # left out at the beginning, for containers that cannot say how long the encoder's delay is


def steady(fps: Fraction | int, seconds: float = 3.0, start_s: Fraction = Fraction(0)) -> tuple[Fraction, ...]:
    """Presentation times of a constant rate."""
    return tuple(start_s + Fraction(k) / Fraction(fps) for k in range(int(seconds * Fraction(fps))))


def write_film(
    path: Path,
    pictures: Pictures,
    sound: Sound,
    chirps_s: Sequence[float],
    muxer: dict[str, str] | None = None,
) -> None:
    """Write both streams; the chirps begin at ``chirps_s`` on the clock of the pictures."""
    with av.open(str(path), "w", options=muxer or {}) as container:
        video, audio = _video(container, pictures), _audio(container, sound)
        packets = [*_encoded_pictures(video, pictures), *_encoded_sound(audio, sound, chirps_s)]
        for packet in sorted(packets, key=lambda p: (p.dts if p.dts is not None else p.pts) * p.time_base):
            container.mux(packet)


def _video(container: Any, pictures: Pictures) -> Any:
    stream = container.add_stream(pictures.codec, rate=pictures.rate, options=pictures.options)
    stream.height, stream.width = numbered_picture(0).shape[:2]
    if pictures.rotation_deg in (90, 270):
        stream.height, stream.width = stream.width, stream.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = pictures.tick_s
    context.gop_size = pictures.key_every
    context.thread_count = 1
    if pictures.codec == "libx264":
        context.options = {"preset": "veryfast", "bf": str(pictures.b_frames), **pictures.options}
    else:
        context.max_b_frames = pictures.b_frames
        if not pictures.codec.startswith("libvpx"):
            context.qmin, context.qmax = 2, 5
    if pictures.rotation_deg:
        stream.set_display_rotation(pictures.rotation_deg)
    return stream


def _audio(container: Any, sound: Sound) -> Any:
    stream = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    if sound.codec == "wmav2":
        stream.bit_rate = 128_000
    if sound.sample_format is not None:
        stream.format = sound.sample_format
    return stream


def _encoded_pictures(stream: Any, pictures: Pictures) -> list[Any]:
    packets = []
    for number, time_s in enumerate(pictures.times_s, pictures.first_number):
        stored = np.ascontiguousarray(np.rot90(numbered_picture(number), -pictures.rotation_deg // 90))
        frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
        frame.time_base = pictures.tick_s
        frame.pts = round(time_s / pictures.tick_s)
        packets += stream.encode(frame)
    packets += stream.encode(None)
    if pictures.decoding_from_zero:
        lead = packets[0].dts
        for packet in packets:
            packet.dts -= lead
            packet.pts -= lead
    return packets


def _encoded_sound(stream: Any, sound: Sound, chirps_s: Sequence[float]) -> list[Any]:
    start = float(sound.start_s) + sound.skip_samples / sound.rate
    n_samples = int(sound.length_s * sound.rate)
    mono = chirps(chirps_s, sound.rate, start, n_samples) if sound.wave is None else sound.wave[:n_samples]
    n_channels = av.AudioLayout(sound.layout).nb_channels
    samples = np.repeat(mono[None], n_channels, 0)
    if sound.only_channel is not None:
        samples[np.arange(n_channels) != sound.only_channel] = 0
    first = round(sound.start_s * sound.rate)
    packets = []
    for offset in range(0, n_samples, BLOCK):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[:, offset : offset + BLOCK]), format="fltp", layout=sound.layout
        )
        frame.sample_rate, frame.time_base, frame.pts = sound.rate, Fraction(1, sound.rate), first + offset
        packets += stream.encode(frame)
    packets += stream.encode(None)
    kept, wrong = [], np.random.default_rng(0)
    for packet in packets:
        packet.pts = packet.dts = packet.pts + round(Fraction(sound.skip_samples, sound.rate) / packet.time_base)
        stamp_s = float(packet.pts * packet.time_base)
        if any(a <= stamp_s < b for a, b in sound.lost_s):
            continue
        stamp_s = stamp_s * (1 + sound.drift) + wrong.uniform(-sound.jitter_s, sound.jitter_s)
        packet.pts = packet.dts = round(stamp_s / packet.time_base)
        kept.append(packet)
    return kept
