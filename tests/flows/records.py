"""Records as the stages would make them, for tests of what happens after."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from flows.protocol import OfferedFile
from flows.recipe import Recipe
from schemas.clip import ClipSpan
from schemas.cues import FaceCues, VoiceCues, VoiceCurves
from schemas.motion import HeadMotion
from schemas.record import ClipRecord, ClipScores, SourceRecord
from schemas.source import Offer, source_id_of
from schemas.speech import SpeechTrack
from schemas.units import SAMPLES_PER_FRAME
from tasks.fingerprint import fingerprint
from tasks.judge import judge
from tests.tasks.test_judge import GOOD

N_FRAMES = 75


def offered(path: Path, **rights: str) -> OfferedFile:
    """The file as the planner sees it."""
    data, stat = path.read_bytes(), path.stat()
    return OfferedFile(
        offer=Offer(path, **rights),
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=stat.st_size,
        modified_ns=stat.st_mtime_ns,
    )


def voice(seed: int, n_frames: int = N_FRAMES) -> np.ndarray:
    """Sound that changes as speech does, another for each seed: [T * 640]."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_frames * SAMPLES_PER_FRAME) / 16_000
    pitch = np.interp(t, np.linspace(0, t[-1], 40), rng.uniform(90, 250, 40))
    loudness = np.interp(t, np.linspace(0, t[-1], 40), rng.uniform(0.1, 1, 40))
    phase = 2 * np.pi * np.cumsum(pitch) / 16_000
    return (0.1 * loudness * sum(np.sin(k * phase) / k for k in range(1, 12))).astype(np.float32)


def record(
    file: OfferedFile, recipe: Recipe, sound: np.ndarray, face: np.ndarray | None = None, **scores: float
) -> SourceRecord:
    """A source with one clip of 3 s whose sound is ``sound``; ``face`` [90] is its asymmetry."""
    source_id = source_id_of(file.sha256)
    clip_id = hashlib.sha256(f"clip of {file.sha256}".encode()).hexdigest()[:20]
    rng = np.random.default_rng(int(file.sha256[:8], 16))

    def frames(width: int) -> np.ndarray:
        return rng.standard_normal((N_FRAMES, width)).astype(np.float32)

    motion = HeadMotion(
        clip_id, "open-head@test", N_FRAMES, rng.standard_normal(100).astype(np.float32), frames(50), frames(3),
        frames(3), frames(6), frames(2), frames(3), 1000.0, (180.0, 144.0),
    )  # fmt: skip
    speech = SpeechTrack(
        clip_id, N_FRAMES, frames(1)[:, 0], frames(1)[:, 0], np.ones(N_FRAMES, bool), frames(8), "test:0", "en", 0.9,
        "hello there", (), fingerprint(sound),
    )  # fmt: skip
    asymmetry = rng.standard_normal(90).astype(np.float32) if face is None else face
    curves = VoiceCurves(clip_id, N_FRAMES, *(frames(1)[:, 0] for _ in range(4)))
    measured: ClipScores = replace(GOOD, **scores)
    verdicts = judge(clip_id, measured, recipe.thresholds)
    span = ClipSpan(clip_id, source_id, 0, 0, N_FRAMES, 360, 288)
    clip = ClipRecord(
        span, measured, motion, speech, curves, VoiceCues(-20, 120, 6, 20, -6, 4), FaceCues(*10 * [0.1]), "s1", "train",
        recipe.tier, verdicts, asymmetry, None, "made@1",
    )  # fmt: skip
    return SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, None, (), (clip,))
