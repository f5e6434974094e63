"""A drawn performance is a video of its length with its sound, the same however many draw it."""

from pathlib import Path

import av
import numpy as np
import pytest

from models.head.model import load_open_head
from schemas.performance import CameraPath
from tasks.draw import CameraMismatch, DrawConfig, draw
from tests.models.export.performances import lively

HEAD = load_open_head()
SMALL = DrawConfig(width=96, height=64, supersample=1, workers=1)


def front(n_frames: int) -> CameraPath:
    position = np.tile(np.float32([0, 0, 1]), (n_frames, 1))
    return CameraPath(
        n_frames, position, 0 * position, np.zeros(n_frames, np.float32), np.full(n_frames, 0.35, np.float32)
    )


def tone(n_frames: int, rate: int) -> np.ndarray:
    return (0.4 * np.sin(np.arange(n_frames * rate // 25) * 2 * np.pi * 300 / rate)).astype(np.float32)


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as media:
        assert media.streams.video[0].average_rate == 25
        return [frame.to_ndarray(format="rgb24") for frame in media.decode(video=0)]


def test_the_video_has_every_frame_and_the_sound(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=10)
    done: list[tuple[int, int]] = []
    path = draw(
        performance, HEAD, front(10), tone(10, 16_000), 16_000, tmp_path / "a.mp4", SMALL, lambda *at: done.append(at)
    )
    frames = pictures(path)
    assert len(frames) == 10
    assert frames[0].shape == (64, 96, 3)
    assert done == [(k, 10) for k in range(1, 11)]
    assert np.abs(frames[0].astype(int) - frames[5]).max() > 40  # it moves
    with av.open(str(path)) as media:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in media.decode(audio=0)])
    assert abs(len(heard) - 6400) <= 2048
    assert np.abs(heard).max() > 0.3


def test_the_camera_must_be_as_long(tmp_path: Path) -> None:
    with pytest.raises(CameraMismatch, match="9 frames, the performance 10"):
        draw(lively(HEAD, 10), HEAD, front(9), tone(10, 16_000), 16_000, tmp_path / "a.mp4", SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_processes_draw_what_one_does(tmp_path: Path) -> None:
    performance, camera, sound = lively(HEAD, n_frames=60), front(60), tone(60, 16_000)
    one, two = (
        pictures(
            draw(
                performance, HEAD, camera, sound, 16_000, tmp_path / f"{n}.mp4", SMALL.model_copy(update={"workers": n})
            )
        )
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_caller_who_stops_leaves_no_file(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, _: int) -> None:
        if done == 5:
            raise Stopped

    config = SMALL.model_copy(update={"workers": 2})
    with pytest.raises(Stopped):
        draw(lively(HEAD, 120), HEAD, front(120), tone(120, 16_000), 16_000, tmp_path / "a.mp4", config, stop)
    assert list(tmp_path.iterdir()) == []
