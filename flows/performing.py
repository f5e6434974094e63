"""Generate: a speech, a person and directions to a video or a motion file, with the models that are to hand.

``open_cast`` opens all that a performance takes, for ``flows.live`` too.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.errors import CannotPerform, WrongCall
from flows.hearing import open_ear
from flows.quiet import quiet
from models.assets import AssetStore
from models.avatar.motion import to_frames
from models.avatar.protocol import MotionModel
from models.avatar.style import style_of
from models.controls.camera import film, parse_camera
from models.controls.emotion import parse_emotion
from models.controls.pose import PoseStyle, ResolvedPose, parse_pose
from models.controls.prompt import PromptReader
from models.controls.sentence import SentenceEncoder
from models.export.formats import Format, UnknownFormat, export, format_of
from models.head.model import HeadModel
from models.head.shelf import HeadShelf
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
from schemas.motion import HeadMotion
from schemas.units import SAMPLE_RATE, frames_to_seconds
from tasks.draw import DrawConfig, draw
from tasks.media.hearing import SoundFile
from tasks.perform import Part, PerformConfig, Performed, perform
from tasks.portrait import Identity, PortraitConfig, identity_of_clip, portrait
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.read import FoundKind, load_motion, resolve
from warehouse.registry import CHAMPION, aliases, open_checkpoint, resolve_version

DEFAULT: Final = "default"  # the model that comes with the program
SHIPPED: Final = Path(__file__).parent.parent / "models" / "data" / "avatar"
VIDEO: Final = ".mp4"


Notes = tuple[str, ...]
Progress = Callable[[str, int, int | None], None]  # what is done, frames done, frames in all where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """Who is to speak, by which model and how. What is None is chosen for the user."""

    image: Path | None = None
    identity: str | None = None  # a clip whose person is to speak
    emotion: str | None = None
    emotion_curve: Path | None = None  # a CSV, in place of ``emotion``
    pose: str | None = None
    prompt: str | None = None
    model: str | None = None
    steps: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Request(Casting):
    """A speech that is to be performed into a file."""

    audio: Path
    output: Path
    camera: str | None = None
    size_px: int = 512


@dataclass(frozen=True, slots=True)
class Cast:
    """All that a performance takes besides the sound, opened."""

    model_name: str
    model: MotionModel
    ear: SteadyWhisper
    head: HeadModel
    part: Part
    camera: CameraChoice | None  # as the prompt has it
    notes: Notes  # what a person should know of the person and the prompt


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
    _check(request)
    camera = None if request.camera is None else parse_camera(request.camera)
    cast = open_cast(root, assets, request)
    if request.output.suffix.lower() == Format.ARKIT_CSV:
        cast.head.require_actions("a table of ARKit's")
    done = perform(
        SoundFile(request.audio),
        cast.ear,
        SileroVad(AssetStore(assets).path("silero-vad")),
        cast.model,
        cast.part,
        cast.head,
        PerformConfig(seed=request.seed, steps=request.steps),
        None if progress is None else lambda n: progress("performing", n, None),
    )
    try:
        written = _write(done, cast.head, camera or cast.camera, request, progress)
    except OSError as error:
        raise CannotPerform(f"{request.output}: cannot be written ({error.strerror or error})") from error
    return Made(request.output, done.performance.n_frames, cast.model_name, (*cast.notes, *done.concerns, *written))


def open_cast(root: Path, assets: Path, casting: Casting) -> Cast:
    """Find and open what ``casting`` asks for; ``root`` is as for ``generate``.

    Raises ``CannotPerform``, ``WrongCall`` and what opening models, pictures and controls does.
    """
    _check_casting(casting)
    heads, store = HeadShelf.beside(assets), AssetStore(assets)
    name, folder = find_model(root, casting.model)
    card = read_card(folder)
    head = heads.head(card.head_model)
    direction, prompt_notes = _direction(store, casting)
    person, person_notes = _person(root, store, casting, head)
    part = Part(person, direction.emotion, _resolved(root, direction.pose or HeadPose(PosePreset.NATURAL)))
    ear = _ear(assets, card)
    return Cast(
        name, open_model(folder, heads=heads), ear, head, part, direction.camera, (*person_notes, *prompt_notes)
    )


def _check_casting(casting: Casting) -> None:
    if casting.image is not None and casting.identity is not None:
        raise WrongCall("give --image or --identity, not both: a performance has one face")
    if casting.emotion is not None and casting.emotion_curve is not None:
        raise WrongCall("give --emotion or --emotion-curve, not both")
    if casting.emotion_curve is not None and casting.emotion_curve.suffix.lower() != ".csv":
        raise WrongCall(f"--emotion-curve {casting.emotion_curve}: wanted a .csv file")


def _check(request: Request) -> None:
    """Refuse before any work what could only fail after it. Raises ``WrongCall``."""
    if request.size_px % 2:
        raise WrongCall(f"--size {request.size_px}: the sides of a film are even")
    output = request.output
    if output.suffix.lower() != VIDEO:
        try:
            format_of(output)
        except UnknownFormat as error:
            raise WrongCall(f"{error}; {VIDEO} is a film") from error
    for given in (request.audio, request.image):
        if given is not None and given.exists() and output.exists() and output.samefile(given):
            raise WrongCall(f"{output}: would take the place of what it is made from; choose another name")
    if output.is_dir():
        raise WrongCall(f"{output}: is a folder; name a file in it")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise WrongCall(f"{output}: cannot be written there ({error.strerror}); choose another folder") from error


def find_model(root: Path, wanted: str | None) -> tuple[str, Path]:
    """Name and folder of a model: of the warehouse by version or alias, or the one that comes with the program.

    Without a wish it is the warehouse's champion, else the default. Raises ``UnknownName``, ``CannotPerform``.
    """
    if wanted != DEFAULT:
        try:
            with reading(root) as lake:
                if wanted is not None or CHAMPION in aliases(lake):
                    version = resolve_version(lake, wanted or CHAMPION)
                    return version.version, open_checkpoint(root, version)
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


def _person(root: Path, store: AssetStore, casting: Casting, head: HeadModel) -> tuple[Identity | None, Notes]:
    if casting.image is not None:
        from models.landmarks import FaceLandmarker  # mediapipe: a second that only a picture is worth

        with quiet(), FaceLandmarker(store.path("face-landmarker")) as finder:
            found = portrait(casting.image, finder, head, PortraitConfig())
        return found.identity, found.concerns
    if casting.identity is not None:
        motion = _clip(root, casting.identity)
        if motion.head_model != head.name:
            raise CannotPerform(f"{casting.identity}: was fitted with {motion.head_model}; here speaks {head.name}")
        return identity_of_clip(motion), ()
    return None, ()


def _clip(root: Path, name: str) -> HeadMotion:
    with reading(root) as lake:
        found = resolve(lake, name)
        if found.kind is not FoundKind.CLIP:
            raise WrongCall(f"{name!r} is a source; name one of its clips (`xtalker show` lists them)")
        return load_motion(lake, found.id)


def _direction(store: AssetStore, casting: Casting) -> tuple[Direction, Notes]:
    """The prompt, and over it what the options say outright."""
    direction, notes = Direction(), []
    if casting.prompt is not None:
        direction = PromptReader(SentenceEncoder(store.path("minilm"))).read(casting.prompt)
        for understood in direction.understood:
            notes.append(f"prompt: {understood.phrase!r} -> {understood.control} {understood.intensity:.2f}")
        notes += [f"prompt: {phrase!r} was not understood, and is left out" for phrase in direction.not_understood]
    emotion = casting.emotion if casting.emotion_curve is None else str(casting.emotion_curve)
    return direction.override(
        emotion=None if emotion is None else parse_emotion(emotion),
        pose=None if casting.pose is None else parse_pose(casting.pose),
    ), tuple(notes)


def _resolved(root: Path, pose: PoseChoice) -> ResolvedPose:
    return PoseStyle(style_of(to_frames(_clip(root, pose.clip_id)))) if isinstance(pose, PoseOfClip) else pose


def _write(
    done: Performed, head: HeadModel, camera: CameraChoice | None, request: Request, progress: Progress | None
) -> Notes:
    performance, output = done.performance, request.output
    if output.suffix.lower() != VIDEO:
        unused = () if camera is None else (f"{output.name} holds no camera: its move is left out",)
        return (*unused, *export(performance, head, output).notes)
    path = film(camera or CameraShot(CameraMove.FIXED), performance.n_frames, 1.0, done.speech)
    look = DrawConfig(width=request.size_px, height=request.size_px)
    drawn = None if progress is None else lambda n, of: progress("drawing", n, of)
    draw(performance, head, path, done.audio, SAMPLE_RATE, output, look, drawn)
    return ()
