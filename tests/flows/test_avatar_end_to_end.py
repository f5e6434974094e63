"""The second half of the product as a user meets it: sample, curate, train, generate, with nothing made small."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from flows.settings import Settings
from models.assets import AssetMissing, AssetStore
from models.export.arrays import read_npz
from schemas.units import FRAME_RATE, SAMPLES_PER_FRAME
from tasks.media.hearing import SoundFile
from tests.flows.command_line import started
from tests.models.export.test_gltf import Glb
from tests.models.sounds import sound_of

pytestmark = pytest.mark.slow

HELD_OUT = "path LIKE '%_05.mp4' OR path LIKE '%_06.mp4'"


def xtalker(*words: object) -> str:
    done = started(*words)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's videos, a warehouse, and a model of 30 steps in it."""
    store = AssetStore(Settings.load().assets)
    for asset in ("face-landmarker", "whisper-base", "piper-joe"):
        try:
            store.path(asset)
        except AssetMissing as missing:
            pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("avatar")
    xtalker("sample", folder / "videos")
    xtalker("curate", folder / "videos", "-w", folder / "warehouse", "--workers", 2)
    words = ("--max-steps", 30, "--copies", 1, "--holdout", HELD_OUT, "--devices", "cpu")
    told = xtalker("train", "-w", folder / "warehouse", *words)
    assert "30 steps" in told
    assert "is champion now" in told, "even 30 steps are better than no motion"
    return folder


def generated(trained: Path, name: str, *words: object) -> tuple[Path, int]:
    """The file that the champion made of the speech in a sample video, and how many frames that has."""
    speech, out = trained / "videos" / "dan_04.mp4", trained / name
    told = xtalker("generate", "-a", speech, "-o", out, "-w", trained / "warehouse", *words)
    assert "by small-" in told
    n_frames = -(-sum(block.size for block in SoundFile(speech).blocks()) // SAMPLES_PER_FRAME)
    assert f"{float(n_frames / FRAME_RATE):.1f} s" in told
    return out, n_frames


def test_a_film_has_every_frame_and_the_speech(trained: Path) -> None:
    path, n_frames = generated(trained, "film.mp4", "--size", 128, "--camera", "push-in", "--emotion", "happy:0.5")
    with av.open(str(path)) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(pictures) == n_frames
    assert pictures[0].shape == (128, 128, 3)
    assert np.abs(pictures[0].astype(int) - pictures[-1]).max() > 40
    heard, spoken = sound_of(path), sound_of(trained / "videos" / "dan_04.mp4")
    assert abs(heard.size - spoken.size) <= 2 * SAMPLES_PER_FRAME
    size = min(heard.size, spoken.size)
    assert np.corrcoef(heard[:size], spoken[:size])[0, 1] > 0.9


def test_a_scene_is_animated_from_beginning_to_end(trained: Path) -> None:
    path, n_frames = generated(trained, "scene.glb")
    scene = Glb(path)
    times = {sampler["input"] for animation in scene.json["animations"] for sampler in animation["samplers"]}
    lasts = [float(scene.array(index).max()) for index in times]
    assert max(lasts) == pytest.approx((n_frames - 1) / FRAME_RATE, abs=1e-3)


def test_arkit_and_parameters_hold_the_same_frames_with_a_mouth_that_moves(trained: Path) -> None:
    sheet, n_frames = generated(trained, "face.csv")
    arrays, _ = generated(trained, "face.npz")
    with sheet.open() as file:
        jaw = np.array([float(row["JawOpen"]) for row in csv.DictReader(file)])
    performance = read_npz(arrays)
    assert len(jaw) == performance.n_frames == n_frames
    assert np.ptp(jaw) > 0.05
    assert np.corrcoef(jaw, performance.jaw[:, 0])[0, 1] > 0.9


def test_the_speaker_of_a_clip_and_the_head_that_comes_along_speak_too(trained: Path) -> None:
    person, n_frames = generated(trained, "person.npz", "--identity", _clip_of(trained, "bo_02"), "--pose", "still")
    assert read_npz(person).shape.any()
    out = trained / "default.npz"
    told = xtalker("generate", "-a", trained / "videos" / "dan_04.mp4", "-o", out, "--model", "default")
    assert "by default" in told
    assert read_npz(out).n_frames == n_frames


def _clip_of(trained: Path, video: str) -> str:
    sql = f"select clip_id from clip_sources where path like '%{video}%' and keep"
    return xtalker("sql", sql, "-w", trained / "warehouse", "-f", "csv").splitlines()[1].strip('"')


def test_an_evaluation_writes_its_report(trained: Path) -> None:
    words = ("--split", "sentences", "--seeds", 1, "--films", 1, "--report", trained / "report")
    told = xtalker("evaluate", "-w", trained / "warehouse", *words)
    assert "shuffled audio" in told
    page = trained / "report" / "report.html"
    assert f"report {page}" in told
    assert "mean motion" in page.read_text()
    assert (trained / "report" / "film-1.mp4").stat().st_size > 10_000
