"""Where the camera stands: named moves and keyframes to a ``CameraPath`` that keeps the head in the picture.

Moves are 3DXTalker's nine trajectories and three plain ones. Each is a smooth function of time in seconds, so that the
frame rate changes nothing but how finely it is sampled.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from models.controls.keys import BadControl, frame_times, read_keys, through_keys
from models.controls.moves import MOVES, Beats, View
from schemas.arrays import Float32
from schemas.controls import CameraChoice, CameraKeys, CameraMove, CameraShot
from schemas.performance import CameraPath
from schemas.speech import SpeechFeatures
from schemas.units import FRAME_RATE

VERTICAL_FOV_RAD: Final = float(np.radians(21.0))  # a portrait lens: 58 mm on film of 24 x 36
HEAD_CENTRE_M: Final = (0.0, 0.022, 0.03)  # between neck and crown, at the depth of the temples
HEAD_HEIGHT_M: Final = 0.267
HEAD_WIDTH_M: Final = 0.178
FILL: Final = 0.66  # share of the picture's height or width that the head takes
CLOSEST_ZOOM: Final = float(np.log(1.4))  # a move bends before it cuts into the face
_KNEE: Final = 8.0
NEAREST_M: Final = 0.3  # from the head's centre; its surface is 0.16 away at most
ZOOM_LIMITS: Final = (0.2, 3.0)
_KEY_COLUMNS: Final = {"azimuth_deg": 0.0, "elevation_deg": 0.0, "zoom": 1.0, "roll_deg": 0.0}


def parse_camera(text: str) -> CameraChoice:
    """A move (``orbit``, ``push-in:0.5``), or the path of a CSV with time_s and any of azimuth_deg, elevation_deg,
    zoom, roll_deg. Raises ``BadControl``."""
    if text.lower().endswith(".csv"):
        times_s, columns = read_keys(Path(text), optional=_KEY_COLUMNS)
        view = np.stack([columns[name] for name in _KEY_COLUMNS], axis=1)
        if not (ZOOM_LIMITS[0] <= columns["zoom"].min() and columns["zoom"].max() <= ZOOM_LIMITS[1]):
            raise BadControl(f"{text}: zoom must lie within {ZOOM_LIMITS[0]} .. {ZOOM_LIMITS[1]}")
        if np.abs(columns["elevation_deg"]).max() > 85:
            raise BadControl(f"{text}: elevation_deg must lie within -85 .. 85")
        try:
            return CameraKeys(times_s, view)
        except ValueError as error:
            raise BadControl(f"{text}: {error}") from error
    name, _, intensity = text.partition(":")
    try:
        return CameraShot(CameraMove(name), float(intensity or 1))
    except ValueError as error:
        known = ", ".join(CameraMove)
        raise BadControl(f"camera {text!r}: wanted {known}, each with :STRENGTH, or a CSV ({error})") from error


def film(
    camera: CameraChoice,
    n_frames: int,
    aspect: float,
    speech: SpeechFeatures | None = None,
    rate: Fraction = FRAME_RATE,
) -> CameraPath:
    """The camera's path over ``n_frames`` frames for pictures of ``aspect`` (width over height).

    Moves that follow the voice take their beats from ``speech``, and a steady pulse where there is none.
    """
    at_s = frame_times(n_frames, rate)
    if isinstance(camera, CameraKeys):
        keys = through_keys(camera.times_s, camera.view, at_s)
        azimuth, elevation, roll = np.radians(keys[:, (0, 1, 3)]).T
        view = View(azimuth=azimuth, elevation=elevation, zoom=np.log(keys[:, 2]), roll=roll)
    else:
        beats = Beats.of(speech, at_s) if speech is not None and speech.n_frames else Beats.steady(at_s)
        view = MOVES[camera.move](at_s * camera.tempo, float(n_frames / rate), beats).scaled(camera.intensity)
        closer = np.maximum(view.zoom, 0) / CLOSEST_ZOOM
        bent = view.zoom / (1 + closer**_KNEE) ** (1 / _KNEE)
        view = replace(view, zoom=np.asarray(bent, np.float32))
    return _path(view, n_frames, aspect)


def _path(view: View, n_frames: int, aspect: float) -> CameraPath:
    framed = max(HEAD_HEIGHT_M, HEAD_WIDTH_M / aspect) / FILL
    distance = framed / (2 * np.tan(VERTICAL_FOV_RAD / 2)) * np.exp(-_column(view.zoom, n_frames))
    distance = np.maximum(distance, NEAREST_M)
    azimuth, elevation = _column(view.azimuth, n_frames), _column(view.elevation, n_frames)
    towards = np.stack(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], axis=1
    )
    target = np.array(HEAD_CENTRE_M) + np.stack(
        [_column(view.aside, n_frames), _column(view.lift, n_frames), np.zeros(n_frames)], axis=1
    )
    return CameraPath(
        n_frames=n_frames,
        position=(target + distance[:, None] * towards).astype(np.float32),
        target=target.astype(np.float32),
        roll=_column(view.roll, n_frames).astype(np.float32),
        vertical_fov=np.full(n_frames, VERTICAL_FOV_RAD, np.float32),
    )


def _column(values: Float32 | float, n_frames: int) -> Float32:
    return np.broadcast_to(np.asarray(values, np.float32), (n_frames,))
