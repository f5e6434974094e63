"""Generate: a speech, a person and directions to a video or a motion file, with the models that are to hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.errors import CannotPerform, WrongCall
from flows.hearing import open_ear
from models.assets import AssetStore
from models.avatar.motion import to_frames
from models.avatar.style import style_of
from models.controls.camera import film, parse_camera
from models.controls.emotion import parse_emotion
from models.controls.pose import PoseStyle, ResolvedPose, parse_pose
from models.controls.prompt import PromptReader
from models.controls.sentence import SentenceEncoder
from models.export.formats import export, format_of
from models.head.model import HeadModel, load_open_head
from models.landmarks import FaceLandmarker
from models.presets import open_model
from models.training.checkpoint import ModelCard, read_card
from models.vad import SileroVad
from models.whisper.steady import SteadyWhisper
from schemas.controls import (
    CameraChoice,
    CameraMove,
    CameraShot,
    Direction,
    HeadPose,
    PoseChoice,
    PoseOfClip,
    PosePreset,
)
from schemas.performance import Performance
from schemas.units import SAMPLE_RATE, frames_to_seconds
from tasks.draw import DrawConfig, Progress, draw
from tasks.media.hearing import SoundFile
from tasks.perform import Part, PerformConfig, Performed, perform
from tasks.portrait import Identity, PortraitConfig, identity_of_clip, portrait
from warehouse.errors import NoWarehouse, UnknownName
from warehouse.lake import reading
from warehouse.read import FoundKind, load_motion, resolve
from warehouse.registry import CHAMPION, aliases, resolve_version

DEFAULT: Final = "default"  # the model that comes with the program
SHIPPED: Final = Path(__file__).parent.parent / "models" / "data" / "avatar"
VIDEO: Final = ".mp4"


Notes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. What is None is chosen for the user."""

    audio: Path
    output: Path
    image: Path | None = None
    identity: str | None = None  # a clip whose person is to speak
    emotion: str | None = None
    pose: str | None = None
    camera: str | None = None
    prompt: str | None = None
    model: str | None = None
    steps: int | None = None
    seed: int = 0
    size_px: int = 512


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and what a person should know of it."""

    path: Path
    n_frames: int
    model: str
    notes: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        return frames_to_seconds(self.n_frames)


def generate(root: Path, assets: Path, request: Request, progress: Progress | None = None) -> Made:
    """Carry out ``request``. ``root`` is the warehouse, which only a clip or a model of its own needs.

    Raises ``CannotPerform``, ``WrongCall`` and what the stages do.
    """
    head, store = load_open_head(), AssetStore(assets)
    if request.image is not None and request.identity is not None:
        raise WrongCall("give --image or --identity, not both: a performance has one face")
    if request.output.suffix.lower() != VIDEO:
        format_of(request.output)  # refuse an unknown one before any work
    name, folder = find_model(root, request.model)
    card = read_card(folder)
    person, person_notes = _person(root, store, request, head)
    direction, prompt_notes = _direction(store, request)
    part = Part(person, direction.emotion, _resolved(root, direction.pose or HeadPose(PosePreset.NATURAL)))
    done = perform(
        SoundFile(request.audio),
        _ear(assets, card),
        SileroVad(store.path("silero-vad")),
        open_model(folder),
        part,
        head,
        PerformConfig(seed=request.seed, steps=request.steps),
    )
    camera = direction.camera or CameraShot(CameraMove.FIXED)
    written = _write(done, head, camera, request, progress)
    return Made(
        request.output, done.performance.n_frames, name, (*person_notes, *prompt_notes, *done.concerns, *written)
    )


def find_model(root: Path, wanted: str | None) -> tuple[str, Path]:
    """Name and folder of a model: of the warehouse by version or alias, or the one that comes with the program.

    Without a wish it is the warehouse's champion, else the default. Raises ``UnknownName``, ``CannotPerform``.
    """
    if wanted != DEFAULT:
        try:
            with reading(root) as lake:
                if wanted is not None or CHAMPION in aliases(lake):
                    version = resolve_version(lake, wanted or CHAMPION)
                    return version.version, root / version.checkpoint
        except NoWarehouse:
            if wanted is not None:
                raise
    if not SHIPPED.is_dir():
        raise CannotPerform("there is no default model in this installation; train one with `xtalker train`")
    return DEFAULT, SHIPPED


def _ear(assets: Path, card: ModelCard) -> SteadyWhisper:
    encoder = open_ear(assets, card.speech_model).encoder
    if not isinstance(encoder, SteadyWhisper):
        raise CannotPerform(
            f"this model hears with {card.speech_model!r}, which can only hear whole clips; train one on Whisper's "
            "embedding to drive it with any sound"
        )
    return encoder


def _person(
    root: Path, store: AssetStore, request: Request, head: HeadModel
) -> tuple[Identity | None, tuple[str, ...]]:
    if request.image is not None:
        with FaceLandmarker(store.path("face-landmarker")) as finder:
            found = portrait(request.image, finder, head, PortraitConfig())
        return found.identity, found.concerns
    if request.identity is not None:
        with reading(root) as lake:
            clip = resolve(lake, request.identity)
            if clip.kind is not FoundKind.CLIP:
                raise UnknownName(f"{request.identity!r} is a source; --identity wants one of its clips")
            return identity_of_clip(load_motion(lake, clip.id)), ()
    return None, ()


def _direction(store: AssetStore, request: Request) -> tuple[Direction, Notes]:
    """The prompt, and over it what the options say outright."""
    direction, notes = Direction(), []
    if request.prompt is not None:
        direction = PromptReader(SentenceEncoder(store.path("minilm"))).read(request.prompt)
        for understood in direction.understood:
            notes.append(f"prompt: {understood.phrase!r} -> {understood.control} {understood.intensity:.2f}")
        notes += [f"prompt: {phrase!r} was not understood, and is left out" for phrase in direction.not_understood]
    return direction.override(
        emotion=None if request.emotion is None else parse_emotion(request.emotion),
        pose=None if request.pose is None else parse_pose(request.pose),
        camera=None if request.camera is None else parse_camera(request.camera),
    ), tuple(notes)


def _resolved(root: Path, pose: PoseChoice) -> ResolvedPose:
    if not isinstance(pose, PoseOfClip):
        return pose
    with reading(root) as lake:
        return PoseStyle(style_of(to_frames(load_motion(lake, resolve(lake, pose.clip_id).id))))


def _write(
    done: Performed, head: HeadModel, camera: CameraChoice, request: Request, progress: Progress | None
) -> Notes:
    performance: Performance = done.performance
    if request.output.suffix.lower() != VIDEO:
        return export(performance, head, request.output).notes
    path = film(camera, performance.n_frames, 1.0, done.speech)
    look = DrawConfig(width=request.size_px, height=request.size_px)
    draw(performance, head, path, done.audio, SAMPLE_RATE, request.output, look, progress)
    return ()
