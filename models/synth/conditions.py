"""How a clip is taken: where the camera stands, what light falls, what the lens, sensor and codec make of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.head.angles import from_angles
from models.head.rotation import to_matrix
from models.render import Light
from models.view import View
from schemas.arrays import Float32

HEAD_HEIGHT_M: Final = 0.24  # chin to crown, of the mean head
HEAD_MIDDLE_M: Final = np.array([0.0, 0.042, 0.02], np.float32)
_SHARE: Final = (0.42, 0.7)  # of the picture's height that the head takes
_FOCAL_RATIO: Final = (1.5, 4.0)  # picture heights: a phone at arm's length to a telephoto
_YAW_DEG, _PITCH_DEG, _ROLL_DEG = 11.0, 5.0, 1.5  # standard deviations of where the camera stands
_OFF_CENTRE: Final = 0.05  # of the picture, standard deviation
_ABOVE: Final = 0.04  # its middle, so that the shoulders show


@dataclass(frozen=True, slots=True)
class Camera:
    """``rotation`` and ``translation`` lead from the person's frame, the head model's at rest, to the camera's;
    ``focal_ratio`` is in picture heights."""

    focal_ratio: float
    rotation: Float32  # [3, 3]
    translation: Float32  # [3] metres

    def view(self, n_frames: int) -> View:
        """The same place in every frame."""
        fov = 2 * np.arctan(0.5 / self.focal_ratio)
        return View(
            np.repeat(self.rotation[None], n_frames, axis=0),
            np.repeat(self.translation[None], n_frames, axis=0),
            np.full(n_frames, fov, np.float32),
        )


@dataclass(frozen=True, slots=True)
class Sensor:
    """What happens to the picture on its way to the file."""

    blur_px: float = 0.0  # standard deviation of the lens' blur, at 512 px
    shutter: float = 0.0  # share of a frame's time that the shutter is open
    noise: float = 1.5  # standard deviation, of 255
    gamma: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)  # white balance times exposure
    crf: int = 18


@dataclass(frozen=True, slots=True)
class Conditions:
    camera: Camera
    light: Light
    sensor: Sensor


def draw_conditions(rng: np.random.Generator, focal_ratio: float | None = None) -> Conditions:
    """One clip's circumstances by chance; the focal length too unless it is given."""
    return Conditions(_draw_camera(rng, focal_ratio), _draw_light(rng), _draw_sensor(rng))


def portrait(share: float, focal_ratio: float, angles_deg: Float32, off_centre: Float32) -> Camera:
    """A camera that sees the head ``share`` of the picture high, ``off_centre`` [2] (right, up; picture heights) from
    the middle, from the side by ``angles_deg`` [3] (pitch, yaw, roll that the head seems to have)."""
    distance = focal_ratio * HEAD_HEIGHT_M / share
    turn = to_matrix(from_angles(np.radians(np.asarray([angles_deg], np.float32))))[0]
    right, up = np.asarray(off_centre) * HEAD_HEIGHT_M / share
    middle = np.array([right, up, -distance], np.float32)
    return Camera(focal_ratio, turn, (middle - turn @ HEAD_MIDDLE_M).astype(np.float32))


def _draw_camera(rng: np.random.Generator, focal_ratio: float | None) -> Camera:
    angles = rng.normal(0, (_PITCH_DEG, _YAW_DEG, _ROLL_DEG)).clip(-22, 22)
    share = float(rng.uniform(*_SHARE))
    room = (1 - share) / 2 - 0.06  # the whole head stays in the picture
    off = rng.normal((0, _ABOVE), _OFF_CENTRE).clip(-room, room)
    drawn = float(np.exp(rng.uniform(*np.log(_FOCAL_RATIO))))
    return portrait(share, focal_ratio or drawn, angles, off)


def _draw_light(rng: np.random.Generator) -> Light:
    azimuth, height = np.radians(rng.normal(0, 35)), np.radians(rng.uniform(-5, 60))
    ambient = float(rng.uniform(0.3, 0.6))
    return Light(
        towards=(float(np.sin(azimuth)), float(np.tan(height)), float(max(np.cos(azimuth), 0.2))),
        ambient=ambient,
        diffuse=float(rng.uniform(0.95, 1.2) - ambient),
        specular=float(rng.uniform(0.03, 0.18)),
        shininess=float(rng.uniform(10, 40)),
    )


def _draw_sensor(rng: np.random.Generator) -> Sensor:
    warmth, exposure = rng.normal(0, 0.05), np.exp(rng.normal(0, 0.08))
    return Sensor(
        blur_px=float(rng.choice([0.0, rng.uniform(0.3, 1.4)])),
        shutter=float(rng.uniform(0, 0.6)),
        noise=float(np.exp(rng.uniform(np.log(0.6), np.log(6.0)))),
        gamma=float(np.exp(rng.normal(0, 0.1))),
        gain=(float(exposure * (1 + warmth)), float(exposure), float(exposure * (1 - warmth))),
        crf=int(rng.integers(16, 32)),
    )
