"""Learn ``models/data/lip_readout.npz`` again, and measure it on clips it has not seen:

    python -m tests.bench.lip_readout WAREHOUSE -o models/data/lip_readout.npz

WAREHOUSE is a curated folder of GRID's speaker s1 and others. Every fourth sentence of s1 teaches, and invented
speakers, whose mouths and sounds are exact. What a correlation is worth is learned of windows of other sentences and of
other invented speakers, whose lips are moved against their own voice and against others' out of the same lot.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.settings import Settings
from models.assets import AssetStore
from models.evidence.agreement import Agreement, agreement
from models.evidence.readout import LipReadout, calibrated, learn, lips_of, write_readout
from models.fit.basis import LandmarkBasis
from models.fit.replay import replay
from models.head.model import load_open_head
from models.sample.motion import synthesise
from models.sample.voice import PiperVoice
from models.whisper.model import Whisper
from schemas.arrays import Float32
from tasks.listen import features_of_audio
from tasks.speech import SpeechConfig
from warehouse.lake import reading
from warehouse.read import load_motion, load_speech

EVERY = 4
INVENTED = 12
CLIPS_EACH = 2
SEED = 4_000  # nobody the program invents elsewhere
RIDGE = 0.3
REACH_FRAMES = 15
WINDOW_FRAMES = (50, 74, 125)  # of which GRID's clips have the first two
HOP_FRAMES = 75
STRANGERS = 4


@dataclass(frozen=True)
class Heard:
    name: str
    embedding: Float32
    embedding_model: str
    lips: Float32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    clips = sorted(read(options.warehouse), key=lambda c: c.name)
    s1 = [c for c in clips if taught_by(c.name)]
    names = {c.name for c in s1[::EVERY]}
    teaching = [c for c in s1 if c.name in names] + list(invented(INVENTED, SEED))
    readout = learn([(c.embedding, c.lips) for c in teaching], teaching[0].embedding_model, RIDGE)
    others = [c for c in s1 if c.name not in names], list(invented(INVENTED, SEED + 1))
    readout = calibrated(readout, *correlations(readout, [*others[0], *others[1]]))
    write_readout(options.out, readout)
    frames = sum(len(c.lips) for c in teaching)
    print(f"learned from {len(names)} clips of s1 and {len(teaching) - len(names)} invented, {frames} frames")
    print(f"together: {readout.match[0]:.2f} {readout.match[1]:+.2f} z")
    groups = {
        "s1, other sentences": others[0],
        "other speakers": [c for c in clips if not taught_by(c.name)],
        "other invented speakers": others[1],
    }
    for group, shown in groups.items():
        print(f"\n{group}: {len(shown)} clips")
        measure("as they are", readout, shown, 0)
        measure("picture 8 frames late", readout, shown, 8)
        measure("another clip's sound", readout, shown, None)


def correlations(readout: LipReadout, clips: list[Heard]) -> tuple[list[float], list[float]]:
    """Of the lips in windows of ``clips`` with their own voice, and with strangers'."""
    rng = np.random.default_rng(SEED)
    own, strange = [], []
    for n in WINDOW_FRAMES:
        long = [clip for clip in clips if len(clip.lips) >= n]
        for clip in long:
            for start in range(0, len(clip.lips) - n + 1, HOP_FRAMES):
                lips = clip.lips[start : start + n]
                own.append(_correlation(readout, lips, clip.embedding[start : start + n]))
                for other in (long[k] for k in rng.integers(len(long), size=STRANGERS)):
                    if other is not clip:
                        begin = int(rng.integers(len(other.embedding) - n + 1))
                        strange.append(_correlation(readout, lips, other.embedding[begin : begin + n]))
    return own, strange


def _correlation(readout: LipReadout, lips: Float32, embedding: Float32) -> float:
    found = agreement(lips, readout.expected(embedding), np.ones(len(lips), bool), REACH_FRAMES)
    return 0.0 if found is None else found.correlation


def taught_by(name: str) -> bool:
    return name.startswith("grid_s1_")


def read(warehouse: Path) -> Iterator[Heard]:
    basis = LandmarkBasis.of(load_open_head())
    with reading(warehouse) as lake:
        rows = lake.con.execute("SELECT clip_id, path FROM lake.clips JOIN lake.sources USING (source_id)").fetchall()
        for clip_id, path in rows:
            motion, speech = load_motion(lake, clip_id), load_speech(lake, clip_id)
            lips = lips_of(replay(basis, motion).points)
            yield Heard(Path(path).name, speech.embedding, speech.embedding_model, lips)


def invented(speakers: int, seed: int) -> Iterator[Heard]:
    assets = AssetStore(Settings.load().assets)
    basis, encoder = (
        LandmarkBasis.of(load_open_head()),
        Whisper(assets.path("whisper-base"), SpeechConfig().embedding_layer),
    )
    for clip in synthesise(PiperVoice(assets.path("piper-joe"), seed), seed, speakers, CLIPS_EACH):
        features = features_of_audio(clip.audio, encoder, SpeechConfig())
        lips = lips_of(replay(basis, clip.motion).points)
        yield Heard(clip.speaker_id, features.embedding, features.embedding_model, lips)


def measure(what: str, readout: LipReadout, clips: list[Heard], late: int | None) -> None:
    found = [f for k in range(len(clips)) if (f := _agreement(readout, clips, k, late)) is not None]
    r = np.array([f.correlation for f in found])
    lag = np.array([f.lag_frames for f in found if f.lag_frames is not None])
    print(f"{what:24} r: least {r.min():.2f}, p5 {np.percentile(r, 5):.2f}, median {np.median(r):.2f}", end="; ")
    print(f"lag: p5 {np.percentile(lag, 5):.1f}, median {np.median(lag):.1f}, p95 {np.percentile(lag, 95):.1f}", end="")
    print(f"; beyond 4 frames {(np.abs(lag) > 4).mean():.0%}")


def _agreement(readout: LipReadout, clips: list[Heard], index: int, late: int | None) -> Agreement | None:
    lips, embedding = clips[index].lips, clips[index].embedding
    if late is None:
        embedding = clips[(index + len(clips) // 2) % len(clips)].embedding
    elif late:
        lips, embedding = lips[:-late], embedding[late:]
    n = min(len(lips), len(embedding))
    return agreement(lips[:n], readout.expected(embedding[:n]), np.ones(n, bool), REACH_FRAMES)


if __name__ == "__main__":
    main()
