"""What a curation run did, as people read it and as JSON."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from flows.batches import BatchDone
from schemas.units import frames_to_seconds

SUSPICIOUS_FROM: Final = 20  # candidates past which a gate that keeps all or none is worth a look


@dataclass(slots=True)
class CurationReport:
    """Counts of one run, filled in as batches are committed."""

    offered: int = 0
    already_there: int = 0
    left_over: int = 0  # for the next run
    sources: Counter[str] = field(default_factory=Counter)  # by status
    source_reasons: Counter[str] = field(default_factory=Counter)
    clips_kept: int = 0
    clips_refused: int = 0
    clip_reasons: Counter[str] = field(default_factory=Counter)
    gates: dict[str, Counter[bool]] = field(default_factory=dict)  # gate -> keep -> candidates
    video_s: float = 0.0  # of what was committed
    curated_s: float = 0.0  # of that, what was curated in this run: the rest waited, curated, since a killed one
    kept_s: float = 0.0
    stage_cpu_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    peak_worker_mb: float = 0.0
    wall_s: float = 0.0
    snapshot_id: int | None = None

    def add_batch(self, batch: BatchDone) -> None:
        """Count what curating a batch took."""
        self.already_there += batch.already_there
        self.curated_s += batch.video_s
        self.peak_worker_mb = max(self.peak_worker_mb, batch.peak_worker_mb)
        for stage, cpu_s in batch.stage_cpu_s.items():
            self.stage_cpu_s[stage] += cpu_s

    def add_rows(self, tables: Mapping[str, pa.Table]) -> None:
        """Count the rows of one commit."""
        self.sources.update(tables["sources"]["status"].to_pylist())
        self.video_s += float(pc.sum(tables["sources"]["duration_s"]).as_py() or 0)
        self.source_reasons.update(r for r in tables["sources"]["reason"].to_pylist() if r)
        clips = tables["clips"]
        kept = clips.filter(clips["keep"])
        self.clips_kept += kept.num_rows
        self.clips_refused += clips.num_rows - kept.num_rows
        self.clip_reasons.update(r for r in clips["reason"].to_pylist() if r)
        self.kept_s += frames_to_seconds(int(pc.sum(kept["n_frames"]).as_py() or 0))
        clip_ids = pc.is_in(tables["verdicts"]["subject_id"], value_set=clips["clip_id"].combine_chunks())
        for row in tables["verdicts"].filter(clip_ids).select(["gate", "keep"]).to_pylist():
            self.gates.setdefault(row["gate"], Counter())[row["keep"]] += 1

    @property
    def speed(self) -> float:
        """Seconds of video curated a second of wall time."""
        return self.curated_s / self.wall_s if self.wall_s else 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Gates that decided nothing, or against everything: the threshold or the data may not be what was meant."""
        none = [g for g, n in self.gates.items() if n.total() > SUSPICIOUS_FROM and not n[True]]
        every = [g for g, n in self.gates.items() if n.total() > SUSPICIOUS_FROM and not n[False]]
        said = []
        if none:
            said.append(f"kept none of the candidates: {', '.join(none)}. Is the threshold meant for this material?")
        if every:
            said.append(f"kept every candidate: {', '.join(every)}")
        return tuple(said)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for ``--json``."""
        return {
            "offered": self.offered,
            "already_there": self.already_there,
            "left_over": self.left_over,
            "sources": dict(self.sources),
            "source_reasons": dict(self.source_reasons),
            "clips_kept": self.clips_kept,
            "clips_refused": self.clips_refused,
            "clip_reasons": dict(self.clip_reasons),
            "video_hours": self.video_s / 3600,
            "kept_hours": self.kept_s / 3600,
            "wall_s": self.wall_s,
            "speed_x_realtime": self.speed,
            "stage_cpu_s": dict(self.stage_cpu_s),
            "peak_worker_mb": self.peak_worker_mb,
            "snapshot_id": self.snapshot_id,
            "warnings": list(self.warnings),
        }

    def lines(self) -> Iterable[str]:
        """The summary at the end of a run."""
        new = self.offered - self.already_there - self.left_over
        later = f", {self.left_over} left for the next run" if self.left_over else ""
        yield f"offered   {self.offered} files: {self.already_there} already in the warehouse, {new} new{later}"
        if new:
            refused = f"{self.sources['refused']} refused{_by(self.source_reasons)}"
            yield f"files     {self.sources['curated']} curated, {refused}"
            yield f"clips     {self.clips_kept} kept, {self.clips_refused} refused{_by(self.clip_reasons)}"
            yield f"video     {_length(self.video_s)} in, {_length(self.kept_s)} kept"
            cost = f"{self.wall_s:.0f} s, worker peak {self.peak_worker_mb:.0f} MB"
            yield f"speed     {self.speed:.1f} x real time ({cost})"
        yield f"snapshot  {'unchanged' if self.snapshot_id is None else self.snapshot_id}"
        yield from (f"warning   {w}" for w in self.warnings)


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _by(reasons: Counter[str]) -> str:
    return f" ({', '.join(f'{n} {reason}' for reason, n in reasons.most_common())})" if reasons else ""
