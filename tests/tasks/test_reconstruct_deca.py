"""Reconstruction by DECA's codes: as they stand, and refined by landmarks."""

from dataclasses import replace

import numpy as np
import pytest

from models.deca.code import DecaCode
from models.deca.crop import CropBoxes
from models.fit.solve import NothingToFit
from models.head.rotation import to_axis_angle, to_matrix
from schemas.clip import Clip
from schemas.motion import HeadMotion, to_3dxtalker
from tasks.reconstruct import Backend, ReconstructConfig, reconstruct
from tests import builders
from tests.models.flame.dressed import dressed_head
from tests.models.talking_head import HEIGHT, WIDTH, project
from tests.models.test_fit_flame import spoken

HEAD = dressed_head()
FRAMES = 10


def config(backend: Backend) -> ReconstructConfig:
    # Without the check: these need neither DECA's file nor FLAME's, only what was made of them.
    return ReconstructConfig().model_copy(update={"backend": backend})


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    return spoken(FRAMES)


@pytest.fixture(scope="module")
def clip(truth: dict[str, np.ndarray]) -> Clip:
    """A clip whose codes are the truth as DECA would see it, turned and smiled a little off."""
    pixels = project(HEAD.landmarks(HEAD.vertices(**truth)))
    rng = np.random.default_rng(3)
    boxes = CropBoxes.around(pixels)
    depth = -truth["translation"][:, 2]
    s = scale_at(depth, boxes)
    off = to_axis_angle(to_matrix(truth["rotation"]) @ to_matrix(np.float32(rng.normal(0, 0.05, (FRAMES, 3)))))
    code = DecaCode(
        shape=np.repeat(truth["shape"][None], FRAMES, 0),
        texture=np.zeros((FRAMES, 50), np.float32),
        expression=truth["expression"] + rng.normal(0, 0.3, (FRAMES, 50)).astype(np.float32),
        rotation=off.astype(np.float32),
        jaw=truth["jaw"] + np.float32([0.05, 0, 0]),
        camera=np.stack([s, 0 * s, 0 * s], axis=1).astype(np.float32),
        light=np.zeros((FRAMES, 9, 3), np.float32),
        detail=rng.normal(0, 1, (FRAMES, 128)).astype(np.float32),
    )
    landmarks = np.pad(pixels, ((0, 0), (0, 0), (0, 1)))
    return builders.clip(FRAMES, landmarks=landmarks, image_width=WIDTH, image_height=HEIGHT, deca=code.rows)


def scale_at(depth: np.ndarray, boxes: CropBoxes) -> np.ndarray:
    """DECA's scale for a head at ``depth`` [T] metres."""
    return np.asarray(1280 / depth * boxes.pixels_a_pixel / 112, np.float32)


def test_a_code_is_taken_as_it_stands(clip: Clip) -> None:
    assert clip.deca is not None
    code = DecaCode.of_rows(clip.deca)
    motion, quality = reconstruct(clip, HEAD, config(Backend.DECA))
    for name in ("expression", "jaw", "detail"):
        np.testing.assert_array_equal(getattr(motion, name), getattr(code, name))
    np.testing.assert_array_equal(motion.global_rotation, code.rotation)
    assert to_3dxtalker(motion).shape == (FRAMES, 284)
    pixels = seen(motion)
    unit = np.linalg.norm(clip.landmarks[:, 33, :2] - clip.landmarks[:, 263, :2], axis=1)
    error = 100 * (np.linalg.norm(pixels - clip.landmarks[:, :, :2], axis=2) / unit[:, None]).mean()
    assert quality.nme == pytest.approx(error, rel=0.1)


def test_landmarks_refine_it(clip: Clip) -> None:
    (alone, rough), (refined, fine) = (reconstruct(clip, HEAD, config(b)) for b in (Backend.DECA, Backend.BOTH))
    assert fine.nme < 0.25 * rough.nme
    np.testing.assert_array_equal(refined.detail, alone.detail)
    without, _ = reconstruct(replace(clip, deca=None), HEAD, config(Backend.LANDMARKS))
    assert without.detail is None
    assert np.abs(refined.shape - alone.shape).mean() < np.abs(without.shape - alone.shape).mean()


def test_without_codes_or_faces_there_is_nothing_to_take(clip: Clip) -> None:
    with pytest.raises(ValueError, match="no DECA codes"):
        reconstruct(replace(clip, deca=None), HEAD, config(Backend.DECA))
    with pytest.raises(NothingToFit, match="drop the clip"):
        reconstruct(replace(clip, present=np.zeros(FRAMES, bool)), HEAD, config(Backend.DECA))


def seen(motion: HeadMotion) -> np.ndarray:
    m = motion
    points = HEAD.landmarks(HEAD.vertices(m.shape, m.expression, m.global_rotation, m.jaw, m.eyes, m.translation))
    scaled = m.focal_px * points[..., :2] / points[..., 2:]
    return np.array(m.principal_point_px) + scaled * [-1, 1]
