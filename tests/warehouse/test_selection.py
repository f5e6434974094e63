"""Selections: the clips a model may learn from, the sentences kept back, and the rights that are refused."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.licence import LicenceClass
from schemas.tables import TABLES
from tests.warehouse.lakes import regate, staged, tables
from warehouse.commit import commit, open_committer
from warehouse.errors import LicenceRefused, MixedHeadModels, NothingSelected, NotReadOnly, SqlError, UnknownSnapshot
from warehouse.selection import Selection, is_held_out, select_clips, sentence_group
from warehouse.sql import Session, session

SENTENCES = [f"Place {colour} at {letter}" for colour in ("red", "blue") for letter in "ABCDEFGHIJ"]


def with_column(table: pa.Table, name: str, values: list[str | None]) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(values, pa.string()))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshot 2: speaker a says 20 sentences, b is a test speaker, c has no licence; each one's clip 0 is refused.
    Snapshot 3: all clips are kept."""
    root = tmp_path_factory.mktemp("selection") / "lake"
    rows = tables(["a"], clips_each=21)
    rows["clips"] = with_column(rows["clips"], "transcript", ["", *SENTENCES])
    more = tables(["b", "c"])
    more["clips"] = with_column(more["clips"], "split", ["test", "test", "val", "val"])
    more["sources"] = with_column(more["sources"], "licence", ["CC BY-NC 4.0", None])
    with open_committer(root) as lake:
        commit(lake, staged(lake, {name: pa.concat_tables([rows[name], more[name]]) for name in TABLES}))
        regate(lake, keep=True)
    return root


def test_kept_clips_come_sorted_with_all_that_is_asked_of_them(root: Path) -> None:
    selected = select_clips(root, Selection(snapshot=2, holdout_share=0))
    ids = [clip.clip_id for clip in selected.clips]
    assert ids == sorted(ids)
    assert len(ids) == 22
    assert "a-0" not in ids
    clip = selected.by_id["b-1"]
    assert (clip.source_id, clip.speaker_id, clip.split, clip.n_frames) == ("b", "made/b", "test", 5)
    assert (clip.licence, clip.path, clip.transcript) == ("CC BY-NC 4.0", Path("/video/b.mp4"), "one two")
    assert selected.hours("test") == pytest.approx(5 / 25 / 3600)
    assert selected.hours() == pytest.approx(22 * 5 / 25 / 3600)
    assert selected.licence_class is LicenceClass.PUBLIC_DOMAIN  # of what is trained on; b and c are not


def test_where_and_splits_choose(root: Path) -> None:
    selected = select_clips(root, Selection(where="speaker_id = 'made/a' and path like '%a.mp4'", snapshot=2))
    assert {clip.speaker_id for clip in selected.clips} == {"made/a"}
    assert {clip.clip_id for clip in select_clips(root, Selection(splits=("test",), snapshot=2)).clips} == {"b-1"}
    with pytest.raises(NothingSelected, match="snr_db > 99"):
        select_clips(root, Selection(where="snr_db > 99"))


def test_the_newest_data_is_taken_unless_another_snapshot_is_named(root: Path) -> None:
    selected = select_clips(root, Selection())
    assert (selected.snapshot, selected.selection.snapshot, len(selected.clips)) == (3, 3, 25)
    assert select_clips(root, selected.selection) == selected
    with pytest.raises(UnknownSnapshot):
        select_clips(root, Selection(snapshot=99))


@pytest.fixture(scope="module")
def opened(root: Path) -> Iterator[Session]:
    with session(root) as opened:
        yield opened


@pytest.mark.parametrize(
    "where",
    [
        "true) OR (true",
        "true), (false",
        "true) FROM clips WHERE (true",
        "true) UNION ALL SELECT (true",
        "true) ORDER BY (1",
        "true; DELETE FROM clips",
        "true); DELETE FROM clips; --",
        "clip_id IN (SELECT content FROM read_text('/etc/passwd'))",
        "clip_id IN (SELECT * FROM read_csv('x.csv'))",
        "getenv('HOME') = 'x'",
        "random() < 0.5",
        "now() > '2020-01-01'",
        "current_timestamp > '2020-01-01'",
        "",
        "/* open",
    ],
)
def test_what_is_not_one_steady_expression_is_refused(opened: Session, where: str) -> None:
    with pytest.raises((NotReadOnly, SqlError)):
        opened.check_expression(where)


def test_all_expressions_are_checked(root: Path) -> None:
    for selection in (Selection(where="true) OR (true"), Selection(holdout="true) OR (true"), Selection(where="x")):
        with pytest.raises(SqlError):
            select_clips(root, selection)


def test_a_comment_and_a_subquery_are_fine(root: Path) -> None:
    where = "source_id IN (SELECT source_id FROM sources WHERE licence = 'CC0-1.0') -- only a"
    assert {clip.source_id for clip in select_clips(root, Selection(where=where)).clips} == {"a"}


def test_a_share_of_the_sentences_of_training_speakers_is_kept_back(root: Path) -> None:
    selected = select_clips(root, Selection(snapshot=2, holdout_share=0.3))
    held, trained = selected.of("sentences"), selected.of("train")
    assert 1 <= len(held) <= 12
    assert len(held) + len(trained) == 20
    assert {clip.speaker_id for clip in held} == {"made/a"}
    assert not {sentence_group(c.transcript) for c in held} & {sentence_group(c.transcript) for c in trained}
    assert {clip.split for clip in selected.clips if clip.source_id != "a"} == {"test", "val"}
    more = select_clips(root, Selection(snapshot=2, holdout_share=0.5)).of("sentences")
    assert {clip.clip_id for clip in held} < {clip.clip_id for clip in more}
    assert not select_clips(root, Selection(snapshot=2, holdout_share=0)).of("sentences")


def test_sql_can_say_what_is_kept_back(root: Path) -> None:
    selected = select_clips(root, Selection(snapshot=2, holdout="transcript LIKE '%blue%' OR split = 'test'"))
    assert {clip.transcript for clip in selected.of("sentences")} == set(SENTENCES[10:])
    assert selected.by_id["b-1"].split == "test"
    assert not select_clips(root, Selection(snapshot=2, holdout="NULL")).of("sentences")


def test_sentences_that_begin_alike_are_one_group() -> None:
    assert sentence_group("Place red at C17, now.") == sentence_group("place RED at C 4 please") == "place red at c"
    assert sentence_group("Ça va?") == "ça va"
    assert not is_held_out(sentence_group(" ... "), 1.0)
    shares = [is_held_out(f"sentence {i}", 0.05) for i in range(4000)]
    assert 0.04 < sum(shares) / len(shares) < 0.06


def test_rights_are_refused_before_anything_is_read(root: Path) -> None:
    with pytest.raises(LicenceRefused) as refusal:
        select_clips(root, Selection(licences=("commercial",), snapshot=2))
    message = str(refusal.value)
    assert "2 of 22 selected clips may not be used for 'commercial'" in message
    assert "1 clips, non-commercial: CC BY-NC 4.0" in message
    assert "unknown: no licence stated" in message
    remedy = message.split('"')[1]
    assert len(select_clips(root, Selection(licences=("commercial",), where=remedy, snapshot=2)).clips) == 20
    stated = Selection(licences=("commercial", "non-commercial", "unknown"), snapshot=2)
    assert len(select_clips(root, stated).clips) == 22
    with pytest.raises(LicenceRefused, match="1 of 22"):
        select_clips(root, Selection(licences=("research",), snapshot=2))


def test_head_models_are_not_mixed(tmp_path: Path) -> None:
    rows = tables(["a", "b"])
    heads = ["open-head@1", "open-head@1", "flame2020@0123abcd", "flame2020@0123abcd"]
    rows["motion"] = with_column(rows["motion"], "head_model", heads)
    with open_committer(tmp_path / "lake") as lake:
        commit(lake, staged(lake, rows))
    with pytest.raises(MixedHeadModels, match=r"1 clips of 'flame2020@0123abcd'.*head_model = '"):
        select_clips(tmp_path / "lake", Selection())
    for chosen in ({"where": "head_model like 'flame%'"}, {"head_model": "flame2020@0123abcd"}):
        selected = select_clips(tmp_path / "lake", Selection(**chosen))
        assert {clip.source_id for clip in selected.clips} == {"b"}
        assert selected.head_model == selected.selection.head_model == "flame2020@0123abcd"
