"""Speed of the whole chain: ``python -m tests.bench.curate --data FOLDER``, what `make bench` runs.

Curates the folder into an empty warehouse and prints processor time by stage, the speed as a multiple of real time, a
worker's peak memory, and what a rerun costs. The named rival is the same chain with one worker and a fresh process
for every file, which is how a script over files would do it: ``--rival N`` times it on N files.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flows.offers import gather

DEFAULT_DATA = Path(__file__).parents[3] / "shared" / "data" / "talking"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of videos")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rival", type=int, default=4, metavar="N", help="files for the rival; 0 leaves it out")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data}: no such folder; give one with --data")
    with tempfile.TemporaryDirectory() as scratch:
        report = curate(options.data, Path(scratch) / "warehouse", options.workers)
        begun = time.perf_counter()
        rerun = curate(options.data, Path(scratch) / "warehouse", options.workers)
        rerun_s = time.perf_counter() - begun
        show(report)
        print(f"rerun                {rerun_s:8.1f} s, {rerun['already_there']} files there already")
        if options.rival:
            compare(options.data, Path(scratch), options.rival, report)


def curate(videos: Path, warehouse: Path, workers: int) -> dict[str, Any]:
    """One ``xtalker curate --json``, in a process of its own."""
    command = [sys.executable, "-m", "flows.cli", "curate", str(videos), "--json"]
    command += ["--warehouse", str(warehouse), "--workers", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def show(report: dict[str, Any]) -> None:
    """The table by stage."""
    video_s = report["video_hours"] * 3600
    total = sum(report["stage_cpu_s"].values())
    print(f"{'stage':14} {'cpu s':>8} {'ms/frame':>9} {'share':>7}")
    for stage, cpu_s in sorted(report["stage_cpu_s"].items(), key=lambda item: -item[1]):
        print(f"{stage:14} {cpu_s:8.1f} {1000 * cpu_s / (25 * video_s):9.2f} {cpu_s / total:7.1%}")
    print(f"{'all':14} {total:8.1f} {1000 * total / (25 * video_s):9.2f}")
    speed, wall_s = report["speed_x_realtime"], report["wall_s"]
    print(f"speed                {speed:8.2f} x real time, {video_s:.0f} s in {wall_s:.0f} s")
    print(f"worker peak memory   {report['peak_worker_mb']:8.0f} MB")
    print(f"kept                 {report['clips_kept']} of {report['clips_kept'] + report['clips_refused']} clips")


def compare(data: Path, scratch: Path, n_files: int, report: dict[str, Any]) -> None:
    """The rival on the first ``n_files``, in seconds of wall time a second of video, against ours."""
    video_s, begun = 0.0, time.perf_counter()
    for index, offer in enumerate(gather([str(data)])[:n_files]):
        video_s += 3600 * curate(offer.path, scratch / f"rival-{index}", 1)["video_hours"]
    rival_speed = video_s / (time.perf_counter() - begun)
    ratio = report["speed_x_realtime"] / rival_speed
    print(f"a process per file   {rival_speed:8.2f} x real time; ours is {ratio:.1f} x as fast")


if __name__ == "__main__":
    main()
