"""A camera path puts things where its operator would see them."""

import numpy as np
import pytest

from models.view import BlindCamera, look_at
from schemas.performance import CameraPath


def camera(
    position: tuple[float, float, float], target: tuple[float, float, float], roll: float = 0.0, fov: float = 0.4
) -> CameraPath:
    return CameraPath(1, np.float32([position]), np.float32([target]), np.float32([roll]), np.float32([fov]))


def pixel(path: CameraPath, point: tuple[float, float, float], size: tuple[int, int] = (320, 240)) -> np.ndarray:
    view = look_at(path)
    return view.camera(0, *size).project(view.seen(np.float32([[point]]))[0])[0]


@pytest.mark.parametrize("roll", [0.0, 0.5])
@pytest.mark.parametrize("position", [(0, 0, 1), (0.5, 0.3, 0.9), (-0.7, -0.4, -0.2), (0, 1, 0), (0, -1, 0)])
def test_the_target_is_the_middle_of_the_picture(position: tuple[float, float, float], roll: float) -> None:
    target = (0.0, 0.02, 0.0) if position[0] else (0.0, 0.0, 0.0)
    np.testing.assert_allclose(pixel(camera(position, target, roll), target), [159.5, 119.5], atol=1e-3)


def test_from_the_front_the_subjects_left_is_right_and_up_is_up() -> None:
    front = camera((0, 0, 1), (0, 0, 0))
    u, v = pixel(front, (0.05, 0.03, 0))
    assert u > 160
    assert v < 119
    # The camera frame's axes are the head's then.
    np.testing.assert_allclose(look_at(front).rotation[0], np.eye(3), atol=1e-6)


def test_the_vertical_field_of_view_is_the_pictures_height() -> None:
    path = camera((0, 0, 2), (0, 0, 0), fov=0.4)
    edge = 2 * np.tan(0.2)
    assert pixel(path, (0, edge, 0))[1] == pytest.approx(119.5 - 120, abs=1e-3)
    assert pixel(path, (0, -edge, 0))[1] == pytest.approx(119.5 + 120, abs=1e-3)


def test_a_camera_turned_clockwise_sees_the_world_turn_the_other_way() -> None:
    turned = camera((0, 0, 1), (0, 0, 0), roll=0.3)
    u, v = pixel(turned, (0, 0.05, 0))  # straight above the middle
    assert u < 159.5
    assert v < 119.5
    assert np.hypot(u - 159.5, v - 119.5) == pytest.approx(119.5 - pixel(camera((0, 0, 1), (0, 0, 0)), (0, 0.05, 0))[1])


def test_distances_are_kept() -> None:
    path = camera((0.5, 0.3, 0.9), (0, 0.1, 0), roll=0.7)
    seen = look_at(path).seen(np.float32([[[0.1, -0.2, 0.05]]]))[0, 0]
    assert np.linalg.norm(seen) == pytest.approx(np.linalg.norm([0.4, 0.5, 0.85]), rel=1e-5)


def test_a_camera_on_its_target_is_refused() -> None:
    with pytest.raises(BlindCamera, match="position"):
        look_at(camera((0, 0, 1), (0, 0, 1)))


@pytest.mark.parametrize("fov", [0.0, 3.2])
def test_a_field_of_view_of_nothing_or_everything_is_refused(fov: float) -> None:
    with pytest.raises(BlindCamera, match="field of view"):
        look_at(camera((0, 0, 1), (0, 0, 0), fov=fov))
