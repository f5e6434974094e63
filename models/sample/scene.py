"""The picture: a person from the chest up before a blurred room."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from models.head.model import HeadModel
from models.render import Camera, Light, render
from models.sample.acting import Acting
from models.sample.people import Person
from schemas.arrays import Float32, Int32, UInt8

DISTANCE_M: Final = 0.9
FOCAL_PER_SIDE: Final = 2.4  # a short telephoto, as portraits are taken
HEAD_BELOW_AXIS_M: Final = 0.02
SENSOR_NOISE: Final = 1.5  # of 255, standard deviation
SUPERSAMPLE: Final = 2


def film(person: Person, acting: Acting, head: HeadModel, size_px: int, rng: np.random.Generator) -> Iterator[UInt8]:
    """Yield the take's frames, [size, size, 3] RGB."""
    camera = Camera(size_px, size_px, FOCAL_PER_SIDE * size_px, ((size_px - 1) / 2, (size_px - 1) / 2))
    place = np.array([0.0, -HEAD_BELOW_AXIS_M, -DISTANCE_M], np.float32)
    shape = person.shape(head.shape_basis.shape[2])
    room = _with_shoulders(backdrop(person.wall, size_px, rng), person, head, place, camera)
    skin = person.colours(head)
    for t in range(len(acting.jaw)):
        one = slice(t, t + 1)
        vertices = head.vertices(
            shape,
            acting.actions[one],
            acting.global_rotation[one],
            acting.jaw[one],
            acting.eyes[one],
            place + acting.translation[one],
        )[0]
        picture = render(vertices, head.faces, skin, camera, person.light, SUPERSAMPLE)
        yield grain(picture.over(room), rng)


def backdrop(wall: tuple[int, int, int], size_px: int, rng: np.random.Generator) -> UInt8:
    """A wall [size, size, 3] with a few things on it, out of focus."""
    fade = np.linspace(1.08, 0.8, size_px, dtype=np.float32)[:, None, None]
    room = np.broadcast_to(np.asarray(wall, np.float32) * fade, (size_px, size_px, 3)).copy()
    for _ in range(7):
        corner = rng.integers(-size_px // 6, size_px, 2)
        far = corner + rng.integers(size_px // 8, size_px // 2, 2)
        colour = np.asarray(wall) * rng.uniform(0.6, 1.3) + rng.normal(0, 14, 3)
        cv2.rectangle(room, tuple(int(v) for v in corner), tuple(int(v) for v in far), tuple(map(float, colour)), -1)
    blurred = cv2.GaussianBlur(room, (0, 0), size_px / 28)
    return np.asarray(blurred.clip(0, 255), np.uint8)


def grain(picture: UInt8, rng: np.random.Generator) -> UInt8:
    """Sensor noise, without which a video codec makes flat areas implausibly clean."""
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(SENSOR_NOISE)
    return np.asarray((picture + noise + 0.5).clip(0, 255), np.uint8)


def _with_shoulders(room: UInt8, person: Person, head: HeadModel, place: Float32, camera: Camera) -> UInt8:
    lowest = float((head.template[:, 1]).min())
    vertices, faces = _torso(lowest)
    shirt = np.broadcast_to(np.asarray(person.shirt, np.float32) / 255, vertices.shape).astype(np.float32)
    return render(vertices + place, faces, shirt, camera, Light(person.light.towards, specular=0.0), SUPERSAMPLE).over(
        room
    )


def _torso(neck_y: float) -> tuple[Float32, Int32]:
    """A lathe of ellipses from the collar at ``neck_y`` down to the chest, in the head's frame."""
    drop = np.array([-0.035, 0.0, 0.012, 0.03, 0.06, 0.11, 0.2, 0.35])
    half_width = np.array([0.062, 0.07, 0.095, 0.14, 0.18, 0.205, 0.215, 0.21])
    half_depth = np.array([0.062, 0.066, 0.075, 0.085, 0.1, 0.115, 0.12, 0.12])
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack(
        [
            half_width[:, None] * np.sin(around),
            np.broadcast_to(neck_y + 0.03 - drop[:, None], (len(drop), len(around))),
            half_depth[:, None] * np.cos(around) - 0.035,
        ],
        axis=-1,
    )
    at = np.arange(ring.shape[0] * ring.shape[1]).reshape(ring.shape[:2])
    upper, lower = at[:-1], at[1:]
    upper_next, lower_next = np.roll(upper, -1, axis=1), np.roll(lower, -1, axis=1)
    faces = [np.stack([upper, lower, lower_next], -1), np.stack([upper, lower_next, upper_next], -1)]
    return ring.reshape(-1, 3).astype(np.float32), np.concatenate([f.reshape(-1, 3) for f in faces]).astype(np.int32)
