"""The landmarker's promises (on a real face), and the crops taken around a face (on made-up ones)."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from models.face_crops import mouth_patch, sharpness
from models.landmarks import FaceLandmarker
from schemas.arrays import UInt8
from tests.builders import Actor, face_landmarker_file, real_clip

EYES, CHIN = (33, 263), 152


def real_pictures(n: int) -> list[UInt8]:
    with av.open(str(real_clip("talking/grid_s1_bbaf2n.mpg"))) as container:
        frames = container.decode(video=0)
        return [np.ascontiguousarray(next(frames).to_ndarray(format="rgb24")) for _ in range(n)]


def test_room_for_one_face_is_refused_because_it_smooths() -> None:
    with pytest.raises(ValueError, match="smooths"):
        FaceLandmarker(Path("face_landmarker.task"), max_faces=1)


@pytest.mark.real_data
def test_landmarks_are_in_pixels_of_the_picture() -> None:
    [picture] = real_pictures(1)
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        found = landmarker.find(picture)
        landmarker.restart()
        double = landmarker.find(np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8))
    assert found.landmarks.shape == (1, 478, 3)
    assert found.blendshapes.shape == (1, 52)
    right_eye, left_eye = found.landmarks[0, list(EYES), :2]
    assert right_eye[0] < left_eye[0]  # the subject's right eye is on the picture's left
    assert found.landmarks[0, CHIN, 1] > right_eye[1] + 40
    assert np.abs(double.landmarks / 2 - found.landmarks)[..., :2].mean() < 1.5


@pytest.mark.real_data
def test_padded_rows_do_not_matter() -> None:
    [picture] = real_pictures(1)
    padded = np.zeros((picture.shape[0], picture.shape[1] + 8, 3), np.uint8)
    padded[:, :-8] = picture
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        packed = landmarker.find(picture)
        landmarker.restart()
        assert np.array_equal(landmarker.find(padded[:, :-8]).landmarks, packed.landmarks)


@pytest.mark.real_data
def test_several_faces_are_found_and_none_lives_through_a_restart() -> None:
    [picture] = real_pictures(1)
    pair = np.hstack([picture, picture])
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        assert len(landmarker.find(pair)) == 2
        landmarker.restart()
        assert len(landmarker.find(np.full_like(pair, 128))) == 0


@pytest.mark.real_data
def test_nothing_is_smoothed_over_time() -> None:
    pictures = real_pictures(8)
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        followed = [landmarker.find(picture).landmarks for picture in pictures][-1]
        landmarker.restart()
        alone = landmarker.find(pictures[-1]).landmarks
    assert np.abs(followed - alone)[..., :2].max() < 0.01


def painted(actor: Actor, size: int = 512) -> tuple[UInt8, np.ndarray]:
    """A picture with fine texture, a red mouth and a green chin where ``actor`` has them; and its landmarks."""
    landmarks = actor.landmarks(np.array([0]))[0]
    scale = actor.height_px / 220
    y, x = np.mgrid[0:size, 0:size]
    texture = 128 + 50 * np.sign(np.sin(x / (2 * scale)) * np.sin(y / (2 * scale)))
    picture = np.repeat(texture[..., None], 3, 2).astype(np.uint8)
    for point, colour in ((landmarks[[61, 291]].mean(0), (255, 0, 0)), (landmarks[CHIN], (0, 255, 0))):
        cv2.circle(picture, (round(float(point[0])), round(float(point[1]))), round(14 * scale), colour, -1)
    return picture, landmarks


def blurred_by(picture: UInt8, sigma: float) -> UInt8:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def test_blur_lowers_sharpness_and_light_does_not() -> None:
    picture, landmarks = painted(Actor())
    sharp = sharpness(picture, landmarks)
    blurred = [sharpness(blurred_by(picture, sigma), landmarks) for sigma in (1, 2, 4)]
    assert sharp > blurred[0] > blurred[1] > blurred[2]
    dim = (picture * 0.5).astype(np.uint8)
    assert sharpness(dim, landmarks) == pytest.approx(sharp, rel=0.05)


def test_sharpness_is_comparable_across_sizes() -> None:
    large, small = painted(Actor(height_px=440), 1024), painted(Actor(height_px=220), 512)
    assert sharpness(*large) == pytest.approx(sharpness(*small), rel=0.3)


def test_a_face_outside_the_picture_has_no_sharpness() -> None:
    picture, landmarks = painted(Actor())
    assert sharpness(picture, landmarks + np.float32(2000)) == 0.0
    assert mouth_patch(picture, landmarks + np.float32(2000)).shape == (24, 24, 3)


@pytest.mark.parametrize("roll_deg", [0, 30, -50])
@pytest.mark.parametrize("height_px", [110, 300])
def test_the_mouth_patch_shows_mouth_and_chin_upright(roll_deg: float, height_px: float) -> None:
    patch = mouth_patch(*painted(Actor(roll_deg=roll_deg, height_px=height_px, talks=False))).astype(int)
    red = np.argwhere((patch[..., 0] > 180) & (patch[..., 1] < 90))
    green = np.argwhere((patch[..., 1] > 180) & (patch[..., 0] < 90))
    assert red.mean(0) == pytest.approx([8.4, 11.5], abs=1.5)
    assert green.mean(0)[1] == pytest.approx(11.5, abs=1.5)
    assert green.mean(0)[0] > 18
