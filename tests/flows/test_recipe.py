"""The recipe: defaults, overlays, and what a change of it means for stored results."""

from pathlib import Path

import pytest

from flows.errors import InvalidRecipe
from flows.recipe import load_recipe


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_default_gates_are_the_published_ones() -> None:
    pretrain, strict = load_recipe().gates.pretrain, load_recipe().gates.strict
    assert (pretrain.min_face_px, pretrain.max_yaw_deg, pretrain.min_snr_db, pretrain.min_dnsmos_ovrl) == (
        96,
        60,
        10,
        2,
    )
    assert (strict.min_face_px, strict.max_yaw_deg, strict.min_snr_db, strict.min_dnsmos_ovrl) == (200, 35, 20, 2.8)


def test_a_recipe_states_only_what_it_changes(tmp_path: Path) -> None:
    recipe = load_recipe(own(tmp_path, "tier: strict\ngates: {strict: {min_snr_db: 25}}\n"))
    assert recipe.thresholds.min_snr_db == 25
    assert recipe.thresholds.min_face_px == load_recipe().gates.strict.min_face_px


def test_other_gates_do_not_measure_again(tmp_path: Path) -> None:
    changed = load_recipe(own(tmp_path, "tier: strict\ngates: {pretrain: {min_snr_db: 25}}\n"))
    assert changed.curation_key == load_recipe().curation_key


@pytest.mark.parametrize("setting", ["voice: {}", "tracks: {max_gap_frames: 9}"])
def test_other_stage_settings_do(tmp_path: Path, setting: str) -> None:
    changed = load_recipe(own(tmp_path, setting))
    assert (changed.curation_key != load_recipe().curation_key) == ("9" in setting)
    assert (changed.clip_versions != load_recipe().clip_versions) == ("9" in setting)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: {strict: {min_snr: 25}}", r"gates\.strict\.min_snr"),
        ("tier: best", "tier"),
        ("- a list", "wanted a mapping"),
        ("a: [", "mine.yaml"),
    ],
)
def test_a_wrong_recipe_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidRecipe, match=message):
        load_recipe(own(tmp_path, text))


def test_a_missing_recipe_says_which() -> None:
    with pytest.raises(InvalidRecipe, match=r"gone\.yaml"):
        load_recipe(Path("gone.yaml"))
