"""From sound and pictures to a reading: cepstra, crops, faces followed, shifts, confidence."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from models.syncnet.crop import boxes_of, cut
from models.syncnet.films import FaceFilms
from models.syncnet.mfcc import mfcc
from models.syncnet.network import empty
from models.syncnet.reader import SyncNet, distances, mean_distances
from models.syncnet.settings import SyncNetSettings
from schemas.units import LIPS_DIM

SETTINGS = SyncNetSettings()


def test_cepstra_are_those_of_python_speech_features() -> None:
    t = np.arange(3200) / 16_000
    sound = np.round(8000 * np.sin(2 * np.pi * (200 + 1500 * t) * t) + 2000 * np.sin(2 * np.pi * 3000 * t)) / 2**15
    found = mfcc(sound.astype(np.float32))
    assert found.shape == (19, 13)
    # Its version 0.6, mfcc(samples, 16000): the first frame, and one that reaches beyond the end.
    first = [20.100054, 0.152601, 6.685533, 48.324074, -14.458271, -24.104713, 19.658672, -33.297536, -38.654204]
    last = [20.533558, 4.822363, -23.594341, -2.662838, -41.84378, -18.169135, 50.803151, 10.399556, -6.071487]
    np.testing.assert_allclose(found[[0, -1], :9], [first, last], atol=1e-4)
    np.testing.assert_allclose(mfcc(np.zeros(800, np.float32)), np.eye(13)[[0] * 4] * -36.043653, atol=1e-5)


def test_the_crop_is_the_authors_square() -> None:
    x, y = np.meshgrid(np.arange(300), np.arange(200))
    picture = np.stack([x % 256, y, (x + y) // 2], axis=-1).astype(np.uint8)
    landmarks = np.array([[[100, 40, 5], [180, 140, 5], [140, 60, 0]]], np.float32)  # 100 px high, half of it 50
    (box,) = boxes_of(landmarks)
    np.testing.assert_array_equal(box, [140, 90, 50])
    wide = np.pad(picture, ((90, 90), (90, 90), (0, 0)), constant_values=110)  # 140 pixels from 70 right, 40 down
    expected = cv2.resize(wide[130:270, 160:300], (224, 224))[:, :, ::-1]
    assert np.abs(cut(picture, box).astype(int) - expected).max() <= 1
    assert (cut(picture, np.float32([10, 90, 50]))[:, 0] == 110).all()


class Brightness:
    """Puts how bright each of the five pictures is."""

    def __init__(self, every_frames: int = 1) -> None:
        self.every_frames = every_frames

    def see(self, films: np.ndarray) -> np.ndarray:
        seen = np.zeros((len(films), LIPS_DIM), np.float32)
        seen[:, :5] = films.mean(axis=(2, 3, 4))
        return seen


def face(x: float) -> np.ndarray:
    return np.array([[x, 30, 0], [x + 20, 60, 0]], np.float32)


def filmed(films: FaceFilms, faces: Sequence[Sequence[float]], first: int = 0) -> list[np.ndarray]:
    """Faces at ``faces``, one sequence a picture, in pictures whose halves are as bright as their number and a hundred
    more."""
    codes = []
    for number, places in enumerate(faces, first):
        picture = np.full((100, 200, 3), number, np.uint8)
        picture[:, 100:] += 100
        codes.append(films.of(picture, np.array([face(x) for x in places], np.float32).reshape(-1, 2, 3)))
    return codes


@pytest.mark.parametrize("n_pictures", [9, 40])
def test_a_face_is_seen_over_five_pictures_and_two_are_not_mixed(n_pictures: int) -> None:
    films = FaceFilms(Brightness())
    # The left one drifts; in the list of faces they change places.
    order = [[20 + 0.1 * k, 150] if k % 2 else [150, 20 + 0.1 * k] for k in range(n_pictures)]
    codes = filmed(films, order)
    films.finish()
    for k in range(n_pictures):
        left, right = codes[k] if k % 2 else codes[k][::-1]
        if not 2 <= k < n_pictures - 2:
            assert not codes[k].any()
            continue
        np.testing.assert_allclose(left[:5], np.arange(k - 2, k + 3), atol=0.01)
        np.testing.assert_allclose(right[:5], np.arange(k + 98, k + 103), atol=0.01)


def test_a_face_that_leaves_or_jumps_begins_anew_and_some_frames_may_be_left_out() -> None:
    films = FaceFilms(Brightness())
    gone = filmed(films, [*[[20]] * 12, [], *[[20]] * 6, *[[150]] * 6])
    films.finish()
    seen = [bool(code.any()) for code in gone]
    expected = [2 <= k < 10 or 15 <= k < 17 or 21 <= k < 23 for k in range(25)]
    assert seen == expected
    again = filmed(films, [[20]] * 6, first=50)  # after a cut, say
    films.finish()
    np.testing.assert_allclose(again[2][0, :5], np.arange(50, 55), atol=0.01)
    rarely = FaceFilms(Brightness(every_frames=3))
    codes = filmed(rarely, [[20]] * 15)
    rarely.finish()
    assert [k for k in range(15) if codes[k].any()] == [3, 6, 9, 12]


class Hears(SyncNet):
    """A SyncNet that hears what it is told to."""

    def __init__(self, heard: np.ndarray) -> None:
        super().__init__(empty().to_empty(device="cpu"), "test", SETTINGS)
        self._heard = heard

    def hear(self, audio: np.ndarray) -> np.ndarray:
        return self._heard


def embeddings(n_frames: int, seed: int, size: float = 8.0) -> np.ndarray:
    """[T, 1024] far from one another, the ends empty as ``hear`` leaves them."""
    rows = np.random.default_rng(seed).normal(0, size / np.sqrt(2 * LIPS_DIM), (n_frames, LIPS_DIM))
    rows[:2], rows[-3:] = 0, 0
    return rows.astype(np.float32)


@pytest.mark.parametrize("late", [-15, -3, 0, 2, 8])
def test_the_offset_is_where_the_mean_distance_is_least(late: int) -> None:
    sound = embeddings(100, 0)
    lips = np.roll(sound, -late, axis=0)  # lips at t belong to the sound at t + late
    reading = Hears(sound).read(lips, np.zeros(64_000, np.float32))
    assert reading.offset_ms == pytest.approx(40 * late, abs=4)
    assert reading.drift_ms == 0
    assert reading.p_match == reading.confidence > 0.9
    assert (reading.p_in_sync > 0.9) == (abs(late) <= 2)


def test_the_confidence_is_the_median_less_the_least_distance() -> None:
    sound, lips = embeddings(60, 0), embeddings(60, 1)
    lips[10:20] = 0  # bridged
    distance = distances(lips, sound)
    assert distance.shape == (45, 31)
    for row, t in enumerate([*range(2, 10), *range(20, 57)]):
        for k in range(-15, 16):
            there = 2 <= t + k < 57
            expected = np.linalg.norm(lips[t] - sound[t + k]) if there else np.nan
            assert distance[row, k + 15] == pytest.approx(expected, abs=1e-3, nan_ok=True)
    mean = mean_distances(distance)
    assert np.isfinite(mean).all()
    reading = Hears(sound).read(lips, np.zeros(60 * 640, np.float32))
    confidence = np.median(mean) - mean.min()
    assert reading.p_match == pytest.approx(1 / (1 + np.exp(3 - confidence)))
    assert np.isnan([reading.offset_ms, reading.drift_ms]).all(), "strangers have no offset"


def test_lips_that_were_not_seen_say_nothing() -> None:
    for n_frames in (4, 60):
        reading = Hears(embeddings(n_frames, 0)).read(
            np.zeros((n_frames, LIPS_DIM), np.float32), np.zeros(640 * n_frames, np.float32)
        )
        assert (reading.confidence, reading.p_match, reading.p_in_sync) == (0, 0, 0)
        assert np.isnan(reading.offset_ms)


def test_sound_that_runs_away_drifts() -> None:
    sound = embeddings(200, 0)
    at = np.arange(200)
    lips = sound[np.clip((at * 1.04 - 4).round().astype(int), 0, 199)]
    reading = Hears(sound).read(lips, np.zeros(200 * 640, np.float32))
    assert np.isnan(reading.drift_ms) or reading.drift_ms == pytest.approx(320, abs=60)


def test_the_fifth_of_a_second_that_is_heard_begins_with_the_first_of_five_frames() -> None:
    network = empty().to_empty(device="cpu")
    network.hear = lambda mfcc: mfcc[:, 0, :1].expand(-1, LIPS_DIM)  # type: ignore[method-assign]
    audio = np.random.default_rng(0).normal(0, 0.1, 30 * 640).astype(np.float32)
    heard = SyncNet(network, "test", SETTINGS).hear(audio)
    cepstra = mfcc(audio)
    assert heard.shape == (30, LIPS_DIM)
    np.testing.assert_array_equal(heard[2:27, 0], cepstra[: 25 * 4 : 4, 0])
    assert not heard[:2].any()
    assert not heard[27:].any()
    assert not SyncNet(network, "test", SETTINGS).hear(audio[: 3 * 640]).any()


def test_pictures_reach_the_network_as_the_authors_gave_them() -> None:
    network = empty().to_empty(device="cpu")
    network.see = lambda films: films.mean(dim=(3, 4)).flatten(1)  # type: ignore[method-assign]
    films = np.zeros((1, 5, 224, 224, 3), np.uint8)
    films[0] = np.arange(5, dtype=np.uint8)[:, None, None, None] + np.array([0, 100, 200], np.uint8)
    seen = SyncNet(network, "test", SETTINGS).see(films)
    np.testing.assert_allclose(seen[0], np.concatenate([c + np.arange(5) for c in (0, 100, 200)]), atol=1e-3)
