from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from models.pitch import pitch
from schemas.arrays import Float32
from schemas.motion import HeadMotion
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.augment import AugmentConfig, NoiseKind, Variation, apply, augment, draw, noise_of, other_voice
from tasks.listen import features_of_audio
from tasks.speech import SpeechConfig, amplitude_envelope
from tests.builders import real_clip, speech_like
from tests.models.sounds import sound_of

LIMITS_HZ = (75.0, 380.0)


def motion(n_frames: int = 75, detail: bool = False) -> HeadMotion:
    random = np.random.default_rng(0)
    slow = np.sin(np.arange(n_frames)[:, None] / 6 + random.uniform(0, 6, 67)).astype(np.float32)
    return HeadMotion(
        clip_id="clip",
        head_model="open-head@1",
        n_frames=n_frames,
        shape=np.zeros(100, np.float32),
        expression=slow[:, :50],
        global_rotation=0.2 * slow[:, 50:53],
        jaw=0.1 * slow[:, 53:56],
        eyes=0.1 * slow[:, 56:62],
        eyelids=0.5 + 0.5 * slow[:, 62:64],
        translation=slow[:, 64:67],
        focal_px=500.0,
        principal_point_px=(256.0, 256.0),
        detail=np.ones((n_frames, 128), np.float32) if detail else None,
    )


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(audio: Float32, head: HeadMotion, **changes: object) -> tuple[Float32, HeadMotion]:
    return apply(audio, head, replace(Variation(), **changes), LIMITS_HZ, rng())


# --- pace


@pytest.mark.parametrize("speed_percent", [85, 93, 100, 107, 118])
@pytest.mark.parametrize("at_frame", [5, 37, 70])
def test_a_clap_is_seen_and_heard_at_once_at_any_pace(speed_percent: int, at_frame: int) -> None:
    audio = np.zeros(75 * SAMPLES_PER_FRAME, np.float32)
    audio[at_frame * SAMPLES_PER_FRAME] = 1.0
    jaw = np.zeros((75, 3), np.float32)
    jaw[at_frame, 0] = 0.3
    heard, seen = changed(audio, replace(motion(), jaw=jaw), speed_percent=speed_percent)
    clap_s = np.abs(heard).argmax() / SAMPLE_RATE
    assert clap_s == pytest.approx(at_frame / 25 * 100 / speed_percent, abs=1e-4)
    mouth = np.clip(seen.jaw[:, 0], 0, None)
    mouth[mouth < 0.1 * mouth.max()] = 0  # what a curve through a spike rings
    mouth_s = (mouth * np.arange(len(mouth))).sum() / mouth.sum() / 25
    assert mouth_s == pytest.approx(clap_s, abs=0.010)


@pytest.mark.parametrize("speed_percent", [85, 118])
def test_motion_is_read_between_frames_at_its_exact_time(speed_percent: int) -> None:
    head = motion(detail=True)
    audio, seen = changed(speech_like(75 * SAMPLES_PER_FRAME), head, speed_percent=speed_percent)
    assert audio.shape == (seen.n_frames * SAMPLES_PER_FRAME,)
    assert abs(seen.n_frames - 75 * 100 / speed_percent) <= 1.5
    assert seen.detail is not None
    assert seen.detail.shape == (seen.n_frames, 128)
    old_frame = np.arange(seen.n_frames) * speed_percent / 100
    phase = np.random.default_rng(0).uniform(0, 6, 67)[:50]
    np.testing.assert_allclose(seen.expression, np.sin(old_frame[:, None] / 6 + phase), atol=3e-3)
    for name in ("eyelids", "jaw", "global_rotation"):
        assert getattr(seen, name).min() >= getattr(head, name).min()
        assert getattr(seen, name).max() <= getattr(head, name).max()


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_a_clip_of_a_few_frames_survives(n_frames: int) -> None:
    audio, seen = changed(speech_like(n_frames * SAMPLES_PER_FRAME), motion(n_frames), speed_percent=118, f0_ratio=1.5)
    assert audio.size == seen.n_frames * SAMPLES_PER_FRAME > 0


# --- voice


def test_another_voice_has_other_pitch_and_resonances_and_the_same_timing() -> None:
    audio = resonant(150.0, 1000.0)
    other = other_voice(audio.astype(np.float64), 1.2, 1.5, LIMITS_HZ).astype(np.float32)
    f0, voiced = pitch(other, 60.0, 500.0)
    assert np.median(f0[voiced]) == pytest.approx(225.0, rel=0.02)
    assert _peak_hz(other) == pytest.approx(1.2 * _peak_hz(audio), rel=0.06)
    assert np.corrcoef(amplitude_envelope(audio), amplitude_envelope(other))[0, 1] > 0.98
    assert abs(_lag_samples(audio, other)) <= 0.010 * SAMPLE_RATE
    assert np.square(other).mean() == pytest.approx(np.square(audio).mean(), rel=0.01)


def test_pitch_stays_where_voices_are() -> None:
    high = other_voice(resonant(250.0, 1000.0).astype(np.float64), 1.0, 3.0, LIMITS_HZ).astype(np.float32)
    f0, voiced = pitch(high, 60.0, 500.0)
    assert np.median(f0[voiced]) == pytest.approx(LIMITS_HZ[1], rel=0.02)


def resonant(f0_hz: float, resonance_hz: float) -> Float32:
    """A second and a half of pulses through one resonance, in syllables."""
    n = 38 * SAMPLES_PER_FRAME
    pulses = np.zeros(n)
    pulses[(np.arange(0, n / SAMPLE_RATE - 0.01, 1 / f0_hz) * SAMPLE_RATE).astype(int)] = 1.0
    radius, angle = 0.97, 2 * np.pi * resonance_hz / SAMPLE_RATE
    ringing = signal.lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], pulses)
    syllables = np.clip(np.sin(2 * np.pi * 3 * np.arange(n) / SAMPLE_RATE), 0, None)
    return (0.1 * ringing * syllables).astype(np.float32)


def _peak_hz(audio: Float32) -> float:
    frequency, power = signal.welch(audio, SAMPLE_RATE, nperseg=512)
    loud = power * (power > 0.3 * power.max())
    return float((frequency * loud).sum() / loud.sum())


def _lag_samples(a: Float32, b: Float32) -> int:
    low_pass = signal.butter(2, 40, fs=SAMPLE_RATE, output="sos")
    ea, eb = (signal.sosfiltfilt(low_pass, np.square(x.astype(np.float64))) for x in (a, b))
    return int(signal.correlate(eb - eb.mean(), ea - ea.mean(), method="fft").argmax()) - (a.size - 1)


# --- room and noise


def test_a_room_adds_echoes_and_delays_nothing() -> None:
    audio = np.zeros(25 * SAMPLES_PER_FRAME, np.float32)
    audio[4000] = 0.5
    heard, _ = changed(audio, motion(25), reverberation_s=0.3, direct_db=6.0)
    assert np.abs(heard).argmax() == 4000
    assert not np.abs(heard[:4000]).max() > 1e-6
    echoes = np.square(heard[4001:]).sum()
    assert 10 * np.log10(heard[4000] ** 2 / echoes) == pytest.approx(6.0, abs=0.1)
    early, late = np.square(heard[4032:6400]).sum(), np.square(heard[6400:8800]).sum()
    assert 10 * np.log10(early / late) == pytest.approx(30.0, abs=2.0)  # 60 dB in 0.3 s, 0.15 s later


@pytest.mark.parametrize("kind", list(NoiseKind))
def test_noise_is_as_far_below_speech_as_asked(kind: NoiseKind) -> None:
    audio = np.zeros(50 * SAMPLES_PER_FRAME)
    audio[: 25 * SAMPLES_PER_FRAME] = 0.2 * np.sin(np.arange(25 * SAMPLES_PER_FRAME))
    noise = noise_of(kind, audio, 10.0, rng())
    assert 10 * np.log10(0.02 / np.square(noise).mean()) == pytest.approx(10.0, abs=0.1)


def test_pink_noise_falls_by_three_db_an_octave() -> None:
    noise = noise_of(NoiseKind.PINK, 0.1 * rng().standard_normal(250 * SAMPLES_PER_FRAME), 0.0, rng(1))
    frequency, power = signal.welch(noise, SAMPLE_RATE, nperseg=1024)
    audible = frequency > 50
    slope = np.polyfit(np.log2(frequency[audible]), 10 * np.log10(power[audible]), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.3)


# --- all together


def test_no_change_changes_nothing() -> None:
    audio, head = speech_like(75 * SAMPLES_PER_FRAME), motion()
    heard, seen = changed(audio, head)
    np.testing.assert_array_equal(heard, audio)
    assert seen is head


def test_the_same_seed_clip_and_variant_give_the_same_and_others_do_not() -> None:
    audio, head = speech_like(8 * SAMPLES_PER_FRAME), motion(8)
    config = AugmentConfig(seed=3, room_probability=1, noise_probability=1)
    first, again = (augment(audio, head, config, variant=1) for _ in range(2))
    np.testing.assert_array_equal(first.audio, again.audio)
    np.testing.assert_array_equal(first.motion.jaw, again.motion.jaw)
    assert first.motion.clip_id == "clip+1"
    others = (
        augment(audio, head, config, variant=2),
        augment(audio, head, config.model_copy(update={"seed": 4}), variant=1),
        augment(audio, replace(head, clip_id="other"), config, variant=1),
    )
    assert all(other.variation != first.variation for other in others)


def test_what_is_drawn_lies_in_its_range_and_comes_as_often_as_asked() -> None:
    config = AugmentConfig()
    drawn = [draw(config, rng(seed)) for seed in range(400)]
    voices = [v for v in drawn if v.formant_ratio != 1.0]
    assert len(voices) / 400 == pytest.approx(config.voice_probability, abs=0.08)
    assert all(config.formant_ratio[0] <= v.formant_ratio <= config.formant_ratio[1] for v in voices)
    assert np.corrcoef([v.formant_ratio for v in voices], [np.log(v.f0_ratio) for v in voices])[0, 1] > 0.8
    assert {v.noise for v in drawn} == {*NoiseKind, None}
    assert sum(v.speed_percent != 100 for v in drawn) / 400 == pytest.approx(config.speed_probability, abs=0.08)


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match="snr_db"):
        AugmentConfig(snr_db=(30.0, 5.0))


def test_silence_stays_finite_and_nothing_clips() -> None:
    everything = Variation(1.2, 1.6, 93, 0.3, 3.0, NoiseKind.BABBLE, 5.0, 30.0)
    for level in (0.0, 1.0):
        audio = level * speech_like(30 * SAMPLES_PER_FRAME)
        heard, _ = apply(audio.astype(np.float32), motion(30), everything, LIMITS_HZ, rng())
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() <= 1.0


class Encoder:
    name, dim = "mean:0", 1

    def encode(self, audio: Float32) -> Float32:
        return np.abs(audio).reshape(-1, SAMPLES_PER_FRAME).mean(axis=1, keepdims=True)


def test_speech_features_follow_the_new_pace() -> None:
    made = augment(speech_like(75 * SAMPLES_PER_FRAME), motion(), AugmentConfig(speed_probability=1, seed=1))
    features = features_of_audio(made.audio, Encoder(), SpeechConfig())
    assert features.n_frames == made.motion.n_frames != 75


@pytest.mark.real_data
def test_a_real_voice_made_a_childs_keeps_its_syllables() -> None:
    audio = sound_of(real_clip("talking/hdtf_katiehill.mp4"))[: 100 * SAMPLES_PER_FRAME]
    made, _ = apply(audio, motion(100), Variation(formant_ratio=1.2, f0_ratio=1.7), LIMITS_HZ, rng())
    f0, new_f0 = (pitch(sound, 60.0, 500.0)[0] for sound in (audio, made))
    assert np.median(new_f0[new_f0 > 0]) == pytest.approx(1.7 * np.median(f0[f0 > 0]), rel=0.1)
    assert np.corrcoef(amplitude_envelope(audio), amplitude_envelope(made))[0, 1] > 0.95
