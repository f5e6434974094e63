import torch

from models.avatar.network import band_of, rotary_of, rotate
from tests.models.avatar.build import batch_of, tiny_avatar


def listen(avatar: torch.nn.Module, speech: torch.Tensor) -> torch.Tensor:
    prosody = torch.zeros(*speech.shape[:2], 4)
    return avatar.eval().listen(speech, prosody, torch.zeros(len(speech), dtype=torch.bool))


def test_a_frame_hears_no_further_than_the_bands_reach() -> None:
    avatar, speech = tiny_avatar(awake=True), torch.randn(1, 40, 8)
    reach = 2 * 3 + 2  # two blocks of a band of 3, and the convolution
    changed = speech.clone()
    changed[:, 20] += 5

    moved = (listen(avatar, changed) - listen(avatar, speech)).abs().amax((0, 2)) > 1e-6

    assert moved.nonzero().flatten().tolist() == list(range(20 - reach, 21 + reach))


def test_only_distance_matters_not_place() -> None:
    speech = torch.randn(1, 60, 8)
    avatar = tiny_avatar(awake=True)
    torch.testing.assert_close(
        listen(avatar, speech)[:, 20:40], listen(avatar, speech[:, 8:])[:, 12:32], atol=1e-5, rtol=1e-5
    )


def test_rotary_products_depend_on_distance_alone() -> None:
    q, k = torch.randn(2, 8)
    rotary = rotary_of(30, 8, torch.device("cpu"))
    turned = [rotate(x.expand(30, 8), rotary) for x in (q, k)]
    products = turned[0] @ turned[1].T
    torch.testing.assert_close(products[5, 3], products[25, 23])


def test_a_band_is_symmetric_and_as_wide_as_said() -> None:
    band = band_of(6, 2, torch.device("cpu"))[0, 0]
    assert band[0].tolist() == [True, True, True, False, False, False]
    assert (band == band.T).all()


def test_withheld_conditions_change_nothing_any_more() -> None:
    avatar = tiny_avatar(awake=True)
    everything = torch.ones(1, 2, dtype=torch.bool)
    one = avatar.person(torch.randn(1, 58), torch.randn(1, 6), everything)
    other = avatar.person(torch.randn(1, 58), None, everything)
    torch.testing.assert_close(one, other)


def test_padding_does_not_reach_the_loss() -> None:
    avatar = tiny_avatar(awake=True, condition_dropout=0.0).eval()
    batch = batch_of(2, 30)
    batch.valid[:, 20:] = False
    before = avatar.losses(batch, torch.Generator().manual_seed(3))
    batch.motion[:, 20:] = 1.0
    after = avatar.losses(batch, torch.Generator().manual_seed(3))
    torch.testing.assert_close(before["total"], after["total"])


def test_it_learns_what_the_speech_says() -> None:
    avatar = tiny_avatar()
    optimiser = torch.optim.AdamW(avatar.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(60):
        loss = avatar.losses(batch_of(8, 24, seed=step), generator)["lips"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])
