"""A picture of one face gives a person; other pictures are refused in words."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from models.avatar.motion import EXPRESSION, JAW, ROTATION
from models.head.model import load_open_head
from models.head.regions import FACE
from models.landmarks import FaceLandmarker, FoundFaces
from schemas.arrays import Float32, UInt8
from schemas.motion import HeadMotion
from tasks.media.picture import UnreadablePicture
from tasks.portrait import (
    NoFaceInImage,
    Portrait,
    PortraitConfig,
    SeveralFaces,
    identity_of_clip,
    overlay,
    portrait,
)
from tests import builders
from tests.models.talking_head import HEIGHT, WIDTH, Truth, project, similarity_error_mm, speak

HEAD = load_open_head()
ON_FACE = HEAD.mask(*FACE)


class Finder:
    """Sees the faces it was made with, whatever the picture."""

    def __init__(self, *faces: Float32) -> None:
        self._faces = np.array(faces, np.float32).reshape(-1, 478, 3)
        self.seen: list[tuple[int, ...]] = []

    def restart(self) -> None:
        self.seen.clear()

    def find(self, rgb: UInt8) -> FoundFaces:
        self.seen.append(rgb.shape)
        return FoundFaces(self._faces, np.zeros((len(self._faces), 52), np.float32))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return speak(HEAD, 10, seed=3)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "face.png"
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    return path


def face_of(truth: Truth, frame: int = 0) -> Float32:
    return np.pad(truth.pixels[frame], ((0, 0), (0, 1)))


def turned(yaw_deg: float) -> Float32:
    rotation = np.array([[0, np.radians(yaw_deg), 0]], np.float32)
    mean, neutral, eyes = (np.zeros(n, np.float32) for n in (100, (1, 50), (1, 6)))
    jaw, back = np.zeros((1, 3), np.float32), np.array([[0, 0, -1.1]], np.float32)
    vertices = HEAD.vertices(mean, neutral, rotation, jaw, eyes, back)
    return np.pad(project(HEAD.landmarks(vertices))[0], ((0, 0), (0, 1)))


def at_rest(shape: Float32) -> Float32:
    return (HEAD.template + HEAD.shape_basis @ shape)[None, ON_FACE]


def test_a_face_gives_its_shape_and_how_it_rests(truth: Truth, picture: Path) -> None:
    found = portrait(picture, Finder(face_of(truth)), HEAD, PortraitConfig())
    error = similarity_error_mm(at_rest(found.identity.shape), at_rest(truth.shape))
    nobody = similarity_error_mm(at_rest(np.zeros(100, np.float32)), at_rest(truth.shape))
    assert error < 0.5 * nobody
    assert found.identity.head_model == HEAD.name
    assert not found.identity.reference[ROTATION].any()
    assert found.identity.reference[JAW.start] == pytest.approx(truth.jaw[0, 0], abs=0.04)
    smile = HEAD.expression_names.index("mouthSmileLeft")
    assert found.identity.reference[EXPRESSION][smile] == pytest.approx(truth.expression[0, smile], abs=0.2)
    assert found.nme < 0.5
    assert found.concerns == ()


def test_the_overlay_lies_on_the_face(truth: Truth, picture: Path) -> None:
    found = portrait(picture, Finder(face_of(truth)), HEAD, PortraitConfig())
    panels = overlay(found, HEAD, 96)
    assert panels.shape == (96, 288, 3)
    left, middle, _ = np.split(panels.astype(int), 3, axis=1)
    changed = np.abs(middle - left).sum(axis=2) > 20
    assert 0.1 < changed.mean() < 0.7
    assert changed[40:60, 40:56].mean() > 0.9


def test_no_face_and_several_are_refused(truth: Truth, picture: Path) -> None:
    with pytest.raises(NoFaceInImage, match="no face was found"):
        portrait(picture, Finder(), HEAD, PortraitConfig())
    with pytest.raises(SeveralFaces, match="shows 2 faces"):
        portrait(picture, Finder(face_of(truth), 0.7 * face_of(truth)), HEAD, PortraitConfig())


def test_a_passer_by_is_ignored(truth: Truth, picture: Path) -> None:
    alone = portrait(picture, Finder(face_of(truth)), HEAD, PortraitConfig())
    both = portrait(picture, Finder(0.2 * face_of(truth), face_of(truth)), HEAD, PortraitConfig())
    np.testing.assert_array_equal(alone.identity.shape, both.identity.shape)


def test_a_profile_is_refused_and_half_a_profile_told_of(picture: Path) -> None:
    with pytest.raises(NoFaceInImage, match="turned"):
        portrait(picture, Finder(turned(75)), HEAD, PortraitConfig())
    found = portrait(picture, Finder(turned(40)), HEAD, PortraitConfig())
    assert found.yaw_deg == pytest.approx(40, abs=4)
    assert "degrees aside" in found.concerns[0]


def test_the_size_of_a_face_is_that_in_the_file(truth: Truth, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    cv2.imwrite(str(large), np.zeros((4 * HEIGHT, 4 * WIDTH, 3), np.uint8))
    finder = Finder(face_of(truth))
    found = portrait(large, finder, HEAD, PortraitConfig(max_side_px=WIDTH))
    assert finder.seen == [(HEIGHT, WIDTH, 3)]
    assert found.face_px == pytest.approx(4 * np.ptp(truth.pixels[0, :, 1]), rel=1e-3)


def test_a_small_face_is_told_of_and_a_tiny_one_refused(truth: Truth, picture: Path) -> None:
    face = face_of(truth)
    height = float(np.ptp(face[:, 1]))
    small = portrait(picture, Finder(face * (80 / height)), HEAD, PortraitConfig())
    assert "80 pixels high" in small.concerns[0]
    with pytest.raises(NoFaceInImage, match="30 pixels high"):
        portrait(picture, Finder(face * (30 / height)), HEAD, PortraitConfig())


def test_what_no_head_explains_is_told_of(truth: Truth, picture: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 8, (478, 3)).astype(np.float32)
    found = portrait(picture, Finder(face_of(truth) + noise), HEAD, PortraitConfig())
    assert any("fits the face poorly" in concern for concern in found.concerns)


def test_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture):
        portrait(tmp_path / "absent.png", Finder(), HEAD, PortraitConfig())


def test_a_clip_rests_with_its_mouth_shut(truth: Truth) -> None:
    n = len(truth.jaw)
    motion = HeadMotion(
        clip_id="c",
        head_model=HEAD.name,
        n_frames=n,
        shape=truth.shape,
        expression=truth.expression,
        global_rotation=truth.rotation,
        jaw=truth.jaw,
        eyes=truth.eyes,
        eyelids=HEAD.eyelids(truth.expression),
        translation=truth.translation,
        focal_px=1000.0,
        principal_point_px=(0.0, 0.0),
    )
    person = identity_of_clip(motion)
    np.testing.assert_array_equal(person.shape, truth.shape)
    assert person.reference[JAW.start] <= np.quantile(truth.jaw[:, 0], 0.25)
    assert not person.reference[ROTATION].any()
    assert any(np.array_equal(person.reference[EXPRESSION], frame) for frame in truth.expression)


@pytest.mark.real_data
def test_two_pictures_of_one_person_are_nearer_than_two_people(tmp_path: Path) -> None:
    def seen(clip: str, frame: int, landmarker: FaceLandmarker) -> Portrait:
        path = tmp_path / "frame.png"
        with av.open(str(builders.real_clip(clip))) as container:
            picture = next(f for k, f in enumerate(container.decode(video=0)) if k == frame)
            cv2.imwrite(str(path), picture.to_ndarray(format="bgr24"))
        return portrait(path, landmarker, HEAD, PortraitConfig())

    clips = ("talking/hdtf_aoc.mp4", "talking/hdtf_bobmenendez.mp4")
    with FaceLandmarker(builders.face_landmarker_file()) as landmarker:
        early, late = ([seen(clip, frame, landmarker) for clip in clips] for frame in (20, 150))
    assert max(p.nme for p in (*early, *late)) < 1.5
    a, b, a_again, b_again = (at_rest(p.identity.shape) for p in (*early, *late))
    same = max(similarity_error_mm(a, a_again), similarity_error_mm(b, b_again))
    other = min(similarity_error_mm(a, b_again), similarity_error_mm(b, a_again))
    assert same < 0.7 * other
