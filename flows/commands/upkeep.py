"""``xtalker verify``, ``rebuild`` and ``recipe``."""

import json
from dataclasses import asdict
from pathlib import Path

import yaml

from flows.recipe import load_recipe
from flows.settings import Settings
from warehouse.rebuild import rebuild
from warehouse.verify import verify


def run_verify(warehouse: Path | None, as_json: bool) -> int:
    report = verify(Settings.load(warehouse).warehouse)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print(f"{report.shards} shards of {report.commits} commits, {report.bytes / 1e6:.1f} MB hashed")
        for problem in report.problems:
            print(f"{problem.kind}: {problem.what}: {problem.detail}")
        print("all as it was committed" if report.ok else f"{len(report.problems)} problems")
    return 0 if report.ok else 1


def run_rebuild(warehouse: Path | None) -> int:
    report = rebuild(Settings.load(warehouse).warehouse)
    for name, value in asdict(report).items():
        print(f"{name:10} {value}")
    return 0


def run_recipe(path: Path | None) -> int:
    print(yaml.safe_dump(load_recipe(path).model_dump(mode="json"), sort_keys=False), end="")
    return 0
