"""Where MediaPipe's 478 landmarks lie on the head, learned by looking: MediaPipe runs on renders of known heads.

A landmark goes to the surface point whose projection stays nearest to it over all renders (mean distance, capped, so
that a misdetection counts little). What distance remains is the landmark's sigma, the weight it deserves in a fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.head.embedding import Embedding, LandmarksNotFound
from models.head.landmarks import LOWER_INNER_LIP, UPPER_INNER_LIP
from models.head.model import HeadModel
from models.head.regions import EYEBALLS, Region
from models.overlay import head_vertices
from models.render import Camera
from models.sample.acting import act
from models.sample.faces import load_faces
from models.sample.mouths import load_mouths
from models.sample.recording import settled
from models.sample.sentences import load_lexicon, random_line
from models.sample.speaker import Speaker, draw_speaker
from models.synth.conditions import draw_conditions
from models.synth.film import Take, film, seen
from models.synth.looks import draw_palette
from models.synth.rooms import draw_room
from schemas.arrays import Float32, UInt8
from schemas.performance import Performance
from schemas.speech import Phone
from schemas.units import FRAME_RATE, N_LANDMARKS

Array = npt.NDArray[np.float64]

_SIZE = 512
_CAP_M = 8e-3
_SEED = 7
_FRAMES_OF_ONE = 4
_SOUND_S = 0.08
_LONG_S = 8.0
_IRISES = {0: range(473, 478), 1: range(468, 473)}  # of the left eye, of the right


@dataclass(frozen=True)
class View:
    """A known head in a picture."""

    vertices: Float32  # [V, 3] camera frame
    camera: Camera
    image: UInt8


def embed_landmarks(head: HeadModel, landmarker: Path, count: int) -> Embedding:
    """Learn the embedding from ``count`` renders. Raises ``LandmarksNotFound`` if too few show a face to MediaPipe."""
    projected, found, scale = _look(head, landmarker, count)
    faces = np.full(N_LANDMARKS, -1)
    weights = np.zeros((N_LANDMARKS, 3))
    sigma = np.zeros(N_LANDMARKS)
    for landmark in range(N_LANDMARKS):
        allowed = candidates(head, landmark)
        coarse = _distance(projected[:, allowed], found[:, landmark], scale).mean(0)
        near = allowed[np.argsort(coarse)[: 1 if landmark >= 468 else 4]]
        around = np.flatnonzero(np.isin(head.faces, near).any(1) & np.isin(head.faces, allowed).all(1))
        points = projected[:, head.faces[around]]  # [n, faces, 3, 2]
        grid = np.eye(3) if landmark >= 468 else barycentric_grid(8)
        fine = np.einsum("nfcx,gc->nfgx", points, grid).reshape(len(points), -1, 2)
        distance = _distance(fine, found[:, landmark], scale)
        best = int(distance.mean(0).argmin())
        faces[landmark], weights[landmark] = around[best // len(grid)], grid[best % len(grid)]
        sigma[landmark] = np.sqrt((distance[:, best] ** 2).mean())
    return Embedding(faces, weights, sigma)


def candidates(head: HeadModel, landmark: int) -> npt.NDArray[np.int64]:
    """The vertices a landmark may lie on: irises on their eyeball, all others on skin."""
    for side, irises in _IRISES.items():
        if landmark in irises:
            own_side = head.template[:, 0] > 0 if side == 0 else head.template[:, 0] < 0
            return np.flatnonzero(head.mask(*EYEBALLS) & own_side)
    skin = ~head.mask(*EYEBALLS, Region.TEETH, Region.TONGUE, Region.EARS)
    if landmark in (*UPPER_INNER_LIP, *LOWER_INNER_LIP):
        # On a shut mouth both lips fit; which one it is shows in whether the jaw moves it.
        moves = head.weights[:, 2] > 0.4
        skin &= moves if landmark in LOWER_INNER_LIP else ~moves
    return np.flatnonzero(skin)


def barycentric_grid(steps: int) -> Array:
    """Every (i, j, k) / steps with i + j + k = steps."""
    i, j = np.mgrid[: steps + 1, : steps + 1].reshape(2, -1)
    keep = i + j <= steps
    return np.stack([i, j, steps - i - j], -1)[keep] / steps


def _distance(points: Array, target: Array, scale: Array) -> Array:
    """[n, c] capped distance in metres of ``points`` [n, c, 2] from ``target`` [n, 2]."""
    distance = np.linalg.norm(points - target[:, None], axis=-1) * scale[:, None]
    return np.asarray(np.minimum(distance, _CAP_M))


def _look(head: HeadModel, landmarker: Path, count: int) -> tuple[Array, Array, Array]:
    """Render, detect. Projected vertices [n, V, 2], landmarks [n, 478, 2] in pixels, metres a pixel spans [n]."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions

    options = FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(landmarker)))
    projected, found, scale = [], [], []
    with FaceLandmarker.create_from_options(options) as detector:
        for view in views(head, count, _SEED):
            result = detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=view.image))
            if not result.face_landmarks:
                continue
            # MediaPipe's coordinates are shares of the picture's width, measured from its edge.
            found.append([[p.x * _SIZE - 0.5, p.y * _SIZE - 0.5] for p in result.face_landmarks[0]])
            projected.append(view.camera.project(view.vertices))
            scale.append(-view.vertices[:, 2].mean() / view.camera.focal_px)
    if len(found) < 0.8 * count:
        raise LandmarksNotFound(f"MediaPipe found a face in {len(found)} of {count} renders; look at the renders")
    return np.array(projected), np.array(found), np.array(scale)


def views(head: HeadModel, count: int, seed: int) -> Iterator[View]:
    """Frames of many people who talk before many cameras: what MediaPipe will look at, for its answer leans towards
    the poses and faces it is used to."""
    rng = np.random.default_rng(seed)
    for number in range(-(-count // _FRAMES_OF_ONE)):
        speaker = draw_speaker(str(number), head, load_mouths(), load_faces(), rng)
        take = Take(
            performance=_moments(speaker, head, min(_FRAMES_OF_ONE, count - number * _FRAMES_OF_ONE), rng),
            palette=draw_palette(rng),
            conditions=draw_conditions(rng),
            room=draw_room(_SIZE, rng),
            size_px=_SIZE,
        )
        motion = seen(take, head, "")
        camera = Camera(_SIZE, _SIZE, motion.focal_px, motion.principal_point_px)
        for vertices, image in zip(head_vertices(head, motion), film(take, head, rng), strict=True):
            yield View(vertices, camera, image)


def _moments(speaker: Speaker, head: HeadModel, count: int, rng: np.random.Generator) -> Performance:
    """``count`` frames, in no order, of ``speaker`` who says random words."""
    sounds = [s for s in random_line(rng, load_lexicon()).ipa if s in load_mouths().row]
    phones = settled([Phone(s, k * _SOUND_S, (k + 1) * _SOUND_S, False) for k, s in enumerate(sounds)], _LONG_S)
    acting = act(speaker, phones, round(_LONG_S * FRAME_RATE), head.expression_names, rng)
    frames = rng.integers(0, min(len(acting.jaw), round(len(sounds) * _SOUND_S * FRAME_RATE)), count)
    return acting.performance(speaker.shape, head.name, frames)
