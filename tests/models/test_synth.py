"""Made clips: the same from the same seed, and what is written beside a video is what is in it."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.head.landmarks import LIPS
from models.head.model import load_open_head
from models.head.regions import Region
from models.look.skin import Palette
from models.overlay import head_vertices
from models.render import Camera
from models.sample.mouths import load_mouths, mouth_curves
from models.sample.voice import Speech
from models.synth import make
from models.synth.conditions import Sensor
from models.synth.film import film
from models.synth.make import make_clips
from models.synth.scene import Scene, draw_cast, draw_scene
from models.synth.settings import SynthConfig
from schemas.arrays import Float32, UInt8
from schemas.truth import ClipTruth, UnreadableTruth, read_truth, truth_path, write_truth
from schemas.units import SAMPLE_RATE
from tests.models.buzzer import Buzzer

HEAD = load_open_head()
CONFIG = SynthConfig(clips=3, seconds=1.2, speakers=2, seed=5, size_px=96, occluded=0)
CLEAN = Sensor(noise=0.0)
VOWELS = "aæɑɔəɚɛɜɪiʊuʌeoɐᵻ"


def scene(clip: int = 0, seed: int = 0, **changes: float) -> Scene:
    config = CONFIG.model_copy(update=changes)
    return draw_scene(Buzzer(), HEAD, config, clip, np.random.default_rng(seed))


def seen(truth: ClipTruth) -> Float32:
    """[T, V, 2] pixels of the true vertices."""
    motion = truth.motion
    camera = Camera(truth.image_width, truth.image_height, motion.focal_px, motion.principal_point_px)
    return camera.project(head_vertices(HEAD, motion)).astype(np.float32)


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, config: SynthConfig) -> list[Path]:
    monkeypatch.setattr(make, "PiperVoice", lambda _folder, _seed: Buzzer())
    return list(make_clips(folder, folder, config))


def test_the_same_seed_makes_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.model_copy(update={"clips": 2, "seconds": 0.4})
    videos = made(tmp_path / "a", monkeypatch, config)
    again = made(tmp_path / "b", monkeypatch, config)
    other = made(tmp_path / "c", monkeypatch, config.model_copy(update={"clips": 1, "seed": 6}))
    assert [v.read_bytes() for v in videos] == [v.read_bytes() for v in again]
    assert videos[0].read_bytes() != other[0].read_bytes()
    for video, twin in zip(videos, again, strict=True):
        np.testing.assert_array_equal(read_truth(truth_path(video)).motion.jaw, read_truth(truth_path(twin)).motion.jaw)
    rows = list(csv.DictReader((tmp_path / "a" / "MANIFEST.csv").open()))
    assert [row["path"] for row in rows] == [v.name for v in videos]
    assert [row["subject_id"] for row in rows] == [read_truth(truth_path(v)).speaker_id for v in videos]
    assert all(row["licence"] == "CC0-1.0" and row["consent"] for row in rows)


def test_a_person_stays_the_same_person() -> None:
    first, other, again = (draw_cast(HEAD, CONFIG, clip) for clip in range(3))
    np.testing.assert_array_equal(first.speaker.shape, again.speaker.shape)
    assert (first.palette, first.pitch, first.speaker.speaker_id) == (
        again.palette,
        again.pitch,
        again.speaker.speaker_id,
    )
    assert first.palette != other.palette
    assert np.abs(first.speaker.shape - other.speaker.shape).max() > 0.5
    assert np.abs(scene(0, 1).truth.motion.jaw - scene(2, 2).truth.motion.jaw).max() > 0.01


@pytest.mark.parametrize("clip", [0, 1])
def test_the_true_vertices_lie_where_the_head_was_drawn(clip: int) -> None:
    taken = scene(clip)
    blue = Palette(skin=(160, 160, 160), lips=(0, 0, 255), hair=(90, 90, 90), iris=(90, 90, 90), shirt=(60, 60, 60))
    green = np.tile(np.uint8([20, 200, 20]), (96, 96, 1))
    conditions = replace(taken.take.conditions, sensor=CLEAN)
    take = replace(taken.take, palette=blue, room=green, conditions=conditions)
    pictures: list[UInt8] = list(film(take, HEAD, np.random.default_rng(0)))
    points = seen(taken.truth)
    face, lips = HEAD.mask(Region.SKIN, Region.NOSE, Region.LIPS), HEAD.mask(Region.LIPS)
    for picture, at in ((pictures[k], points[k]) for k in (0, 29)):
        column, row = at[face].round().astype(int).T
        r, g, b = picture[row.clip(0, 95), column.clip(0, 95)].T.astype(int)
        assert (g < r + b + 40).mean() > 0.98  # not the wall
        is_blue = (picture[..., 2].astype(int) - picture[..., 0] > 40) & (picture[..., 1] < picture[..., 2])
        drawn = np.argwhere(is_blue).mean(axis=0)[::-1]
        front = at[lips][head_vertices(HEAD, taken.truth.motion)[0][lips, 2].argsort()[-60:]]
        np.testing.assert_allclose(drawn, front.mean(axis=0), atol=2.5)


class Vowels(Buzzer):
    """Nothing is heard of a consonant."""

    def speak(self, ipa: str, pitch: float = 1.0, tempo: float = 1.0) -> Speech:
        speech = super().speak(ipa, pitch, tempo)
        audio = speech.audio.copy()
        for phone in speech.phones:
            if phone.symbol not in VOWELS:
                audio[round(phone.start_s * speech.sample_rate) : round(phone.stop_s * speech.sample_rate)] = 0
        return replace(speech, audio=audio)


@pytest.mark.parametrize("shifted", [0, 1])
def test_phones_lie_where_the_file_sounds_and_cover_it(shifted: int) -> None:
    config = CONFIG.model_copy(update={"shifted": shifted})
    taken = draw_scene(Vowels(), HEAD, config, 0, np.random.default_rng(1))
    phones = taken.truth.phones
    assert len(taken.audio) == 30 * 640
    assert phones[0].start_s == 0
    assert phones[-1].stop_s == pytest.approx(len(taken.audio) / SAMPLE_RATE)
    np.testing.assert_allclose([p.stop_s for p in phones[:-1]], [p.start_s for p in phones[1:]], atol=1e-6)
    for phone in phones[1:-1]:
        third = (phone.stop_s - phone.start_s) / 3
        middle = taken.audio[int((phone.start_s + third) * SAMPLE_RATE) : int((phone.stop_s - third) * SAMPLE_RATE)]
        assert (np.abs(middle).max() > 0.05) == (phone.symbol in VOWELS), phone


@pytest.mark.parametrize("seed", range(3))
def test_the_planted_delay_is_between_mouth_and_sound(seed: int) -> None:
    taken = scene(seed=seed, shifted=1, least_shift_ms=100, most_shift_ms=400, seconds=6)
    delay_ms, n = taken.truth.sound_delay_ms, taken.truth.motion.n_frames
    lags_ms = np.arange(-500, 501, 10)
    frames = np.arange(15, n - 15)  # what is heard then is in the file, whatever the lag
    likeness = []
    for lag_ms in lags_ms:
        times = (frames / 25 + lag_ms / 1000).astype(np.float32)
        heard, _ = mouth_curves(load_mouths(), taken.truth.phones, times, HEAD.expression_names)
        likeness.append(np.corrcoef(heard, taken.truth.motion.jaw[frames, 0])[0, 1])
    assert 100 <= abs(delay_ms) <= 400
    assert lags_ms[int(np.argmax(likeness))] == pytest.approx(delay_ms, abs=40)


def test_what_hides_the_lips_is_on_record() -> None:
    free, hidden = scene(), scene(occluded=1)
    assert free.truth.occlusions == ()
    assert free.truth.lips_hidden.max() == 0
    (occlusion,) = hidden.truth.occlusions
    inside = np.zeros(30, np.bool_)
    inside[occlusion.start_frame : occlusion.stop_frame] = True
    assert hidden.truth.lips_hidden[inside].max() > 0.2
    assert hidden.truth.lips_hidden[~inside].max() == 0
    frames = [
        np.stack(list(film(take, HEAD, np.random.default_rng(0)))).astype(int)
        for take in (hidden.take, replace(hidden.take, occluder=None))
    ]
    changed = np.abs(frames[0] - frames[1]).max(axis=-1) > 30
    worst = int(hidden.truth.lips_hidden.argmax())
    column, row = seen(hidden.truth)[worst][HEAD.mask(Region.LIPS)].round().astype(int).clip(0, 95).T
    assert changed[worst, row, column].mean() > 0.2


def test_the_truth_comes_back_whole(tmp_path: Path) -> None:
    truth = scene(shifted=1, occluded=1, vertices=True).truth
    write_truth(tmp_path / "a.truth.npz", truth)
    back = read_truth(tmp_path / "a.truth.npz")
    assert (back.phones, back.occlusions, back.sound_delay_ms) == (truth.phones, truth.occlusions, truth.sound_delay_ms)
    assert back.vertices is not None
    np.testing.assert_array_equal(back.vertices, head_vertices(HEAD, truth.motion))
    np.testing.assert_array_equal(back.motion.global_rotation, truth.motion.global_rotation)
    landmarks = HEAD.landmarks(back.vertices)
    assert landmarks[:, LIPS].shape == (30, 40, 3)


def test_a_file_that_is_no_truth_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 nothing")
    for name in ("bad.npz", "absent.npz"):
        with pytest.raises(UnreadableTruth, match=name):
            read_truth(tmp_path / name)
