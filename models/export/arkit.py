"""A performance as a table of ARKit's 52 actions, in the layout of the Live Link Face app; and back.

One row a frame: a time code ``HH:MM:SS:FF.fff`` (FF counts 25 a second), the number of curves (61), the actions, 0..1,
then nine angles in radians, as ``models.head.angles`` counts them.

``jawOpen`` is the jaw's rotation about x over its rotation at full strength; the head model has the other 50 actions
by name; ``tongueOut`` stays 0. Identity, place, and the little the jaw turns about y and z have no column.
"""

import csv
import io
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.export.content import Content, UnreadableMotion
from models.head.angles import from_angles, to_angles
from models.head.model import FULL_JAW_RAD, HeadModel
from schemas.performance import Performance
from schemas.units import EXPRESSION_DIM, FRAME_RATE, SHAPE_DIM

Array = npt.NDArray[np.float64]

_EYE: Final = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")
_MOUTH: Final = (
    "jawForward jawRight jawLeft jawOpen mouthClose mouthFunnel mouthPucker mouthRight mouthLeft mouthSmileLeft "
    "mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthStretchLeft "
    "mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthPressLeft mouthPressRight "
    "mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight browDownLeft browDownRight browInnerUp "
    "browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft cheekSquintRight noseSneerLeft noseSneerRight tongueOut"
)
ACTIONS: Final = (*(f"{e}Left" for e in _EYE), *(f"{e}Right" for e in _EYE), *_MOUTH.split())
_TURNS: Final = ("Yaw", "Pitch", "Roll")
ANGLES: Final = tuple(f"{part}{turn}" for part in ("Head", "LeftEye", "RightEye") for turn in _TURNS)
_JAW_OPEN: Final = "jawOpen"
_PITCH_YAW_ROLL: Final = (1, 0, 2)  # of ``_TURNS``, and back
_NOTED_JAW_RAD: Final = float(np.radians(0.5))
_DECIMALS: Final = 6


def to_arkit_csv(performance: Performance, head: HeadModel) -> Content:
    """The bytes of the table. Values outside 0..1 are clamped, and a note says how many and how far."""
    wanted = to_actions(performance, head)
    actions = wanted.clip(0, 1)
    turns = (performance.global_rotation, performance.eyes[:, :3], performance.eyes[:, 3:])
    angles = np.concatenate([to_angles(turn)[:, _PITCH_YAW_ROLL] for turn in turns], axis=1)

    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in ACTIONS), *ANGLES])
    values = np.concatenate([actions, angles], axis=1)
    for frame, row in enumerate(values.tolist()):
        rows.writerow([_timecode(frame), values.shape[1], *(f"{v:.{_DECIMALS}f}" for v in row)])
    return Content(out.getvalue().encode(), _notes(wanted - actions, performance))


def to_actions(performance: Performance, head: HeadModel) -> Array:
    """[T, 52] how much of each of ``ACTIONS``; not everything lies within ARKit's 0..1.

    Raises ``models.head.model.NoNamedActions``.
    """
    head.require_actions("a table of ARKit's")
    wanted = np.zeros((performance.n_frames, len(ACTIONS)), np.float64)
    for k, name in enumerate(head.expression_names):
        wanted[:, ACTIONS.index(name)] = performance.expression[:, k]
    wanted[:, ACTIONS.index(_JAW_OPEN)] = performance.jaw[:, 0] / FULL_JAW_RAD
    return wanted


def read_arkit_csv(path: Path, head: HeadModel, frames_per_s: float = float(FRAME_RATE)) -> Performance:
    """The motion in a table of ARKit actions, resampled to 25 frames a second if it has ``frames_per_s`` others.

    Columns are found by name, in any case and order; the angles may be missing (0). Identity is the mean's.
    Raises ``UnreadableMotion``.
    """
    columns = _columns(path)
    missing = [name for name in ACTIONS if name.lower() not in columns]
    if missing:
        raise UnreadableMotion(f"{path}: no column {missing[0]} ({len(missing)} of {len(ACTIONS)} actions are missing)")
    none = np.zeros(len(columns[ACTIONS[0].lower()]))
    expression = np.stack([columns.get(n.lower(), none) for n in head.expression_names], axis=1)
    angles = np.stack([columns.get(n.lower(), none) for n in ANGLES], axis=1)
    # Rows are interpolated before angles become rotations: a face never turns so far that it matters.
    values = np.concatenate([expression, columns[_JAW_OPEN.lower()][:, None], angles], axis=1)
    values = _resampled(values, frames_per_s)
    turns = values[:, -len(ANGLES) :].reshape(-1, 3, 3)[:, :, _PITCH_YAW_ROLL].astype(np.float32)
    head_turn, left, right = (from_angles(turns[:, k]) for k in range(3))
    jaw = np.zeros((len(values), 3), np.float32)
    jaw[:, 0] = FULL_JAW_RAD * values[:, EXPRESSION_DIM]
    return Performance(
        head_model=head.name,
        n_frames=len(values),
        shape=np.zeros(SHAPE_DIM, np.float32),
        expression=values[:, :EXPRESSION_DIM].astype(np.float32),
        global_rotation=head_turn,
        jaw=jaw,
        eyes=np.concatenate([left, right], axis=1),
        translation=np.zeros((len(values), 3), np.float32),
    )


def _columns(path: Path) -> dict[str, Array]:
    """Every numeric column by its name in lower case."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = [row for row in csv.reader(file) if row]
        wanted = {name.lower() for name in (*ACTIONS, *ANGLES)}
        places = {name.strip().lower(): k for k, name in enumerate(header) if name.strip().lower() in wanted}
        table = np.array([[float(row[k]) for k in places.values()] for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error, ValueError, IndexError) as error:
        raise UnreadableMotion(f"{path}: not a table of ARKit actions ({error})") from error
    if not rows or not np.isfinite(table).all():
        raise UnreadableMotion(f"{path}: " + ("has no rows" if not rows else "has values that are not finite"))
    return dict(zip(places, table.T, strict=True))


def _resampled(values: Array, frames_per_s: float) -> Array:
    if frames_per_s == float(FRAME_RATE):
        return values
    n_frames = int((len(values) - 1) / frames_per_s * float(FRAME_RATE)) + 1
    at = np.arange(n_frames) * frames_per_s / float(FRAME_RATE)
    return np.stack([np.interp(at, np.arange(len(values)), column) for column in values.T], axis=1)


def _timecode(frame: int) -> str:
    seconds, rest = divmod(frame, int(FRAME_RATE))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{rest:02d}.000"


def _notes(cut: Array, performance: Performance) -> tuple[str, ...]:
    notes = ["the table holds no sound, identity or place"]
    if np.abs(cut).max() > 10**-_DECIMALS:
        share = float((np.abs(cut) > 10**-_DECIMALS).mean())
        notes.append(f"{share:.1%} of the values lay outside 0..1, by up to {np.abs(cut).max():.2f}, and were clamped")
    aside = float(np.abs(performance.jaw[:, 1:]).max())
    if aside > _NOTED_JAW_RAD:
        notes.append(f"the jaw's turn to the side, up to {np.degrees(aside):.1f} degrees, has no column")
    return tuple(notes)
