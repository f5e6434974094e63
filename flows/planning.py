"""What a curation run would do, before it does it: how many files, how long, how much comes out."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from flows.curation import Plan
from flows.history import past_runs
from flows.protocol import OfferedFile
from schemas.units import frames_to_seconds
from schemas.verdict import Reason
from tasks.media.declared import declared_duration_s
from warehouse.errors import NoWarehouse
from warehouse.lake import reading

# Measured on 312 clips of GRID, HDTF and weekly addresses: two workers, 2.96 x real time.
WORKER_S_PER_S: Final = 2 / 2.96
KEPT_SHARE: Final = 0.99
CLIP_S: Final = 3.1
ENOUGH_S: Final = 60.0  # of curated video, from which on a warehouse's own figures go before those


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect of a second of video, and where the figures are from."""

    worker_s_per_s: float
    speed_basis: str
    kept_share: float
    clip_s: float
    kept_basis: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A run to come. Seconds of what the files' headers declare; ``not_probed`` of them declare nothing, and are taken
    to last as long a byte as the others."""

    offered: int
    new: int
    already_there: int
    duplicates: int
    not_probed: int
    video_s: float
    curation_s: float
    kept_s: float
    clips: int
    workers: int
    estimate: Estimate

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> list[str]:
        """As people read it."""
        guess, video = self.estimate, f"video       {_minutes(self.video_s)}"
        if self.not_probed:
            video += f", of {self.not_probed} files guessed from their size: their headers do not say"
        said = [
            f"offered     {self.offered} files: {self.new} new, {self.already_there} already there, "
            f"{self.duplicates} duplicates"
        ]
        if not self.new:
            return [*said, "nothing to curate"]
        return [
            *said,
            video,
            f"curation    about {_minutes(self.curation_s)} with {self.workers} workers",
            f"kept        about {_minutes(self.kept_s)} in {self.clips} clips",
            f"speed from  {guess.speed_basis}",
            f"share from  {guess.kept_basis}",
        ]


def preview(todo: Plan, estimate: Estimate, workers: int) -> Preview:
    """What carrying out ``todo`` would take; reads the headers of its new files."""
    declared = {file.offer.path: declared_duration_s(file.offer.path) for file in todo.new}
    video_s = _total_s(todo.new, declared)
    at_work = max(1, min(workers, len(todo.new)))
    kept_s = video_s * estimate.kept_share
    return Preview(
        offered=len(todo.new) + len(todo.duplicates) + todo.already_there,
        new=len(todo.new),
        already_there=todo.already_there,
        duplicates=len(todo.duplicates),
        not_probed=sum(duration is None for duration in declared.values()),
        video_s=video_s,
        curation_s=video_s * estimate.worker_s_per_s / at_work,
        kept_s=kept_s,
        clips=math.ceil(kept_s / estimate.clip_s),
        workers=at_work,
        estimate=estimate,
    )


def estimate_for(warehouse: Path) -> Estimate:
    """From the runs and the clips of ``warehouse``; as far as it has too few, from those of others."""
    runs = past_runs(warehouse)
    curated_s = sum(run.curated_s for run in runs)
    speed, speed_basis = WORKER_S_PER_S, "312 talking-head clips on another machine: this one may differ"
    if curated_s >= ENOUGH_S:
        speed = sum(run.worker_s for run in runs) / curated_s
        speed_basis = (
            f"the last {len(runs)} runs here: {_minutes(curated_s)} of video, {1 / speed:.2f} x real time a worker"
        )
    kept = _kept(warehouse)
    if kept is None:
        return Estimate(
            speed, speed_basis, KEPT_SHARE, CLIP_S, "312 ready-cut clips, 99 % kept: raw footage keeps less"
        )
    share, clip_s, source_s = kept
    return Estimate(
        speed, speed_basis, share, clip_s, f"{_minutes(source_s)} of video here, of which {share:.0%} was kept"
    )


def _kept(warehouse: Path) -> tuple[float, float, float] | None:
    """Share of the sources' seconds that was kept, mean seconds of a kept clip, seconds of the sources."""
    try:
        with reading(warehouse) as lake:
            ((source_s,),) = lake.con.execute(
                "SELECT coalesce(sum(duration_s), 0) FROM lake.sources WHERE reason IS DISTINCT FROM ?",
                [Reason.DUPLICATE.value],
            ).fetchall()
            ((clips, frames),) = lake.con.execute(
                "SELECT count(*), coalesce(sum(n_frames), 0) FROM lake.clips WHERE keep"
            ).fetchall()
    except NoWarehouse:
        return None
    kept_s = frames_to_seconds(int(frames))
    return (kept_s / source_s, kept_s / clips if clips else CLIP_S, source_s) if source_s >= ENOUGH_S else None


def _total_s(files: Sequence[OfferedFile], declared: dict[Path, float | None]) -> float:
    """Seconds of all files; those that declare none have as many a byte as the others have together."""
    known = [(file.size_bytes, seconds) for file in files if (seconds := declared[file.offer.path]) is not None]
    known_bytes, known_s = sum(size for size, _ in known), sum(seconds for _, seconds in known)
    other_bytes = sum(file.size_bytes for file in files) - known_bytes
    return known_s + (other_bytes * known_s / known_bytes if known_bytes else 0.0)


def _minutes(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.1f} min"
