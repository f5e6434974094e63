"""Where MediaPipe's landmarks lie on the user's FLAME, learned by looking, as ``models.head.embed`` does for the open
head: renders of random people, faces and poses; per landmark the surface point that stays nearest to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from models.flame.model import flame_head
from models.flame.read import FlameArrays
from models.flame.regions import first_regions, regions_by_landmarks
from models.head.embedding import Embedding, LandmarksNotFound
from models.head.landmarks import LEFT_IRIS, LOWER_INNER_LIP, RIGHT_IRIS, UPPER_INNER_LIP
from models.head.model import JAW, HeadModel
from models.head.regions import BASE_COLOUR, EYEBALLS, Region, base_colours
from models.landmarks import FoundFaces
from models.render import Camera, Light, render
from schemas.arrays import Bool, Float32, UInt8
from schemas.units import EXPRESSION_DIM, N_LANDMARKS

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]  # renders looked at, of how many

N_RENDERS: Final = 240
_SIZE: Final = 448
_CAP_M: Final = 8e-3  # a landmark farther off is a misdetection, and counts no more than this
_SEED: Final = 7
_NEAR: Final = 4  # vertices around which the surface point is sought
_STEPS: Final = 8  # of the barycentric grid on a triangle


class Finder(Protocol):
    """What looks for a face in one picture after another."""

    def restart(self) -> None: ...

    def find(self, rgb: UInt8) -> FoundFaces: ...


@dataclass(frozen=True, slots=True)
class Sightings:
    """n views of one mesh in which a face was found."""

    projected: Array  # [n, V, 2] pixels
    found: Array  # [n, 478, 2] pixels
    metres_a_pixel: Array  # [n]


def embed_flame(
    arrays: FlameArrays, finder: Finder, renders: int = N_RENDERS, progress: Progress = lambda *_: None
) -> HeadModel:
    """The head model of ``arrays``, its landmarks found by ``finder`` and its regions following from them.

    ``progress`` hears how many of the renders are looked at. Raises ``LandmarksNotFound``.
    """
    bare = flame_head(arrays, first_regions(arrays), Embedding.unknown(N_LANDMARKS))
    embedding = place(bare, look(bare, finder, renders, progress))
    landmarks = flame_head(arrays, bare.region, embedding).landmarks(arrays.template)
    return flame_head(arrays, regions_by_landmarks(arrays, landmarks), embedding)


def look(head: HeadModel, finder: Finder, renders: int, progress: Progress = lambda *_: None) -> Sightings:
    """Render and detect. Raises ``LandmarksNotFound`` if a fifth of the renders shows no face."""
    projected, found, scale = [], [], []
    for number, (vertices, camera, picture) in enumerate(_views(head, renders), 1):
        progress(number, renders)
        finder.restart()
        faces = finder.find(picture)
        if len(faces) == 0:
            continue
        found.append(faces.landmarks[0, :, :2] - 0.5)  # MediaPipe measures from the picture's edge
        projected.append(camera.project(vertices))
        scale.append(-vertices[:, 2].mean() / camera.focal_px)
    if len(found) < 0.8 * renders:
        raise LandmarksNotFound(f"MediaPipe found a face in {len(found)} of {renders} renders of {head.name}")
    return Sightings(np.array(projected), np.array(found, np.float64), np.array(scale))


def place(head: HeadModel, seen: Sightings) -> Embedding:
    """Each landmark's surface point: least mean capped distance over the sightings; what remains is its sigma."""
    faces = np.full(N_LANDMARKS, -1)
    weights = np.zeros((N_LANDMARKS, 3))
    sigma = np.zeros(N_LANDMARKS)
    on_triangle = _barycentric_grid()
    for landmark in range(N_LANDMARKS):
        on_iris = landmark in LEFT_IRIS or landmark in RIGHT_IRIS
        may = _may_lie(head, landmark)
        allowed = np.flatnonzero(may)
        coarse = _distance(seen.projected[:, allowed], seen, landmark).mean(0)
        near = allowed[np.argsort(coarse)[: 1 if on_iris else _NEAR]]
        is_near = np.zeros_like(may)
        is_near[near] = True
        around = np.flatnonzero(is_near[head.faces].any(1) & may[head.faces].all(1))
        grid = np.eye(3) if on_iris else on_triangle
        corners = seen.projected[:, head.faces[around]]  # [n, faces, 3, 2]
        fine = np.einsum("nfcx,gc->nfgx", corners, grid).reshape(len(corners), -1, 2)
        distance = _distance(fine, seen, landmark)
        best = int(distance.mean(0).argmin())
        faces[landmark], weights[landmark] = around[best // len(grid)], grid[best % len(grid)]
        sigma[landmark] = np.sqrt((distance[:, best] ** 2).mean())
    return Embedding(faces, weights, sigma)


def _may_lie(head: HeadModel, landmark: int) -> Bool:
    """[V] whether a landmark may lie on a vertex: irises on their eyeball, all others on skin."""
    if landmark in LEFT_IRIS or landmark in RIGHT_IRIS:
        own_side = (head.template[:, 0] > 0) == (landmark in LEFT_IRIS)
        return np.asarray(head.mask(*EYEBALLS) & own_side, np.bool_)
    skin = ~head.mask(*EYEBALLS, Region.EARS)
    if landmark in (*UPPER_INNER_LIP, *LOWER_INNER_LIP):
        # On a shut mouth both lips fit; which one it is shows in whether the jaw moves it.
        moves = head.weights[:, JAW] > 0.4
        skin &= moves if landmark in LOWER_INNER_LIP else ~moves
    return np.asarray(skin, np.bool_)


def _barycentric_grid() -> Array:
    i, j = np.mgrid[: _STEPS + 1, : _STEPS + 1].reshape(2, -1)
    keep = i + j <= _STEPS
    return np.stack([i, j, _STEPS - i - j], -1)[keep] / _STEPS


def _distance(points: Array, seen: Sightings, landmark: int) -> Array:
    """[n, c] metres, capped, between ``points`` [n, c, 2] and the landmark."""
    x, y = np.moveaxis(points - seen.found[:, landmark, None], -1, 0)
    return np.asarray(np.minimum(np.hypot(x, y) * seen.metres_a_pixel[:, None], _CAP_M))


def _views(head: HeadModel, count: int) -> Iterator[tuple[Float32, Camera, UInt8]]:
    """Vertices [V, 3] in the camera's frame, the camera, the picture."""
    rng = np.random.default_rng(_SEED)
    colours = base_colours(head.region) / 255
    # FLAME has no mouth cavity: its inner side, seen through the lips, is drawn as one.
    inside = np.broadcast_to(0.6 * np.array(BASE_COLOUR[Region.MOUTH]) / 255, colours.shape)
    both_sides = np.concatenate([head.faces, head.faces[:, ::-1] + len(colours)])
    for _ in range(count):
        vertices = _random_person(head, rng)
        focal = _SIZE * rng.uniform(1.4, 3.0)
        camera = Camera(_SIZE, _SIZE, focal, (_SIZE / 2, _SIZE / 2))
        height = float(np.ptp(head.template[:, 1]))
        depth = height * focal / (_SIZE * rng.uniform(0.6, 0.8))  # the head fills that share of the picture
        vertices = vertices - vertices.mean(0) + np.array([*rng.normal(0, 0.01, 2), -depth], np.float32)
        tone = rng.uniform(0.45, 1.1) * rng.uniform(0.93, 1.07, 3)
        tinted = np.where(head.mask(*EYEBALLS)[:, None], colours, colours * tone).clip(0, 1)
        light = Light((rng.normal(0, 0.4), rng.uniform(0, 0.7), 0.8), rng.uniform(0.35, 0.55), rng.uniform(0.4, 0.65))
        shown = np.concatenate([tinted, inside]).astype(np.float32)
        picture = render(np.concatenate([vertices, vertices]), both_sides, shown, camera, light, 2)
        yield vertices, camera, picture.over(np.full((_SIZE, _SIZE, 3), rng.integers(40, 220, 3), np.uint8))


def _random_person(head: HeadModel, rng: np.random.Generator) -> Float32:
    """[V, 3] a random person with a random face in a random, mostly frontal pose. FLAME's directions are components
    at one standard deviation each."""
    shape = rng.normal(0, 0.8, head.shape_basis.shape[2])
    expression = rng.normal(0, 0.7, EXPRESSION_DIM) * (rng.random() < 0.8)
    opening = np.radians(rng.uniform(0, 20)) * (rng.random() < 0.6)
    rotation = np.radians([rng.normal(0, 9), rng.uniform(-35, 35) * (rng.random() < 0.8), rng.normal(0, 7)])
    gaze = np.radians([rng.normal(0, 5), rng.normal(0, 8), 0])
    row = [np.asarray(x, np.float32)[None] for x in (expression, rotation, [opening, 0, 0], [*gaze, *gaze], [0, 0, 0])]
    return np.asarray(head.vertices(np.asarray(shape, np.float32), row[0], row[1], row[2], row[3], row[4])[0])
