"""The registry: a model and its footage, decisions about names, and what survives."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.licence import LicenceClass
from schemas.version import DecisionKind
from tests.warehouse.conftest import Backend
from tests.warehouse.lakes import contents_at, curate_at
from tests.warehouse.models import RULE, checkpoint, metric, metrics, registered
from warehouse.checkpoints import checkpoint_digest
from warehouse.commit import open_committer
from warehouse.compact import COMPACTED, compact
from warehouse.errors import AmbiguousName, InvalidCheckpoint, NothingToRollBack, UnknownName
from warehouse.lake import Layout, reading
from warehouse.rebuild import rebuild
from warehouse.registry import (
    aliases,
    decisions,
    metrics_of,
    open_checkpoint,
    promote,
    resolve_version,
    rollback,
    versions,
)
from warehouse.saved import saved_queries
from warehouse.selection import Selection, select_clips
from warehouse.snapshots import diff, list_snapshots
from warehouse.sql import query, session
from warehouse.verify import ProblemKind, verify


@pytest.fixture(scope="module")
def one(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with one model, and beside it the folder it came from."""
    folder = tmp_path_factory.mktemp("registry")
    backend.make(folder / "lake")
    curate_at(folder / "lake", ["a", "b"], clips_each=3)
    selection = Selection(where="snr_db > 1", licences=("commercial",), holdout="clip_id = 'a-1'")
    registered(folder / "lake", folder, "first", 1.5, selection)
    return folder


@pytest.fixture
def root(backend: Backend, one: Path, tmp_path: Path) -> Path:
    return backend.copy(one / "lake", tmp_path / "lake")


def test_a_version_says_what_it_is_and_what_it_saw(one: Path) -> None:
    with reading(one / "lake") as lake:
        (version,) = versions(lake)
        assert metrics_of(lake, version.version) == tuple(metrics(1.5))
    assert version.version == f"small-{version.checkpoint_sha256[:12]}"
    assert (version.preset, version.n_parameters, version.code_version, version.parent) == ("small", 5, "test", None)
    assert (version.snapshot, version.licence_class) == (2, LicenceClass.PUBLIC_DOMAIN)
    assert version.train_hours == pytest.approx(3 * 5 / 25 / 3600)
    assert abs((datetime.now(UTC) - version.created).total_seconds()) < 600
    again = select_clips(one / "lake", Selection.model_validate_json(version.selection))
    trained = {(row["clip_id"], row["split"]) for row in contents_at(one / "lake")["model_clips"]}
    assert trained == {(clip.clip_id, clip.split) for clip in again.clips}
    assert ("a-1", "sentences") in trained
    folder = open_checkpoint(one / "lake", version)
    assert folder == one / "lake" / version.checkpoint
    assert (folder / "model.safetensors").read_bytes() == b"first"
    assert checkpoint_digest(folder) == checkpoint_digest(one / "first") == version.checkpoint_sha256


def test_a_model_is_a_snapshot_but_no_new_data(one: Path) -> None:
    with reading(one / "lake") as lake:
        snapshots = list_snapshots(lake)
        assert [(s.kind, s.rows.get("models", 0)) for s in snapshots] == [("curate", 0), ("model", 1)]
        changes = diff(lake, snapshots[0].snapshot_id, snapshots[1].snapshot_id)
        assert not any(asdict(changes).values())
    assert select_clips(one / "lake", Selection()).snapshot == snapshots[0].snapshot_id


def test_sql_leads_from_a_model_to_its_sources(one: Path) -> None:
    queries = saved_queries()
    lineage = query(one / "lake", queries["model_lineage"].sql, parameters={"version": "small"}).to_pylist()
    assert [(row["split"], row["path"], row["clips"], row["known"]) for row in lineage] == [
        ("sentences", "/video/a.mp4", 1, True),
        ("train", "/video/a.mp4", 1, True),
        ("train", "/video/b.mp4", 2, True),
    ]
    (best,) = query(one / "lake", queries["model_leaderboard"].sql).to_pylist()
    assert (best["metric"], best["value"], best["n"], best["aliases"]) == ("LVE", 1.5, 7, None)
    (chosen,) = query(one / "lake", "SELECT selection->>'where' AS w FROM models").to_pylist()
    assert chosen == {"w": "snr_db > 1"}


def test_a_decision_is_stored_with_what_decided_it(root: Path) -> None:
    decision = promote(root, "latest", RULE, "test")
    assert decision.moved
    with reading(root) as lake:
        assert decisions(lake) == (decision,)
        assert resolve_version(lake, "champion").version == decision.version
    (stored,) = query(root, "FROM model_aliases").to_pylist()
    assert (stored["measured"], stored["threshold"]) == (pytest.approx(0.5), 0)
    assert "1.5 against 3 of mean motion: 50 % better" in stored["reason"]
    with pytest.raises(NothingToRollBack):
        rollback(root, "test")


@pytest.mark.slow
def test_a_champion_who_came_after_the_registration_counts_once_it_is_measured(root: Path, tmp_path: Path) -> None:
    first = resolve(root, "latest")
    better = registered(root, tmp_path, "better", 1.0).version
    promote(root, first, RULE, "test")
    assert "was not measured on these clips" in promote(root, better, RULE, "test").reason
    measured = metric(1.5, first)
    assert promote(root, better, RULE, "test", beside=[measured]).moved
    with reading(root) as lake:
        assert metrics_of(lake, better)[-1] == measured


@pytest.mark.slow
def test_names_are_decided_stored_and_rolled_back(root: Path, tmp_path: Path) -> None:
    first = resolve(root, "latest")
    taken = promote(root, "small", RULE, "test")
    assert (taken.moved, taken.previous, taken.number, taken.kind) == (True, None, 1, DecisionKind.PROMOTE)
    assert taken.measured == pytest.approx(0.5)
    worse = registered(root, tmp_path, "worse", 1.6).version
    refused = promote(root, worse, RULE, "test")
    assert (refused.moved, refused.version, refused.previous) == (False, worse, first)
    assert "was not measured on these clips" in refused.reason  # it held other sentences back
    beside = registered(root, tmp_path, "beside", 1.6, beside={first: 1.5}).version
    assert promote(root, beside, RULE, "test").measured == pytest.approx(-0.1 / 1.5)
    assert resolve(root, "champion") == first
    forced = promote(root, beside, RULE, "test", force=True)
    assert (forced.moved, forced.kind, forced.previous) == (True, DecisionKind.FORCE, first)
    assert forced.reason.startswith("forced, though LVE")
    assert promote(root, beside, RULE, "test", force=True).moved is False
    better = registered(root, tmp_path, "better", 1.2, beside={beside: 1.6}).version
    assert promote(root, better, RULE, "test").moved
    assert [rollback(root, "test").version for _ in range(2)] == [beside, first]
    with reading(root) as lake:
        assert aliases(lake) == {"champion": first}
        history = decisions(lake)
        assert [d.number for d in history] == list(range(1, len(history) + 1))
        assert [d.kind.value for d in history if d.moved] == ["promote", "force", "promote", "rollback", "rollback"]
        assert replace(history[0], set_at=taken.set_at) == taken
    (now,) = query(root, "FROM current_aliases").to_pylist()
    assert (now["version"], now["kind"]) == (first, "rollback")
    assert verify(root).ok


def resolve(root: Path, text: str) -> str:
    with reading(root) as lake:
        return resolve_version(lake, text).version


@pytest.mark.slow
def test_versions_are_named_by_alias_beginning_or_hash(root: Path, tmp_path: Path) -> None:
    first, second = resolve(root, "latest"), registered(root, tmp_path, "second").version
    assert resolve(root, "latest") == second
    assert resolve(root, first[:12]) == resolve(root, first.removeprefix("small-")) == first
    with pytest.raises(AmbiguousName, match="small-"):
        resolve(root, "small")
    for unknown in ("champion", "nobody", ""):
        with pytest.raises(UnknownName, match="xtalker models"):
            resolve(root, unknown)


@pytest.mark.slow
def test_the_same_checkpoint_is_registered_once(root: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    version = registered(root, tmp_path / "again", "first")
    assert version.version == resolve(root, "latest")
    assert len(contents_at(root)["models"]) == 1


@pytest.mark.slow
def test_a_fine_tuned_model_inherits_footage_and_licence(root: Path, tmp_path: Path) -> None:
    parent = resolve(root, "latest")
    curate_at(root, ["c"])
    child = registered(root, tmp_path, "child", selection=Selection(where="source_id = 'c'"), parent=parent)
    lineage = saved_queries()["model_lineage"].sql
    rows = query(root, lineage, parameters={"version": child.version}).to_pylist()
    assert {(row["version"], row["source_id"]) for row in rows if row["split"] == "train"} == {
        (parent, "a"),
        (parent, "b"),
        (child.version, "c"),
    }
    with pytest.raises(UnknownName, match="nobody"):
        registered(root, tmp_path, "orphan", parent="nobody")
    assert len(Layout.of(root).models.folders()) == 2


@pytest.mark.slow
def test_a_model_outlives_the_clips_it_saw(root: Path) -> None:
    curate_at(root, ["a", "b"], clips_each=1, key="k2")
    rows = query(root, saved_queries()["model_lineage"].sql, parameters={"version": "small"}).to_pylist()
    assert {row["path"] for row in rows} == {"/video/a.mp4", "/video/b.mp4"}
    assert verify(root).ok


@pytest.mark.slow
def test_a_rebuild_brings_the_registry_back(backend: Backend, root: Path) -> None:
    promote(root, "latest", RULE, "test")
    with open_committer(root) as lake:
        assert compact(lake, "test", at_least=1) is not None
    before = contents_at(root)
    assert before["models"]
    assert before["model_aliases"]
    backend.lose_catalogue(root)
    assert rebuild(root).skipped == ()
    assert contents_at(root) == before
    assert resolve(root, "champion") == before["models"][0]["version"]
    assert "model_clips" not in COMPACTED


@pytest.mark.slow
def test_a_decision_about_a_lost_model_is_left_out_and_said(root: Path) -> None:
    promote(root, "latest", RULE, "test")
    layout = Layout.of(root)
    layout.shards.remove([next(name for name in layout.shard_files() if "/models/" in name)])
    skipped = rebuild(root).skipped
    assert any("knows of no model" in reason for reason in skipped)
    assert not contents_at(root)["model_aliases"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["flipped", "added", "gone"])
def test_a_damaged_checkpoint_is_found_and_mended(one: Path, root: Path, damage: str) -> None:
    models, name = Layout.of(root).models, resolve(root, "latest")
    match damage:
        case "flipped":
            models.write(f"{name}/model.safetensors", b"firsT")
        case "added":
            models.write(f"{name}/more/extra", b"")
        case "gone":
            models.remove_folder(name)
    kind = ProblemKind.MISSING if damage == "gone" else ProblemKind.CORRUPT
    assert [(p.kind, p.what) for p in verify(root).problems] == [(kind, models.url(name))]
    registered(root, root.parent / "copy", "first")
    assert verify(root).ok


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidCheckpoint, match="no files"):
        checkpoint_digest(tmp_path / "empty")
    linked = checkpoint(tmp_path / "linked")
    (linked / "secret").symlink_to("/etc/passwd")
    with pytest.raises(InvalidCheckpoint, match="secret"):
        checkpoint_digest(linked)


def test_an_old_snapshot_and_its_models_are_empty_in_sql(one: Path) -> None:
    with session(one / "lake", at=2) as opened:
        assert opened.query("SELECT count(*) AS n FROM models").to_pylist() == [{"n": 0}]
