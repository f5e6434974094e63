"""One pass over the pictures: every frame noted, cuts scored, faces followed within a shot only, parts that join."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from models.deca.code import DecaCode
from models.deca.passing import FaceEncoder
from models.landmarks import FaceFinder, FaceLandmarker, FoundFaces
from models.points68 import MediaPipePoints, SecondLook
from schemas.arrays import UInt8
from schemas.observation import Observation
from schemas.source import Offer, SourceVideo
from schemas.units import DECA_DIM, THUMBNAIL_SIZE
from tasks.ingest import IngestConfig, ingest
from tasks.observe import ObserveConfig, observe
from tests.builders import Actor, face_landmarker_file, moving_pattern, real_clip, tone, write_media
from tests.models.syncnet.test_reader import Brightness


class FakeFinder:
    """Finds ``faces`` made-up faces in every picture that is not dark, and remembers when it was restarted."""

    def __init__(self, faces: int = 1) -> None:
        self.faces = faces
        self.seen = 0
        self.restarts: list[int] = []

    def restart(self) -> None:
        self.restarts.append(self.seen)

    def find(self, rgb: UInt8) -> FoundFaces:
        n = 0 if rgb.mean() < 40 else self.faces
        frame = np.array([self.seen])
        self.seen += 1
        actors = [Actor(center_px=(40 + 30 * k, 48), height_px=40) for k in range(n)]
        landmarks = [a.landmarks(frame) for a in actors]
        blendshapes = [a.blendshapes(frame) for a in actors]
        return FoundFaces(
            np.concatenate([*landmarks, np.zeros((0, 478, 3), np.float32)]),
            np.concatenate([*blendshapes, np.zeros((0, 52), np.float32)]),
        )


def ingested(path: Path) -> SourceVideo:
    source = ingest(Offer(path), IngestConfig())
    assert isinstance(source, SourceVideo)
    return source


class FakeEncoder:
    """A face's code is the mean brightness of its crop; remembers how many crops came at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, crops: UInt8) -> DecaCode:
        self.batches.append(len(crops))
        return DecaCode.of_rows(np.repeat(crops.mean(axis=(1, 2, 3), dtype=np.float32)[:, None], DECA_DIM, axis=1))


def look(
    path: Path, finder: FaceFinder, config: ObserveConfig | None = None, encoder: FaceEncoder | None = None
) -> list[Observation]:
    return list(observe(ingested(path), finder, config or ObserveConfig(), encoder))


def dark(n: int) -> Iterator[UInt8]:
    return iter([np.zeros((96, 128, 3), np.uint8)] * n)


def test_every_frame_is_noted_once(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", moving_pattern(50), sound=tone(2.0))
    finder = FakeFinder(faces=2)
    [seen] = look(path, finder)
    assert (seen.start_frame, seen.n_frames, seen.width, seen.height) == (0, 50, 128, 96)
    assert finder.seen == 50
    assert np.array_equal(seen.faces.frame, np.repeat(np.arange(50), 2))
    assert seen.cut_score[0] == 0
    assert seen.audio_span[0] == 0
    assert seen.damaged_frames == 0


def test_thumbnails_are_the_pictures_made_small(tmp_path: Path) -> None:
    halves = np.zeros((96, 128, 3), np.uint8)
    halves[:, :64] = (200, 60, 20)
    halves[:, 64:] = (20, 60, 200)
    path = write_media(tmp_path / "a.mp4", [halves] * 30, sound=tone(1.2))
    [seen] = look(path, FakeFinder())
    assert seen.thumbnails.shape == (30, *THUMBNAIL_SIZE, 3)
    assert np.abs(seen.thumbnails[5, :, :20].astype(int) - (200, 60, 20)).mean() < 8
    assert np.abs(seen.thumbnails[5, :, -20:].astype(int) - (20, 60, 200)).mean() < 8


def test_a_cut_scores_high_and_no_face_is_followed_across_it(tmp_path: Path) -> None:
    scenes = chain(moving_pattern(20, seed=1), dark(20), moving_pattern(20, seed=2))
    path = write_media(tmp_path / "a.mp4", scenes, sound=tone(2.4))
    finder = FakeFinder()
    [seen] = look(path, finder)
    assert np.flatnonzero(seen.cut_score >= 27).tolist() == [20, 40]
    assert finder.restarts == [0, 20, 40]  # the first so that nothing of the source before lives on
    assert np.array_equal(np.unique(seen.faces.frame), np.r_[0:20, 40:60])


def test_a_picture_that_repeats_is_looked_at_once(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(20), fps=10, sound=tone(2.0))
    finder = FakeFinder()
    [seen] = look(path, finder)
    assert finder.seen == 20
    assert seen.n_frames == 50
    assert np.array_equal(seen.faces.frame, np.arange(50))
    repeats = [k for k in range(1, 50) if np.array_equal(seen.thumbnails[k], seen.thumbnails[k - 1])]
    assert len(repeats) == 30
    assert not seen.cut_score[repeats].any()


def test_parts_join_into_the_whole(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(60), sound=tone(2.4))
    [whole] = look(path, FakeFinder())
    parts = look(path, FakeFinder(), ObserveConfig(part_s=1.0))
    assert [(p.start_frame, p.n_frames) for p in parts] == [(0, 25), (25, 25), (50, 10)]
    assert np.array_equal(np.concatenate([p.audio for p in parts]), whole.audio)
    assert np.array_equal(np.concatenate([p.cut_score for p in parts]), whole.cut_score)
    assert np.array_equal(np.concatenate([p.faces.landmarks for p in parts]), whole.faces.landmarks)
    assert all(p.faces.frame[0] == 0 for p in parts)


def test_faces_are_encoded_on_the_way_few_at_a_time(tmp_path: Path) -> None:
    pictures = [np.full((96, 128, 3), 60 + 4 * k, np.uint8) for k in range(20)]
    path = write_media(tmp_path / "a.mkv", pictures, fps=10, sound=tone(2.0))
    encoder = FakeEncoder()
    [whole] = look(path, FakeFinder(faces=2), encoder=encoder)
    assert whole.faces.deca is not None
    assert whole.faces.deca.shape == (100, DECA_DIM)
    assert encoder.batches == [16, 16, 8]  # two faces in each of twenty pictures; what repeats is not looked at again
    np.testing.assert_array_equal(whole.faces.deca[::2], whole.faces.deca[1::2])
    brightness = whole.thumbnails.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(whole.faces.deca[::2, 0], brightness, atol=1.5)
    parts = look(path, FakeFinder(faces=2), ObserveConfig(part_s=0.44), FakeEncoder())
    np.testing.assert_array_equal(np.concatenate([p.faces.deca for p in parts]), whole.faces.deca)
    [without] = look(path, FakeFinder())
    assert without.faces.deca is None


def test_five_pictures_of_a_face_are_encoded_together_repeated_ones_too(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(20), fps=10, sound=tone(2.0))
    [seen] = observe(ingested(path), FakeFinder(), ObserveConfig(), films=Brightness())
    assert seen.faces.lips is not None
    assert seen.faces.lips.any(axis=1).tolist() == [2 <= k < 48 for k in range(50)]
    parts = list(observe(ingested(path), FakeFinder(), ObserveConfig(part_s=1.0), films=Brightness()))
    lips = np.concatenate([part.faces.lips for part in parts if part.faces.lips is not None])
    inside = [k for k in range(50) if 2 <= k % 25 < 23]  # no face is followed from part to part
    np.testing.assert_allclose(lips[inside], seen.faces.lips[inside], atol=2)
    assert not lips[23:27].any()


def test_a_second_finder_looks_now_and_then(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", moving_pattern(30), sound=tone(1.2))
    second = SecondLook(MediaPipePoints(), every_frames=6)
    [seen] = observe(ingested(path), FakeFinder(faces=2), ObserveConfig(), second=second)
    assert seen.faces.disagreement is not None
    assert np.array_equal(np.unique(seen.faces.frame[seen.faces.disagreement >= 0]), [0, 6, 12, 18, 24])
    [without] = look(path, FakeFinder())
    assert without.faces.disagreement is None


def test_a_film_without_faces_is_still_an_observation(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", dark(30), sound=tone(1.2))
    [seen] = look(path, FakeFinder())
    assert len(seen.faces.frame) == 0


@pytest.mark.real_data
def test_a_real_sentence_gives_the_same_numbers_twice_and_after_another_film() -> None:
    sentence, other = real_clip("talking/grid_s1_bbaf2n.mpg"), real_clip("bad/derived_truncated_grid.mpg")
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        [first] = look(sentence, landmarker)
        look(other, landmarker)
        [again] = look(sentence, landmarker)
    assert first.n_frames == 75
    assert np.array_equal(first.faces.frame, np.arange(75))
    assert np.array_equal(first.faces.landmarks, again.faces.landmarks)
    assert np.array_equal(first.faces.blendshapes, again.faces.blendshapes)
    height = first.faces.landmarks[:, 152, 1] - first.faces.landmarks[:, 10, 1]
    assert 110 < np.median(height) < 160


@pytest.mark.real_data
def test_a_rotation_tag_brings_a_real_face_upright() -> None:
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        [seen] = look(real_clip("bad/derived_rot90_tag.mp4"), landmarker)
    forehead, chin = seen.faces.landmarks[:, 10], seen.faces.landmarks[:, 152]
    assert len(np.unique(seen.faces.frame)) >= 0.95 * seen.n_frames
    assert ((chin - forehead)[:, 1] > 5 * np.abs((chin - forehead)[:, 0])).all()


@pytest.mark.real_data
def test_damage_that_the_decoder_sees_is_counted() -> None:
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        [seen] = look(real_clip("bad/derived_truncated_grid.mpg"), landmarker)
    assert seen.n_frames == 35
    assert seen.damaged_frames == 1
