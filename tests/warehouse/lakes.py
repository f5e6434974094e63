"""Rows and lakes for the warehouse's tests: small, deterministic, whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.cues import FaceCues, VoiceCues
from schemas.record import ClipScores
from schemas.tables import LAKE_TABLES, TABLES
from warehouse.commit import commit, open_committer
from warehouse.lake import Lake, reading
from warehouse.shards import CommitInfo, CommitKind, StagedCommit, stage
from warehouse.snapshots import Snapshot

N_FRAMES = 5


def tables(sources: Sequence[str], clips_each: int = 2, key: str = "k1", snr_db: float = 15.0) -> dict[str, pa.Table]:
    """The rows of ``sources``; clip ``j`` of source ``s`` is ``<s>-<j>``, and clip 0 of each is refused for noise."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for source in sources:
        rows["sources"].append(
            {
                "source_id": source,
                "path": f"/video/{source}.mp4",
                "sha256": f"{source}hash",
                "size_bytes": 10,
                "modified_ns": 7,
                "curation_key": key,
                "status": "curated" if clips_each > 1 else "refused",
                "reason": None if clips_each > 1 else "noisy",
                "duration_s": 60.0,
                "dataset": "made",
                "licence": "CC0-1.0",
            }
        )
        rows["verdicts"].append(verdict(source, source, "ingest", True))
        for j in range(clips_each):
            for name, row in clip_rows(f"{source}-{j}", source, keep=j > 0, snr_db=snr_db).items():
                rows[name].append(row)
            for gate, keep in (("snr_db", j > 0), ("duration_s", True), ("duration_s", True)):
                rows["verdicts"].append(verdict(f"{source}-{j}", source, gate, keep))
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in TABLES.items()}


def verdict(subject: str, source: str, gate: str, keep: bool) -> dict[str, Any]:
    return {
        "subject_id": subject,
        "source_id": source,
        "gate": gate,
        "keep": keep,
        "reason": None if keep else "noisy",
        "measured": 1.5,
        "threshold": 2.0,
        "stage_version": "judge@1",
        "detail": "",
    }


def clip_rows(clip_id: str, source: str, keep: bool, snr_db: float) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(list(clip_id.encode()))

    def frames(width: int) -> list[float]:
        return list(map(float, rng.normal(size=N_FRAMES * width).astype(np.float32)))

    names = (*ClipScores.names(), *VoiceCues.names(), *FaceCues.names())
    scores = dict.fromkeys(names, 1.0) | {"snr_db": snr_db, "duration_s": N_FRAMES / 25}
    return {
        "clips": {
            "clip_id": clip_id,
            "source_id": source,
            "keep": keep,
            "reason": None if keep else "noisy",
            "tier": "pretrain",
            "track_index": 0,
            "start_frame": 0,
            "n_frames": N_FRAMES,
            "image_width": 64,
            "image_height": 64,
            "speaker_id": f"made/{source}",
            "split": "train",
            "language": "en",
            "language_probability": 0.9,
            "transcript": "one two",
            **scores,
            "sync_model": "made@1",
            "emotion_probabilities": [1.0],
        },
        "motion": {
            "clip_id": clip_id,
            "n_frames": N_FRAMES,
            "head_model": "open-head@1",
            "shape": frames(20),
            "expression": frames(50),
            "global_rotation": frames(3),
            "jaw": frames(3),
            "eyes": frames(6),
            "eyelids": frames(2),
            "translation": frames(3),
            "focal": 500.0,
            "principal_x": 32.0,
            "principal_y": 31.5,
            "detail": None,
        },
        "speech": {
            "clip_id": clip_id,
            "n_frames": N_FRAMES,
            "envelope": frames(1),
            "f0_hz": frames(1),
            "voiced": [True] * N_FRAMES,
            "embedding": frames(4),
            "embedding_dim": 4,
            "embedding_model": "whisper-base:2",
            "words": ["one", "two"],
            "word_start_s": [0.0, 0.1],
            "word_end_s": [0.1, 0.2],
            "word_probability": [0.5, 0.75],
            "fingerprint": rng.integers(0, 2**32, 8, np.uint32).tolist(),
            **{name: frames(1) for name in ("loudness_db", "energy_db", "tilt_db", "onset_db")},
        },
    }


def info(lake: Lake, kind: CommitKind = CommitKind.CURATE) -> CommitInfo:
    return CommitInfo(kind, lake.latest(), "test", {"tier": "pretrain"})


def staged(lake: Lake, rows: dict[str, pa.Table], kind: CommitKind = CommitKind.CURATE) -> StagedCommit:
    return stage(rows, lake.layout.staging, info(lake, kind))


def curate(lake: Lake, sources: Sequence[str], **kwargs: Any) -> Snapshot:
    """Commit ``tables(sources, ...)`` as one snapshot."""
    snapshot = commit(lake, staged(lake, tables(sources, **kwargs)))
    assert snapshot is not None
    return snapshot


def curate_at(root: Path, sources: Sequence[str], **kwargs: Any) -> Snapshot:
    with open_committer(root) as lake:
        return curate(lake, sources, **kwargs)


def regated(lake: Lake, keep: bool) -> dict[str, pa.Table]:
    """A regate's rows: every clip of the lake decided ``keep``, by its ``snr_db`` gate."""
    clips = lake.con.execute(
        "SELECT * REPLACE (? AS keep, CASE WHEN ? THEN NULL ELSE 'noisy' END AS reason, 'strict' AS tier) "
        "FROM lake.clips",
        [keep, keep],
    ).to_arrow_table()
    verdicts = [
        verdict(clip, source, "snr_db", keep)
        for clip, source in zip(clips["clip_id"].to_pylist(), clips["source_id"].to_pylist())
    ]
    rows = {name: schema.empty_table() for name, schema in TABLES.items()}
    rows["clips"] = clips.cast(TABLES["clips"])
    rows["verdicts"] = pa.Table.from_pylist(verdicts, schema=TABLES["verdicts"])
    return rows


def regate(lake: Lake, keep: bool) -> Snapshot:
    snapshot = commit(lake, staged(lake, regated(lake, keep), CommitKind.REGATE))
    assert snapshot is not None
    return snapshot


def contents(lake: Lake, at: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in an order that does not depend on how they are stored."""
    version = "" if at is None else f"AT (VERSION => {at})"
    return {
        name: lake.con.execute(f"SELECT * FROM lake.{name} {version} ORDER BY ALL").to_arrow_table().to_pylist()
        for name in LAKE_TABLES
    }


def contents_at(root: Path) -> dict[str, list[dict[str, Any]]]:
    with reading(root) as lake:
        return contents(lake)
