"""Films as PyAV writes them: rates, containers, beginnings, codecs, stamps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.clock.film import NTSC, Pictures, Sound, steady, write_film
from tests.clock.measure import Truth

CHIRPS = (0.31, 0.807, 1.3, 1.7713, 2.2, 2.65)
F = Fraction


@dataclass(frozen=True)
class Case:
    family: str
    name: str
    make: Callable[[Path], tuple[Path, Truth]]  # into a folder
    tells: bool = True  # whether the file still holds what it takes to be right

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def film(
    family: str,
    name: str,
    suffix: str,
    pictures: Pictures | None = None,
    sound: Sound | None = None,
    muxer: dict[str, str] | None = None,
    chirps_s: Sequence[float] = CHIRPS,
) -> Case:
    """A film as it is written."""
    pictures, sound = pictures or Pictures(steady(25)), sound or Sound()

    def make(folder: Path) -> tuple[Path, Truth]:
        path = folder / f"film{suffix}"
        write_film(path, pictures, sound, chirps_s, muxer)
        return path, as_written(pictures, sound, chirps_s)

    return Case(family, name, make)


def as_written(pictures: Pictures, sound: Sound, chirps_s: Sequence[float]) -> Truth:
    """What such a film presents, but for chirps at the edges of its sound and of what was lost."""
    shown = {number: float(time_s) for number, time_s in enumerate(pictures.times_s, pictures.first_number)}
    first, last = float(sound.start_s), float(sound.start_s) + sound.length_s
    heard = (c for c in chirps_s if first + 0.01 <= c < last - 0.05)
    lost = [(a - 0.05, b + 0.05) for a, b in sound.lost_s]
    kept = (c for c in heard if not any(a <= c <= b for a, b in lost))
    return Truth(shown, tuple(c * (1 + sound.drift) for c in kept))


# --- frame rates

RATES = {
    "10": F(10), "12.5": F(25, 2), "15": F(15), "23.976": 24 * NTSC, "24": F(24), "25": F(25), "29.97": 30 * NTSC,
    "30": F(30), "50": F(50), "59.94": 60 * NTSC, "60": F(60),
}  # fmt: skip


def rates() -> list[Case]:
    cases = []
    for name, fps in RATES.items():
        cases.append(film("frame rate", f"{name} mp4", ".mp4", Pictures(steady(fps), rate=fps)))
    for name in ("23.976", "29.97", "59.94"):
        fps = RATES[name]
        cases.append(film("frame rate", f"{name} mkv", ".mkv", Pictures(steady(fps), rate=fps), Sound("flac")))
    for name in ("23.976", "29.97"):
        fps = RATES[name]
        pictures = Pictures(steady(fps), "mpeg2video", 1 / fps, fps)
        cases.append(film("frame rate", f"{name} mpg", ".mpg", pictures, Sound("mp2")))
    return cases


# --- variable frame rates


def _gaps(low: float, high: float, seed: int) -> tuple[Fraction, ...]:
    rng = np.random.default_rng(seed)
    times, now = [], F(0)
    while now < 3:
        times.append(now)
        now += F(int(rng.uniform(low, high) * 90_000), 90_000)
    return tuple(times)


def variable() -> list[Case]:
    phone = tuple(t + F(int(np.random.default_rng(k).integers(-300, 300)), 90_000) for k, t in enumerate(steady(30)))
    phone = (F(0), *phone[1:])
    bursts = tuple(sorted({F(k, 60) for k in range(180) if (k // 23) % 2 == 0 or k % 31 == 0}))
    dropped = tuple(t for k, t in enumerate(steady(30 * NTSC)) if k % 7 not in (3, 4))
    switch = (*steady(F(24), 1.5), *(F(3, 2) + t for t in steady(F(60), 1.5)))
    shapes = {"8 to 60 ms": _gaps(0.008, 0.06, 3), "10 to 150 ms": _gaps(0.01, 0.15, 4), "30 fps of a phone": phone,
              "bursts of 60 fps": bursts, "29.97 with losses": dropped, "24 then 60": switch}  # fmt: skip
    cases = []
    for name, times in shapes.items():
        for suffix in (".mp4", ".mkv"):
            sound = Sound("libopus" if suffix == ".mkv" else "aac")
            cases.append(film("variable rate", f"{name} {suffix[1:]}", suffix, Pictures(times, rate=F(30)), sound))
    return cases


# --- containers and codecs


def containers() -> list[Case]:
    x264, vp8 = Pictures(steady(25)), Pictures(steady(25), "libvpx", F(1, 1000))
    vp9 = replace(vp8, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    mpeg1, mpeg2 = (Pictures(steady(25), codec, F(1, 25)) for codec in ("mpeg1video", "mpeg2video"))
    part2 = Pictures(steady(25), "mpeg4", F(1, 25))
    mp3_lead = 1105  # samples until a sound comes out of LAME and a decoder: AVI cannot say so
    table = [
        (".mp4", x264, Sound("aac", 44_100), "AAC 44.1"),
        (".mp4", x264, Sound("libmp3lame"), "MP3"),
        (".mp4", x264, Sound("libopus"), "Opus"),
        (".mp4", x264, Sound("ac3"), "AC-3"),
        (".mov", part2, Sound("pcm_s16le"), "PCM"),
        (".mov", x264, Sound("alac", sample_format="s16p"), "ALAC"),
        (".mov", x264, Sound("aac", 32_000), "AAC 32"),
        (".mkv", x264, Sound("aac"), "AAC"),
        (".mkv", x264, Sound("libopus"), "Opus"),
        (".mkv", x264, Sound("libmp3lame", 44_100), "MP3 44.1"),
        (".mkv", x264, Sound("flac"), "FLAC"),
        (".mkv", part2, Sound("pcm_s16le"), "PCM"),
        (".webm", vp8, Sound("libopus"), "VP8, Opus"),
        (".webm", vp9, Sound("libopus"), "VP9, Opus"),
        (".avi", part2, Sound("pcm_s16le"), "PCM"),
        (".avi", part2, Sound("libmp3lame", skip_samples=mp3_lead), "MP3"),
        (".avi", part2, Sound("ac3", skip_samples=256), "AC-3"),
        (".mpg", mpeg1, Sound("mp2"), "MPEG-1, MP2"),
        (".mpg", mpeg2, Sound("mp2", 44_100), "MPEG-2, MP2 44.1"),
        (".vob", mpeg2, Sound("ac3"), "MPEG-2, AC-3"),
        (".ts", x264, Sound("aac"), "AAC"),
        (".ts", mpeg2, Sound("mp2"), "MPEG-2, MP2"),
        (".ts", x264, Sound("ac3"), "AC-3"),
        (".ts", x264, Sound("libopus"), "Opus"),
        (".flv", x264, Sound("aac", 44_100), "AAC 44.1"),
        (".flv", x264, Sound("libmp3lame", 44_100), "MP3 44.1"),
        (".nut", part2, Sound("pcm_s16le"), "PCM"),
        (".asf", replace(part2, tick_s=F(1, 1000), codec="msmpeg4v3"), Sound("wmav2", 44_100), "WMA"),
    ]
    return [film("container", f"{suffix[1:]} {name}", suffix, video, sound) for suffix, video, sound, name in table]


# --- start times


def starts() -> list[Case]:
    shapes = {
        "pictures 0.52 s late": (F("0.52"), F(0)),
        "sound 0.73 s late": (F(0), F("0.73")),
        "both 1.4 s late": (F("1.4"), F("1.4")),
        "pictures at 2, sound at 1.613": (F(2), F("1.613")),
        "both 0.4 s before zero": (F("-0.4"), F("-0.4")),
        "sound 0.35 s before zero": (F(0), F("-0.35")),
        "pictures 0.2 s before zero": (F("-0.2"), F(0)),
        "sound 13 ms late": (F(0), F("0.013")),
    }
    cases = []
    for name, (video, audio) in shapes.items():
        for suffix, codec in ((".mp4", "aac"), (".mov", "pcm_s16le"), (".mkv", "libopus"), (".ts", "aac")):
            pictures, sound = Pictures(steady(25, 3, video)), Sound(codec, start_s=audio)
            chirps = [c + float(max(video, F(0))) for c in CHIRPS]
            cases.append(film("start time", f"{name} {suffix[1:]}", suffix, pictures, sound, chirps_s=chirps))
    wrap = {"output_ts_offset": "95442.4"}  # 2^33 / 90000 is 95443.7: the stamps begin anew amid the film
    cases.append(film("start time", "stamps wrap ts", ".ts", muxer=wrap))
    return cases


# --- B-frames


def b_frames() -> list[Case]:
    cases = []
    for suffix, codec in ((".mp4", "aac"), (".mov", "aac"), (".mkv", "aac"), (".ts", "aac"), (".flv", "aac")):
        sound = Sound(codec, 44_100 if suffix == ".flv" else 48_000)
        cases.append(film("B-frames", f"H.264 {suffix[1:]}", suffix, Pictures(steady(25), b_frames=3), sound))
    pyramid = Pictures(steady(30 * NTSC), rate=30 * NTSC, b_frames=5, options={"b-pyramid": "normal", "open-gop": "1"})
    cases.append(film("B-frames", "H.264, open groups, 29.97 mp4", ".mp4", pyramid))
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    cases.append(film("B-frames", "H.264, fragments mp4", ".mp4", Pictures(steady(25), b_frames=3), muxer=fragments))
    negative = {"movflags": "negative_cts_offsets"}
    cases.append(
        film("B-frames", "H.264, negative offsets mp4", ".mp4", Pictures(steady(25), b_frames=3), muxer=negative)
    )
    mpeg2 = Pictures(steady(25), "mpeg2video", F(1, 25), b_frames=2)
    cases.append(film("B-frames", "MPEG-2 mpg", ".mpg", mpeg2, Sound("mp2")))
    cases.append(film("B-frames", "MPEG-2 ts", ".ts", mpeg2, Sound("mp2")))
    part2 = Pictures(steady(25), "mpeg4", F(1, 25), b_frames=2)
    cases.append(film("B-frames", "MPEG-4 mkv", ".mkv", part2, Sound("pcm_s16le")))
    for codec in ("mpeg4", "libx264"):
        for b_frames in (0, 2):
            pictures = Pictures(steady(25), codec, F(1, 25), b_frames=b_frames, decoding_from_zero=True)
            cases.append(film("B-frames", f"{b_frames} {codec} avi", ".avi", pictures, Sound("pcm_s16le")))
    return cases


# --- sound


def sounds() -> list[Case]:
    cases = []
    for rate in (8_000, 11_025, 16_000, 22_050, 44_100, 96_000, 192_000):
        sound = Sound("pcm_s16le", rate, start_s=F(0))
        cases.append(film("sound", f"PCM {rate / 1000:g} kHz mov", ".mov", sound=sound))
    for rate in (8_000, 16_000, 24_000, 96_000):
        cases.append(film("sound", f"AAC {rate / 1000:g} kHz mp4", ".mp4", sound=Sound("aac", rate)))
    for rate in (8_000, 16_000, 24_000):
        cases.append(film("sound", f"Opus {rate / 1000:g} kHz mkv", ".mkv", sound=Sound("libopus", rate)))
    for layout in ("stereo", "5.1"):
        cases.append(film("sound", f"AAC {layout} mp4", ".mp4", sound=Sound("aac", layout=layout)))
        cases.append(film("sound", f"PCM {layout} mkv", ".mkv", sound=Sound("pcm_s16le", layout=layout)))
    cases.append(
        film("sound", "right channel only mov", ".mov", sound=Sound("pcm_s16le", layout="stereo", only_channel=1))
    )
    cases.append(film("sound", "8 bits mov", ".mov", sound=Sound("pcm_u8", sample_format="u8")))
    cases.append(film("sound", "24 bits mkv", ".mkv", sound=Sound("pcm_s24le", sample_format="s32")))
    cases.append(film("sound", "float mkv", ".mkv", sound=Sound("pcm_f32le", sample_format="flt")))
    return cases


# --- stamps of sound that are not what they should be


def stamps() -> list[Case]:
    cases = []
    gap = ((1.0, 1.25),)
    for suffix, codec in ((".mkv", "pcm_s16le"), (".mp4", "aac"), (".ts", "aac"), (".mkv", "libopus"), (".flv", "aac")):
        sound = Sound(codec, 44_100 if suffix == ".flv" else 48_000, lost_s=gap)
        cases.append(film("stamps of sound", f"a gap of 0.25 s {codec} {suffix[1:]}", suffix, sound=sound))
    for name, lost in (
        ("one packet lost", ((1.0, 1.015),)),
        ("six packets lost", tuple((k / 2, k / 2 + 0.015) for k in range(1, 6))),
    ):
        cases.append(film("stamps of sound", f"{name} ts", ".ts", sound=Sound(lost_s=lost)))
    for suffix, codec in ((".mkv", "pcm_s16le"), (".mp4", "aac")):
        for drift in (0.001, -0.001, 0.01):
            sound = Sound(codec, drift=drift)
            cases.append(film("stamps of sound", f"run {drift:+.1%} {suffix[1:]}", suffix, sound=sound))
        for jitter_s in (0.003, 0.01):
            sound = Sound(codec, jitter_s=jitter_s)
            cases.append(film("stamps of sound", f"jitter by {jitter_s * 1000:g} ms {suffix[1:]}", suffix, sound=sound))
    cases.append(film("stamps of sound", "ends 1.2 s early mp4", ".mp4", sound=Sound(length_s=1.8)))
    cases.append(
        film(
            "stamps of sound",
            "begins late, ends early mkv",
            ".mkv",
            sound=Sound("flac", start_s=F("0.5"), length_s=1.5),
        )
    )
    cases.append(film("stamps of sound", "outlasts the pictures mov", ".mov", sound=Sound("pcm_s16le", length_s=4.5)))
    return cases


# --- rotation and shape of pixels


def turned() -> list[Case]:
    cases = []
    for turn in (90, 180, 270):
        pictures = Pictures(steady(30 * NTSC), rate=30 * NTSC, rotation_deg=turn)
        cases.append(film("rotation", f"{turn} degrees mp4", ".mp4", pictures))
    return cases
