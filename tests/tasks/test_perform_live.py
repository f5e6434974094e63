"""Who speaks while somebody still speaks to it: nothing is lost, nothing comes twice, and the directions hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from models.avatar.motion import EXPRESSION, JAW, MOTION_DIM, ROTATION
from models.avatar.protocol import Condition, UnknownSpeech
from models.avatar.sampler import Sampler
from models.controls.emotion import apply_emotion, parse_emotion
from models.controls.keys import frame_times, through_keys
from models.controls.pose import PRESET_STYLES
from models.head.angles import to_angles
from schemas.arrays import Float32
from schemas.controls import HeadPose, PoseKeys, PosePreset
from schemas.performance import Performance
from schemas.speech import SpeechFeatures
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.listen_live import LiveConfig
from tasks.perform import Part
from tasks.perform_live import LivePerformConfig, LivePerformer
from tasks.portrait import Identity
from tests.builders import speech_like
from tests.models.avatar.build import tiny_avatar
from tests.tasks.test_listen import Loudness
from tests.tasks.test_perform import HEAD, SMILE

SOUND = speech_like(int(2.05 * SAMPLE_RATE))  # ends within a frame
N_FRAMES = 52
QUICK = LivePerformConfig(steps=1, listen=LiveConfig(look_ahead_s=0.4, hop_s=0.2, context_s=0.2))
AVATAR = tiny_avatar(awake=True, speech_dim=1, speech_model=Loudness.name)
FIELDS = ("expression", "jaw", "global_rotation", "eyes", "translation")


@dataclass
class Puppet:
    """A sampler that opens the jaw by what it hears of a frame, smiles a little and nods all the time."""

    asked: list[tuple[Condition, int | None, int]] = field(default_factory=list)
    n_frames: int = 0

    def begin(self, condition: Condition, steps: int | None, seed: int) -> "Puppet":
        self.asked.append((condition, steps, seed))
        return self

    def hear(self, chunk: SpeechFeatures, ahead: SpeechFeatures | None = None) -> list[Float32]:
        at = np.arange(self.n_frames, self.n_frames + chunk.n_frames)
        frames = np.zeros((chunk.n_frames, MOTION_DIM), np.float32)
        frames[:, JAW.start] = chunk.embedding[:, 0]
        frames[:, SMILE] = 0.2
        frames[:, ROTATION] = 0.05 * np.sin(at / 4)[:, None]
        self.n_frames += chunk.n_frames
        return [frames]

    def finish(self) -> list[Float32]:
        return []


def performer(
    part: Part | None = None, model: Any = None, config: LivePerformConfig = QUICK, ear: Loudness | None = None
) -> LivePerformer:
    return LivePerformer(ear or Loudness(), model or Puppet(), part or Part(), HEAD, config)


def pieces(own: LivePerformer, sound: Float32 = SOUND, block: int = 700) -> Iterator[Performance]:
    for at in range(0, sound.size, block):
        if (piece := own.push(sound[at : at + block])) is not None:
            yield piece
    if (piece := own.finish()) is not None:
        yield piece


def performed(own: LivePerformer, sound: Float32 = SOUND, block: int = 700) -> dict[str, Float32]:
    made = list(pieces(own, sound, block))
    return {name: np.concatenate([getattr(piece, name) for piece in made]) for name in FIELDS}


def avatar_performed(sound: Float32 = SOUND, block: int = 700, seed: int = 0) -> dict[str, Float32]:
    return performed(performer(model=Sampler(AVATAR), config=QUICK.model_copy(update={"seed": seed})), sound, block)


def angles_of(done: dict[str, Float32]) -> Float32:
    return np.degrees(to_angles(done["global_rotation"]))


@pytest.mark.parametrize("block", [333, 3200, 40_000])
def test_every_frame_comes_once_and_in_time_with_its_sound(block: int) -> None:
    done = performed(own := performer(), block=block)
    padded = np.pad(SOUND, (0, N_FRAMES * SAMPLES_PER_FRAME - SOUND.size))
    np.testing.assert_allclose(done["jaw"][:, 0], Loudness().encode(padded)[:, 0], atol=1e-6)
    assert {name: len(values) for name, values in done.items()} == dict.fromkeys(FIELDS, N_FRAMES)
    assert own.n_frames == N_FRAMES


def test_how_the_sound_is_cut_changes_nothing() -> None:
    by_little, by_much = (avatar_performed(block=block) for block in (400, 17_001))
    for name in FIELDS:
        np.testing.assert_allclose(by_much[name], by_little[name], atol=1e-6)


def test_the_first_frames_come_as_soon_as_look_ahead_and_hop_are_heard() -> None:
    own = performer(model=Sampler(AVATAR))
    there = round(0.6 * SAMPLE_RATE)
    assert own.push(SOUND[: there - 1]) is None
    first = own.push(SOUND[there - 1 : there])
    assert first is not None
    assert first.n_frames == own.n_frames == 5
    second = own.push(SOUND[there : there + round(0.2 * SAMPLE_RATE)])
    assert second is not None
    assert second.n_frames == 5


def test_the_end_brings_the_rest_and_no_more() -> None:
    own = performer(model=Sampler(AVATAR))
    before = own.push(SOUND)
    rest = own.finish()
    assert before is not None
    assert rest is not None
    assert (before.n_frames, rest.n_frames) == (40, N_FRAMES - 40)
    assert own.finish() is None
    assert performer().finish() is None


def test_a_seed_gives_the_same_performance_again_and_another_seed_another() -> None:
    once, again, other = (avatar_performed(SOUND[:SAMPLE_RATE], seed=seed)["expression"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1e-3


def test_the_person_is_kept_and_the_model_told_of_person_style_steps_and_seed() -> None:
    rng, puppet = np.random.default_rng(0), Puppet()
    identity = Identity(HEAD.name, rng.normal(size=100).astype(np.float32), rng.random(MOTION_DIM, np.float32))
    part = Part(identity, pose=HeadPose(PosePreset.PRESENTER))
    for piece in pieces(performer(part, puppet, QUICK.model_copy(update={"steps": 7, "seed": 3}))):
        np.testing.assert_array_equal(piece.shape, identity.shape)
    ((condition, steps, seed),) = puppet.asked
    np.testing.assert_array_equal(condition.reference, identity.reference)
    np.testing.assert_array_equal(condition.style, PRESET_STYLES[PosePreset.PRESENTER])
    assert (steps, seed) == (7, 3)
    nobody = performer(model=puppet).push(SOUND)
    assert nobody is not None
    assert not nobody.shape.any()


def test_an_emotion_keeps_the_time_of_the_whole_speech() -> None:
    curve = parse_emotion("happy:0@0.5s,happy:1@1.3s")
    plain, happy = performed(performer()), performed(performer(Part(emotion=curve)))
    frames = np.zeros((N_FRAMES, MOTION_DIM), np.float32)
    frames[:, EXPRESSION], frames[:, JAW] = plain["expression"], plain["jaw"]
    afterwards = apply_emotion(frames, curve, HEAD)[:, EXPRESSION]
    np.testing.assert_allclose(happy["expression"], afterwards, atol=1e-4)
    smile = happy["expression"] - plain["expression"]
    assert np.abs(smile[:5]).max() < 1e-6
    assert np.abs(smile[-5:]).max() > 0.1
    np.testing.assert_array_equal(happy["jaw"], plain["jaw"])


def test_keys_of_a_pose_keep_the_time_of_the_whole_speech() -> None:
    keys = PoseKeys(np.array([0.3, 1.7], np.float32), np.array([[0, -15, 0], [5, 20, 0]], np.float32))
    wanted = through_keys(keys.times_s, keys.degrees, frame_times(N_FRAMES))
    assert np.ptp(wanted[:, 1]) > 30
    np.testing.assert_allclose(angles_of(performed(performer(Part(pose=keys)))), wanted, atol=1e-3)


def test_a_still_head_hardly_moves() -> None:
    natural, still = (performed(performer(Part(pose=HeadPose(p)))) for p in (PosePreset.NATURAL, PosePreset.STILL))
    assert angles_of(still).std() < 0.2 * angles_of(natural).std()


def test_eyes_stay_on_the_camera_unless_told_otherwise() -> None:
    keys = PoseKeys(np.array([0, 10], np.float32), np.array([[0, 20, 0], [0, 20, 0]], np.float32))
    on, off = (
        performed(performer(Part(pose=keys), config=QUICK.model_copy(update={"eye_contact": contact})))["eyes"]
        for contact in (1.0, 0.0)
    )
    np.testing.assert_allclose(np.degrees(on[:, 1]), -20, atol=4)
    np.testing.assert_allclose(off[:, 1], 0, atol=0.01)


def test_the_head_comes_to_rest_in_silence_and_not_by_a_jerk() -> None:
    sound = np.concatenate([SOUND[: 2 * SAMPLE_RATE], np.zeros(3 * SAMPLE_RATE, np.float32)])
    pitch = angles_of(performed(performer(), sound))[:, 0]
    assert np.abs(pitch[20:45]).max() > 2.5
    assert np.abs(pitch[90:]).max() < 0.15 * np.abs(pitch[20:45]).max()
    assert np.abs(np.diff(pitch)).max() < 1.2 * np.abs(np.diff(pitch[20:45])).max()


def test_another_ear_than_the_avatars_is_refused() -> None:
    own = performer(model=Sampler(tiny_avatar(speech_dim=1)))
    with pytest.raises(UnknownSpeech, match=r"hears 'test:0', got features of 'loudness:0'"):
        own.push(SOUND)


def test_what_is_kept_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.listen_live.pitch", lambda audio, *_: (np.zeros(audio.size // 640, np.float32), None))
    hasty = QUICK.model_copy(update={"listen": LiveConfig(look_ahead_s=0.4, hop_s=2.0, context_s=0.2)})
    own, minute = performer(model=Sampler(AVATAR), config=hasty), np.tile(speech_like(SAMPLE_RATE), 60)
    kept = []
    for _ in range(2):
        own.push(minute)
        kept.append(kept_by(own))
    assert kept[0] == kept[1] < 1_000_000
    assert own.n_frames == 2950


def kept_by(owner: object) -> int:
    """Bytes of the arrays that the live half of the program holds, views counted as what they hold on to."""
    if isinstance(owner, np.ndarray):
        return owner.nbytes if owner.base is None else kept_by(owner.base)
    if type(owner).__module__ not in ("tasks.perform_live", "tasks.listen_live", "schemas.speech", Sampler.__module__):
        return 0
    names = getattr(type(owner), "__slots__", None) or vars(owner)
    return sum(kept_by(getattr(owner, name)) for name in names)
