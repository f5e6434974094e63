"""A sound becomes a performance: as long, in time with it, of the person and in the mood that were asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from models.avatar.motion import EXPRESSION, JAW, MOTION_DIM, ROTATION
from models.avatar.protocol import Condition
from models.controls.emotion import parse_emotion
from models.controls.pose import PRESET_STYLES, ResolvedPose
from models.head.angles import to_angles
from models.head.model import load_open_head
from schemas.arrays import Float32
from schemas.controls import HeadPose, PoseKeys, PosePreset
from schemas.speech import SpeechFeatures
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.listen import ListenConfig
from tasks.media.hearing import CannotListen, SoundFile
from tasks.perform import Part, PerformConfig, Performed, perform
from tasks.portrait import Identity
from tasks.speech import amplitude_envelope
from tests.builders import speech_like, write_media
from tests.tasks.test_listen import Detector, Loudness

HEAD = load_open_head()
SOUND = speech_like(int(5.05 * SAMPLE_RATE))  # ends within a frame
N_FRAMES = 127
IN_PASSAGES = PerformConfig(listen=ListenConfig(hop_s=2.0, context_s=1.0))
SMILE = EXPRESSION.start + HEAD.expression_names.index("mouthSmileLeft")


@dataclass
class Puppet:
    """Opens the jaw as wide as the voice is loud, nods all the time, and trembles by the seed."""

    asked: list[tuple[Condition, int | None]] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)

    def perform(
        self, speech: SpeechFeatures, shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Float32:
        return np.concatenate(list(self.stream([speech], shape, condition, steps, seed)))

    def stream(
        self, chunks: Iterable[SpeechFeatures], shape: Float32, condition: Condition, steps: int | None, seed: int
    ) -> Iterator[Float32]:
        self.asked.append((condition, steps))
        trembling = np.random.default_rng(seed)
        for chunk in chunks:
            self.pieces.append(chunk.n_frames)
            frames = np.zeros((chunk.n_frames, MOTION_DIM), np.float32)
            frames[:, JAW.start] = chunk.envelope
            frames[:, SMILE] = 0.2 + 0.01 * trembling.random(chunk.n_frames)
            frames[:, ROTATION] = 0.05 * np.sin(np.arange(chunk.n_frames) / 4)[:, None]
            yield frames


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("speech") / "speech.mkv", sound=SOUND, sound_rate=SAMPLE_RATE)


def performed(
    file: Path, part: Part | None = None, config: PerformConfig = IN_PASSAGES, model: Puppet | None = None
) -> Performed:
    return perform(SoundFile(file), Loudness(), Detector(), model or Puppet(), part or Part(), HEAD, config)


def angles_of(done: Performed) -> Float32:
    return np.degrees(to_angles(done.performance.global_rotation))


def with_seed(seed: int) -> PerformConfig:
    return IN_PASSAGES.model_copy(update={"seed": seed})


def test_a_performance_is_as_long_as_its_sound(file: Path) -> None:
    done = performed(file)
    assert done.performance.n_frames == done.speech.n_frames == N_FRAMES
    assert done.audio.shape == (N_FRAMES * SAMPLES_PER_FRAME,)
    assert done.performance.head_model == HEAD.name
    assert not done.performance.translation.any()


def test_the_sound_comes_back_as_it_was_and_the_jaw_moves_in_time_with_it(file: Path) -> None:
    done, puppet = performed(file, model=(model := Puppet())), model
    assert len(puppet.pieces) > 2, "the test is about passages"
    np.testing.assert_allclose(done.audio[: SOUND.size], SOUND, atol=1e-4)
    assert not done.audio[SOUND.size :].any()
    np.testing.assert_array_equal(done.performance.jaw[:, 0], done.speech.envelope)
    loudness = amplitude_envelope(done.audio)
    assert np.corrcoef(done.performance.jaw[:, 0], loudness)[0, 1] > 0.999
    assert np.corrcoef(done.performance.jaw[1:, 0], loudness[:-1])[0, 1] < 0.99


def test_the_embedding_is_forgotten(file: Path) -> None:
    assert performed(file).speech.embedding.shape == (N_FRAMES, 0)


def test_a_seed_gives_the_same_performance_again_and_another_seed_another(file: Path) -> None:
    presenter = Part(pose=HeadPose(PosePreset.PRESENTER))
    once, again, other = (performed(file, presenter, with_seed(seed)).performance for seed in (1, 1, 2))
    for name in ("expression", "jaw", "global_rotation", "eyes"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    assert np.abs(once.expression - other.expression).max() > 1e-3, "the model has the seed"
    assert np.abs(once.global_rotation - other.global_rotation).max() > 1e-3, "the pose has the seed"


def test_the_person_is_kept_and_told_to_the_model(file: Path) -> None:
    rng, puppet = np.random.default_rng(0), Puppet()
    identity = Identity(HEAD.name, rng.normal(size=100).astype(np.float32), rng.random(MOTION_DIM, np.float32))
    done = performed(file, Part(identity), model=puppet)
    np.testing.assert_array_equal(done.performance.shape, identity.shape)
    ((condition, _),) = puppet.asked
    np.testing.assert_array_equal(condition.reference, identity.reference)


def test_without_a_person_it_is_nobody_in_particular(file: Path) -> None:
    puppet = Puppet()
    assert not performed(file, model=puppet).performance.shape.any()
    ((condition, steps),) = puppet.asked
    assert (condition.reference, condition.style, steps) == (None, None, None)


def test_the_samplers_steps_reach_the_model(file: Path) -> None:
    puppet = Puppet()
    performed(file, config=IN_PASSAGES.model_copy(update={"steps": 7}), model=puppet)
    assert puppet.asked[0][1] == 7


def test_an_emotion_comes_on_top_and_leaves_the_jaw_alone(file: Path) -> None:
    plain = performed(file).performance
    happy = performed(file, Part(emotion=parse_emotion("happy:0@1s,happy:1@2s"))).performance
    smile = happy.expression[:, SMILE] - plain.expression[:, SMILE]
    assert np.abs(smile[:12]).max() < 1e-6
    assert smile[75:].min() > 0.1
    np.testing.assert_array_equal(happy.jaw, plain.jaw)


def test_the_head_is_held_as_asked(file: Path) -> None:
    natural, still = (performed(file, Part(pose=HeadPose(preset))) for preset in (PosePreset.NATURAL, PosePreset.STILL))
    assert angles_of(still).std() < 0.2 * angles_of(natural).std()
    keys = PoseKeys(np.array([0, 10], np.float32), np.array([[0, 20, 0], [0, 20, 0]], np.float32))
    np.testing.assert_allclose(angles_of(performed(file, Part(pose=keys))), [[0, 20, 0]] * N_FRAMES, atol=1e-3)


@pytest.mark.parametrize("preset", [PosePreset.STILL, PosePreset.PRESENTER])
def test_a_pose_with_a_style_conditions_the_model_on_it(file: Path, preset: PosePreset) -> None:
    puppet = Puppet()
    performed(file, Part(pose=HeadPose(preset)), model=puppet)
    np.testing.assert_array_equal(puppet.asked[0][0].style, PRESET_STYLES[preset])


def test_eyes_stay_on_the_camera_while_the_head_turns_unless_told_otherwise(file: Path) -> None:
    keys: ResolvedPose = PoseKeys(np.array([0, 10], np.float32), np.array([[0, 20, 0], [0, 20, 0]], np.float32))
    on, off = (
        performed(file, Part(pose=keys), IN_PASSAGES.model_copy(update={"eye_contact": contact})).performance.eyes
        for contact in (1.0, 0.0)
    )
    np.testing.assert_allclose(np.degrees(on[50, 1]), -20, atol=4)
    np.testing.assert_allclose(np.degrees(off[50, 1]), 0, atol=0.5)


def test_progress_counts_every_frame(file: Path) -> None:
    told: list[int] = []
    perform(SoundFile(file), Loudness(), Detector(), Puppet(), Part(), HEAD, IN_PASSAGES, told.append)
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == N_FRAMES


def test_concerns_about_the_sound_are_passed_on(tmp_path: Path) -> None:
    silence = np.zeros(2 * SAMPLE_RATE, np.float32)
    done = performed(write_media(tmp_path / "silence.mkv", sound=silence, sound_rate=SAMPLE_RATE))
    assert "nothing can be heard" in done.concerns[0]
    assert done.performance.n_frames == 50


def test_what_is_no_sound_is_no_performance(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="No such file"):
        performed(tmp_path / "absent.wav")
