"""Films that something was done to once they were written: edit lists, splices, ffmpeg's command line."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import imageio_ffmpeg

from tests.clock.boxes import Edit, set_edits
from tests.clock.film import Pictures, Sound, steady, write_film
from tests.clock.measure import Truth
from tests.clock.written import CHIRPS, Case, F, as_written

# --- edit lists


def _edited(
    name: str, suffix: str, video: Sequence[Edit] | None, audio: Sequence[Edit] | None, b_frames: int = 0
) -> Case:
    """A film of MP4 or MOV whose edit lists are rewritten; None leaves a track without one."""
    pictures = Pictures(steady(25), b_frames=b_frames)
    sound = Sound("pcm_s16le" if suffix == ".mov" else "aac")

    def make(folder: Path) -> tuple[Path, Truth]:
        path = folder / f"film{suffix}"
        write_film(path, pictures, sound, CHIRPS)
        set_edits(path, b"vide", video)
        set_edits(path, b"soun", audio)
        shown = {n: t for n, time_s in enumerate(pictures.times_s) for t in _edited_times(float(time_s), video)}
        heard = sorted(t for c in CHIRPS for t in _edited_times(c, audio, 0.01))
        return path, Truth(shown, tuple(heard))

    return Case("edit list", f"{name} {suffix[1:]}", make)


def _edited_times(time_s: float, edits: Sequence[Edit] | None, inside_s: float = 0.0) -> list[float]:
    """When what had ``time_s`` is presented."""
    if edits is None:
        return [time_s]
    now, found = 0.0, []
    for begin_s, length_s in edits:
        if begin_s is not None and begin_s - 1e-9 <= time_s and time_s + inside_s < begin_s + length_s:
            found.append(now + time_s - begin_s)
        now += length_s
    return found


def _without_edits() -> Case:
    """AAC whose delay nothing tells of: the file presents it as sound."""

    def make(folder: Path) -> tuple[Path, Truth]:
        path = folder / "film.mp4"
        write_film(path, Pictures(steady(25)), Sound(), CHIRPS)
        set_edits(path, b"soun", None)
        pictures = {n: float(t) for n, t in enumerate(steady(25))}
        return path, Truth(pictures, tuple(c + 1024 / 48_000 for c in CHIRPS))

    return Case("edit list", "none mp4", make)


def edit_lists() -> list[Case]:
    whole: list[Edit] = [(0.0, 3.0)]
    cases = [_without_edits()]
    for suffix in (".mp4", ".mov"):
        cases += [
            _edited("sound trimmed by 0.25 s", suffix, whole, [(0.25, 2.75)]),
            _edited("pictures trimmed to a key frame", suffix, [(0.48, 2.52)], whole),
            _edited("pictures trimmed between key frames", suffix, [(0.6, 2.4)], whole),
            _edited("pictures trimmed between pictures", suffix, [(0.613, 2.387)], whole),
            _edited("both trimmed between pictures", suffix, [(0.63, 2.37)], [(0.63, 2.37)]),
            _edited("both trimmed", suffix, [(0.6, 2.4)], [(0.6, 2.4)]),
            _edited("pictures held back 0.4 s", suffix, [(None, 0.4), (0.0, 3.0)], whole),
            _edited("sound held back 0.31 s", suffix, whole, [(None, 0.31), (0.0, 3.0)]),
            _edited("a second cut out of both", suffix, [(0.0, 1.0), (2.0, 1.0)], [(0.0, 1.0), (2.0, 1.0)]),
            _edited("B-frames, trimmed between key frames", suffix, [(0.6, 2.4)], [(0.6, 2.4)], b_frames=2),
        ]
    return cases


# --- recordings put one behind the other as they are


def _spliced(name: str, suffix: str, pictures: Pictures, sound: Sound, *later_s: float) -> Case:
    """Films whose stamps each begin anew, the second at ``later_s[0]`` and so on."""
    films = [replace(pictures, first_number=80 * k) for k in range(1 + len(later_s))]

    def make(folder: Path) -> tuple[Path, Truth]:
        whole, shown, heard = b"", {}, []
        for k, film in enumerate(films):
            part = folder / f"part{k}{suffix}"
            start_s = F(str(later_s[k - 1])) if k else F(0)
            film = replace(film, times_s=tuple(start_s + t for t in film.times_s))
            chirps_s = [c + float(start_s) for c in CHIRPS]
            write_film(part, film, replace(sound, start_s=start_s), chirps_s)
            whole += part.read_bytes()
            shown |= {80 * k + n: 3 * k + float(t) for n, t in enumerate(pictures.times_s)}
            heard += [3 * k + c for c in CHIRPS]
        path = folder / f"film{suffix}"
        path.write_bytes(whole)
        return path, Truth(shown, tuple(heard), tuple(3.0 * k for k in range(1, len(films))))

    return Case("spliced", name, make)


def _beheaded(name: str, pictures: Pictures, sound: Sound) -> Case:
    """A transport stream that begins anywhere, as a broadcast's does."""

    def make(folder: Path) -> tuple[Path, Truth]:
        whole, path = folder / "whole.ts", folder / "film.ts"
        write_film(whole, pictures, sound, CHIRPS)
        data = whole.read_bytes()
        path.write_bytes(data[len(data) * 2 // 5 // 188 * 188 :])
        return path, as_written(pictures, sound, [c for c in CHIRPS if c > 1.5])

    return Case("spliced", name, make)


def splices() -> list[Case]:
    x264, mpeg2 = Pictures(steady(25), b_frames=2), Pictures(steady(25), "mpeg2video", F(1, 25))
    return [
        _spliced("stamps begin anew ts", ".ts", x264, Sound(), 0),
        _spliced("stamps begin anew twice ts", ".ts", Pictures(steady(25)), Sound(), 0, 0),
        _spliced("stamps jump two hours ts", ".ts", x264, Sound(), 7200),
        _spliced("stamps begin anew mpg", ".mpg", mpeg2, Sound("mp2"), 0),
        _spliced("stamps begin anew vob", ".vob", mpeg2, Sound("ac3"), 0),
        _beheaded("begins amid a group ts", x264, Sound()),
        _beheaded("begins amid a group, MPEG-2 ts", replace(mpeg2, b_frames=2), Sound("mp2")),
    ]


# --- as ffmpeg's command line leaves them


def _command(
    name: str,
    suffixes: Sequence[str],
    commands: Sequence[Sequence[str]],
    *,
    b_frames: int = 0,
    codec: str = "aac",
    from_s: float = 0.0,
    tells: bool = True,
) -> Case:
    """A film that goes through ffmpeg, once for each of ``commands`` (between the input's name and the output's; what
    stands before a "|" goes before the input). Its sound counts from ``from_s`` on."""
    first, *rest = suffixes
    pictures, sound = Pictures(steady(25), b_frames=b_frames), Sound(codec)

    def make(folder: Path) -> tuple[Path, Truth]:
        path = folder / f"film0{first}"
        write_film(path, pictures, sound, CHIRPS)
        for number, (suffix, command) in enumerate(zip(rest, commands, strict=True)):
            split = command.index("|") if "|" in command else -1
            before, after = command[: split + 1][:-1], command[split + 1 :]
            result = folder / f"film{number + 1}{suffix}"
            ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
            subprocess.run([*ffmpeg, *before, "-i", str(path), *after, str(result)], check=True)
            path = result
        shown = {number: float(time_s) for number, time_s in enumerate(pictures.times_s)}
        return path, Truth(shown, tuple(c for c in CHIRPS if c > from_s))

    return Case("command line" if tells else "lost by the writer", name, make, tells)


def command_line() -> list[Case]:
    copy = ["-c", "copy"]
    cut = ["-ss", "0.7", "|", *copy]
    cases = [
        _command(f"cut at 0.7 s, {suffix[1:]}", (".mp4", suffix), (cut,), from_s=0.75, b_frames=2)
        for suffix in (".mp4", ".mov", ".mkv", ".ts")
    ]
    chains = {
        "mp4 > ts > mp4": (".mp4", ".ts", ".mp4"),
        "mp4 > mkv > mp4": (".mp4", ".mkv", ".mp4"),
        "mp4 > flv": (".mp4", ".flv"),
        "mkv > mov > ts": (".mkv", ".mov", ".ts"),
    }
    for name, suffixes in chains.items():
        cases.append(_command(f"{name}, copied", suffixes, [copy] * (len(suffixes) - 1)))
    cases += [
        _command("index first mp4", (".mp4", ".mp4"), ([*copy, "-movflags", "+faststart"],)),
        _command("Vorbis mkv", (".mkv", ".mkv"), (["-c:v", "copy", "-c:a", "libvorbis"],), codec="pcm_s16le"),
        _command("Theora, Vorbis ogv", (".mkv", ".ogv"), (["-q:v", "9", "-c:v", "libtheora", "-c:a", "libvorbis"],)),
        _command(
            "H.265 mp4", (".mp4", ".mp4"), (["-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "copy"],)
        ),
        _command("AV1 mp4", (".mp4", ".mp4"), (["-c:v", "libsvtav1", "-svtav1-params", "lp=1", "-c:a", "copy"],)),
        _command("interlaced mpg", (".mp4", ".mpg"), (["-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2"],)),
        _command(
            "MPEG-4, B-frames avi", (".mp4", ".avi"), (["-c:v", "mpeg4", "-bf", "2", "-q:v", "2", "-c:a", "pcm_s16le"],)
        ),
        _command("3gp", (".mp4", ".3gp"), (copy,)),
        _command("mxf", (".mp4", ".mxf"), (["-c:v", "mpeg2video", "-q:v", "2", "-c:a", "pcm_s16le"],)),
        # AVI cannot say that the encoder's delay comes before the pictures, and ffmpeg rounds it to a picture.
        _command(
            "MPEG-4, MP3 avi", (".mp4", ".avi"), (["-c:v", "mpeg4", "-q:v", "2", "-c:a", "libmp3lame"],), tells=False
        ),
        _command("mp4 > avi, copied", (".mp4", ".avi"), (copy,), tells=False),
    ]
    return cases


def stamped_by_end() -> Case:
    """Vorbis in blocks of changing length, each stamped with its end, as WebM files of 2013 are."""
    written = _command("", (".mkv", ".mkv"), (["-c:v", "copy", "-c:a", "libvorbis"],), codec="pcm_s16le")

    def make(folder: Path) -> tuple[Path, Truth]:
        source, truth = written.make(folder)
        path = folder / "film.webm.mkv"
        with av.open(str(source)) as old, av.open(str(path), "w") as new:
            streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
            packets = [p for p in old.demux() if p.dts is not None]
            ends = [p.pts for p in packets if p.stream.type == "audio"][1:]
            for packet in packets:
                if packet.stream.type == "audio":
                    packet.pts = packet.dts = ends.pop(0) if ends else packet.pts + 21
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
        return path, truth

    return Case("stamps of sound", "Vorbis stamped with its end mkv", make)
