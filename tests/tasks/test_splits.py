"""Splits are by speaker, stable, and never put an unnamed face where it could leak."""

from pathlib import Path

from schemas.source import Offer
from tasks.splits import SplitConfig, speaker_of, split_of

CONFIG = SplitConfig()


def test_a_named_speaker_is_the_same_in_every_file() -> None:
    one, two = Offer(Path("a.mp4"), "GRID", "s1"), Offer(Path("b.mp4"), "GRID", "s1")
    assert speaker_of(one, "aaaa", 0) == speaker_of(two, "bbbb", 1) == "GRID/s1"


def test_datasets_do_not_share_names() -> None:
    assert speaker_of(Offer(Path("a"), "GRID", "s1"), "a", 0) != speaker_of(Offer(Path("a"), "MEAD", "s1"), "a", 0)


def test_unnamed_speakers_are_only_trained_on() -> None:
    speakers = {speaker_of(Offer(Path("a.mp4")), f"{i:016x}", 0) for i in range(200)}
    assert len(speakers) == 200
    assert {split_of(s, CONFIG) for s in speakers} == {"train"}


def test_shares_are_about_what_was_asked_for() -> None:
    splits = [split_of(f"GRID/s{i}", SplitConfig(val_share=0.1, test_share=0.2)) for i in range(4000)]
    assert abs(splits.count("test") / 4000 - 0.2) < 0.02
    assert abs(splits.count("val") / 4000 - 0.1) < 0.02


def test_more_test_speakers_leave_the_old_ones_in_test() -> None:
    speakers = [f"GRID/s{i}" for i in range(500)]
    few = {s for s in speakers if split_of(s, SplitConfig(test_share=0.1)) == "test"}
    many = {s for s in speakers if split_of(s, SplitConfig(test_share=0.2)) == "test"}
    assert few < many
