"""What the reconstruction is measured on: exact landmarks, made videos, and real ones seen by curation's own eyes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from flows.recipe import Recipe, load_recipe
from flows.settings import Settings
from models.assets import AssetStore
from models.head.model import load_open_head
from models.landmarks import FaceLandmarker
from models.overlay import head_vertices
from models.render import Camera
from models.sample.voice import PiperVoice
from models.synth.make import make_clips
from models.synth.scene import draw_scene
from models.synth.settings import SynthConfig
from models.vad import SileroVad, probability_per_frame
from schemas.arrays import Bool, Float32
from schemas.clip import Clip
from schemas.motion import HeadMotion
from schemas.source import Offer, SourceVideo
from schemas.truth import read_truth, truth_path
from tasks.clips import cut_clips
from tasks.ingest import ingest
from tasks.observe import observe
from tasks.shots import shots
from tasks.tracks import tracks

REAL: Final = Path(__file__).parents[3] / "shared" / "data" / "talking"
REAL_512: Final = ("hdtf_aoc", "hdtf_bobmenendez", "hdtf_katiehill", "hdtf_radio34", "obama_weekly")
MOST_FRAMES: Final = 150  # of a real clip


@dataclass(frozen=True)
class Case:
    """Landmarks to fit, T frames; ``truth`` is known of made heads."""

    name: str
    landmarks: Float32  # [T, 478, 3] pixels
    present: Bool  # [T]
    image_size: tuple[int, int]
    truth: HeadMotion | None = None


def exact_cases(seed: int, n: int, seconds: float, focal_ratio: float | None) -> list[Case]:
    """``n`` speakers' motion with the head's own landmarks projected, and no noise; the focal length is as drawn, or
    ``focal_ratio``: what the fit takes it for."""
    head, store = load_open_head(), AssetStore(Settings.load().assets)
    config = SynthConfig(clips=n, seconds=seconds, speakers=n, seed=seed, occluded=0)
    cases = []
    for clip in range(n):
        rng = np.random.default_rng((seed, clip))
        voice = PiperVoice(store.path("piper-joe"), clip)
        truth = draw_scene(voice, head, config, clip, rng, focal_ratio).truth
        points = head.landmarks(head_vertices(head, truth.motion))
        size = (truth.image_width, truth.image_height)
        seen = Camera(*size, truth.motion.focal_px, truth.motion.principal_point_px).project(points)
        landmarks = np.pad(seen, ((0, 0), (0, 0), (0, 1))).astype(np.float32)
        cases.append(Case(truth.speaker_id, landmarks, np.ones(len(seen), np.bool_), size, truth.motion))
    return cases


def made_cases(seed: int, n: int, seconds: float, folder: Path, workers: int) -> list[Case]:
    """``n`` speakers' made videos of 512 px as curation sees them."""
    config = SynthConfig(clips=n, seconds=seconds, speakers=n, seed=seed, occluded=0)
    voice = AssetStore(Settings.load().assets).path("piper-joe")
    videos = list(make_clips(folder, voice, config, workers))
    cases = []
    for video, clip in zip(videos, _first_clips(videos), strict=True):
        if clip is None:
            print(f"{video.name}: curation found no clip in it")
            continue
        truth = read_truth(truth_path(video)).motion
        cases.append(_case(video.stem, clip, _part(truth, clip.start_frame, clip.n_frames)))
    return cases


def real_cases(folder: Path) -> list[Case]:
    """The first clip of each real 512 px video that is there."""
    videos = [path for path in (folder / f"{name}.mp4" for name in REAL_512) if path.is_file()]
    found = zip(videos, _first_clips(videos), strict=True)
    return [_shortened(_case(video.stem, clip, None)) for video, clip in found if clip is not None]


def _first_clips(videos: list[Path]) -> Iterator[Clip | None]:
    recipe, store = load_recipe(), AssetStore(Settings.load().assets)
    vad = SileroVad(store.path("silero-vad"))
    with FaceLandmarker(store.path("face-landmarker")) as landmarker:
        for video in videos:
            yield next(_clips_of(video, landmarker, vad, recipe), None)


def _clips_of(video: Path, landmarker: FaceLandmarker, vad: SileroVad, recipe: Recipe) -> Iterator[Clip]:
    source = ingest(Offer(video), recipe.ingest)
    assert isinstance(source, SourceVideo), source
    for part in observe(source, landmarker, recipe.observe):
        speaking = probability_per_frame(vad.speech_probability(part.audio), part.n_frames)
        for track in tracks(part, shots(part, recipe.shots, None), recipe.tracks):
            yield from cut_clips(part, track, recipe.clips, recipe.clip_versions, speaking)[0]


def _case(name: str, clip: Clip, truth: HeadMotion | None) -> Case:
    return Case(name, clip.landmarks, clip.present, (clip.image_width, clip.image_height), truth)


def _shortened(case: Case) -> Case:
    return Case(case.name, case.landmarks[:MOST_FRAMES], case.present[:MOST_FRAMES], case.image_size)


def _part(motion: HeadMotion, first: int, n_frames: int) -> HeadMotion:
    frames = slice(first, first + n_frames)
    return HeadMotion(
        clip_id=motion.clip_id,
        head_model=motion.head_model,
        n_frames=n_frames,
        shape=motion.shape,
        expression=motion.expression[frames],
        global_rotation=motion.global_rotation[frames],
        jaw=motion.jaw[frames],
        eyes=motion.eyes[frames],
        eyelids=motion.eyelids[frames],
        translation=motion.translation[frames],
        focal_px=motion.focal_px,
        principal_point_px=motion.principal_point_px,
    )
