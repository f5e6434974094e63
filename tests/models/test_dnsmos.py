import importlib.metadata
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from models.dnsmos import Dnsmos
from models.mel import mel_filters
from models.onnx_weights import InvalidOnnxFile, read_float_constants
from schemas.arrays import Float32
from tests.builders import real_clip, speech_like
from tests.models.sounds import sound_of

FOLDER = Path(str(importlib.metadata.distribution("speechmos").locate_file("speechmos/dnsmos_models")))
PUBLISHED_SAMPLES = 144_160  # 9.01 s


@pytest.fixture(scope="module")
def dnsmos() -> Dnsmos:
    return Dnsmos(FOLDER)


def published_p835(audio: Float32) -> tuple[float, float, float]:
    """SIG, BAK and OVRL as the published graph and polynomials give them for one hop."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(FOLDER / "sig_bak_ovr.onnx"), options)
    sig, bak, ovrl = session.run(None, {"input_1": audio[None]})[0][0]
    return (
        float(np.poly1d([-0.08397278, 1.22083953, 0.0052439])(sig)),
        float(np.poly1d([-0.13166888, 1.60915514, -0.39604546])(bak)),
        float(np.poly1d([-0.06766283, 1.11546468, 0.04602535])(ovrl)),
    )


def test_one_hop_is_the_published_p835(dnsmos: Dnsmos) -> None:
    audio = speech_like(PUBLISHED_SAMPLES)
    ours = dnsmos.score(audio)
    assert (ours.sig, ours.bak, ours.ovrl) == pytest.approx(published_p835(audio), abs=1e-4)


@pytest.mark.slow
def test_one_hop_is_the_published_p808_network(dnsmos: Dnsmos) -> None:
    import torch

    audio = speech_like(PUBLISHED_SAMPLES)
    mel = dnsmos._log_mel(torch.from_numpy(audio)).numpy()
    assert mel.shape == (900, 120)
    session = onnxruntime.InferenceSession(str(FOLDER / "model_v8.onnx"))
    assert dnsmos.score(audio).p808 == pytest.approx(session.run(None, {"input_1": mel[None]})[0].item(), abs=1e-4)


@pytest.mark.slow
def test_a_short_clip_scores_as_when_repeated(dnsmos: Dnsmos) -> None:
    clip = speech_like(48_000)
    once, repeated = dnsmos.score(clip), dnsmos.score(np.resize(clip, PUBLISHED_SAMPLES))
    for name in ("ovrl", "sig", "bak", "p808"):
        assert getattr(once, name) == pytest.approx(getattr(repeated, name), abs=0.25)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["talking/hdtf_katiehill.mp4", "talking/grid_s1_bbaf2n.mpg"])
def test_noise_lowers_the_scores(dnsmos: Dnsmos, name: str) -> None:
    clip = sound_of(real_clip(name))
    speech_rms = float(np.sqrt(np.mean(np.square(clip[np.abs(clip) > 0.02]))))
    noise = np.random.default_rng(0).standard_normal(clip.size).astype(np.float32)
    scores = [dnsmos.score(clip + 10 ** (-snr_db / 20) * speech_rms * noise) for snr_db in (60, 20, 10, 0)]
    for kind in ("ovrl", "bak", "p808"):
        levels = [getattr(s, kind) for s in scores]
        assert levels == sorted(levels, reverse=True), kind
    assert scores[0].ovrl > 2.0 > scores[-1].ovrl


@pytest.mark.parametrize(
    "sound",
    [np.zeros(16_000, np.float32), np.zeros(0, np.float32), np.ones(10, np.float32), np.full(16_000, 7, np.float32)],
    ids=["silence", "empty", "ten samples", "beyond full scale"],
)
def test_finite_for_any_sound(dnsmos: Dnsmos, sound: Float32) -> None:
    scores = dnsmos.score(sound)
    assert np.isfinite([scores.ovrl, scores.sig, scores.bak, scores.p808]).all()


def test_damaged_models_are_refused(tmp_path: Path) -> None:
    good = (FOLDER / "sig_bak_ovr.onnx").read_bytes()
    (tmp_path / "model_v8.onnx").write_bytes((FOLDER / "model_v8.onnx").read_bytes())
    for damaged in (b"", b"not a model", good[:5000]):
        (tmp_path / "sig_bak_ovr.onnx").write_bytes(damaged)
        with pytest.raises(InvalidOnnxFile, match="sig_bak_ovr"):
            Dnsmos(tmp_path)
    (tmp_path / "sig_bak_ovr.onnx").write_bytes((FOLDER / "model_v8.onnx").read_bytes())
    with pytest.raises(InvalidOnnxFile, match="DNSMOS"):
        Dnsmos(tmp_path)


def test_constants_have_the_graphs_shapes() -> None:
    constants = read_float_constants(FOLDER / "sig_bak_ovr.onnx")
    assert constants["conv2d/kernel:0"].shape == (128, 1, 3, 3)
    assert float(constants["mos_estimator_logpow/Maximum/x:0"]) == pytest.approx(1e-12)


def test_mel_filters_have_unit_area_and_cover_the_band() -> None:
    filters = mel_filters(80, 400, 16_000)
    assert filters.shape == (80, 201)
    np.testing.assert_allclose(filters[40:].sum(axis=1) * 40.0, 1.0, rtol=0.1)  # 40 Hz a bin
    assert np.all(np.diff(filters.argmax(axis=1)) >= 0)
