"""A take before the camera: its pictures, and its motion as the camera's own frame has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.head.model import ROOT, HeadModel
from models.head.rotation import to_axis_angle, to_matrix
from models.look.skin import Palette
from models.look.studio import Set, Studio
from models.synth.conditions import Conditions, Sensor
from models.synth.occluder import Occluder
from schemas.arrays import Float32, UInt8
from schemas.motion import HeadMotion
from schemas.performance import Performance

_SUPERSAMPLE: Final = 2
_NOISE_MARGIN_PX: Final = 64
_SHARP_PX: Final = 0.2
_FACE_M: Final = np.array([0.0, 0.03, 0.1], np.float32)  # a point amid the face whose way is that of the blur
_LONGEST_SMEAR_PX: Final = 24


@dataclass(frozen=True, slots=True)
class Take:
    """Everything that a clip's pictures are made of. ``performance`` is in the person's frame."""

    performance: Performance
    palette: Palette
    conditions: Conditions
    room: UInt8  # [size, size, 3]
    size_px: int
    occluder: Occluder | None = None


def film(take: Take, head: HeadModel, rng: np.random.Generator) -> Iterator[UInt8]:
    """Yield the frames, [size, size, 3] RGB, one for each of the performance."""
    size, conditions = take.size_px, take.conditions
    stage = Set(size, size, _SUPERSAMPLE, (0, 0, 0), conditions.light, take.palette)
    shown = Studio(head, stage, take.room).shoot(take.performance, conditions.camera.view(take.performance.n_frames))
    way = _way_px(seen(take, head, ""), head)
    develop = Developing(conditions.sensor, size, rng)
    for frame, picture in enumerate(shown):
        covered = picture if take.occluder is None else take.occluder.over(picture, frame)
        yield develop(covered, way[frame])


def seen(take: Take, head: HeadModel, clip_id: str) -> HeadMotion:
    """The performance in the camera's frame, with its pinhole: what a perfect reconstruction would find.

    With the camera's ``C`` and ``c``: ``C (R (p - root) + root + t) + c = C R (p - root) + root + t'``.
    """
    acted, camera = take.performance, take.conditions.camera
    root = head.joints(acted.shape)[ROOT]
    turned = camera.rotation @ to_matrix(acted.global_rotation)
    moved = (acted.translation + root) @ camera.rotation.T + camera.translation - root
    middle = (take.size_px - 1) / 2
    return HeadMotion(
        clip_id=clip_id,
        head_model=head.name,
        n_frames=acted.n_frames,
        shape=acted.shape,
        expression=acted.expression,
        global_rotation=to_axis_angle(turned.astype(np.float32)),
        jaw=acted.jaw,
        eyes=acted.eyes,
        eyelids=head.eyelids(acted.expression),
        translation=moved.astype(np.float32),
        focal_px=float(camera.focal_ratio * take.size_px),
        principal_point_px=(middle, middle),
    )


class Developing:
    """From what falls through the lens to what a camera hands on: blur, exposure, grain.

    Without grain a video codec would make flat areas implausibly clean.
    """

    def __init__(self, sensor: Sensor, size_px: int, rng: np.random.Generator) -> None:
        self._sensor, self._size, self._rng = sensor, size_px, rng
        side = size_px + _NOISE_MARGIN_PX
        # One sheet of grain, laid on at another place in every frame.
        self._grain = rng.standard_normal((side, side, 3), np.float32) * np.float32(sensor.noise) + np.float32(0.5)
        levels = np.linspace(0, 1, 256)[:, None] ** sensor.gamma * np.asarray(sensor.gain)
        self._curve = (255 * levels).clip(0, 255).astype(np.float32)

    def __call__(self, picture: UInt8, way_px: Float32) -> UInt8:
        """``picture`` [size, size, 3] as recorded, while the face moved by ``way_px`` [2] a frame."""
        smear = way_px * np.float32(self._sensor.shutter)
        if np.linalg.norm(smear) > 1:
            picture = np.asarray(cv2.filter2D(picture, -1, _line(smear)))
        blur = self._sensor.blur_px * self._size / 512
        if blur > _SHARP_PX:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur))
        exposed = np.asarray(cv2.LUT(picture, self._curve[None]), np.float32)
        top, left = self._rng.integers(0, _NOISE_MARGIN_PX, 2)
        exposed += self._grain[top : top + self._size, left : left + self._size]
        return np.asarray(exposed.clip(0, 255), np.uint8)


def _way_px(motion: HeadMotion, head: HeadModel) -> Float32:
    """[T, 2] how far the face moves in the picture from each frame to the next, pixels."""
    root = head.joints(motion.shape)[ROOT]
    points = to_matrix(motion.global_rotation) @ (_FACE_M - root) + root + motion.translation
    at = motion.focal_px * points[:, :2] / -points[:, 2:] * (1, -1)
    return np.asarray(np.gradient(at, axis=0) if len(at) > 1 else np.zeros_like(at), np.float32)


def _line(smear: Float32) -> npt.NDArray[np.float32]:
    """A kernel that smears along ``smear`` [2] pixels."""
    length = min(float(np.linalg.norm(smear)), _LONGEST_SMEAR_PX)
    half = smear / np.linalg.norm(smear) * length / 2
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    ends = [tuple(int(v) for v in np.round(16 * (reach + sign * half))) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)
