"""What tests are made of: small media files, and observations and clips that never saw a video.

Everything is deterministic. The synthetic face is MediaPipe's canonical face (Apache-2.0), with irises added.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from schemas.arrays import Float32, UInt8
from schemas.clip import Clip, clip_id_of
from schemas.observation import Faces, Observation
from schemas.source import Offer, SourceVideo, source_id_of
from schemas.speech import SpeechTrack, Word
from schemas.units import MOUTH_PATCH_SIZE, N_BLENDSHAPES, SAMPLE_RATE, SAMPLES_PER_FRAME, THUMBNAIL_SIZE

SHA256 = "0123456789abcdef" * 4
CANONICAL_FACE: Float32 = np.load(Path(__file__).parent / "data" / "canonical_face.npy").astype(np.float32)  # cm, y up
LOWER_LIP, CHIN, JAW_OPEN = 14, 152, 25


# --- what a machine may have or not


def real_clip(name: str) -> Path:
    """A file of the shared test data ("talking/hdtf_aoc.mp4"); skips the test where it is absent."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


def face_landmarker_file() -> Path:
    """MediaPipe's task file in the asset store; skips the test where it was not pulled."""
    root = Path(os.environ.get("XTALKER_ASSETS", "~/.cache/xtalker/assets")).expanduser()
    path = root / "face-landmarker" / "face_landmarker.task"
    if not path.exists():
        pytest.skip(f"{path} is absent: xtalker assets pull")
    return path


# --- media files


def moving_pattern(n_frames: int, height: int = 96, width: int = 128, seed: int = 0) -> Iterator[UInt8]:
    """``n_frames`` RGB pictures of a smooth texture that slides; another ``seed`` is another scene."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    base = rng.uniform(60, 190, 3)
    wave = rng.uniform(0.05, 0.2, (3, 2))
    for t in range(n_frames):
        phase = (wave[:, 0, None, None] * (x + 2 * t)) + wave[:, 1, None, None] * y
        yield np.clip(base[:, None, None] + 50 * np.sin(phase), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def numbered_grey(values: Iterable[int], height: int = 64, width: int = 64) -> Iterator[UInt8]:
    """RGB pictures of one even grey each: the picture's mean tells which it is."""
    for value in values:
        yield np.full((height, width, 3), value, np.uint8)


def tone(duration_s: float, hz: float = 440.0, amplitude: float = 0.3, rate: int = 48_000) -> Float32:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(duration_s * rate)) / rate)).astype(np.float32)


def click(duration_s: float, at_s: float, rate: int = 48_000, width_s: float = 0.002) -> Float32:
    """Silence with a 4 kHz burst that begins at ``at_s``."""
    samples = np.zeros(int(duration_s * rate), np.float32)
    start, length = round(at_s * rate), round(width_s * rate)
    samples[start : start + length] = 0.8 * np.sign(np.sin(2 * np.pi * 4000 * (np.arange(length) + 0.5) / rate))
    return samples


def speech_like(n_samples: int, seed: int = 0, f0_hz: float = 120.0) -> Float32:
    """Voiced syllables at 4 Hz with pauses and a little noise, at 16 kHz: no words, but sound like a voice's."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(f0_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, None) * (np.sin(2 * np.pi * 0.4 * t + seed) > -0.7)
    return (0.12 * voice * syllables + 0.001 * rng.standard_normal(n_samples)).astype(np.float32)


def write_media(
    path: Path,
    pictures: Iterable[UInt8] | None = None,
    *,
    fps: Fraction | int = 25,
    pts_s: Sequence[float | Fraction] | None = None,
    rotation_deg: int = 0,
    sound: Float32 | None = None,
    sound_rate: int = 48_000,
    sound_start_s: float = 0.0,
    video_codec: str = "mpeg4",
    audio_codec: str | None = None,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Write a media file; the suffix of ``path`` picks the container.

    ``pts_s`` gives each picture's presentation time, else they come at ``fps``. ``rotation_deg`` is the counter-
    clockwise display rotation written as a tag (the pixels are stored as given). The sound is mono at
    ``sound_rate``, its first sample presented at ``sound_start_s``; without ``audio_codec`` it is lossless.
    """
    audio_codec = audio_codec or {".mp4": "aac", ".mov": "pcm_s16le", ".mkv": "pcm_s16le"}.get(path.suffix, "aac")
    with av.open(str(path), "w") as container:
        # A muxer writes its header with the first packet: every stream must be there before.
        video: Any = None if pictures is None else _add_video(container, fps, rotation_deg, video_codec, pixel_aspect)
        audio: Any = None if sound is None else container.add_stream(audio_codec, rate=sound_rate, layout="mono")
        if pictures is not None:
            for k, picture in enumerate(pictures):
                when = Fraction(k) / Fraction(fps) if pts_s is None else Fraction(pts_s[k])
                container.mux(_encode_picture(video, picture, when))
            container.mux(video.encode())
        if audio is not None and sound is not None:
            start = round(sound_start_s * sound_rate)
            for offset in range(0, len(sound), 1024):
                container.mux(_encode_sound(audio, sound[offset : offset + 1024], start + offset))
            container.mux(audio.encode())
    return path


def _add_video(
    container: Any, fps: Fraction | int, rotation_deg: int, codec: str, pixel_aspect: Fraction | None
) -> Any:
    video = container.add_stream(codec, rate=fps)
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = Fraction(1, 30_000)
    video.codec_context.options = {"qscale": "2"} if codec == "mpeg4" else {}
    if codec == "mpeg4":
        video.codec_context.qmin, video.codec_context.qmax = 2, 4
    if pixel_aspect is not None:
        video.codec_context.sample_aspect_ratio = pixel_aspect
    if rotation_deg:
        video.set_display_rotation(rotation_deg)
    return video


def _encode_picture(stream: Any, picture: UInt8, when_s: Fraction) -> Any:
    if not stream.codec_context.is_open:
        stream.height, stream.width = picture.shape[:2]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame.time_base = stream.codec_context.time_base
    frame.pts = round(when_s / stream.codec_context.time_base)
    return stream.encode(frame)


def _encode_sound(stream: Any, block: Float32, first_sample: int) -> Any:
    samples = (np.clip(block, -1, 1)[None] * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = stream.rate, Fraction(1, stream.rate), first_sample
    return stream.encode(frame)


# --- records that never saw a video


def source_video(**changes: Any) -> SourceVideo:
    """A plausible source of 512x512 at 25 fps."""
    source = SourceVideo(
        source_id=source_id_of(SHA256),
        sha256=SHA256,
        offer=Offer(path=Path("talk.mp4"), dataset="made", subject_id="ada", licence="CC0-1.0"),
        size_bytes=1_000_000,
        duration_s=4.0,
        width=512,
        height=512,
        fps=Fraction(25),
        rotation_deg=0,
        video_stream=0,
        audio_stream=1,
        video_start_s=Fraction(0),
        audio_start_s=Fraction(0),
    )
    return replace(source, **changes)


def euler(yaw_deg: float, pitch_deg: float, roll_deg: float) -> npt.NDArray[np.float64]:
    """Rz(roll) @ Ry(yaw) @ Rx(pitch), right-handed, x to the subject's left, y up, z out of the face."""
    (cx, cy, cz), (sx, sy, sz) = (f(np.deg2rad([pitch_deg, yaw_deg, roll_deg])) for f in (np.cos, np.sin))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


@dataclass(frozen=True)
class Actor:
    """A synthetic face: when it is there, where, how large, how it is turned, how it moves and talks."""

    start_frame: int = 0
    stop_frame: int | None = None
    center_px: tuple[float, float] = (256.0, 256.0)
    height_px: float = 220.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    velocity_px: tuple[float, float] = (0.0, 0.0)  # per frame
    sway_px: float = 2.0
    talks: bool = True
    missing: tuple[int, ...] = ()  # frames in which the detector loses it
    sharpness: float = 100.0

    def openness(self, frames: npt.NDArray[Any]) -> Float32:
        """[T] how far the mouth is open, 0..1."""
        opening = 0.5 - 0.5 * np.cos(2 * np.pi * 4 / 25 * frames)
        return (opening if self.talks else np.zeros(len(frames))).astype(np.float32)

    def landmarks(self, frames: npt.NDArray[Any]) -> Float32:
        """[T, 478, 3] in pixels, orthographic."""
        mesh = np.repeat(CANONICAL_FACE[None].astype(np.float64), len(frames), 0)
        lip, chin = CANONICAL_FACE[LOWER_LIP, 1], CANONICAL_FACE[CHIN, 1]
        below = np.clip((lip + 0.3 - mesh[..., 1]) / 0.3, 0, 1) * (np.abs(mesh[..., 0]) < 6)
        mesh[..., 1] -= 1.2 * self.openness(frames)[:, None] * below
        scale = self.height_px / (CANONICAL_FACE[:, 1].max() - chin)
        turned = scale * mesh @ euler(self.yaw_deg, self.pitch_deg, self.roll_deg).T
        path = np.asarray(self.center_px) + np.outer(frames - self.start_frame, self.velocity_px)
        path[:, 0] += self.sway_px * np.sin(2 * np.pi * frames / 50)
        x, y, z = path[:, :1] + turned[..., 0], path[:, 1:] - turned[..., 1], -turned[..., 2]
        return np.stack([x, y, z], -1).astype(np.float32)

    def blendshapes(self, frames: npt.NDArray[Any]) -> Float32:
        scores = np.full((len(frames), N_BLENDSHAPES), 0.01, np.float32)
        scores[:, JAW_OPEN] = 0.6 * self.openness(frames)
        return scores


def mouth_patches(n: int, seed: int = 0) -> UInt8:
    """[n, 24, 24, 3] skin with a mouth: even colours and a little noise."""
    size = MOUTH_PATCH_SIZE
    patch = np.broadcast_to(np.array([200, 150, 130], np.float32), (n, size, size, 3)).copy()
    patch[:, 8:13, 6:18] = [160, 80, 80]
    patch += np.random.default_rng(seed).normal(0, 2, patch.shape)
    return np.clip(patch, 0, 255).astype(np.uint8)


def observation(
    n_frames: int = 100,
    actors: Sequence[Actor] = (Actor(),),
    *,
    cuts: Sequence[int] = (),
    width: int = 512,
    height: int = 512,
    audio: Float32 | None = None,
    start_frame: int = 0,
    damaged_frames: int = 0,
    source: SourceVideo | None = None,
) -> Observation:
    """An observation with chosen faces; ``cuts`` are frames that open a new scene (score 60, new thumbnails)."""
    spans = [np.arange(a.start_frame, n_frames if a.stop_frame is None else a.stop_frame) for a in actors]
    seen = [np.setdiff1d(span, a.missing) for span, a in zip(spans, actors, strict=True)]
    frame = np.concatenate(seen or [np.zeros(0, int)]).astype(np.int32)
    order = np.argsort(frame, kind="stable")
    cut_score = np.where(np.arange(n_frames) > 0, 1.5, 0).astype(np.float32)
    cut_score[list(cuts)] = 60
    edges = [0, *cuts, n_frames]
    scenes = [list(moving_pattern(b - a, *THUMBNAIL_SIZE, seed=k)) for k, (a, b) in enumerate(pairwise(edges))]
    faces = Faces(
        frame=frame[order],
        landmarks=_rows([a.landmarks(f) for a, f in zip(actors, seen, strict=True)], (478, 3))[order],
        blendshapes=_rows([a.blendshapes(f) for a, f in zip(actors, seen, strict=True)], (N_BLENDSHAPES,))[order],
        sharpness=_rows([np.full(len(f), a.sharpness) for a, f in zip(actors, seen, strict=True)], ())[order],
        mouth_patch=mouth_patches(len(frame)),
    )
    return Observation(
        source=source or source_video(width=width, height=height, duration_s=n_frames / 25),
        start_frame=start_frame,
        n_frames=n_frames,
        width=width,
        height=height,
        cut_score=cut_score,
        thumbnails=np.array([t for scene in scenes for t in scene], np.uint8),
        faces=faces,
        audio=speech_like(n_frames * SAMPLES_PER_FRAME) if audio is None else audio,
        audio_span=(0, n_frames * SAMPLES_PER_FRAME),
        damaged_frames=damaged_frames,
    )


def _rows(parts: list[npt.NDArray[Any]], shape: tuple[int, ...]) -> Float32:
    return np.concatenate([*parts, np.zeros((0, *shape))]).astype(np.float32)


def heard(embedding: Float32, embedding_model: str, words: tuple[Word, ...] = ()) -> SpeechTrack:
    """Somebody who speaks all the time, in a clip of as many frames as ``embedding`` [T, D] has."""
    n = len(embedding)
    ones, nothing = np.ones(n, np.float32), np.zeros(0, np.uint32)
    return SpeechTrack("clip", n, ones, ones, ones > 0, embedding, embedding_model, "en", 1.0, "", words, nothing)


def clip(n_frames: int = 75, actor: Actor | None = None, **changes: Any) -> Clip:
    """A clip of one talking face, from frame 0 of its source; ``changes`` replace fields."""
    actor, frames = actor or Actor(), np.arange(n_frames)
    made = Clip(
        clip_id=clip_id_of(SHA256, 0, n_frames, 0, "test"),
        source_id=source_id_of(SHA256),
        track_index=0,
        start_frame=0,
        n_frames=n_frames,
        image_width=512,
        image_height=512,
        landmarks=actor.landmarks(frames),
        blendshapes=actor.blendshapes(frames),
        present=np.ones(n_frames, np.bool_),
        n_faces=np.ones(n_frames, np.int32),
        sharpness=np.full(n_frames, actor.sharpness, np.float32),
        mouth_patch=mouth_patches(n_frames),
        audio=speech_like(n_frames * SAMPLES_PER_FRAME),
        audio_coverage=1.0,
        damaged_ratio=0.0,
    )
    return replace(made, **changes)
