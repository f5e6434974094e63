"""How fast is SQL over a million clips? ``python -m tests.bench.sql_million [--commits N] [--compact] [--keep DIR]``

Fills a warehouse with 1,000,000 synthetic candidates through the program's own commits, then asks it through
``warehouse.sql``, with every check that stands between a stranger's SQL and the lake. Time to connect is apart.
"""

import argparse
import hashlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.tables import TABLES
from schemas.verdict import Reason
from warehouse.commit import commit, open_committer
from warehouse.compact import compact
from warehouse.lake import CATALOGUE, Layout
from warehouse.shards import CommitInfo, CommitKind, stage
from warehouse.sql import session

N_CLIPS = 1_000_000
CLIPS_PER_SOURCE = 4
LIMIT_MS = 50.0
REPEATS = 40


def rows(start: int, count: int) -> dict[str, pa.Table]:
    """``count`` candidates from number ``start`` on and their sources; no motion and no speech, which SQL over
    scores does not open."""
    rng = np.random.default_rng(start)
    numbers = np.arange(start, start + count)
    sources = np.array([hashlib.sha256(b"s%d" % n).hexdigest()[:16] for n in np.unique(numbers // CLIPS_PER_SOURCE)])
    source_of = sources[numbers // CLIPS_PER_SOURCE - start // CLIPS_PER_SOURCE]
    keep = rng.random(count) < 0.8
    reasons = np.array([reason.value for reason in Reason])
    speakers = np.array([f"made/{k}" for k in range(5000)])
    clip_values: dict[str, object] = {
        "clip_id": [clip_id(n) for n in numbers.tolist()],
        "source_id": source_of,
        "keep": keep,
        "reason": pa.array(reasons[rng.integers(0, len(reasons), count)], mask=keep),
        "tier": np.full(count, "pretrain"),
        "speaker_id": speakers[rng.integers(0, len(speakers), count)],
        "split": np.array(["train", "val", "test"])[rng.integers(0, 3, count)],
        "language": np.array(["en", "de", "fr", "und"])[rng.integers(0, 4, count)],
        "transcript": [f"bin blue at f {n % 97} now, place red by {n}" for n in numbers.tolist()],
    }
    source_values = {
        "source_id": sources,
        "path": [f"/video/{name}.mp4" for name in sources],
        "sha256": [name * 4 for name in sources],
        "status": np.full(len(sources), "curated"),
        "licence": np.full(len(sources), "CC-BY-4.0"),
    }
    tables = {name: schema.empty_table() for name, schema in TABLES.items()}
    tables["clips"] = _table("clips", clip_values, count, rng)
    tables["sources"] = _table("sources", source_values, len(sources), rng)
    return tables


def clip_id(number: int) -> str:
    return hashlib.sha256(b"c%d" % number).hexdigest()[:20]


def _table(name: str, values: dict[str, object], count: int, rng: np.random.Generator) -> pa.Table:
    columns = []
    for field in TABLES[name]:
        if field.name in values:
            columns.append(pa.array(values[field.name], field.type))
        elif pa.types.is_floating(field.type):
            columns.append(pc.cast(pa.array(rng.normal(10, 4, count)), field.type))
        elif pa.types.is_integer(field.type):
            columns.append(pc.cast(pa.array(rng.integers(50, 750, count)), field.type))
        else:
            columns.append(pa.nulls(count, field.type))
    return pa.table(columns, schema=TABLES[name])


def fill(root: Path, commits: int, compacted: bool) -> None:
    with open_committer(root) as lake:
        for start in range(0, N_CLIPS, N_CLIPS // commits):
            info = CommitInfo(CommitKind.CURATE, lake.latest(), "bench")
            commit(lake, stage(rows(start, N_CLIPS // commits), lake.layout.staging, info))
        if compacted:
            compact(lake, "bench", at_least=2)


QUESTIONS: dict[str, Callable[[int], str]] = {
    "filter": lambda i: f"SELECT count(*) FROM clips WHERE keep AND yaw_deg < {8 + i % 5} AND snr_db > 12",
    "filter, top 20": lambda i: f"SELECT clip_id, recon_nme FROM kept WHERE face_px > {i % 9} ORDER BY 2 DESC LIMIT 20",
    "aggregate by reason": lambda _: "SELECT reason, count(*), avg(snr_db) FROM clips GROUP BY reason",
    "hours per speaker": lambda _: "SELECT speaker_id, sum(n_frames) / 90000 AS h FROM kept GROUP BY 1 ORDER BY 2 DESC",
    "one clip by id": lambda i: f"SELECT * FROM clips WHERE clip_id = '{clip_id(i * 7919 % N_CLIPS)}'",
    "one clip, its source": lambda i: f"FROM clip_sources WHERE clip_id = '{clip_id(i * 104729 % N_CLIPS)}'",
}
JUDGED = ("filter", "aggregate by reason", "one clip by id")


def measure(root: Path) -> bool:
    """Print the table; whether every judged question keeps to the limit."""
    start = time.perf_counter()
    with session(root) as opened:
        opened.query("SELECT 1")
        print(f"connect {1000 * (time.perf_counter() - start):.0f} ms\n")
        print(f"{'question':22}{'first':>8}{'p50':>8}{'p95':>8}{'max':>8}{'cpu':>8}   ms, {REPEATS} runs each")
        good = True
        for name, question in QUESTIONS.items():
            wall, cpu = [], []
            for i in range(REPEATS):
                wall_start, cpu_start = time.perf_counter(), time.process_time()
                result = opened.query(question(i))
                wall.append(1000 * (time.perf_counter() - wall_start))
                cpu.append(1000 * (time.process_time() - cpu_start))
                assert result.num_rows
            p95 = float(np.percentile(wall, 95))
            slow = name in JUDGED and p95 > LIMIT_MS
            good = good and not slow
            figures = (wall[0], float(np.median(wall)), p95, max(wall), float(np.median(cpu)))
            print(f"{name:22}" + "".join(f"{f:8.1f}" for f in figures) + ("   over the limit" if slow else ""))
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=10, help="in how many commits the clips come (default 10)")
    parser.add_argument("--compact", action="store_true", help="compact before measuring")
    parser.add_argument("--keep", type=Path, help="fill and use this folder, or use it if it is filled")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.keep or Path(folder) / "warehouse"
        if not (root / CATALOGUE).exists():
            start = time.process_time()
            fill(root, arguments.commits, arguments.compact)
            print(f"filled in {time.process_time() - start:.0f} s of CPU, {arguments.commits} commits")
        layout = Layout.of(root)
        sizes = [layout.shards.size_bytes(name) for name in layout.shard_files()]
        print(f"{N_CLIPS:,} clips, {len(sizes)} shards, {sum(sizes) / 1e6:.0f} MB")
        good = measure(root)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory {peak_mb:.0f} MB; load average {os.getloadavg()[0]:.1f}; limit {LIMIT_MS:.0f} ms at p95")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
