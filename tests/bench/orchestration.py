"""What Prefect costs: ``python -m tests.bench.orchestration``, what `make bench-flow` runs.

Curates the same files into empty warehouses with `xtalker curate` and with the curate flow, in turns, against a server
of its own whose start is not counted. Wall time of the run itself, wall time of the whole process, processor time of
the process with its children, and that of the server beside them; the table comes last.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from flows.offers import gather
from tests.prefect.server import Server

DEFAULT_DATA = Path(__file__).parents[3] / "shared" / "data" / "talking"
ALLOWED = 0.05
FLOW = """
import json, sys
from flows.curate import CurateParams, curate
if __name__ == "__main__":
    params = CurateParams(videos=[sys.argv[1]], warehouse=sys.argv[2], workers=int(sys.argv[3]), runner=sys.argv[4])
    print(json.dumps(curate(params)))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, in seconds."""

    run: float  # from plan to last commit
    whole: float  # with the process's start, its imports and what it leaves in the UI
    cpu: float  # of the process and all its children
    server_cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of videos")
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runner", default="threads", help="threads, dask or ray")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data}: no such folder; give one with --data")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        videos = scratch / "videos"
        videos.mkdir()
        for offer in gather([str(options.data)])[: options.files]:
            shutil.copy2(offer.path, videos)
        (scratch / "prefect").mkdir()
        server = Server(scratch / "prefect")
        try:
            server.wait(300)
            costs: dict[str, list[Cost]] = {"bare": [], "flow": []}
            for pair in range(options.pairs):
                for kind in ("bare", "flow") if pair % 2 else ("flow", "bare"):
                    command = command_of(kind, videos, scratch / f"{kind}-{pair}", options.workers, options.runner)
                    costs[kind].append(measured(server, command))
                    print(f"pair {pair + 1}, {kind}: {costs[kind][-1]}", file=sys.stderr)
        finally:
            server.stop()
    show(costs["bare"], costs["flow"])


def command_of(kind: str, videos: Path, warehouse: Path, workers: int, runner: str) -> Sequence[str]:
    if kind == "flow":
        return ["-c", FLOW, str(videos), str(warehouse), str(workers), runner]
    return ["-m", "flows.cli", "curate", str(videos), "--json", "-w", str(warehouse), "--workers", str(workers)]


def measured(server: Server, command: Sequence[str]) -> Cost:
    """One run in a process of its own, which prints its report as JSON last."""
    before, server_before = resource.getrusage(resource.RUSAGE_CHILDREN), cpu_of(server.process.pid)
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], check=True, env=server.environment, stdout=subprocess.PIPE, text=True
    )
    whole = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(report["wall_s"], whole, cpu, cpu_of(server.process.pid) - server_before)


def cpu_of(pid: int) -> float:
    """Processor seconds of a process so far, by procfs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(bare: Sequence[Cost], flow: Sequence[Cost]) -> None:
    """The means side by side, and the share that orchestration adds."""
    rows = {
        "the run, wall": ([c.run for c in bare], [c.run for c in flow]),
        "whole process, wall": ([c.whole for c in bare], [c.whole for c in flow]),
        "processor": ([c.cpu for c in bare], [c.cpu for c in flow]),
        "server, processor": ([0.0 for _ in bare], [c.server_cpu for c in flow]),
    }
    print(f"{'seconds, mean of ' + str(len(bare)):22} {'bare':>8} {'flow':>8} {'more':>8} {'share':>7}")
    for name, (without, with_prefect) in rows.items():
        a, b = mean(without), mean(with_prefect)
        share = f"{(b - a) / a:7.1%}" if a else ""
        print(f"{name:22} {a:8.1f} {b:8.1f} {b - a:8.1f} {share}")
    overhead = mean(c.run for c in flow) / mean(c.run for c in bare) - 1
    print(f"overhead of a run      {overhead:8.1%} (allowed: {ALLOWED:.0%})")


if __name__ == "__main__":
    main()
