"""Whose voice it is, on composed scenes: mouths whose match with every sound is known."""

from dataclasses import dataclass, replace

import numpy as np

from models.evidence.readout import LipReadout
from models.head.model import HeadModel, load_open_head
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.speech import SpeechTrack
from schemas.sync import SyncReading
from schemas.units import SAMPLES_PER_FRAME
from tasks.speaker import Seen, SpeakerConfig, meeting, own_voice
from tests.builders import clip, heard

CONFIG = SpeakerConfig()
N = 200
MODEL = "an embedding that is lips"
READOUT = LipReadout(MODEL, np.eye(2, dtype=np.float32), (-4.0, 6.0))


@dataclass
class Sayings:
    """A mouth says a sound if both begin with the same number."""

    head: HeadModel

    def read(self, frames: Float32, audio: Float32, head: HeadModel) -> SyncReading:
        assert len(audio) == len(frames) * SAMPLES_PER_FRAME
        match = 0.95 if np.isclose(np.median(frames[:, 0]), np.median(audio)) else 0.05
        return SyncReading(0.0, 0.0, match, match, match)


def face(says: float, start: int = 0, n: int = N, voice: float = 1.0, faces: int = 2) -> Seen:
    made = clip(n, n_faces=np.full(n, faces, np.int32), audio=np.full(n * SAMPLES_PER_FRAME, voice, np.float32))
    return Seen(replace(made, start_frame=start), np.full((n, 58), says, np.float32), moving(start, n))


def moving(seed: int, n: int = N) -> Float32:
    return np.random.default_rng(seed).normal(size=(n, 2)).cumsum(0).astype(np.float32)


def own(seen: Seen, *others: Seen, spoken: SpeechTrack | None = None) -> Float32:
    head = load_open_head()
    by_sync_alone = heard(moving(0, seen.clip.n_frames), "an embedding that the readout does not know")
    return own_voice(seen, others, spoken or by_sync_alone, Sayings(head), READOUT, head, CONFIG)


def test_of_two_faces_the_voice_belongs_to_the_one_that_says_it() -> None:
    speaker, listener = face(says=1.0), face(says=2.0)
    assert own(speaker, listener).all()
    assert not own(listener, speaker).any()


def test_where_the_sync_model_cannot_tell_the_lips_that_the_sound_lets_expect_do() -> None:
    one, other = face(says=1.0), replace(face(says=1.0), lips=moving(7))
    assert own(one, other, spoken=heard(one.lips, MODEL)).all()
    assert not own(one, other, spoken=heard(other.lips, MODEL)).any()
    assert not own(one, other, spoken=heard(moving(8), MODEL)).any()
    assert not own(one, other).any()


def test_a_voice_over_belongs_to_nobody_and_one_that_both_may_say_to_neither() -> None:
    assert not own(face(says=2.0), face(says=3.0)).any()
    assert not own(face(says=1.0), face(says=1.0)).any()


def test_a_face_alone_needs_no_proof_and_a_face_not_followed_gives_none() -> None:
    assert own(face(says=2.0, faces=1)).all()
    assert not own(face(says=1.0, faces=3), face(says=2.0)).any()


def test_only_the_frames_in_which_others_are_there_are_in_question() -> None:
    speaker = face(says=1.0)
    counted = np.where(np.arange(N) >= 120, 2, 1).astype(np.int32)
    alone_first = replace(speaker, clip=replace(speaker.clip, n_faces=counted))
    assert own(alone_first, face(says=2.0, start=120, n=80)).all()
    twin = own(alone_first, face(says=1.0, start=120, n=80))
    assert twin[:120].all()
    assert not twin[120:].any()


def test_people_take_turns() -> None:
    turns = np.repeat([1.0, 2.0], N // 2 * SAMPLES_PER_FRAME).astype(np.float32)
    first, second = (replace(f, clip=replace(f.clip, audio=turns)) for f in (face(says=1.0), face(says=2.0)))
    assert own(first, second).tolist() == [True] * (N // 2) + [False] * (N // 2)
    assert own(second, first).tolist() == [False] * (N // 2) + [True] * (N // 2)


def test_who_meets_is_looked_at_together() -> None:
    def at(start: int, n: int) -> Clip:
        return replace(clip(n), start_frame=start)

    groups = meeting([at(0, 50), at(120, 40), at(40, 60), at(100, 20), at(130, 10)])
    assert [[c.start_frame for c in group] for group in groups] == [[0, 40], [100], [120, 130]]
