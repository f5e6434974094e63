from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.avatar.motion import GAZE, MOTION_DIM
from models.avatar.motion import JAW as OUR_JAW
from models.avatar.protocol import Condition
from models.paper.config import PaperConfig
from models.paper.frame import EXPRESSION, JAW, ROTATION, DetailMissing, clamp_jaw, to_code, to_frames
from models.paper.model import Paper, UnknownSpeech
from models.paper.network import PaperNetwork
from models.paper.noise import interpolate_keys, normalised_envelope, source_noise
from models.paper.statistics import PaperStatistics
from models.paper.streams import at_sample_rate, prosody
from models.training.batch import Batch
from schemas.motion import HeadMotion, to_3dxtalker
from schemas.speech import SpeechFeatures

TINY = PaperConfig(
    frame_dim=156,
    speech_dim=8,
    width=16,
    heads=2,
    trunk_blocks=1,
    pose_blocks=1,
    expression_blocks=1,
    feed_forward=2,
    amplitude_width=8,
    time_frequencies=8,
    dropout=0.0,
    steps=3,
)
DETAILED = TINY.model_copy(update={"frame_dim": 284})
STILL = np.zeros(100, np.float32)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def paper(config: PaperConfig = TINY, seed: int = 0) -> Paper:
    torch.manual_seed(seed)
    return Paper(config, PaperStatistics.neutral(config))


def batch(config: PaperConfig = TINY, n_frames: int = 30) -> Batch:
    random = torch.Generator().manual_seed(1)
    speech = torch.randn(2, n_frames, config.speech_dim, generator=random)
    motion = 0.3 * torch.randn(2, n_frames, MOTION_DIM, generator=random)
    motion[..., :8] = speech[..., :8]  # something there is to learn
    return Batch(
        motion=motion,
        speech=speech,
        envelope=0.1 * torch.rand(2, n_frames, generator=random),
        f0_hz=torch.where(torch.rand(2, n_frames, generator=random) < 0.5, 0.0, 120.0),
        shape=torch.randn(2, 100, generator=random),
        detail=torch.randn(2, n_frames, 128, generator=random) if config.frame_dim == 284 else None,
        valid=torch.ones(2, n_frames, dtype=torch.bool),
        reference=motion[:, 3],
        style=torch.zeros(2, 6),
    )


def speech_of(n_frames: int, level: float = 0.1, config: PaperConfig = TINY) -> SpeechFeatures:
    random = np.random.default_rng(n_frames)
    return SpeechFeatures(
        n_frames,
        (level * random.random(n_frames)).astype(np.float32),
        np.full(n_frames, 120.0 if level else 0.0, np.float32),
        random.normal(size=(n_frames, config.speech_dim)).astype(np.float32),
        config.speech_model,
    )


# --- the frame


def test_code_is_3dxtalkers_frame_and_comes_back() -> None:
    random = np.random.default_rng(0)
    sizes = {"expression": 50, "global_rotation": 3, "jaw": 3, "eyes": 6, "eyelids": 2, "translation": 3, "detail": 128}
    arrays = {name: random.normal(size=(4, size)).astype(np.float32) for name, size in sizes.items()}
    shape = random.normal(size=100).astype(np.float32)
    motion = HeadMotion("c", "open-head@1", 4, shape, focal_px=1.0, principal_point_px=(0.0, 0.0), **arrays)
    parts = (motion.expression, motion.jaw, motion.global_rotation, np.zeros((4, 2), np.float32))
    frames = torch.from_numpy(np.concatenate(parts, axis=1))[None]
    code = to_code(frames, torch.from_numpy(shape)[None], torch.from_numpy(arrays["detail"])[None])
    np.testing.assert_array_equal(code[0].numpy(), to_3dxtalker(motion))
    torch.testing.assert_close(to_frames(code), frames)
    assert to_code(frames, torch.from_numpy(shape)[None], None).shape == (1, 4, 156)


def test_jaw_is_clamped_and_nothing_else() -> None:
    code = torch.full((1, 1, 284), 5.0)
    clamped = clamp_jaw(code)
    torch.testing.assert_close(clamped[0, 0, JAW], torch.tensor([0.3, 0.1, 0.1]))
    assert (clamped != code).sum() == 3
    torch.testing.assert_close(clamp_jaw(-code)[0, 0, JAW], torch.tensor([0.0, -0.1, -0.1]))


# --- source noise


def test_noise_is_linear_between_keys_25_frames_apart() -> None:
    keys = torch.randn(1, 4, 3)
    noise = interpolate_keys(keys, 60, 25)
    torch.testing.assert_close(noise[:, [0, 25, 50]], keys[:, :3])
    torch.testing.assert_close(noise[:, 5], 0.8 * keys[:, 0] + 0.2 * keys[:, 1])
    torch.testing.assert_close(noise[:, 55], 0.8 * keys[:, 2] + 0.2 * keys[:, 3])


def test_noise_has_unit_deviation_at_its_keys_and_keys_are_independent() -> None:
    envelope = torch.rand(400, 51)
    everywhere = torch.ones(400, 51, dtype=torch.bool)
    noise = source_noise(envelope, everywhere, TINY, torch.Generator().manual_seed(0))
    still = torch.cat([noise[..., : JAW.start], noise[..., JAW.start + 1 :]], dim=-1)
    assert float(still[:, 25].std()) == pytest.approx(1.0, abs=0.02)
    assert abs(float((still[:, 25] * still[:, 50]).mean())) < 0.02
    assert float(still[:, 12].std()) == pytest.approx(np.hypot(12 / 25, 13 / 25), abs=0.02)


def test_jaw_noise_opens_with_the_envelope_and_is_still_in_silence() -> None:
    envelope = torch.linspace(0, 0.5, 50).repeat(300, 1)
    everywhere = torch.ones_like(envelope, dtype=torch.bool)
    random = torch.Generator().manual_seed(0)
    config = TINY.model_copy(update={"lip_coefficient": 2.0, "key_frames": 1})
    jaw = source_noise(envelope, everywhere, config, random)[..., JAW.start]
    assert (jaw >= 0).all()
    expected = 2.0 * np.sqrt(2 / np.pi) * torch.linspace(0, 1, 50)  # mean of a half-normal, times the envelope
    np.testing.assert_allclose(jaw.mean(0), expected, atol=0.2)
    silent = source_noise(torch.full((2, 50), 1e-5), everywhere[:2], TINY, random)
    assert not silent[..., JAW.start].any()
    assert silent.isfinite().all()


def test_envelope_is_stretched_over_each_sequence_alone() -> None:
    quiet, loud = torch.linspace(0.01, 0.02, 5), torch.linspace(0.1, 0.9, 5)
    valid = torch.ones(2, 6, dtype=torch.bool)
    valid[:, 5] = False
    envelope = torch.cat([torch.stack([quiet, loud]), torch.full((2, 1), 7.0)], dim=1)
    stretched = normalised_envelope(envelope, valid)
    np.testing.assert_allclose(stretched, np.append(np.linspace(0, 1, 5), 0)[None].repeat(2, 0), atol=1e-5)


# --- what it hears


def test_envelope_at_sample_rate_passes_through_the_frame_centres() -> None:
    envelope = torch.rand(1, 6)
    dense = at_sample_rate(envelope)
    assert dense.shape == (1, 640, 6)
    torch.testing.assert_close(dense[:, 319:321].mean(1), envelope, atol=1e-3, rtol=0)
    between = dense[0, :, 2].numpy()
    assert between[639] == pytest.approx(float(envelope[0, 2:4].mean()), abs=1e-3)


def test_prosody_tells_pitch_only_where_voiced_and_is_finite_in_silence() -> None:
    f0 = torch.tensor([[0.0, 160.0, 320.0, 0.0]])
    features = prosody(torch.tensor([[0.0, 0.1, 0.1, 0.0]]), f0)
    assert features.isfinite().all()
    assert features[0, :, 0].tolist() == [0.0, 0.0, 2.0, 0.0]
    assert features[0, :, 1].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert features[0, :, 3].tolist() == [0.0, 0.0, 2.0, 0.0]


# --- the network


def test_the_papers_sizes_are_the_papers_parameters() -> None:
    config = PaperConfig()
    with torch.device("meta"):
        network = PaperNetwork(config)
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    our_inputs = (512 + 1) * 768 + (6 + 1) * 768  # Whisper and prosody where theirs are 768 wide as they come
    assert n_parameters - our_inputs == 160_721_948


@pytest.mark.parametrize("config", [TINY, DETAILED, TINY.model_copy(update={"speech_dim": 16})])
def test_every_size_of_frame_and_speech_trains_and_performs(config: PaperConfig) -> None:
    model = paper(config)
    losses = model.losses(batch(config), torch.Generator().manual_seed(0))
    assert all(loss.isfinite() and loss.ndim == 0 for loss in losses.values())
    losses["total"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    frames = model.perform(speech_of(30, config=config), STILL, Condition(), None, 0)
    assert frames.shape == (30, MOTION_DIM)
    assert frames.dtype == np.float32
    assert not frames[:, GAZE].any()


def test_the_loss_counts_every_number_alike() -> None:
    losses = paper().losses(batch(), torch.Generator().manual_seed(0))
    parts = {"expression": EXPRESSION, "rotation": ROTATION, "jaw": JAW}
    mobile = sum(losses[name].item() * (part.stop - part.start) for name, part in parts.items())
    assert 0 < mobile < losses["total"].item() * 156  # the rest of it is shape


def test_data_without_detail_cannot_train_a_model_of_it() -> None:
    with pytest.raises(DetailMissing, match="frame_dim=156"):
        paper(DETAILED).losses(batch(TINY), torch.Generator())
    with pytest.raises(DetailMissing):
        PaperStatistics.of([batch(TINY)], DETAILED)


def test_it_learns() -> None:
    model, data = paper(TINY.model_copy(update={"width": 32, "dropout": 0.1})), batch()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    totals = []
    for step in range(30):
        loss = model.losses(data, torch.Generator().manual_seed(step % 3))["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        totals.append(float(loss.detach()))
    assert np.mean(totals[-6:]) < 0.8 * np.mean(totals[:6])


def test_padded_frames_do_not_matter() -> None:
    data = batch()
    data.valid[0, 20:] = False
    garbled = replace(data, **{name: getattr(data, name).clone() for name in ("motion", "speech", "envelope", "f0_hz")})
    for field in (garbled.motion, garbled.speech, garbled.envelope, garbled.f0_hz):
        field[0, 20:] = 40.0
    first, second = (paper().losses(d, torch.Generator().manual_seed(2)) for d in (data, garbled))
    for name in first:
        assert float(first[name].detach()) == pytest.approx(float(second[name].detach()), rel=1e-5)


def test_a_padded_sequence_is_heard_as_it_is_without_padding() -> None:
    network, data = paper().network.eval(), batch()
    data.valid[:, 20:] = False
    cut = [field[:, :20] for field in (data.speech, data.envelope, data.f0_hz, data.valid)]
    noisy, time = torch.randn(2, 30, 156), network.modulation(torch.tensor([3, 400]))
    padded = network(noisy, noisy[:, :1], time, network.listen(data.speech, data.envelope, data.f0_hz, data.valid))
    alone = network(noisy[:, :20], noisy[:, :1], time, network.listen(*cut))
    torch.testing.assert_close(padded[:, :20], alone, atol=1e-5, rtol=1e-4)


# --- performing


def test_a_perfect_velocity_is_integrated_exactly() -> None:
    model = paper()
    target = torch.randn(1, 7, 156)
    started = {}

    def straight(z: torch.Tensor, *_: object) -> torch.Tensor:
        started.setdefault("noise", z)
        return target - started["noise"]

    model.network.forward = straight
    speech = speech_of(7)
    features = [torch.from_numpy(f.copy())[None] for f in (speech.embedding, speech.envelope, speech.f0_hz)]
    with torch.inference_mode():
        code = model.sample(*features, torch.ones(1, 1, 156), 5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(code, clamp_jaw(target + 1.0), atol=1e-5, rtol=1e-5)


def test_the_seed_decides_and_training_mode_does_not() -> None:
    model = paper(TINY.model_copy(update={"dropout": 0.5})).train()
    speech = speech_of(40)
    first, again, other = (model.perform(speech, STILL, Condition(), 4, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert model.training


def test_silence_is_a_finite_performance_with_a_jaw_in_its_limits() -> None:
    frames = paper().perform(speech_of(50, level=0.0), STILL, Condition(), None, 0)
    assert np.isfinite(frames).all()
    assert frames[:, OUR_JAW].min() >= -0.1 - 1e-6
    assert frames[:, OUR_JAW].max() <= 0.3 + 1e-6


def test_long_speech_goes_on_from_the_last_frame_of_the_part_before() -> None:
    model = paper(TINY.model_copy(update={"window_frames": 20}))
    references, sample = [], model.sample

    def watched(*arguments: torch.Tensor | int | torch.Generator) -> torch.Tensor:
        references.append(to_frames(arguments[3])[0, 0].numpy())
        return sample(*arguments)

    model.sample = watched
    before = np.random.default_rng(0).normal(size=(3, MOTION_DIM)).astype(np.float32)
    before[:, GAZE] = 0
    frames = model.perform(speech_of(45), STILL, Condition(reference=before[0], previous=before), None, 0)
    assert frames.shape == (45, MOTION_DIM)
    np.testing.assert_array_equal(references, [before[-1], frames[14], frames[29]])


def test_speech_of_another_encoder_is_refused() -> None:
    with pytest.raises(UnknownSpeech, match=r"wavlm.*whisper-base:2"):
        paper().perform(replace(speech_of(5), embedding_model="wavlm:12"), STILL, Condition(), None, 0)


def test_a_saved_model_performs_as_before() -> None:
    data = batch()
    torch.manual_seed(0)
    trained = Paper(TINY, PaperStatistics.of([data], TINY))
    loaded = paper(seed=9)
    loaded.load_state_dict(trained.state_dict())
    performances = (model.perform(speech_of(10), STILL, Condition(), None, 0) for model in (trained, loaded))
    np.testing.assert_array_equal(*performances)


# --- statistics


def test_statistics_are_of_codes_relative_to_the_windows_first_frame() -> None:
    data = batch()
    data.valid[1, 10:] = False
    measured = PaperStatistics.of([data], TINY)
    code = to_code(data.motion, data.shape, None)
    relative = torch.cat([code[0] - code[0, 0], code[1, :10] - code[1, 0]]).numpy()
    np.testing.assert_allclose(measured.code_mean, relative.mean(0), atol=1e-5)
    np.testing.assert_allclose(measured.code_std[EXPRESSION], relative.std(0)[EXPRESSION], rtol=1e-4)
    assert (measured.code_std[:100] > 0).all()  # a shape does not move, and is divided by all the same
    calm = replace(data, motion=data.motion * 0.01)
    np.testing.assert_allclose(
        PaperStatistics.of([calm], TINY).code_std[ROTATION], 0.01 * measured.code_std[ROTATION], rtol=1e-3
    )
    halves = [replace(data, **{n: getattr(data, n)[rows] for n in ("motion", "shape", "speech", "valid")})
              for rows in (slice(0, 1), slice(1, 2))]  # fmt: skip
    np.testing.assert_allclose(PaperStatistics.of(halves, TINY).code_std, measured.code_std, rtol=1e-4)
