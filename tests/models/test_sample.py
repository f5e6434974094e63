"""The sample: sounds become mouths at the right time, files come out complete. No voice needed: speech is made up."""

import csv
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from models.head.model import load_open_head
from models.overlay import lip_gap
from models.sample import make
from models.sample.acting import Acting, act
from models.sample.mouths import load_mouths, mouth_curves
from models.sample.people import PEOPLE
from models.sample.recording import settled
from models.sample.script import LINES
from models.sample.voice import LENGTH_MARK, STRESS_MARKS, Speech, _phones
from schemas.speech import Phone

HEAD = load_open_head()
NAMES = HEAD.expression_names
NOT_SOUNDS = {*STRESS_MARKS, LENGTH_MARK, *" ,;."}


def phones_of(symbols: str, each_s: float = 0.12) -> tuple[Phone, ...]:
    return tuple(Phone(s, k * each_s, (k + 1) * each_s, stressed=False) for k, s in enumerate(symbols))


def made_up_speech(symbols: str = "^bɑm mɑb$") -> Speech:
    phones = phones_of(symbols)
    audio = np.sin(np.arange(int(16_000 * phones[-1].stop_s)) * 0.1).astype(np.float32) * 0.5
    return Speech(audio, 16_000, phones)


def played(symbols: str, n_frames: int, each_s: float = 0.12, seed: int = 0) -> Acting:
    phones = settled(phones_of(symbols, each_s), n_frames / 25)
    return act(make._speaker(PEOPLE[0], HEAD), phones, n_frames, NAMES, np.random.default_rng(seed))


def test_every_sound_of_the_script_has_a_mouth() -> None:
    assert {symbol for line in LINES for symbol in line.ipa} - NOT_SOUNDS <= load_mouths().row.keys()


def test_every_action_a_mouth_names_exists_on_the_head() -> None:
    for action in load_mouths().actions:
        assert {action, action + "Left"} & set(NAMES), action


def test_marks_and_pads_go_to_the_sound_they_belong_to() -> None:
    symbols = ["^", "ˈ", "u", "ː", "t"]
    bounds = np.arange(2 * len(symbols) + 1) * 0.1
    phones = _phones(symbols, bounds)
    assert [(p.symbol, p.stressed) for p in phones] == [("^", False), ("u", True), ("t", False)]
    np.testing.assert_allclose([p.start_s for p in phones], [0.0, 0.1, 0.7])
    np.testing.assert_allclose([p.stop_s for p in phones], [0.1, 0.7, 0.9])


def test_the_jaw_opens_for_e_and_closes_for_m_on_both_sides_alike() -> None:
    jaw, actions = mouth_curves(load_mouths(), phones_of("ɛmɛ"), np.array([0.06, 0.18, 0.30], np.float32), NAMES)
    assert jaw[0] > 2 * jaw[1]
    assert jaw[2] > 2 * jaw[1]
    closing = actions[1] - actions[0]
    assert closing[NAMES.index("mouthClose")] > 0.1
    assert closing[NAMES.index("mouthUpperUpLeft")] == closing[NAMES.index("mouthUpperUpRight")] < 0


def test_neighbours_blend_without_jumps() -> None:
    phones = settled(phones_of("^ðəbɜtʃkənuslɪd$", each_s=0.07), 1.5)
    jaw, _ = mouth_curves(load_mouths(), phones, np.arange(0, 1.5, 0.005, dtype=np.float32), NAMES)
    assert 0.02 < jaw.max() < 0.3
    assert np.abs(np.diff(jaw)).max() < 0.15 * np.ptp(jaw)


def test_a_silent_mouth_is_at_rest_and_parts_before_it_speaks() -> None:
    phones = settled([Phone("ɛ", 1, 1.2, stressed=False)], 3.0)
    jaw, actions = mouth_curves(
        load_mouths(), phones, np.array([0.1, 0.95, 2.9], np.float32), NAMES, np.ones(3, np.float32), onset_s=0.2
    )
    assert np.abs(jaw[[0, 2]]).max() < 0.002
    assert np.abs(actions[[0, 2]]).max() < 0.01
    assert jaw[1] > 0.02


def test_acting_stays_within_what_a_head_can_do() -> None:
    acting = played("^ɑiuɑmɑbɑ$" * 6, 150)
    assert np.abs(acting.actions).max() < 1.5
    assert 3 < np.degrees(acting.jaw[:, 0].max()) < 19
    assert acting.jaw.min() >= 0
    assert np.degrees(np.abs(acting.global_rotation)).max() < 30
    blinks = acting.actions[:, NAMES.index("eyeBlinkLeft")]
    assert 1 <= (np.diff((blinks > 0.3).astype(int)) == 1).sum() <= 8


def test_the_mouth_follows_the_sound() -> None:
    acting = played("mmmɛɛɛmmmɛɛɛ", 36)
    zeros = np.zeros((36, 3), np.float32)
    shape = PEOPLE[0].shape(100)
    gap = lip_gap(HEAD.landmarks(HEAD.vertices(shape, acting.actions, zeros, acting.jaw, acting.eyes, zeros)))
    assert gap[[4, 22]].max() < 0.04
    assert gap[[13, 31]].min() > 0.1


def test_a_take_is_the_same_twice_and_differs_by_person(tmp_path: Path) -> None:
    takes = [make.Take(tmp_path / f"{k}.mp4", PEOPLE[k // 2], made_up_speech("^ɑ$"), 1, 96) for k in range(3)]
    pictures = []
    for take in takes:
        with av.open(str(make.shoot(take))) as media:
            pictures.append(np.stack([f.to_ndarray(format="rgb24") for f in media.decode(video=0)]).astype(int))
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0] - pictures[2]).mean() > 10


@pytest.mark.parametrize(("has_face", "has_sound"), [(True, True), (False, True), (True, False)])
def test_a_take_becomes_a_video_with_the_sound_it_should_have(tmp_path: Path, has_face: bool, has_sound: bool) -> None:
    take = make.Take(tmp_path / "a.mp4", PEOPLE[0], made_up_speech(), 1, 64, has_face, has_sound)
    path = make.shoot(take)
    with av.open(str(path)) as media:
        pictures = [f.to_ndarray(format="rgb24") for f in media.decode(video=0)]
    with av.open(str(path)) as media:
        heard = np.concatenate([f.to_ndarray()[0] for f in media.decode(audio=0)])
    assert len(pictures) == int(np.ceil((take.speech.duration_s + 2 * make.PAUSE_S) * 25))
    assert (np.abs(heard).max() > 0.1) == has_sound
    assert (np.abs(heard).max() == 0) == (not has_sound)


def test_a_sample_has_heads_refusals_and_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Voice:
        def __init__(self, folder: Path, seed: int) -> None:
            pass

        def speak(self, ipa: str, pitch: float, tempo: float) -> Speech:
            speech = made_up_speech("^mɑ$")
            return replace(speech, audio=speech.audio * np.float32(pitch / 2))

    class SameProcess:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> "SameProcess":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        map = staticmethod(map)

    monkeypatch.setattr(make, "PiperVoice", Voice)
    monkeypatch.setattr(make, "ProcessPoolExecutor", SameProcess)
    paths = make.make_sample(tmp_path, tmp_path, clips=2, size_px=64)
    rows = list(csv.DictReader((tmp_path / "MANIFEST.csv").open()))
    assert [p.name for p in paths] == [row["path"] for row in rows]
    assert [row["subject_id"] for row in rows] == ["ada", "bo", "", "cleo"]
    assert all(path.stat().st_size > 1000 for path in paths)
    assert all(row["licence"] and row["consent"] for row in rows)
