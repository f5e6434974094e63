"""Ingest: may this file be curated, and what is it?

Enters: an ``Offer``. Leaves: a ``SourceVideo``, or the ``Verdict`` that refuses the file. The container's word is not
taken for anything that can be checked cheaply: one picture and one block of sound are decoded, and the duration is
read off the packets (a truncated file's header still promises all of it).
"""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Discard

from schemas.config import StageConfig
from schemas.source import Offer, SourceVideo, source_id_of
from schemas.verdict import Reason, Verdict
from tasks.media.container import UndecodableMedia, first_audio, first_video, open_media, rotation_of, upright_size
from tasks.media.stamps import PictureTimes, Splices, shift_of_edit

VERSION = "2"


class IngestConfig(StageConfig):
    """What is refused before it costs anything."""

    min_duration_s: float = 1.0
    max_duration_s: float = 6 * 3600.0
    max_pixels: int = 4096 * 2304  # width * height; a decoder may hold some twenty such pictures
    max_bytes: int = 32 * 2**30


class _Refused(Exception):
    def __init__(
        self, reason: Reason, detail: str, measured: float | None = None, threshold: float | None = None
    ) -> None:
        self.verdict = (reason, detail, measured, threshold)


@dataclass(frozen=True, slots=True)
class _Probe:
    width: int
    height: int
    fps: Fraction
    rotation_deg: int
    video_stream: int
    audio_stream: int
    video_start_s: Fraction
    audio_start_s: Fraction
    video_shift_s: Fraction
    duration_s: float


def hash_file(path: Path) -> str:
    """sha256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ingest(offer: Offer, config: IngestConfig, sha256: str | None = None) -> SourceVideo | Verdict:
    """Probe the offered file. ``sha256`` spares hashing it again where the caller knows it."""
    size_bytes = offer.path.stat().st_size
    sha256 = sha256 or hash_file(offer.path)
    source_id = source_id_of(sha256)
    try:
        if size_bytes > config.max_bytes:
            raise _Refused(Reason.TOO_LARGE, f"{size_bytes} bytes", size_bytes, config.max_bytes)
        probe = _probe(offer.path, config)
    except UndecodableMedia as error:
        return Verdict(source_id, "ingest", False, Reason.UNDECODABLE, None, None, f"ingest@{VERSION}", str(error))
    except _Refused as refusal:
        reason, detail, measured, threshold = refusal.verdict
        return Verdict(source_id, "ingest", False, reason, measured, threshold, f"ingest@{VERSION}", detail)
    return SourceVideo(
        source_id=source_id,
        sha256=sha256,
        offer=offer,
        size_bytes=size_bytes,
        duration_s=probe.duration_s,
        width=probe.width,
        height=probe.height,
        fps=probe.fps,
        rotation_deg=probe.rotation_deg,
        video_stream=probe.video_stream,
        audio_stream=probe.audio_stream,
        video_start_s=probe.video_start_s,
        audio_start_s=probe.audio_start_s,
        video_shift_s=probe.video_shift_s,
    )


def _probe(path: Path, config: IngestConfig) -> _Probe:
    with open_media(path, config.max_pixels) as container:
        video, audio = first_video(container), first_audio(container)
        if video is None:
            raise _Refused(Reason.NO_VIDEO, "the file holds no stream of moving pictures")
        declared = video.codec_context.width * video.codec_context.height
        if declared > config.max_pixels:
            size = f"{video.codec_context.width}x{video.codec_context.height} pixels"
            raise _Refused(Reason.TOO_LARGE, size, declared, config.max_pixels)
        if audio is None:
            raise _Refused(Reason.NO_AUDIO, "the file holds no sound stream that can be decoded")
        found = _read_through(container, video, audio, config.max_duration_s)
        picture, sound = found.picture, found.sound
        if picture is None:
            raise UndecodableMedia("not one picture can be decoded")
        if sound is None:
            raise _Refused(Reason.NO_AUDIO, f"the {audio.codec_context.name} sound stream cannot be decoded")
        duration_s = float(found.end_s - found.start_s)
        if duration_s < config.min_duration_s:
            raise _Refused(Reason.TOO_SHORT, f"{duration_s:.2f} s", duration_s, config.min_duration_s)
        if duration_s > config.max_duration_s:
            raise _Refused(Reason.TOO_LONG, f"{duration_s:.0f} s or more", duration_s, config.max_duration_s)
        shift_s = Fraction(0) if found.left_out is None else shift_of_edit(path, config.max_pixels, found.left_out)
        rotation_deg = rotation_of(picture)
        width, height = upright_size(picture.width, picture.height, video.sample_aspect_ratio, rotation_deg)
        return _Probe(
            width=width,
            height=height,
            fps=video.average_rate or video.guessed_rate or Fraction(25),
            rotation_deg=rotation_deg,
            video_stream=video.index,
            audio_stream=audio.index,
            video_start_s=found.start_s + shift_s,
            audio_start_s=_time_of(sound),
            video_shift_s=shift_s,
            duration_s=duration_s,
        )


@dataclass(slots=True)
class _Found:
    """What reading a file through brought to light."""

    picture: Any = None  # the first that can be decoded
    start_s: Fraction = Fraction(0)  # its time
    sound: Any = None  # the first block
    end_s: Fraction = Fraction(0)  # of the last packet of pictures
    left_out: Any = None  # the first packet of pictures, if an edit list leaves it out


def _read_through(container: Any, video: Any, audio: Any, max_duration_s: float) -> _Found:
    found = _Found()
    for stream in container.streams:
        if stream not in (video, audio):
            stream.discard = Discard.all
    packets, splices, times = container.demux(video, audio), Splices(container), PictureTimes(container)
    while (packet := _next_packet(packets)) is not None:
        splices.mend(packet)
        if packet.stream is audio:
            if found.sound is None and (frames := _decoded(packet)):
                found.sound = frames[0]
                audio.discard = Discard.all
            continue
        if found.picture is None:
            if packet.is_discard and found.left_out is None:
                found.left_out = packet
            frames = _decoded(packet)
            shown_s = times.decoded(packet, frames)
            if frames:
                found.picture, found.start_s = frames[0], shown_s[0] or Fraction(0)
        if packet.pts is not None:
            found.end_s = max(found.end_s, (packet.pts + (packet.duration or 0)) * packet.time_base)
        if found.picture is not None and found.end_s - found.start_s > max_duration_s:
            break
    return found


def _next_packet(packets: Any) -> Any | None:
    """None at the end, and where the container breaks off: what came before still counts."""
    try:
        return next(packets, None)
    except av.FFmpegError:
        return None


def _decoded(packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def _time_of(frame: Any) -> Fraction:
    return Fraction(0) if frame.pts is None else frame.pts * frame.time_base
