import itertools
from dataclasses import replace

import numpy as np
import pytest

from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import Condition
from models.avatar.sampler import Sampler, SamplerConfig
from schemas.speech import SpeechFeatures
from tests.models.avatar.build import speech_of, tiny_avatar

SHAPE = np.zeros(100, np.float32)
CONFIG = SamplerConfig(window_frames=40, lookahead_frames=10)


def part(speech: SpeechFeatures, start: int, stop: int) -> SpeechFeatures:
    return replace(
        speech,
        n_frames=stop - start,
        envelope=speech.envelope[start:stop],
        f0_hz=speech.f0_hz[start:stop],
        embedding=speech.embedding[start:stop],
    )


def test_as_many_frames_as_were_spoken() -> None:
    sampler = Sampler(tiny_avatar(awake=True), CONFIG)
    for n_frames in (1, 39, 40, 41, 130):
        frames = sampler.perform(speech_of(n_frames), SHAPE, Condition(), None, seed=0)
        assert frames.shape == (n_frames, MOTION_DIM)
        assert np.isfinite(frames).all()


def test_the_same_seed_gives_the_same_motion_and_another_seed_another() -> None:
    sampler, speech = Sampler(tiny_avatar(awake=True), CONFIG), speech_of(60)
    once, again, other = (sampler.perform(speech, SHAPE, Condition(), 3, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1e-3


def test_how_the_speech_is_cut_changes_nothing() -> None:
    sampler, speech = Sampler(tiny_avatar(awake=True), CONFIG), speech_of(173)
    whole = sampler.perform(speech, SHAPE, Condition(), None, seed=4)
    cuts = [0, 7, 60, 61, 150, 173]
    chunks = [part(speech, a, b) for a, b in itertools.pairwise(cuts)]
    streamed = list(sampler.stream(chunks, SHAPE, Condition(), None, seed=4))
    assert len(streamed) > 3
    np.testing.assert_allclose(np.concatenate(streamed), whole, atol=2e-6)


def test_with_what_follows_known_beforehand_every_chunk_is_made_at_once_as_in_the_whole() -> None:
    sampler, speech = Sampler(tiny_avatar(awake=True), CONFIG), speech_of(130)
    session = sampler.begin(Condition(), None, seed=4)
    made = []
    for start, stop in ((0, 40), (40, 80), (80, 120)):
        pieces = session.hear(part(speech, start, stop), part(speech, stop, stop + CONFIG.lookahead_frames))
        assert sum(map(len, pieces)) == stop - start
        made += pieces
    made += session.hear(part(speech, 120, 130)) + session.finish()
    whole = sampler.perform(speech, SHAPE, Condition(), None, seed=4)
    np.testing.assert_allclose(np.concatenate(made), whole, atol=2e-6)


def test_a_wrong_impression_of_what_follows_is_forgotten_when_it_is_heard() -> None:
    sampler, speech, other = Sampler(tiny_avatar(awake=True), CONFIG), speech_of(30), speech_of(30, seed=9)
    right, wrong = (sampler.begin(Condition(), None, seed=4) for _ in range(2))
    told = right.hear(part(speech, 0, 10), part(speech, 10, 20)), wrong.hear(part(speech, 0, 10), part(other, 10, 20))
    early, misled = (np.concatenate(pieces) for pieces in told)
    assert early.shape == misled.shape == (10, MOTION_DIM)
    assert np.abs(early - misled).max() > 1e-3, "what follows matters"
    rest = [np.concatenate(s.hear(part(speech, 10, 30)) + s.finish()) for s in (right, wrong)]
    assert rest[0].shape == rest[1].shape == (20, MOTION_DIM)
    assert np.abs(rest[0] - rest[1])[-5:].max() < 0.1 * np.abs(early - misled).max()


def test_a_window_goes_on_from_the_frames_before_it() -> None:
    sampler = Sampler(tiny_avatar(awake=True), CONFIG)
    previous = np.ones((4, MOTION_DIM), np.float32)
    free = sampler.perform(speech_of(20), SHAPE, Condition(), 2, seed=0)
    bound = sampler.perform(speech_of(20), SHAPE, Condition(previous=previous), 2, seed=0)
    assert np.abs(free[0] - bound[0]).max() > 10 * np.abs(free[-1] - bound[-1]).max()


def test_guidance_of_one_is_no_guidance_and_more_is_more() -> None:
    avatar, speech = tiny_avatar(awake=True), speech_of(30)
    condition = Condition(style=np.ones(6, np.float32))
    plain, guided = (
        Sampler(avatar, CONFIG.model_copy(update={"speech_guidance": g})).perform(speech, SHAPE, condition, 2, 0)
        for g in (1.0, 2.0)
    )
    styled = Sampler(avatar, CONFIG.model_copy(update={"style_guidance": 2.0})).perform(speech, SHAPE, condition, 2, 0)
    deaf = Sampler(avatar, CONFIG.model_copy(update={"speech_guidance": 0.0}))
    assert np.abs(plain - guided).max() > 1e-4
    assert np.abs(plain - styled).max() > 1e-4
    np.testing.assert_allclose(
        deaf.perform(speech, SHAPE, condition, 1, 0),
        deaf.perform(speech_of(30, seed=9), SHAPE, condition, 1, 0),
        atol=1e-6,
    )


def test_no_temperature_no_chance() -> None:
    sampler = Sampler(
        tiny_avatar(awake=True),
        CONFIG.model_copy(update={"temperature": 0.0, "face_temperature": 0.0, "mouth_temperature": 0.0}),
    )
    speech = speech_of(30)
    np.testing.assert_array_equal(
        sampler.perform(speech, SHAPE, Condition(), None, 1), sampler.perform(speech, SHAPE, Condition(), None, 2)
    )


def test_features_of_another_ear_are_refused() -> None:
    with pytest.raises(ValueError, match="hears 'test:0', got features of 'wavlm:9'"):
        Sampler(tiny_avatar()).perform(replace(speech_of(5), embedding_model="wavlm:9"), SHAPE, Condition(), None, 0)
