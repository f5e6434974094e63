"""From the crop's camera to ours: the face stays on its pixels."""

import numpy as np
import pytest

from models.deca.code import DecaCode
from models.deca.crop import SPAN_68, CropBoxes, cut
from models.deca.motion import to_motion
from models.head.model import HeadModel
from models.render import Camera
from schemas.motion import to_3dxtalker
from tests.models.flame.files import random_flame

FRAMES = 3


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> HeadModel:
    return random_flame(tmp_path_factory.mktemp("flame"))


def code_of(rng: np.random.Generator) -> DecaCode:
    def draw(sd: float, *size: int) -> np.ndarray:
        return rng.normal(0, sd, (FRAMES, *size)).astype(np.float32)

    camera = np.stack([rng.uniform(7, 9, FRAMES), *rng.normal(0, 0.02, (2, FRAMES))], axis=1).astype(np.float32)
    return DecaCode(
        draw(0.5, 100), draw(1, 50), draw(0.5, 50), draw(0.3, 3), draw(0.1, 3), camera, draw(1, 9, 3), draw(1, 128)
    )


def boxes_of(rng: np.random.Generator) -> CropBoxes:
    centre = rng.uniform(200, 400, (FRAMES, 2)).astype(np.float32)
    return CropBoxes(centre, rng.integers(150, 300, FRAMES).astype(np.float32))


def deca_pixels(code: DecaCode, boxes: CropBoxes, flame: HeadModel, frame: int) -> np.ndarray:
    """Where DECA's own camera puts the landmarks: onto the crop by its formula, from there into the picture."""
    still = np.zeros((1, 6), np.float32)
    at = slice(frame, frame + 1)
    posed = flame.vertices(code.identity, code.expression[at], code.rotation[at], code.jaw[at], still, still[:, :3])
    x, y, _ = flame.landmarks(posed)[0].T
    s, tx, ty = code.camera[frame]
    in_crop = np.stack([s * (x + tx), -s * (y + ty)], axis=1) * 112 + 112
    to_picture = np.linalg.inv(np.vstack([boxes.to_crop(frame), [0, 0, 1]]))
    return in_crop @ to_picture[:2, :2].T + to_picture[:2, 2]


def our_pixels(code: DecaCode, boxes: CropBoxes, flame: HeadModel, camera: Camera) -> np.ndarray:
    motion = to_motion("clip", code, boxes, camera, flame)
    vertices = flame.vertices(
        motion.shape, motion.expression, motion.global_rotation, motion.jaw, motion.eyes, motion.translation
    )
    return camera.project(flame.landmarks(vertices))


def test_the_face_lies_where_deca_put_it(flame: HeadModel) -> None:
    rng = np.random.default_rng(0)
    code, boxes = code_of(rng), boxes_of(rng)
    theirs = np.stack([deca_pixels(code, boxes, flame, frame) for frame in range(FRAMES)])
    far = our_pixels(code, boxes, flame, Camera(640, 480, 1e5, (311.0, 236.5)))  # nearly orthographic itself
    assert np.abs(far - theirs).max() < 1.0
    near = our_pixels(code, boxes, flame, Camera(640, 480, 1600.0, (311.0, 236.5)))
    assert np.abs(near - theirs).mean(axis=1).max() < 12
    assert np.abs((near - theirs).mean(axis=1)).max() < 3


def test_the_record_is_deca_s_with_one_identity(flame: HeadModel) -> None:
    rng = np.random.default_rng(1)
    code, boxes = code_of(rng), boxes_of(rng)
    motion = to_motion("clip", code, boxes, Camera(640, 480, 1600.0, (319.5, 239.5)), flame)
    assert motion.head_model == flame.name
    np.testing.assert_allclose(motion.shape, code.shape.mean(0), atol=1e-6)
    assert (motion.translation[:, 2] < -0.2).all()
    frame = to_3dxtalker(motion)
    assert frame.shape == (FRAMES, 284)
    for values, at in ((code.expression, 100), (code.rotation, 150), (code.jaw, 153), (code.detail, 156)):
        np.testing.assert_array_equal(frame[:, at : at + values.shape[1]], values)


def test_a_scale_of_nothing_is_far_away_but_finite(flame: HeadModel) -> None:
    code, boxes = code_of(np.random.default_rng(2)), boxes_of(np.random.default_rng(2))
    lost = np.zeros((FRAMES, 3), np.float32)
    object.__setattr__(code, "camera", lost)
    motion = to_motion("clip", code, boxes, Camera(640, 480, 1600.0, (319.5, 239.5)), flame)
    assert np.isfinite(motion.translation).all()


def test_the_box_is_the_authors_own() -> None:
    landmarks = np.full((1, 478, 2), 100.0)
    landmarks[0, SPAN_68[0]] = [40, 70]
    landmarks[0, SPAN_68[-1]] = [140, 190]
    landmarks[0, 10] = [0, 0]  # the forehead's top is none of the 68
    boxes = CropBoxes.around(landmarks.astype(np.float32))
    np.testing.assert_allclose(boxes.centre[0], [90, 130])
    assert boxes.side[0] == int((100 + 120) / 2 * 1.1 * 1.25)
    corner = boxes.centre[0] - boxes.side[0] / 2
    np.testing.assert_allclose(boxes.to_crop(0) @ [*corner, 1], [0, 0], atol=1e-6)
    np.testing.assert_allclose(boxes.to_crop(0) @ [*(corner + boxes.side[0]), 1], [223, 223], atol=1e-4)


def test_a_crop_shows_what_its_box_holds() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[100:200, 150:250] = [200, 100, 50]
    boxes = CropBoxes(np.array([[199.5, 149.5]], np.float32), np.array([199.0], np.float32))
    crop = cut(picture, boxes, 0)
    assert crop.shape == (224, 224, 3)
    np.testing.assert_array_equal(crop[112, 112], [200, 100, 50])
    shares = (crop[:, :, 0] > 100).mean(axis=(0, 1))
    assert shares == pytest.approx(0.25, abs=0.01)
    assert not crop[112, :40].any()
